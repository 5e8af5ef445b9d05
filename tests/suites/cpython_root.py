"""The root file system with CPython and its tests: made once, and kept with other roots.

A named root of `starrylab rootfs`; the list of packages is here.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from starrylab.base.folders import cache_folder
from starrylab.rootfs.store import root_path

SUITE: Final = "trixie"
PACKAGES: Final = ("python3", "libpython3.13-testsuite", "tzdata")


class Unavailable(Exception):
    """The root cannot be made here; the message says why."""


def name() -> str:
    """Return the root's name: another one for other packages."""
    return f"cpython-{hashlib.sha256(' '.join((SUITE, *PACKAGES)).encode()).hexdigest()[:8]}"


def archive() -> Path:
    """Return the root's TAR file, made at the first use; raise Unavailable."""
    path = root_path(name())
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            _make()
    return path


def _make() -> None:
    packages = ["--debian", SUITE, "--include", ",".join(PACKAGES)]
    command = [sys.executable, "-m", "starrylab", "rootfs", "create", name(), *packages]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        raise Unavailable(lines[-1] if lines else f"rootfs create ended with {done.returncode}")


def tree() -> Path:
    """Return a folder with the root's files, for the oracle; raise Unavailable."""
    tar = archive()
    folder = cache_folder() / "debian" / name()
    if not folder.exists():
        scratch = folder.with_suffix(".new")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        subprocess.run(["tar", "-C", scratch, "-xf", tar], check=True)
        scratch.rename(folder)
    return folder
