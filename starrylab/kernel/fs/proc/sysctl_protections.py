"""/proc/sys/fs/protected_*: tricks with names that are refused (proc_sys_fs(5))."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ._declare import proc
from ._numbers import setting

if TYPE_CHECKING:
    from ...kernel import Kernel
    from ...thread import Thread

_Writer = Callable[["Kernel", "Thread | None", bytes], None]


def _writer(which: str, most: int) -> _Writer:
    def write(kernel: Kernel, thread: Thread | None, data: bytes) -> None:
        setattr(kernel.protections, which, setting(thread, data, 0, most))

    return write


@proc("sys/fs/protected_symlinks", mode=0o644, write=_writer("symlinks", 1))
def protected_symlinks(kernel: Kernel) -> str:
    """Show whether others' links in sticky directories are not followed."""
    return f"{kernel.protections.symlinks}\n"


@proc("sys/fs/protected_hardlinks", mode=0o644, write=_writer("hardlinks", 1))
def protected_hardlinks(kernel: Kernel) -> str:
    """Show whether only those may make hard links who may write the file."""
    return f"{kernel.protections.hardlinks}\n"


@proc("sys/fs/protected_fifos", mode=0o644, write=_writer("fifos", 2))
def protected_fifos(kernel: Kernel) -> str:
    """Show in which sticky directories O_CREAT does not open others' FIFOs."""
    return f"{kernel.protections.fifos}\n"


@proc("sys/fs/protected_regular", mode=0o644, write=_writer("regular", 2))
def protected_regular(kernel: Kernel) -> str:
    """Show in which sticky directories O_CREAT does not open others' regular files."""
    return f"{kernel.protections.regular}\n"
