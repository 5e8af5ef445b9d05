"""The host's kernel, asked by a process of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kernel.vfs.mount.mount_pair import Native


@pytest.fixture(scope="module")
def native(tmp_path_factory) -> Iterator[Native]:
    server = Native(tmp_path_factory.mktemp("root"))
    yield server
    server.close()
