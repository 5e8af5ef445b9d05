"""splice(2), tee(2), vmsplice(2): move what is in pipes without passing it through user memory.

From pipe to pipe the pieces themselves change hands.  All three work as ``read`` does: one
attempt, and a coroutine only if that has to wait.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ...abi.errno import EAGAIN, EBADF, EFAULT, EINVAL, EPIPE, ESPIPE
from ...abi.fcntl import (
    O_APPEND,
    O_NONBLOCK,
    SPLICE_F_GIFT,
    SPLICE_F_MORE,
    SPLICE_F_MOVE,
    SPLICE_F_NONBLOCK,
)
from ...abi.poll import POLLIN, POLLOUT
from ..core.sched import Waker
from ..files.file import File
from ..files.pipe import PipeReader, PipeWriter
from ..files.pipe_buffer import PAGE, Packet, PipeBuffer
from ..files.regular import RegularFile
from ._declare import Restart, syscall
from ._shown import InOffset, InVector, SpliceFlags
from ._types import Fd, Size
from .io import MAX_RW_COUNT, within_limit

if TYPE_CHECKING:
    from ..thread import Thread

_KNOWN: Final = SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT
_CHUNK: Final = 1 << 18  #: bytes read from a file at a time
Result = int | Coroutine[Any, Any, int]


class _Ends:
    """The two files of a transfer, as one thing to wait for."""

    def __init__(self, source: File, target: File) -> None:
        self._source = source
        self._target = target

    def poll(self) -> int:
        """Return what the ends are ready for."""
        return self._source.poll() & POLLIN | self._target.poll() & POLLOUT

    def register(self, waker: Waker, events: int) -> None:
        """Wait for the end that is not ready; for both if it cannot be told which."""
        ready = self.poll()
        if ready == POLLIN | POLLOUT:
            ready = 0
        if not ready & POLLIN:
            self._source.register(waker, POLLIN)
        if not ready & POLLOUT:
            self._target.register(waker, POLLOUT)


def _run(t: Thread, source: File, target: File, flags: int, attempt: Callable[[], int]) -> Result:
    def guarded() -> int:
        try:
            return attempt()
        except EPIPE:
            if target.sigpipe:
                t.send_sigpipe()
            raise

    nonblocking = bool(flags & SPLICE_F_NONBLOCK or (source.flags | target.flags) & O_NONBLOCK)
    try:
        return guarded()
    except EAGAIN:
        if nonblocking:
            raise
    return _held(t, source, target, guarded)


async def _held(t: Thread, source: File, target: File, attempt: Callable[[], int]) -> int:
    """Wait, and keep both files open meanwhile."""
    source.acquire()
    target.acquire()
    try:
        ends = _Ends(source, target)
        return await t.wait_io(ends, POLLIN | POLLOUT, attempt, nonblocking=False)
    finally:
        source.release()
        target.release()


@syscall(restart=Restart.SA_RESTART)
def splice(
    t: Thread,
    source: Fd,
    off_in: InOffset,
    target: Fd,
    off_out: InOffset,
    size: Size,
    flags: SpliceFlags,
) -> Result:
    """splice(2)."""
    return splice_at(t, source, off_in, target, off_out, size, flags)


class At(NamedTuple):
    """An offset that lies in no memory, and is not told when it has moved."""

    offset: int


def splice_at(
    t: Thread,
    source: File,
    off_in: int | At,
    target: File,
    off_out: int | At,
    size: int,
    flags: int,
) -> Result:
    """Splice from and to offsets that lie at an address (0: the file's own), or are given."""
    if not size:
        return 0
    if flags & ~_KNOWN:
        raise EINVAL
    if not source.readable or not target.writable:
        raise EBADF
    from_pipe, to_pipe = isinstance(source, PipeReader), isinstance(target, PipeWriter)
    if (off_in and from_pipe) or (off_out and to_pipe):
        raise ESPIPE
    if target.flags & O_APPEND and not to_pipe:
        raise EINVAL
    size = min(size, MAX_RW_COUNT)
    if isinstance(source, PipeReader):
        if isinstance(target, PipeWriter):
            return _pipe_to_pipe(t, source, target, size, flags)
        return _pipe_to_file(t, source, target, off_out, size, flags)
    if isinstance(target, PipeWriter):
        return _file_to_pipe(t, source, target, off_in, size, flags)
    raise EINVAL


def _room(target: PipeWriter) -> int:
    """Return how many bytes the pipe takes now; ``EPIPE``, ``EAGAIN``."""
    buffer = target.buffer
    if not buffer.readers:
        raise EPIPE
    if not buffer.room:
        raise EAGAIN
    return buffer.room


def _empty(source: PipeBuffer) -> bool:
    """Tell whether the pipe is at its end; ``EAGAIN`` if it is only empty."""
    if source.chunks:
        return False
    if source.writers:
        raise EAGAIN
    return True


def _pipe_to_pipe(
    t: Thread, source: PipeReader, target: PipeWriter, size: int, flags: int
) -> Result:
    taken, given = source.buffer, target.buffer
    if taken is given:
        raise EINVAL

    def attempt() -> int:
        if _empty(taken):
            return 0
        _room(target)
        done = 0
        while taken.chunks and done < size:
            room = given.room
            if room < (PAGE if type(taken.chunks[0]) is Packet else 1):
                break
            piece = taken.take_chunk(min(size - done, room))
            given.put(piece)
            done += len(piece)
        if not done:
            raise EAGAIN
        return done

    return _run(t, source, target, flags, attempt)


def _offset(t: Thread, place: int | At) -> int:
    offset = place.offset if isinstance(place, At) else t.mm.read_i64(place)
    if offset < 0:
        raise EINVAL
    return offset


def _moved(t: Thread, place: int | At, offset: int) -> None:
    if not isinstance(place, At):
        t.mm.write_u64(place, offset)


def _pipe_to_file(
    t: Thread, source: PipeReader, target: File, off_out: int | At, size: int, flags: int
) -> Result:
    buffer = source.buffer
    start = _offset(t, off_out) if off_out else None

    def put(piece: bytes, done: int) -> int:
        count = len(piece)
        if isinstance(target, RegularFile):
            count = within_limit(t, target.offset if start is None else start + done, count)
        data = piece if count == len(piece) else piece[:count]
        return target.write(data) if start is None else target.pwrite(data, start + done)

    def attempt() -> int:
        if _empty(buffer):
            return 0
        done = 0
        while buffer.chunks and done < size:
            piece = bytes(buffer.peek(size - done))
            try:
                count = put(piece, done)
            except ESPIPE:
                raise EINVAL from None
            except EAGAIN:
                if not done:
                    raise
                break
            buffer.drop(count)
            done += count
            if count < len(piece):
                break
        if start is not None:
            _moved(t, off_out, start + done)
        return done

    return _run(t, source, target, flags, attempt)


def _file_to_pipe(
    t: Thread, source: File, target: PipeWriter, off_in: int | At, size: int, flags: int
) -> Result:
    buffer = target.buffer
    start = _offset(t, off_in) if off_in else None

    def get(done: int, count: int) -> bytes:
        return source.read(count) if start is None else source.pread(count, start + done)

    def attempt() -> int:
        _room(target)
        done = 0
        while done < size and buffer.room:
            try:
                data = get(done, min(size - done, buffer.room, _CHUNK))
            except ESPIPE:
                raise EINVAL from None
            except EAGAIN:
                if not done:
                    raise
                break
            if not data:
                break
            buffer.put(data)
            done += len(data)
            if not isinstance(source, RegularFile):
                break  # one read of a stream: another might wait
        if start is not None:
            _moved(t, off_in, start + done)
        return done

    return _run(t, source, target, flags, attempt)


@syscall(restart=Restart.SA_RESTART)
def tee(t: Thread, source: Fd, target: Fd, size: Size, flags: SpliceFlags) -> Result:
    """tee(2): the pieces are shared by both pipes afterwards."""
    if flags & ~_KNOWN:
        raise EINVAL
    if not source.readable or not target.writable:
        raise EBADF
    if not isinstance(source, PipeReader) or not isinstance(target, PipeWriter):
        raise EINVAL
    taken, given = source.buffer, target.buffer
    if taken is given:
        raise EINVAL
    if not size:
        return 0

    def attempt() -> int:
        if _empty(taken):
            return 0
        _room(target)
        done = 0
        for piece in list(_pieces(taken)):
            room = given.room
            if room < (PAGE if type(piece) is Packet else 1) or done == size:
                break
            count = min(len(piece), room, size - done)
            given.put(piece if count == len(piece) else piece[:count])
            done += count
        if not done:
            raise EAGAIN
        return done

    return _run(t, source, target, flags, attempt)


def _pieces(buffer: PipeBuffer) -> Iterator[bytes]:
    first = buffer.chunks[0]
    yield first[buffer.head :] if buffer.head else first
    yield from islice(buffer.chunks, 1, None)


@syscall(restart=Restart.SA_RESTART)
def vmsplice(t: Thread, file: Fd, vec: InVector, count: Size, flags: SpliceFlags) -> Result:
    """vmsplice(2); pages are copied, which a gift permits."""
    if flags & ~_KNOWN:
        raise EINVAL
    pieces = [(base, length) for base, length in t.mm.read_vector(vec, count) if length]
    if isinstance(file, PipeWriter) and file.writable:
        return _run(t, file, file, flags, lambda: _memory_to_pipe(t, file, pieces))
    if isinstance(file, PipeReader):
        return _run(t, file, file, flags, lambda: _pipe_to_memory(t, file, pieces))
    raise EBADF


def _memory_to_pipe(t: Thread, file: PipeWriter, pieces: list[tuple[int, int]]) -> int:
    done = 0
    if pieces:
        _room(file)
    for base, length in pieces:
        count = min(length, file.buffer.room)
        if not count:
            break
        try:
            file.buffer.put(t.mm.read(base, count))
        except EFAULT:
            if not done:
                raise
            break
        done += count
        if count < length:
            break
    return done


def _pipe_to_memory(t: Thread, file: PipeReader, pieces: list[tuple[int, int]]) -> int:
    done = 0
    for base, length in pieces:
        try:
            count = file.read_user(t.mm, base, length)
        except (EAGAIN, EFAULT):
            if not done:
                raise
            break
        done += count
        if count < length:
            break
    return done
