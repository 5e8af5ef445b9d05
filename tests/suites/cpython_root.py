"""The root file system with CPython and its tests: made once, and kept with other roots.

It is made as `starrylab rootfs create` makes one, but for one thing: the package with the tests
would compile all of CPython's tests when it is configured, which takes minutes in a lab; here it
compiles those that are run.
"""

from __future__ import annotations

import fcntl
import hashlib
from pathlib import Path
from typing import Final

from starrylab.base.folders import cache_folder
from starrylab.rootfs import RootfsError
from starrylab.rootfs.configure import configure
from starrylab.rootfs.debian.build import Recipe, build_tree, host_mirror
from starrylab.rootfs.store import root_path, write_tree
from tests.oracle import debian

SUITE: Final = "trixie"
PACKAGES: Final = ("python3", "libpython3.13-testsuite", "tzdata")
BASE: Final = ("dash", "coreutils", "libc-bin", "ncurses-base", "procps")  #: without being asked
MODULES: Final = (
    *("test_os", "test_posix", "test_subprocess", "test_signal", "test_threading", "test_select"),
    *("test_selectors", "test_poll", "test_epoll", "test_mmap", "test_fcntl", "test_pty"),
    *("test_tty", "test_shutil", "test_tempfile", "test_pathlib", "test_io", "test_file"),
    *("test_fork1", "test_wait3", "test_wait4", "test_multiprocessing_fork", "test_asyncio"),
    *("test_resource", "test_time", "test_stat", "test_eintr", "test_posixpath", "test_zipfile"),
    "test_sqlite3",
)
_TESTS: Final = "/usr/lib/python3.13/test"
_SCRIPT: Final = "var/lib/dpkg/info/libpython3.13-testsuite.postinst"
_COMPILE: Final = f"""#!/bin/sh
set -e
cd {_TESTS}
files=$(ls -d [!t]*.py)
for module in support libregrtest {" ".join(MODULES)}; do
    [ -d $module ] && files="$files $(find $module -name '*.py' ! -name 'bad*')" \
|| files="$files $module.py"
done
exec python3.13 -E -S -W ignore ../py_compile.py $(printf '{_TESTS}/%s ' $files)
"""


class Unavailable(Exception):
    """The root cannot be made here; the message says why."""


def name() -> str:
    """Return the root's name: another one for other packages."""
    key = " ".join((SUITE, *PACKAGES, _COMPILE))
    return f"cpython-{hashlib.sha256(key.encode()).hexdigest()[:8]}"


def archive() -> Path:
    """Return the root's TAR file, made at the first use; raise Unavailable."""
    path = root_path(name())
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            try:
                _make(path)
            except RootfsError as error:
                raise Unavailable(str(error)) from None
    return path


def _make(path: Path) -> None:
    recipe = Recipe(SUITE, host_mirror(), include=PACKAGES)
    tree, _ = build_tree(recipe, cache_folder() / "debian-archive", _quiet, _quiet)
    assert tree.get(_SCRIPT) is not None
    tree.file(_SCRIPT, _COMPILE, 0o755)
    unpacked = path.with_suffix(".unpacked")
    try:
        write_tree(tree, unpacked)
        configure(unpacked, path, recipe.arch, _quiet)
    finally:
        unpacked.unlink(missing_ok=True)


def _quiet(*_told: object) -> None:
    """Take what a person would be told."""


def tree() -> Path:
    """Return a folder with the same packages, unpacked only: fast to make; raise Unavailable.

    It serves the oracle, and the short selection: nothing in it is compiled.
    """
    try:
        return debian.tree("cpython", (*PACKAGES, *BASE), suite=SUITE)
    except debian.Unavailable as error:
        raise Unavailable(str(error)) from None
