"""Buffers that a program provides in advance, by group (io_uring_provided_buffers(7)).

A group is either classic, a queue that IORING_OP_PROVIDE_BUFFERS fills, or a ring in shared
memory (IORING_REGISTER_PBUF_RING) whose tail the program moves.
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from ...abi.errno import ENOBUFS
from ...abi.uring import BUF, IOU_PBUF_RING_INC
from .memory import Memory

_M16: Final = 0xFFFF
_TAIL: Final = 14  #: the ring's tail lies in the reserved field of its first entry


class Buffer(NamedTuple):
    """One buffer, chosen for a transfer."""

    addr: int
    size: int  #: bytes
    bid: int


class ClassicGroup:
    """Buffers in the order in which they were provided."""

    __slots__ = ("buffers",)

    def __init__(self) -> None:
        self.buffers: deque[Buffer] = deque()

    def peek(self, wanted: int, most: int = 1) -> list[Buffer]:
        """Return the next buffer, cut to ``wanted`` bytes (0: whole); ``ENOBUFS``."""
        if not self.buffers:
            raise ENOBUFS
        addr, size, bid = self.buffers[0]
        return [Buffer(addr, min(size, wanted) if wanted else size, bid)]

    def commit(self, used: list[Buffer], done: int) -> bool:
        """Take what `peek` returned; False: the next use gives another buffer."""
        self.buffers.popleft()
        return False


class RingGroup:
    """Buffers in a ring in shared memory."""

    __slots__ = ("entries", "flags", "head", "mapped", "memory")

    def __init__(self, memory: Memory, entries: int, flags: int, *, mapped: bool) -> None:
        self.memory = memory
        self.entries = entries  #: a power of two
        self.flags = flags
        self.head = 0
        self.mapped = mapped  #: the kernel's own memory, for mmap

    @property
    def available(self) -> int:
        """How many buffers the program has provided and nobody has taken."""
        return (self.memory.read_u16(_TAIL) - self.head) & _M16

    def peek(self, wanted: int, most: int = 1) -> list[Buffer]:
        """Return up to ``most`` buffers with ``wanted`` bytes (0: all they have); ``ENOBUFS``."""
        count = min(self.available, self.entries, most)
        if not count:
            raise ENOBUFS
        found: list[Buffer] = []
        left = wanted
        for index in range(count):
            addr, size, bid, _ = self._entry(self.head + index)
            if wanted:
                size = min(size, left)
                left -= size
            found.append(Buffer(addr, size, bid))
            if wanted and not left:
                break
        return found

    def _entry(self, index: int) -> tuple[int, int, int, int]:
        at = (index & (self.entries - 1)) * BUF.size
        fields: tuple[int, int, int, int] = BUF.unpack(self.memory.read(at, BUF.size))
        return fields

    def commit(self, used: list[Buffer], done: int) -> bool:
        """Take ``used``, of which ``done`` bytes were filled; True: the last one goes on."""
        if not self.flags & IOU_PBUF_RING_INC:
            self.head = (self.head + len(used)) & _M16
            return False
        if not done:
            return True
        while True:
            at = (self.head & (self.entries - 1)) * BUF.size
            addr, size, bid, tail = BUF.unpack(self.memory.read(at, BUF.size))
            step = min(size, done)
            if step < size or not size:
                # The tail of the ring lies in the first entry: it is left as it is.
                self.memory.write(at, BUF.pack(addr + step, size - step, bid, tail)[:12])
                return bool(step < size)
            done -= step
            self.memory.write_u32(at + 8, 0)
            self.head = (self.head + 1) & _M16
            if not done:
                return False


Group = ClassicGroup | RingGroup
