"""The root file system with CPython and its tests, for labs and for the oracle.

A folder in the cache, of Debian's packages like the other oracles': unpacked, not configured.
"""

from __future__ import annotations

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
LIBRARY: Final = "usr/lib/python3.13"


class Unavailable(Exception):
    """The root cannot be made here; the message says why."""


def tree() -> Path:
    """Return the folder, made at the first use; raise Unavailable."""
    try:
        return debian.tree("cpython", PACKAGES, suite=SUITE)
    except debian.Unavailable as error:
        raise Unavailable(str(error)) from None
