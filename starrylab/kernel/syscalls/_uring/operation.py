"""How an operation of io_uring is declared, and what several of them need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from ....abi.errno import EBADF, EINVAL, ENFILE, ENOBUFS, ENXIO, LinuxError
from ....abi.uring import (
    IORING_CQE_BUFFER_SHIFT,
    IORING_CQE_F_BUF_MORE,
    IORING_CQE_F_BUFFER,
    IORING_FILE_INDEX_ALLOC,
    IOSQE_BUFFER_SELECT,
    IOSQE_FIXED_FILE,
)
from ...uring.buffers import Buffer, RingGroup
from ...uring.request import Request, Result
from .._ancillary import as_socket

if TYPE_CHECKING:
    from ...files.fdtable import FdTable
    from ...files.file import File
    from ...net.unix.socket import UnixSocket
    from ...thread import Thread
    from ...uring.ring import Ring


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation."""

    name: str  #: without IORING_OP_
    issue: Callable[[Request], Result]
    prepare: Callable[[Request], None] | None = None  #: checks, and reads what must not change
    file: bool = False  #: its descriptor is a file, which may be registered
    events: int = 0  #: what it waits for when the file is not ready
    priority: bool = False  #: the entry's priority field has a meaning
    selects: bool = False  #: may take provided buffers
    iopoll: bool = False  #: may be submitted to a ring with IORING_SETUP_IOPOLL


def thread_of(request: Request) -> Thread:
    """Return the request as the thread that the code of system calls wants."""
    return cast("Thread", request)


def file_of(request: Request) -> File:
    """Return the file of an operation that has one."""
    file = request.opened
    assert file is not None
    return file


def socket_of(request: Request) -> UnixSocket:
    """Return the socket of an operation; ``ENOTSOCK``."""
    return as_socket(file_of(request))


def one_by_one(count: int, act: Callable[[int], object]) -> int:
    """Call ``act`` with 0, 1 ... below ``count``; return how often.

    An error of the first call is raised, one of a later call ends it.
    """
    for done in range(count):
        try:
            act(done)
        except LinuxError:
            if not done:
                raise
            return done
    return count


def no(*fields: int) -> None:
    """Raise ``EINVAL`` for a field that has no meaning and is not 0."""
    if any(fields):
        raise EINVAL


def plain_fd(request: Request) -> None:
    """Raise ``EBADF`` for a registered file where only a descriptor will do."""
    if request.flags & IOSQE_FIXED_FILE:
        raise EBADF


def signed(value: int) -> int:
    """Return a 64-bit field as a signed number."""
    return value - (1 << 64) if value >> 63 else value


# -- direct descriptors ------------------------------------------------------------------------


class _Direct:
    """Descriptors, but a new one becomes a slot of the ring's registered files."""

    __slots__ = ("_fds", "_index", "_newest", "_ring")

    def __init__(self, fds: FdTable, ring: Ring, index: int | None) -> None:
        self._fds = fds
        self._ring = ring
        self._index = index
        self._newest: File | None = None

    def __getitem__(self, fd: int) -> File:
        return self._fds[fd]

    def __len__(self) -> int:
        return 0

    def get(self, fd: int) -> File | None:
        """Return what was just installed, for those who are told of what is opened."""
        return self._newest

    def full(self, limit: int) -> bool:
        """See `FdTable.full`; slots are looked at when the file is there."""
        return False

    def install(self, file: File, limit: int, *, cloexec: bool = False, lowest: int = 0) -> int:
        """See `FdTable.install`; the result is the slot if the ring chose it, else 0."""
        if self._ring.files is None:
            file.acquire()
            file.release()
            raise ENFILE if self._index is None else ENXIO
        try:
            slot = self._ring.files.install(file, self._index)
        except BaseException:
            file.acquire()
            file.release()
            raise
        self._newest = file
        return slot if self._index is None else 0


def goes_direct(request: Request, *, cloexec: bool) -> None:
    """Let the new file of a request go to the slot that its entry names, if it names one."""
    wanted = request.file_index
    if not wanted:
        return
    if cloexec:
        raise EINVAL
    index = None if wanted == IORING_FILE_INDEX_ALLOC else wanted - 1
    request.fds = cast("FdTable", _Direct(request.fds, request.ring, index))


# -- provided buffers --------------------------------------------------------------------------

_MOST: Final = 256  #: buffers of one bundle


def choose(request: Request, wanted: int, *, bundle: bool = False) -> list[tuple[int, int]]:
    """Choose provided buffers with ``wanted`` bytes (0: what they have); ``ENOBUFS``.

    Nothing is taken until `took`, so a transfer that has to wait leaves them to others.
    """
    group = request.ring.groups.get(request.buf_index)
    if group is None:
        raise ENOBUFS
    most = _MOST if bundle and isinstance(group, RingGroup) else 1
    request.buffers = group.peek(wanted, most)
    return [(buffer.addr, buffer.size) for buffer in request.buffers]


def selects(request: Request) -> bool:
    """Tell whether the request takes provided buffers."""
    return bool(request.flags & IOSQE_BUFFER_SELECT)


def took(request: Request, done: int) -> int:
    """Take the chosen buffers, of which ``done`` bytes were used; return the completion's flags."""
    buffers, request.buffers = request.buffers, []
    group = request.ring.groups.get(request.buf_index)
    if group is None or not buffers:
        return 0
    first = buffers[0].bid
    goes_on = group.commit(_used(buffers, done), done)
    flags = IORING_CQE_F_BUFFER | first << IORING_CQE_BUFFER_SHIFT
    return flags | (IORING_CQE_F_BUF_MORE if goes_on else 0)


def _used(buffers: list[Buffer], done: int) -> list[Buffer]:
    """Return the buffers that ``done`` bytes lie in: one at least."""
    used: list[Buffer] = []
    for buffer in buffers:
        used.append(buffer)
        done -= buffer.size
        if done <= 0:
            break
    return used
