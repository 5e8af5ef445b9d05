"""Reading and writing: read(2), write(2), readv(2), pread(2), lseek(2), sendfile(2).

The plain calls try first and return a number; only when the file cannot proceed and may
block do they return the coroutine that waits, so the usual case makes no coroutine.
"""

from __future__ import annotations

from collections.abc import Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ...abi.errno import (
    EAGAIN,
    EBADF,
    EFAULT,
    EFBIG,
    EINTR,
    EINVAL,
    ENOSPC,
    EOPNOTSUPP,
    EPIPE,
    LinuxError,
)
from ...abi.fcntl import (
    O_APPEND,
    O_NONBLOCK,
    RWF_APPEND,
    RWF_DSYNC,
    RWF_NOWAIT,
    RWF_SUPPORTED,
    RWF_SYNC,
    SEEK_MAX,
)
from ...abi.poll import POLLIN, POLLOUT
from ...abi.resource import RLIMIT_FSIZE
from ...abi.signal import SI_KERNEL, SIGXFSZ
from ..core.poll import poll_io
from ..files.file import File
from ..files.regular import RegularFile
from ..signal.info import SignalInfo
from ._declare import Restart, syscall
from ._shown import InData, InVector, OutData, OutVector, RwFlags, Whence
from ._types import Fd, Long, Size

if TYPE_CHECKING:
    from ..thread import Thread

MAX_RW_COUNT: Final = 0x7FFFF000  #: bytes that one call moves at most
_CHUNK: Final = 1 << 18  #: bytes that the kernel itself copies at a time
Result = int | Coroutine[Any, Any, int]
_Vector = list[tuple[int, int]]


@syscall(restart=Restart.SA_RESTART, moves="in")
def read(t: Thread, file: Fd, buf: OutData, count: Size) -> Result:
    """read(2)."""
    if not file.readable:
        raise EBADF
    if count > MAX_RW_COUNT:
        count = MAX_RW_COUNT
    try:
        return file.read_user(t.mm, buf, count)
    except EAGAIN:
        if file.flags & O_NONBLOCK:
            raise
    attempt = partial(file.read_user, t.mm, buf, count)
    timeout_ns = file.timeout_ns(POLLIN)
    return _held(file, poll_io(t, file, POLLIN, attempt, timeout_ns=timeout_ns, tried=True))


@syscall(restart=Restart.SA_RESTART, moves="out")
def write(t: Thread, file: Fd, buf: InData, count: Size) -> Result:
    """write(2)."""
    if not file.writable:
        raise EBADF
    if count > MAX_RW_COUNT:
        count = MAX_RW_COUNT
    if type(file) is RegularFile:
        offset = file.node.size if file.flags & O_APPEND else file.offset
        return file.write_user(t.mm, buf, within_limit(t, offset, count))
    try:
        done = file.write_user(t.mm, buf, count)
        if done == count or file.flags & O_NONBLOCK or isinstance(file, RegularFile):
            return done
    except EAGAIN:
        if file.flags & O_NONBLOCK:
            raise
        done = 0
    except EPIPE:
        if file.sigpipe:
            t.send_sigpipe()
        raise
    return _held(file, _write_rest(t, file, buf, count, done))


async def _held(file: File, call: Coroutine[Any, Any, int]) -> int:
    """Keep ``file`` open while a call waits on it, even if the descriptor is closed."""
    file.acquire()
    try:
        return await call
    finally:
        file.release()


async def _write_rest(t: Thread, file: File, buf: int, count: int, done: int) -> int:
    """Go on with a blocking write until everything is taken (pipes, terminals, sockets)."""
    try:
        while done < count:
            attempt = partial(file.write_user, t.mm, buf + done, count - done)
            done += await t.wait_io(file, POLLOUT, attempt)
    except EPIPE:
        if file.sigpipe:
            t.send_sigpipe()
        if not done:
            raise
    except LinuxError:
        if not done:
            raise
    return done


