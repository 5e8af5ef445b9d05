"""Linux 6.18: its record, and the host's own kernel where that is at least as new and permits."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.kernel.vfs.mount.mount_pair import Linux, Native


def _can_tell() -> bool:
    """Tell whether the host is a Linux like the recorded one that lets us mount."""
    found = re.match(r"(\d+)\.(\d+)", os.uname().release)
    if os.geteuid() or found is None or (int(found[1]), int(found[2])) < (6, 18):
        return False
    done = subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


@pytest.fixture(scope="module")
def native(tmp_path_factory) -> Iterator[Native | None]:
    server = Native(tmp_path_factory.mktemp("root")) if _can_tell() else None
    yield server
    if server is not None:
        server.close()


@pytest.fixture(scope="module")
def linux(native: Native | None) -> Iterator[Linux]:
    made = Linux(native)
    yield made
    made.close()
