"""The queues of a ring against a model, and the buffers that programs provide."""

from __future__ import annotations

from collections import deque
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starrylab.abi.errno import EBADF, EINVAL, ENFILE, ENOBUFS
from starrylab.abi.uring import (
    BUF,
    IORING_SETUP_CQE32,
    IORING_SETUP_NO_SQARRAY,
    IORING_SETUP_SQE128,
    IOU_PBUF_RING_INC,
    SQE,
)
from starrylab.kernel.files.file import File
from starrylab.kernel.mm.space import AddressSpace
from starrylab.kernel.uring.buffers import Buffer, ClassicGroup, RingGroup
from starrylab.kernel.uring.queues import (
    CQ_HEAD,
    CQ_TAIL,
    SQ_DROPPED,
    SQ_HEAD,
    SQ_TAIL,
    Queues,
    Shape,
)
from starrylab.kernel.uring.registered import FixedBuffers, FixedFiles, Span


class Bytes:
    """Shared memory of a test."""

    def __init__(self, size: int) -> None:
        self.data = bytearray(size)

    def read(self, offset: int, size: int) -> bytes:
        return bytes(self.data[offset : offset + size])

    def write(self, offset: int, data: bytes) -> None:
        self.data[offset : offset + len(data)] = data

    def read_u16(self, offset: int) -> int:
        return int.from_bytes(self.read(offset, 2), "little")

    def read_u32(self, offset: int) -> int:
        return int.from_bytes(self.read(offset, 4), "little")

    def write_u32(self, offset: int, value: int) -> None:
        self.write(offset, (value & 0xFFFFFFFF).to_bytes(4, "little"))

    def drop(self) -> None: ...


def queues(sq: int, cq: int, setup: int = 0) -> Queues:
    shape = Shape(sq, cq, setup)
    return Queues(Bytes(shape.rings_size), Bytes(shape.sqes_size), shape)


def test_offsets_are_linuxs() -> None:
    shape = Shape(8, 16, 0)
    assert (shape.array, shape.rings_size, shape.sqes_size) == (320, 352, 512)
    assert Shape(8, 16, IORING_SETUP_NO_SQARRAY).array == 0
    assert Shape(8, 16, IORING_SETUP_SQE128).sqes_size == 1024
    assert Shape(8, 16, IORING_SETUP_CQE32).rings_size == 64 + 16 * 32 + 32


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from([0, IORING_SETUP_NO_SQARRAY, IORING_SETUP_CQE32]))
def test_queues_are_two_queues(data: st.DataObject, setup: int) -> None:
    ring = queues(4, 8, setup)
    memory = ring.memory
    start = 0xFFFFFFFE  # the counters wrap
    for offset in (SQ_HEAD, SQ_TAIL, CQ_HEAD, CQ_TAIL):
        memory.write_u32(offset, start)
    ring.sq_head = ring.cq_tail = start
    waiting: deque[int] = deque()
    completed: deque[tuple[int, int, int]] = deque()
    for step in data.draw(st.lists(st.sampled_from("sstccr"), max_size=60)):
        if step == "s" and len(waiting) < 4:
            tail = memory.read_u32(SQ_TAIL)
            slot = tail & 3
            place = 3 - slot if ring.shape.array else slot
            number = data.draw(st.integers(0, 1 << 63))
            entry = (0, 0, 0, -1, 0, 0, 0, 0, number, 0, 0, 0, 0, 0)
            ring.sqes.write(place * SQE.size, SQE.pack(*entry))
            if ring.shape.array:
                memory.write_u32(ring.shape.array + 4 * slot, place)
            memory.write_u32(SQ_TAIL, tail + 1)
            waiting.append(number)
        elif step == "t":
            assert ring.submitted == len(waiting)
            if waiting:
                taken = ring.take()
                assert taken is not None
                assert taken[0][8] == waiting.popleft()
                ring.publish_head()
        elif step == "c":
            record = (data.draw(st.integers(0, 1 << 63)), -5, 7)
            assert ring.put(*record) == (len(completed) < 8)
            if len(completed) < 8:
                completed.append(record)
        elif step == "r" and completed:
            head = memory.read_u32(CQ_HEAD)
            assert ring.completion(head & 7) == completed.popleft()
            memory.write_u32(CQ_HEAD, head + 1)
        assert ring.completed == len(completed)
        assert ring.full == (len(completed) == 8)


