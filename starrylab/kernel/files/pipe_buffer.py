"""What lies in a pipe: the pieces that were written, in order (pipe(7)).

A buffer keeps what was written in the pieces it came in: a reader that asks for as much as
the writer gave gets the very same object, and splice(2) moves pieces from pipe to pipe
without looking inside.  Room is counted in bytes; a writer of more than PIPE_BUF bytes and
poll(2) wait until a whole page is free, which is what Linux's page slots amount to, and what
makes writes of up to PIPE_BUF bytes atomic.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from ...abi.errno import EAGAIN, EBUSY, EINVAL, EPERM
from ...abi.fcntl import PIPE_BUF
from ..core.poll import PollSet

if TYPE_CHECKING:
    from ..mm.heap import KernelHeap

PAGE: Final = 4096  #: bytes
DEFAULT_CAPACITY: Final = 16 * PAGE  #: bytes
MAX_CAPACITY: Final = 1 << 20  #: bytes without CAP_SYS_RESOURCE: /proc/sys/fs/pipe-max-size


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