def within_limit(t: Thread, offset: int, count: int) -> int:
    """Return how much of a write at ``offset`` RLIMIT_FSIZE permits.

    Raises ``EFBIG``, with SIGXFSZ, for nothing at all.
    """
    limit = t.process.limits.soft(RLIMIT_FSIZE)
    if offset + count <= limit or not count:
        return count
    if offset >= limit:
        t.send_signal(SignalInfo(SIGXFSZ, code=SI_KERNEL))
        raise EFBIG
    return limit - offset


# Vectors.


@syscall(restart=Restart.SA_RESTART, moves="in")
def readv(t: Thread, file: Fd, vec: OutVector, vlen: Size) -> Result:
    """readv(2)."""
    return _read_vector(t, file, vec, vlen, nonblocking=bool(file.flags & O_NONBLOCK))


@syscall(restart=Restart.SA_RESTART, moves="out")
def writev(t: Thread, file: Fd, vec: InVector, vlen: Size) -> Result:
    """writev(2)."""
    return _write_vector(t, file, vec, vlen)


def _read_vector(t: Thread, file: File, vec: int, vlen: int, *, nonblocking: bool) -> Result:
    if not file.readable:
        raise EBADF
    pieces = _limited(t.mm.read_vector(vec, vlen))
    if isinstance(file, RegularFile):
        return _each(pieces, lambda addr, size: file.read_user(t.mm, addr, size))

    def attempt() -> int:
        return _scatter(t, pieces, file.read(sum(size for _, size in pieces)))

    try:
        return attempt()
    except EAGAIN:
        if nonblocking:
            raise
    return _held(file, t.wait_io(file, POLLIN, attempt))


def _write_vector(t: Thread, file: File, vec: int, vlen: int) -> Result:
    if not file.writable:
        raise EBADF
    pieces = _limited(t.mm.read_vector(vec, vlen))
    if isinstance(file, RegularFile):
        return _each(pieces, lambda addr, size: _write_limited(t, file, addr, size))
    # One write, since it is atomic for a pipe and one datagram for a socket.
    data = b"".join([t.mm.read(addr, size) for addr, size in pieces])
    try:
        done = file.write(data)
        if done == len(data) or file.flags & O_NONBLOCK:
            return done
    except EAGAIN:
        if file.flags & O_NONBLOCK:
            raise
        done = 0
    except EPIPE:
        if file.sigpipe:
            t.send_sigpipe()
        raise
    return _held(file, write_all(t, file, data, done))


async def write_all(t: Thread, file: File, data: bytes, done: int = 0) -> int:
    """Write what is left of ``data``, waiting as often as it takes; return the total."""
    try:
        while done < len(data):
            done += await t.wait_io(file, POLLOUT, partial(file.write, data[done:]))
    except (EINTR, EAGAIN):
        if not done:
            raise
    except EPIPE:
        if file.sigpipe:
            t.send_sigpipe()
        if not done:
            raise
    return done


def _write_limited(t: Thread, file: RegularFile, addr: int, size: int) -> int:
    offset = file.node.size if file.flags & O_APPEND else file.offset
    return file.write_user(t.mm, addr, within_limit(t, offset, size))


def _limited(pieces: _Vector) -> _Vector:
    """Cut a vector to MAX_RW_COUNT bytes."""
    room = MAX_RW_COUNT
    result: _Vector = []
    for addr, size in pieces:
        size = min(size, room)
        room -= size
        if size:
            result.append((addr, size))
    return result


def _each(pieces: _Vector, move: Any) -> int:
    """Call ``move`` for each piece until one is not filled; an error after progress ends it."""
    done = 0
    for addr, size in pieces:
        try:
            count = move(addr, size)
        except (EFAULT, ENOSPC, EFBIG):
            if not done:
                raise
            break
        done += count
        if count < size:
            break
    return done


def _scatter(t: Thread, pieces: _Vector, data: bytes) -> int:
    position = 0
    for addr, size in pieces:
        part = data[position : position + size]
        if not part:
            break
        t.mm.write(addr, part)
        position += len(part)
    return position


