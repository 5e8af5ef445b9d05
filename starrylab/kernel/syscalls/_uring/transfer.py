"""Reading and writing: IORING_OP_READ, WRITE, READV, WRITEV, READ_FIXED, WRITE_FIXED.

Like a read of Linux's io_uring one never waits inside: it takes what is there, or the
request waits for the file and tries again.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from ....abi.capability import CAP_SYS_NICE
from ....abi.errno import (
    EAGAIN,
    EBADF,
    EBADFD,
    EFAULT,
    EINVAL,
    EOPNOTSUPP,
    EPERM,
    EPIPE,
    ESPIPE,
    LinuxError,
)
from ....abi.fcntl import (
    O_APPEND,
    O_NONBLOCK,
    RWF_APPEND,
    RWF_DSYNC,
    RWF_NOWAIT,
    RWF_SUPPORTED,
    RWF_SYNC,
)
from ....abi.inotify import IN_ACCESS, IN_MODIFY
from ....abi.poll import POLLIN, POLLOUT
from ....abi.uring import IORING_SETUP_IOPOLL, IOSQE_BUFFER_SELECT
from ...files.eventfd import EventFd
from ...files.file import File
from ...files.pipe import PipeEnd
from ...files.regular import RegularFile
from ...files.timerfd import TimerFd
from ...net.unix.socket import UnixSocket
from ...uring.request import Request, Result
from ...vfs.notify import tell_file
from .._asking import asked_read
from ..io import MAX_RW_COUNT, within_limit
from .operation import Operation, choose, file_of, selects, signed, thread_of, took

if TYPE_CHECKING:
    Pieces = list[tuple[int, int]]

_REALTIME, _IDLE = 1, 3  # IOPRIO_CLASS_RT, IOPRIO_CLASS_IDLE
#: Files on which O_NONBLOCK does not keep a request from waiting (FMODE_NOWAIT).
_WAITS: Final = (PipeEnd, UnixSocket, EventFd, TimerFd)


def _check_priority(request: Request) -> None:
    """Raise ``EINVAL`` or ``EPERM`` as ioprio_set(2) does; the priority itself changes nothing."""
    kind, level = request.ioprio >> 13, request.ioprio & 0x1FFF
    if kind > _IDLE or (kind == 0 and level):
        raise EINVAL
    if kind == _REALTIME and not request.cred.capable(CAP_SYS_NICE):
        raise EPERM


def _prepare(request: Request) -> None:
    _check_priority(request)
    request.data = None
    if request.flags & IOSQE_BUFFER_SELECT and request.opcode in _VECTORS:
        pieces = request.mm.read_vector(request.addr, request.length)
        if len(pieces) != 1:
            raise EINVAL
        request.length = pieces[0][1]
    elif request.opcode in _VECTORS:
        request.data = request.mm.read_vector(request.addr, request.length)


def _prepare_fixed(request: Request) -> None:
    _check_priority(request)
    if request.flags & IOSQE_BUFFER_SELECT:
        raise EINVAL


def _prepare_multishot(request: Request) -> None:
    if not selects(request) or request.length:
        raise EINVAL


def _pieces(request: Request) -> Pieces:
    """Return where the data are or go; cut to MAX_RW_COUNT bytes."""
    if request.data is not None:
        pieces: Pieces = request.data
    elif selects(request):
        pieces = choose(request, min(request.length, MAX_RW_COUNT))
    else:
        pieces = [(request.addr, request.length)]
    if request.op.name.endswith("_FIXED"):
        buffers = request.ring.buffers
        if buffers is None:
            raise EFAULT
        node = request.nodes[-1] if request.has_buffer else buffers.get(request.buf_index)
        request.use(node)
        request.has_buffer = True
        request.mm = node.item.mm
        for addr, size in pieces:
            buffers.check(node, addr, size)
    return [(addr, min(size, MAX_RW_COUNT)) for addr, size in pieces]


def _flags(request: Request, file: File) -> int:
    """Return the RWF_* flags; decide whether the request may wait."""
    flags = request.op_flags
    if request.ring.setup & IORING_SETUP_IOPOLL:
        raise EOPNOTSUPP("no file here can be polled for its own completions")
    if flags & ~RWF_SUPPORTED:
        raise EOPNOTSUPP
    if flags & RWF_NOWAIT or (file.flags & O_NONBLOCK and not isinstance(file, _WAITS)):
        request.nowait = True
    return flags


def _offset(request: Request, file: File) -> int | None:
    """Return where to read or write; ``None``: at the file's own offset, or a stream's end."""
    offset = signed(request.off)
    if offset == -1:
        return None
    if offset < 0:
        raise EINVAL
    return offset


# -- reading -----------------------------------------------------------------------------------


def read(request: Request) -> Result:
    """Read once, when those who want to be asked have permitted it."""
    thread = thread_of(request)
    if thread.kernel.watching.reporting[1]:
        asking = asked_read(thread, file_of(request))
        if asking is not None:
            return _read_when_asked(request, asking)
    return _read_once(request)


async def _read_when_asked(request: Request, asking: Coroutine[Any, Any, None]) -> int:
    await asking
    return _read_once(request)


def _read_once(request: Request) -> int:
    file = file_of(request)
    if not file.readable:
        raise EBADF
    if _flags(request, file) & RWF_APPEND:
        raise EOPNOTSUPP
    pieces = _pieces(request)
    wanted = sum(size for _, size in pieces)
    done = _read(request, file, pieces)
    thread_of(request).usage.rchar += done
    if file.place is not None and done:
        tell_file(file.place, IN_ACCESS)
    if selects(request):
        request.cqe_flags = took(request, done)
    request.failed = done != wanted
    return done


def _read(request: Request, file: File, pieces: Pieces) -> int:
    mm, offset = request.mm, _offset(request, file)
    if offset is not None:
        try:
            return _each(
                pieces, lambda addr, size, at: file.pread_user(mm, addr, size, offset + at)
            )
        except ESPIPE:
            pass
    if len(pieces) == 1 or isinstance(file, RegularFile):
        return _each(pieces, lambda addr, size, _: file.read_user(mm, addr, size))
    data = file.read(sum(size for _, size in pieces))
    at = 0
    for addr, size in pieces:
        mm.write(addr, data[at : at + size])
        at += size
        if at >= len(data):
            break
    return len(data)


def _each(pieces: Pieces, move: Callable[[int, int, int], int]) -> int:
    """Call ``move`` for each piece until one is not filled; an error after progress ends it."""
    done = 0
    for addr, size in pieces:
        if not size and len(pieces) > 1:
            continue
        try:
            count = move(addr, size, done)
        except ESPIPE:
            raise
        except LinuxError:
            if not done:
                raise
            break
        done += count
        if count < size:
            break
    return done


async def read_multishot(request: Request) -> int:
    """Read again and again, each time into another provided buffer."""
    file = file_of(request)
    if not file.readable:
        raise EBADF
    if type(file).register is File.register:
        raise EBADFD("files that are always ready cannot be read so")
    _flags(request, file)
    while True:
        try:
            pieces = choose(request, 0)
            done = _read(request, file, pieces)
        except EAGAIN:
            await request.ready(file, POLLIN)
            continue
        thread_of(request).usage.rchar += done
        if done == 0:
            request.buffers = []
            return 0
        flags = took(request, done)
        if not request.more(done, flags):
            request.cqe_flags = flags
            return done
        if not file.poll() & POLLIN:  # a buffer is chosen when there is something for it
            await request.ready(file, POLLIN)


# -- writing -----------------------------------------------------------------------------------


def write(request: Request) -> int:
    """Write once."""
    file = file_of(request)
    if not file.writable:
        raise EBADF
    flags = _flags(request, file)
    pieces = _pieces(request)
    wanted = sum(size for _, size in pieces)
    try:
        done = _write(request, file, pieces, flags)
    except EPIPE:
        if file.sigpipe:
            request.thread.send_sigpipe()
        raise
    thread_of(request).usage.wchar += done
    if file.place is not None and done:
        tell_file(file.place, IN_MODIFY)
    if selects(request):
        request.cqe_flags = took(request, done)
    if flags & (RWF_DSYNC | RWF_SYNC) and file.node is not None:
        file.node.sync(bool(flags & RWF_DSYNC))
    request.failed = done != wanted
    return done


def _write(request: Request, file: File, pieces: Pieces, flags: int) -> int:
    mm, offset, t = request.mm, _offset(request, file), thread_of(request)
    if isinstance(file, RegularFile):
        regular = file
        if flags & RWF_APPEND:
            file.node.refresh()
            offset = file.node.size

        def move(addr: int, size: int, at: int) -> int:
            if offset is None:
                start = regular.node.size if regular.flags & O_APPEND else regular.offset
                return regular.write_user(mm, addr, within_limit(t, start, size))
            size = within_limit(t, offset + at, size)
            return regular.pwrite_user(mm, addr, size, offset + at)

        return _each(pieces, move)
    if offset is not None:
        try:
            return _each(
                pieces, lambda addr, size, at: file.pwrite_user(mm, addr, size, offset + at)
            )
        except ESPIPE:
            pass
    if len(pieces) == 1:
        return file.write_user(mm, *pieces[0])
    return file.write(b"".join([mm.read(addr, size) for addr, size in pieces]))


_VECTORS: Final = frozenset({1, 2})  #: IORING_OP_READV, IORING_OP_WRITEV

OPERATIONS: Final = (
    Operation("READV", read, _prepare, True, POLLIN, True, True, True),
    Operation("WRITEV", write, _prepare, True, POLLOUT, True, False, True),
    Operation("READ_FIXED", read, _prepare_fixed, True, POLLIN, True, False, True),
    Operation("WRITE_FIXED", write, _prepare_fixed, True, POLLOUT, True, False, True),
    Operation("READ", read, _prepare, True, POLLIN, True, True, True),
    Operation("WRITE", write, _prepare, True, POLLOUT, True, False, True),
    Operation("READ_MULTISHOT", read_multishot, _prepare_multishot, True, 0, False, True),
)
