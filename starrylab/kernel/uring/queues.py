"""The two queues of a ring as they lie in shared memory (io_uring(7), ``struct io_rings``).

The program writes the tail of the submission queue and the head of the completion queue, the
kernel the other two.  The kernel believes nothing that a program may write but these two.
"""

from __future__ import annotations

from typing import Final

from ...abi.uring import (
    CQE,
    IORING_SETUP_CQE32,
    IORING_SETUP_NO_SQARRAY,
    IORING_SETUP_SQE128,
    OFFSETS,
    SQE,
)
from .memory import Memory

# Offsets in struct io_rings.
SQ_HEAD: Final = 0
SQ_TAIL: Final = 4
CQ_HEAD: Final = 8
CQ_TAIL: Final = 12
SQ_MASK: Final = 16
CQ_MASK: Final = 20
SQ_ENTRIES: Final = 24
CQ_ENTRIES: Final = 28
SQ_DROPPED: Final = 32
SQ_FLAGS: Final = 36
CQ_FLAGS: Final = 40
CQ_OVERFLOW: Final = 44
CQES: Final = 64

_M32: Final = 0xFFFFFFFF

Entry = tuple[int, ...]  #: the fields of `SQE`


class Shape:
    """How large a ring's queues are, and where their parts lie."""

    __slots__ = ("array", "cq_entries", "cqe_size", "rings_size", "sq_entries", "sqe_size",
                 "sqes_size")  # fmt: skip

    def __init__(self, sq_entries: int, cq_entries: int, setup: int) -> None:
        self.sq_entries = sq_entries
        self.cq_entries = cq_entries
        self.sqe_size = 2 * SQE.size if setup & IORING_SETUP_SQE128 else SQE.size
        self.cqe_size = 2 * CQE.size if setup & IORING_SETUP_CQE32 else CQE.size
        end = CQES + cq_entries * self.cqe_size
        #: offset of the array of indices; 0: entries are taken in order
        self.array = 0 if setup & IORING_SETUP_NO_SQARRAY else (end + 63) & ~63
        self.rings_size = self.array + 4 * sq_entries if self.array else end
        self.sqes_size = sq_entries * self.sqe_size

    def offsets(self, rings_addr: int, sqes_addr: int) -> bytes:
        """Return ``struct io_sqring_offsets`` and ``struct io_cqring_offsets``."""
        return OFFSETS.pack(
            SQ_HEAD, SQ_TAIL, SQ_MASK, SQ_ENTRIES, SQ_FLAGS, SQ_DROPPED, self.array, 0, sqes_addr
        ) + OFFSETS.pack(
            CQ_HEAD, CQ_TAIL, CQ_MASK, CQ_ENTRIES, CQ_OVERFLOW, CQES, CQ_FLAGS, 0, rings_addr
        )