# At an offset.


@syscall(moves="in")
def pread64(t: Thread, file: Fd, buf: OutData, count: Size, offset: Long) -> int:
    """pread(2)."""
    if offset < 0:
        raise EINVAL
    if not file.readable:
        raise EBADF
    return file.pread_user(t.mm, buf, min(count, MAX_RW_COUNT), offset)


@syscall(moves="out")
def pwrite64(t: Thread, file: Fd, buf: InData, count: Size, offset: Long) -> int:
    """pwrite(2)."""
    if offset < 0:
        raise EINVAL
    if not file.writable:
        raise EBADF
    return _pwrite(t, file, buf, min(count, MAX_RW_COUNT), offset)


def _pwrite(t: Thread, file: File, addr: int, size: int, offset: int) -> int:
    if isinstance(file, RegularFile):
        size = within_limit(t, offset, size)
    return file.pwrite_user(t.mm, addr, size, offset)


@syscall(moves="in")
def preadv(t: Thread, file: Fd, vec: OutVector, vlen: Size, low: Long, high: Long) -> int:
    """preadv(2); a 64-bit ABI has the whole offset in ``low``."""
    return _preadv(t, file, vec, vlen, low)


@syscall(moves="out")
def pwritev(t: Thread, file: Fd, vec: InVector, vlen: Size, low: Long, high: Long) -> int:
    """pwritev(2)."""
    return _pwritev(t, file, vec, vlen, low)


@syscall(moves="in")
def preadv2(
    t: Thread, file: Fd, vec: OutVector, vlen: Size, low: Long, high: Long, flags: RwFlags
) -> Result:
    """preadv2(2)."""
    if flags & ~RWF_SUPPORTED or flags & RWF_APPEND:
        raise EOPNOTSUPP
    if low == -1:
        nonblocking = bool(file.flags & O_NONBLOCK or flags & RWF_NOWAIT)
        return _read_vector(t, file, vec, vlen, nonblocking=nonblocking)
    return _preadv(t, file, vec, vlen, low)


@syscall(moves="out")
def pwritev2(
    t: Thread, file: Fd, vec: InVector, vlen: Size, low: Long, high: Long, flags: RwFlags
) -> Result:
    """pwritev2(2)."""
    if flags & ~RWF_SUPPORTED or flags & RWF_NOWAIT:
        raise EOPNOTSUPP
    if flags & RWF_APPEND and isinstance(file, RegularFile):
        if low == -1:
            file.node.refresh()
            file.offset = file.node.size
        else:
            low = file.node.size
    if low == -1:
        return _write_vector(t, file, vec, vlen)
    done = _pwritev(t, file, vec, vlen, low)
    if flags & (RWF_DSYNC | RWF_SYNC) and file.node is not None:
        file.node.sync(bool(flags & RWF_DSYNC))
    return done


def _preadv(t: Thread, file: File, vec: int, vlen: int, offset: int) -> int:
    if offset < 0:
        raise EINVAL
    if not file.readable:
        raise EBADF
    position = offset

    def move(addr: int, size: int) -> int:
        nonlocal position
        count = file.pread_user(t.mm, addr, size, position)
        position += count
        return count

    return _each(_limited(t.mm.read_vector(vec, vlen)), move)


def _pwritev(t: Thread, file: File, vec: int, vlen: int, offset: int) -> int:
    if offset < 0:
        raise EINVAL
    if not file.writable:
        raise EBADF
    position = offset

    def move(addr: int, size: int) -> int:
        nonlocal position
        count = _pwrite(t, file, addr, size, position)
        position += count
        return count

    return _each(_limited(t.mm.read_vector(vec, vlen)), move)


@syscall()
def lseek(t: Thread, file: Fd, offset: Long, whence: Whence) -> int:
    """lseek(2)."""
    if whence > SEEK_MAX:
        raise EINVAL
    return file.seek(offset, whence)