def test_an_index_out_of_range_is_dropped() -> None:
    ring = queues(4, 8)
    ring.memory.write_u32(ring.shape.array, 4)
    ring.memory.write_u32(SQ_TAIL, 1)
    assert ring.take() is None
    assert ring.memory.read_u32(SQ_DROPPED) == 1
    assert ring.submitted == 0


def test_a_wild_tail_is_no_more_than_the_queue() -> None:
    ring = queues(4, 8)
    ring.memory.write_u32(SQ_TAIL, 0x80000000)
    assert ring.submitted == 4


def provide(memory: Bytes, entries: int, *buffers: tuple[int, int, int]) -> None:
    tail = memory.read_u16(14)
    for addr, size, bid in buffers:
        at = (tail & (entries - 1)) * BUF.size
        memory.write(at, BUF.pack(addr, size, bid, 0)[:14])
        tail += 1
    memory.write(14, tail.to_bytes(2, "little"))


def test_a_group_hands_out_its_buffers_in_order() -> None:
    group = ClassicGroup()
    with pytest.raises(ENOBUFS):
        group.peek(0)
    group.buffers += [Buffer(100, 8, 1), Buffer(200, 8, 2)]
    assert group.peek(5) == [Buffer(100, 5, 1)]
    assert not group.commit(group.peek(0), 3)
    assert group.peek(0) == [Buffer(200, 8, 2)]


def test_a_ring_of_buffers_gives_several_at_once() -> None:
    memory = Bytes(4 * BUF.size)
    group = RingGroup(memory, 4, 0, mapped=True)
    provide(memory, 4, (100, 8, 1), (200, 8, 2), (300, 8, 3))
    assert group.peek(12, 10) == [Buffer(100, 8, 1), Buffer(200, 4, 2)]
    assert not group.commit(group.peek(12, 10), 12)
    assert group.peek(0, 10) == [Buffer(300, 8, 3)]


def test_a_buffer_used_bit_by_bit() -> None:
    memory = Bytes(2 * BUF.size)
    group = RingGroup(memory, 2, IOU_PBUF_RING_INC, mapped=True)
    provide(memory, 2, (100, 8, 1), (200, 8, 2))
    assert group.commit(group.peek(5), 5)
    assert group.peek(5) == [Buffer(105, 3, 1)]
    assert group.commit(group.peek(5), 0)
    assert not group.commit(group.peek(5), 3)
    assert group.peek(5) == [Buffer(200, 5, 2)]
    assert group.available == 1


class Closing(File):
    closings = 0

    def closed(self) -> None:
        type(self).closings += 1


def test_a_slot_lives_as_long_as_it_is_used() -> None:
    told: list[int] = []
    files = FixedFiles(4, told.append)
    file = Closing()
    file.acquire()
    files.put(1, file, 77)
    node = files.get(1)
    node.users += 1
    assert files.clear(1)
    assert not files.clear(1)
    assert (told, Closing.closings) == ([], 0)
    node.release()
    assert (told, Closing.closings) == ([77], 1)
    with pytest.raises(EBADF):
        files.get(1)


def test_free_slots_come_from_a_range() -> None:
    files = FixedFiles(8, print)
    files.set_range(5, 7)
    assert [files.install(File(), None) for _ in range(2)] == [5, 6]
    with pytest.raises(ENFILE):
        files.free_slot()
    assert files.install(File(), 0) == 0
    with pytest.raises(EINVAL):
        files.install(File(), 8)
    files.clear(5)
    assert files.free_slot() == 5


def test_forgotten_buffers_tell_nobody() -> None:
    told: list[int] = []
    buffers = FixedBuffers(2, told.append)
    buffers.put(0, Span(4096, 10, cast(AddressSpace, None)), 9)
    buffers.check(buffers.get(0), 4100, 6)
    buffers.forget()
    assert told == []
