"""The root file system with CPython and its tests, for labs and for the oracle.

A folder in the cache, of Debian's packages like the other oracles': unpacked, not configured.
For the whole suite what it imports is compiled once, in a lab; for a few modules it need not be.
"""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.oracle import debian

SUITE: Final = "trixie"
PACKAGES: Final = (
    *("python3", "libpython3.13-testsuite", "tzdata", "zip", "unzip"),
    *("dash", "coreutils", "libc-bin", "ncurses-base", "procps"),
)
MODULES: Final = (
    *("test_os", "test_posix", "test_subprocess", "test_signal", "test_threading", "test_select"),
    *("test_selectors", "test_poll", "test_epoll", "test_mmap", "test_fcntl", "test_pty"),
    *("test_tty", "test_shutil", "test_tempfile", "test_pathlib", "test_io", "test_file"),
    *("test_fork1", "test_wait3", "test_wait4", "test_multiprocessing_fork", "test_asyncio"),
    *("test_resource", "test_time", "test_stat", "test_eintr", "test_posixpath", "test_zipfile"),
    "test_sqlite3",
)
_LIBRARY: Final = "usr/lib/python3.13"
_STAMP: Final = f"{_LIBRARY}/.compiled"
_COMPILE: Final = f"""
cd /{_LIBRARY}
python3 -m compileall -q -x '/(test|idlelib|lib2to3|tkinter|turtledemo|ensurepip)/' .
cd test
for module in support libregrtest {" ".join(MODULES)}; do
    [ -d $module ] && set -- "$@" $module || set -- "$@" $module.py
done
python3 -m compileall -q "$@" [!t]*.py
touch /{_STAMP}
"""


class Unavailable(Exception):
    """The root cannot be made here; the message says why."""


def tree() -> Path:
    """Return the folder, made at the first use; raise Unavailable."""
    try:
        return debian.tree("cpython", PACKAGES, suite=SUITE)
    except debian.Unavailable as error:
        raise Unavailable(str(error)) from None


def compiled_tree() -> Path:
    """Return the folder with what the tests import compiled; raise Unavailable."""
    root = tree()
    library = root / _LIBRARY
    with root.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / _STAMP).exists():
            run = [sys.executable, "-m", "starrylab", "run", "--memory", "1G"]
            places = ["--rootfs", str(root), "--bind", f"{library}:/{_LIBRARY}:rw"]
            subprocess.run([*run, *places, "--", "/bin/sh", "-c", _COMPILE], check=False)
    if not (root / _STAMP).exists():
        raise Unavailable("the tests could not be compiled in a lab; what it wrote is above")
    return root