class Queues:
    """Submission and completion queue of one ring."""

    __slots__ = ("cq_tail", "memory", "shape", "sq_head", "sqes")

    def __init__(self, memory: Memory, sqes: Memory, shape: Shape) -> None:
        self.memory = memory
        self.sqes = sqes
        self.shape = shape
        self.sq_head = 0  #: entries taken, modulo 2**32
        self.cq_tail = 0  #: completions stored, modulo 2**32
        memory.write_u32(SQ_MASK, shape.sq_entries - 1)
        memory.write_u32(CQ_MASK, shape.cq_entries - 1)
        memory.write_u32(SQ_ENTRIES, shape.sq_entries)
        memory.write_u32(CQ_ENTRIES, shape.cq_entries)

    # -- submissions ------------------------------------------------------------------------

    @property
    def submitted(self) -> int:
        """How many entries wait to be taken; never more than the queue has."""
        ready = (self.memory.read_u32(SQ_TAIL) - self.sq_head) & _M32
        return min(ready, self.shape.sq_entries)

    def take(self) -> tuple[Entry, bytes] | None:
        """Take one entry: its fields, and what an entry of 128 bytes has beyond the first 48.

        ``None``: its index is out of range, and it counts as dropped.
        """
        shape, memory = self.shape, self.memory
        index = self.sq_head & (shape.sq_entries - 1)
        self.sq_head = (self.sq_head + 1) & _M32
        if shape.array:
            index = memory.read_u32(shape.array + 4 * index)
            if index >= shape.sq_entries:
                memory.write_u32(SQ_DROPPED, memory.read_u32(SQ_DROPPED) + 1)
                return None
        data = self.sqes.read(index * shape.sqe_size, shape.sqe_size)
        return SQE.unpack_from(data), data[48:]

    def publish_head(self) -> None:
        """Show the program that what was taken may be used again."""
        self.memory.write_u32(SQ_HEAD, self.sq_head)

    # -- completions ------------------------------------------------------------------------

    @property
    def completed(self) -> int:
        """How many completions the program has not seen yet."""
        return (self.cq_tail - self.memory.read_u32(CQ_HEAD)) & _M32

    @property
    def full(self) -> bool:
        """Whether there is no room for a completion."""
        return self.completed >= self.shape.cq_entries

    def put(self, user_data: int, result: int, flags: int, extra: bytes = bytes(16)) -> bool:
        """Store a completion; False when there is no room."""
        shape = self.shape
        if self.full:
            return False
        at = CQES + (self.cq_tail & (shape.cq_entries - 1)) * shape.cqe_size
        data = CQE.pack(user_data, result, flags)
        self.memory.write(at, data if shape.cqe_size == CQE.size else data + extra)
        self.cq_tail = (self.cq_tail + 1) & _M32
        self.memory.write_u32(CQ_TAIL, self.cq_tail)
        return True

    def completion(self, index: int) -> tuple[int, int, int]:
        """Return user data, result and flags of the completion in a slot."""
        data = self.memory.read(CQES + index * self.shape.cqe_size, CQE.size)
        fields: tuple[int, int, int] = CQE.unpack(data)
        return fields

    def take_over(self, old: Queues) -> None:
        """Hold what ``old`` holds; nobody has used these queues before, and all fits."""
        self.sq_head, self.cq_tail = old.sq_head, old.cq_tail
        for offset in (SQ_HEAD, SQ_TAIL, CQ_HEAD, CQ_TAIL, SQ_DROPPED, SQ_FLAGS, CQ_FLAGS,
                       CQ_OVERFLOW):  # fmt: skip
            self.memory.write_u32(offset, old.memory.read_u32(offset))
        shape, before = self.shape, old.shape
        for step in range(old.submitted):
            index = (old.sq_head + step) & _M32
            source, target = index & (before.sq_entries - 1), index & (shape.sq_entries - 1)
            if before.array:
                source = old.memory.read_u32(before.array + 4 * source) & (before.sq_entries - 1)
                self.memory.write_u32(shape.array + 4 * target, target)
            data = old.sqes.read(source * before.sqe_size, before.sqe_size)
            self.sqes.write(target * shape.sqe_size, data)
        for step in range(old.completed):
            index = (old.memory.read_u32(CQ_HEAD) + step) & _M32
            at = CQES + (index & (before.cq_entries - 1)) * before.cqe_size
            data = old.memory.read(at, before.cqe_size)
            self.memory.write(CQES + (index & (shape.cq_entries - 1)) * shape.cqe_size, data)

    # -- flags ------------------------------------------------------------------------------

    def set_flag(self, bit: int, *, on: bool) -> None:
        """Set or clear a bit of the submission queue's flags."""
        flags = self.memory.read_u32(SQ_FLAGS)
        self.memory.write_u32(SQ_FLAGS, flags | bit if on else flags & ~bit)

    def cq_flags(self) -> int:
        """Return what the program says in the completion queue's flags."""
        return self.memory.read_u32(CQ_FLAGS)
