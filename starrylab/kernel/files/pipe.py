"""Pipes and the two ends of FIFOs (pipe(7), pipe(2), fcntl(2) F_SETPIPE_SZ)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi.errno import EAGAIN, EFAULT, ENOTTY, EPIPE
from ...abi.fcntl import O_DIRECT, O_RDONLY, O_RDWR, O_WRONLY, PIPE_BUF
from ...abi.ioctl import FIONREAD
from ...abi.poll import POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM
from ..core.sched import Waker
from ..mm.space import AddressSpace
from .file import File
from .pipe_buffer import MAX_CAPACITY, PAGE, Packet, PipeBuffer

if TYPE_CHECKING:
    from ..mm.heap import KernelHeap
    from ..thread import Thread

_IN: Final = POLLIN | POLLRDNORM
_OUT: Final = POLLOUT | POLLWRNORM


class PipeEnd(File):
    """What both ends have in common."""

    __slots__ = ("buffer", "name")

    kind = "pipe"

    def __init__(self, buffer: PipeBuffer, flags: int, name: bytes | None = None) -> None:
        super().__init__(flags)
        self.buffer = buffer
        self.name = name  #: the path of a FIFO; None for a pipe

    def ioctl(self, thread: Thread, request: int, arg: int) -> int:
        """FIONREAD."""
        if request != FIONREAD:
            raise ENOTTY
        thread.mm.write(arg, self.buffer.size.to_bytes(4, "little"))
        return 0

    def get_pipe_size(self) -> int:
        """F_GETPIPE_SZ, bytes."""
        return self.buffer.capacity

    def set_pipe_size(self, size: int, *, privileged: bool = False) -> int:
        """F_SETPIPE_SZ; see `PipeBuffer.resize`."""
        return self.buffer.resize(size, privileged=privileged)

    def path(self) -> bytes:
        """Return the FIFO's path, or Linux's name for a pipe."""
        return b"pipe:[%d]" % self.buffer.ino if self.name is None else self.name


class PipeReader(PipeEnd):
    """The read end."""

    __slots__ = ("_opens_seen",)

    def __init__(
        self, buffer: PipeBuffer, flags: int = O_RDONLY, name: bytes | None = None
    ) -> None:
        super().__init__(buffer, flags, name)
        buffer.readers += 1
        # A FIFO opened before any writer came has not been hung up on yet.
        self._opens_seen = -1 if buffer.writers else buffer.writer_opens
        buffer.writable.wake()

    def read(self, size: int) -> bytes:
        """See ``File.read``."""
        buffer = self.buffer
        if buffer.chunks:
            return buffer.take(size)
        if buffer.writers and size:
            raise EAGAIN
        return b""

    def read_user(self, mm: AddressSpace, addr: int, size: int) -> int:
        """See ``File.read_user``; what cannot be stored stays in the pipe."""
        buffer = self.buffer
        chunks = buffer.chunks
        if not chunks:
            if buffer.writers and size:
                raise EAGAIN
            return 0
        chunk = chunks[0]
        count = len(chunk)
        if count <= size and not buffer.head and len(chunks) == 1 and type(chunk) is bytes:
            mm.write(addr, chunk)
            chunks.popleft()
            full = buffer.capacity - buffer.used < PIPE_BUF
            buffer.used = 0
            if full:
                buffer.writable.wake()
            return count
        return self._read_pieces(mm, addr, size)

    def _read_pieces(self, mm: AddressSpace, addr: int, size: int) -> int:
        buffer = self.buffer
        chunks = buffer.chunks
        done = 0
        while chunks and done < size:
            packet = type(chunks[0]) is Packet
            if packet and done:
                break
            piece = buffer.peek(size - done)
            try:
                mm.write(addr + done, piece)
            except EFAULT:
                if not done:
                    raise
                break
            done += len(piece)
            buffer.drop(len(piece))
            if packet:
                break
        return done

    def poll(self) -> int:
        """See ``File.poll``."""
        buffer = self.buffer
        if buffer.writers:
            return _IN if buffer.chunks else 0
        hung_up = POLLHUP if buffer.writer_opens != self._opens_seen else 0
        return _IN | hung_up if buffer.chunks else hung_up

    def register(self, waker: Waker, events: int) -> None:
        """See ``File.register``."""
        self.buffer.readable.register(waker)

    def closed(self) -> None:
        """See ``File.closed``."""
        self.buffer.reader_closed()


class PipeWriter(PipeEnd):
    """The write end."""

    __slots__ = ()

    sigpipe = True

    def __init__(
        self, buffer: PipeBuffer, flags: int = O_WRONLY, name: bytes | None = None
    ) -> None:
        super().__init__(buffer, flags, name)
        buffer.writers += 1
        buffer.writer_opens += 1
        buffer.readable.wake()

    def write(self, data: bytes) -> int:
        """See ``File.write``; raises ``EPIPE`` without a reader."""
        size = len(data)
        if not size:
            return 0
        buffer = self.buffer
        if not buffer.readers:
            raise EPIPE
        if self.flags & O_DIRECT:
            return self._write_packets(data)
        count = buffer.writable_size(size)
        buffer.put(data if count == size else data[:count])
        return count

    def write_user(self, mm: AddressSpace, addr: int, size: int) -> int:
        """See ``File.write_user``; copies no more than fits."""
        buffer = self.buffer
        if not buffer.readers and size:
            raise EPIPE
        if self.flags & O_DIRECT or not size:
            return self.write(mm.read(addr, size))
        room = buffer.capacity - buffer.used
        if size > room:
            if size <= PIPE_BUF or room < PIPE_BUF:
                raise EAGAIN
            size = room
        data = mm.read(addr, size)
        if buffer.chunks or size > buffer.charged:
            buffer.put(data)
            return size
        buffer.chunks.append(data)
        buffer.used = size
        buffer.readable.wake()
        return size

    def _write_packets(self, data: bytes) -> int:
        buffer = self.buffer
        done = 0
        while done < len(data):
            if buffer.room < PAGE:
                break
            packet = Packet(data[done : done + PAGE])
            buffer.put(packet)
            done += len(packet)
        if not done:
            raise EAGAIN
        return done

    def poll(self) -> int:
        """See ``File.poll``."""
        buffer = self.buffer
        ready = _OUT if buffer.capacity - buffer.used >= PIPE_BUF else 0
        return ready if buffer.readers else ready | POLLERR

    def register(self, waker: Waker, events: int) -> None:
        """See ``File.register``."""
        self.buffer.writable.register(waker)

    def closed(self) -> None:
        """See ``File.closed``."""
        self.buffer.writer_closed()


class PipeReadWrite(PipeReader, PipeWriter):
    """A FIFO opened O_RDWR: both ends in one description, so it never hangs up (fifo(7))."""

    __slots__ = ()

    def __init__(self, buffer: PipeBuffer, flags: int = O_RDWR, name: bytes | None = None) -> None:
        # The reader's base in line is the writer, which counts itself.
        super().__init__(buffer, flags, name)

    def poll(self) -> int:
        """See ``File.poll``."""
        return PipeReader.poll(self) | PipeWriter.poll(self)

    def register(self, waker: Waker, events: int) -> None:
        """See ``File.register``."""
        if events & _IN:
            self.buffer.readable.register(waker)
        if events & _OUT:
            self.buffer.writable.register(waker)

    def closed(self) -> None:
        """See ``File.closed``."""
        self.buffer.reader_closed()
        self.buffer.writer_closed()


def make_pipe(
    flags: int = 0, *, ino: int = 0, heap: KernelHeap | None = None
) -> tuple[PipeReader, PipeWriter]:
    """Return the ends of a new pipe; ``flags`` are O_NONBLOCK and O_DIRECT.

    ``heap`` is charged for what the pipe holds.
    """
    buffer = PipeBuffer(ino=ino, heap=heap)
    writer = PipeWriter(buffer, O_WRONLY | flags)
    return PipeReader(buffer, O_RDONLY | flags), writer


__all__ = ["MAX_CAPACITY", "PipeBuffer", "PipeReadWrite", "PipeReader", "PipeWriter", "make_pipe"]
