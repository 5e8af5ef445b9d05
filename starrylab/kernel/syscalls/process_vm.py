"""Other processes: their memory (process_vm_readv(2)), and what they share (kcmp(2))."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from struct import Struct
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ...abi.errno import EFAULT, EINVAL, ENOENT, EPERM, ESRCH
from ...machine.api import PAGE_MASK, PAGE_SIZE
from ..files.epoll import Epoll
from ..mm.poke import peek
from ..task.ptrace import may_trace
from ._declare import syscall
from ._shown import InVector
from ._targets import thread_of
from ._types import Int, Size, ULong

if TYPE_CHECKING:
    from ..files.file import File
    from ..mm.space import AddressSpace
    from ..task.process import Process
    from ..thread import Thread

_VECTORS: Final = 1024  #: UIO_MAXIOV


def _inspected(t: Thread, tid: int) -> Thread:
    """Return a thread that the caller may look into by its real ids; ``ESRCH``, ``EPERM``."""
    thread = thread_of(t, tid) if tid else None
    if thread is None or thread.exited:
        raise ESRCH
    if not may_trace(t, thread):
        raise EPERM
    return thread


# -- memory ------------------------------------------------------------------------------------


@syscall()
def process_vm_readv(
    t: Thread,
    pid: Int,
    local: InVector,
    local_count: Size,
    remote: InVector,
    remote_count: Size,
    flags: ULong,
) -> int:
    """process_vm_readv(2)."""
    mine, theirs, size = _vectors(t, local, local_count, remote, remote_count, flags)
    if not size:
        return 0
    other = _inspected(t, pid).mm
    return _scatter(t.mm, mine, _gather(partial(peek, other), theirs, size))


def _gather(read: Callable[[int, int], bytes], pieces: list[tuple[int, int]], size: int) -> bytes:
    """Return the first ``size`` bytes of the pieces, or those before what cannot be read."""
    data = bytearray()
    for addr, length in _pages(pieces):
        try:
            data += read(addr, min(length, size - len(data)))
        except EFAULT:
            break
        if len(data) >= size:
            break
    return bytes(data)


def _scatter(
    mm: AddressSpace, pieces: list[tuple[int, int]], data: bytes, *, foreign: bool = False
) -> int:
    done = 0
    for addr, length in _pages(pieces):
        part = data[done : done + length]
        if not part:
            break
        try:
            if foreign:
                peek(mm, addr, len(part))
            mm.write(addr, part)
        except EFAULT:
            break
        done += len(part)
    if not done:
        raise EFAULT
    return done


@syscall()
def process_vm_writev(
    t: Thread,
    pid: Int,
    local: InVector,
    local_count: Size,
    remote: InVector,
    remote_count: Size,
    flags: ULong,
) -> int:
    """process_vm_writev(2)."""
    mine, theirs, size = _vectors(t, local, local_count, remote, remote_count, flags)
    if not size:
        return 0
    other = _inspected(t, pid).mm
    return _scatter(other, theirs, _gather(t.mm.read, mine, size), foreign=True)


def _vectors(
    t: Thread, local: int, local_count: int, remote: int, remote_count: int, flags: int
) -> tuple[list[tuple[int, int]], list[tuple[int, int]], int]:
    """Return both lists of pieces, and how many bytes they have in common."""
    if flags:
        raise EINVAL
    mine = t.mm.read_vector(local, local_count)
    if remote_count > _VECTORS:
        raise EINVAL
    theirs = t.mm.read_vector(remote, remote_count)
    size = min(sum(length for _, length in mine), sum(length for _, length in theirs))
    return mine, theirs, size


def _pages(pieces: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the pieces cut at pages: what is transferred ends at the first that is missing."""
    cut = []
    for addr, length in pieces:
        while length:
            size = min(length, PAGE_SIZE - (addr & PAGE_MASK))
            cut.append((addr, size))
            addr += size
            length -= size
    return cut


# -- comparing ---------------------------------------------------------------------------------

#: <linux/kcmp.h>
KCMP_FILE: Final = 0
KCMP_VM: Final = 1
KCMP_FILES: Final = 2
KCMP_FS: Final = 3
KCMP_SIGHAND: Final = 4
KCMP_IO: Final = 5
KCMP_SYSVSEM: Final = 6
KCMP_EPOLL_TFD: Final = 7
_EPOLL_SLOT: Final = Struct("<III")  #: descriptor of an epoll instance, what it watches, which

_Shared = Callable[["Thread", int], object]
_KINDS: Final[Mapping[int, _Shared]] = MappingProxyType(
    {
        KCMP_FILE: lambda thread, fd: thread.fds[fd],
        KCMP_VM: lambda thread, _: thread.mm,
        KCMP_FILES: lambda thread, _: thread.fds,
        KCMP_FS: lambda thread, _: thread.fs,
        KCMP_SIGHAND: lambda thread, _: thread.signals.process.actions,
        # What a thread has not is nothing, and nothing is the same as nothing.
        KCMP_IO: lambda thread, _: thread if thread in thread.kernel.io_priorities else None,
        KCMP_SYSVSEM: lambda thread, _: _undo_list(thread),
    }
)


def _undo_list(thread: Thread) -> Process | None:
    pid = thread.process.pid
    semaphores = thread.namespaces.ipc.semaphores
    return thread.process if any(pid in group.undo for group in semaphores) else None


def _watched(t: Thread, thread: Thread, slot: int) -> File:
    """Return what an epoll instance of ``thread`` watches (KCMP_EPOLL_TFD); raise ``ENOENT``."""
    number, watched, which = map(int, _EPOLL_SLOT.unpack(t.mm.read(slot, _EPOLL_SLOT.size)))
    epoll = thread.fds[number]
    if not isinstance(epoll, Epoll):
        raise EINVAL
    found: list[File] = [
        item.file for item in epoll.items() if item.fd == watched and item.file is not None
    ]
    if which >= len(found):
        raise ENOENT
    return found[which]


@syscall()
def kcmp(t: Thread, first: Int, second: Int, kind: Int, index1: ULong, index2: ULong) -> int:
    """kcmp(2): 0 if two processes share something, else which one goes first in some order."""
    one, two = _inspected(t, first), _inspected(t, second)
    if kind == KCMP_EPOLL_TFD:
        a: object = one.fds[index1 & 0xFFFFFFFF]
        b: object = _watched(t, two, index2)
    else:
        what = _KINDS.get(kind)
        if what is None:
            raise EINVAL
        a, b = what(one, index1), what(two, index2)
    if a is b:
        return 0
    return 1 if id(a) < id(b) else 2
