"""Pipes and the two ends of FIFOs (pipe(7), pipe(2), fcntl(2) F_SETPIPE_SZ).

A `PipeBuffer` keeps what was written in the pieces it came in: a reader that asks for as
much as the writer gave gets the very same object, and splice(2) moves pieces from pipe to
pipe without looking inside.  Room is counted in bytes; a writer of more than PIPE_BUF
bytes and poll(2) wait until a whole page is free, which is what Linux's page slots amount
to, and what makes writes of up to PIPE_BUF bytes atomic.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from ...abi.errno import EAGAIN, EBUSY, EFAULT, EINVAL, ENOTTY, EPERM, EPIPE
from ...abi.fcntl import O_DIRECT, O_RDONLY, O_RDWR, O_WRONLY, PIPE_BUF
from ...abi.ioctl import FIONREAD
from ...abi.poll import POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM
from ..core.poll import PollSet
from ..core.sched import Waker
from ..mm.space import AddressSpace
from .file import File

if TYPE_CHECKING:
    from ..mm.heap import KernelHeap
    from ..thread import Thread

PAGE: Final = 4096  #: bytes
DEFAULT_CAPACITY: Final = 16 * PAGE  #: bytes
MAX_CAPACITY: Final = 1 << 20  #: bytes without CAP_SYS_RESOURCE: /proc/sys/fs/pipe-max-size

_IN: Final = POLLIN | POLLRDNORM
_OUT: Final = POLLOUT | POLLWRNORM


class Packet(bytes):
    """One write in packet mode (O_DIRECT): read as a whole, and it occupies a page."""

    __slots__ = ()


class PipeBuffer:
    """What lies between the ends: bytes, who reads, who writes, who waits."""

    __slots__ = (
        "__weakref__", "_heap", "capacity", "charged", "chunks", "head", "ino", "readable",
        "readers", "used", "writable", "writer_opens", "writers",
    )  # fmt: skip

    def __init__(
        self,
        capacity: int = DEFAULT_CAPACITY,
        *,
        ino: int = 0,
        heap: KernelHeap | None = None,
    ) -> None:
        self.capacity = capacity  #: bytes, a power of two of pages
        self.chunks: deque[bytes] = deque()  #: never holds an empty one
        self.head = 0  #: bytes of chunks[0] already read
        self.used = 0  #: bytes of capacity; a packet counts as a page
        self.readers = 0  #: open descriptions
        self.writers = 0
        self.writer_opens = 0  #: ever; tells a FIFO reader whether a writer was there since
        self.readable = PollSet()
        self.writable = PollSet()
        self.ino = ino
        # Pages are charged as the fill level first reaches them, and kept to the end.
        self._heap = heap
        self.charged = 0 if heap is not None else 1 << 62

    @property
    def size(self) -> int:
        """Bytes a reader could have now (FIONREAD)."""
        return sum(map(len, self.chunks)) - self.head

    @property
    def room(self) -> int:
        """Bytes that fit."""
        return self.capacity - self.used

    def writable_size(self, size: int) -> int:
        """Return how many of ``size`` bytes a write may put now; raise ``EAGAIN`` if none."""
        room = self.capacity - self.used
        if size <= room:
            return size
        if size <= PIPE_BUF or room < PIPE_BUF:
            raise EAGAIN
        return room

    def put(self, data: bytes) -> None:
        """Append ``data``, which is not empty and fits, and wake readers; ``ENOMEM``."""
        chunks = self.chunks
        size = len(data)
        plain = type(data) is bytes
        used = self.used + (size if plain else PAGE)
        if used > self.charged:
            self._charge(used)
        # Many small writes in a row become one piece, up to a page.
        last = chunks[-1] if chunks and plain and size < PAGE else None
        if last is not None and type(last) is bytes and len(last) + size <= PAGE:
            chunks[-1] = last + data
        else:
            chunks.append(data)
        self.used = used
        self.readable.wake()

    def _charge(self, used: int) -> None:
        pages = -(-used // PAGE) * PAGE
        if self._heap is not None:
            self._heap.charge(pages - self.charged)
        self.charged = pages

    def peek(self, size: int) -> bytes | memoryview:
        """Return the first piece, cut to ``size`` bytes; `drop` it afterwards.

        The pipe must not be empty.
        """
        chunk = self.chunks[0]
        head = self.head
        if not head and len(chunk) <= size:
            return chunk
        return memoryview(chunk)[head : head + size]

    def drop(self, size: int) -> None:
        """Forget the first ``size`` bytes, all in the first piece; a packet goes as a whole."""
        chunk = self.chunks[0]
        before = self.capacity - self.used
        if type(chunk) is Packet:
            self.chunks.popleft()
            self.used -= PAGE
        else:
            head = self.head + size
            if head == len(chunk):
                self.chunks.popleft()
                head = 0
            self.head = head
            self.used -= size
        if before < PIPE_BUF and self.capacity - self.used >= PIPE_BUF:
            self.writable.wake()

    def take(self, size: int) -> bytes:
        """Remove and return at most ``size`` bytes, in packet mode one packet's."""
        chunks = self.chunks
        parts: list[bytes] = []
        while chunks and size:
            packet = type(chunks[0]) is Packet
            if packet and parts:
                break
            piece = self.peek(size)
            self.drop(len(piece))
            parts.append(bytes(piece))
            size -= len(piece)
            if packet:
                break
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def take_chunk(self, size: int) -> bytes:
        """Remove and return the first piece, at most ``size`` bytes of it (splice(2))."""
        piece = self.peek(size)
        self.drop(len(piece))
        return piece if isinstance(piece, bytes) else bytes(piece)

    def resize(self, size: int, *, privileged: bool = False) -> int:
        """Set the capacity to ``size`` bytes rounded up to a power of two of pages; return it.

        Raises ``EINVAL`` above 2 GiB, ``EPERM`` above the limit without privilege, ``EBUSY``
        if the contents would not fit.
        """
        if not 0 <= size <= 1 << 31:
            raise EINVAL
        capacity = PAGE
        while capacity < size:
            capacity *= 2
        if capacity > MAX_CAPACITY and capacity > self.capacity and not privileged:
            raise EPERM
        if capacity < self.used:
            raise EBUSY
        self.capacity = capacity
        if self.room >= PIPE_BUF:
            self.writable.wake()
        return capacity

    def reader_closed(self) -> None:
        """Count a reading description less; the last one makes writers fail."""
        self.readers -= 1
        if not self.readers:
            self.writable.wake()
            self._dispose()

    def writer_closed(self) -> None:
        """Count a writing description less; the last one ends the stream."""
        self.writers -= 1
        if not self.writers:
            self.readable.wake()
            self._dispose()

    def _dispose(self) -> None:
        if self.readers or self.writers:
            return
        self.chunks.clear()
        self.head = self.used = 0
        if self._heap is not None:
            self._heap.discharge(self.charged)
            self.charged = 0


class _PipeEnd(File):
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


class PipeReader(_PipeEnd):
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


class PipeWriter(_PipeEnd):
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
