"""pipe2(2)."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final

from ...abi.errno import EFAULT, EINVAL
from ...abi.fcntl import O_CLOEXEC, O_DIRECT, O_NONBLOCK
from ..files.pipe import make_pipe
from ._declare import syscall
from ._types import Int, Ptr

if TYPE_CHECKING:
    from ..thread import Thread

_KNOWN: Final = O_CLOEXEC | O_NONBLOCK | O_DIRECT
_PAIR: Final = Struct("<ii")


@syscall()
def pipe2(t: Thread, fds: Ptr, flags: Int) -> None:
    """pipe2(2)."""
    if flags & ~_KNOWN:
        raise EINVAL
    kernel = t.kernel
    status = flags & (O_NONBLOCK | O_DIRECT)
    reader, writer = make_pipe(status, ino=next(kernel.anon_inodes), heap=kernel.heap)
    cloexec = bool(flags & O_CLOEXEC)
    first = t.install(reader, cloexec=cloexec)
    try:
        second = t.install(writer, cloexec=cloexec)
    except BaseException:
        t.fds.close(first)
        raise
    try:
        t.mm.write(fds, _PAIR.pack(first, second))
    except EFAULT:
        t.fds.close(first)
        t.fds.close(second)
        raise
