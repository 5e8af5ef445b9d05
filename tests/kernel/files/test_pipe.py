"""Pipes alone: atomicity, ends, packets, room, and a model."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from starrylab.abi.errno import EAGAIN, EBUSY, EFAULT, EINVAL, ENOMEM, EPERM, EPIPE
from starrylab.abi.fcntl import O_DIRECT, O_NONBLOCK, O_RDONLY
from starrylab.abi.poll import POLLERR, POLLHUP, POLLIN, POLLOUT
from starrylab.kernel.files.pipe import PipeReader, PipeReadWrite, PipeWriter, make_pipe
from starrylab.kernel.files.pipe_buffer import MAX_CAPACITY, PAGE, PipeBuffer
from tests.kernel.files.waiting_support import CountingWaker, FlatMemory, held


def test_a_reader_gets_the_very_object_that_was_written() -> None:
    reader, writer = make_pipe()
    data = b"x" * 8192
    writer.write(data)
    assert reader.read(8192) is data
    assert reader.buffer.used == 0


def test_empty_is_eagain_and_without_writers_the_end() -> None:
    reader, writer = map(held, make_pipe())
    with pytest.raises(EAGAIN):
        reader.read(1)
    assert reader.read(0) == b""
    writer.write(b"last")
    writer.release()
    assert reader.poll() & (POLLIN | POLLHUP) == POLLIN | POLLHUP
    assert reader.read(10) == b"last"
    assert reader.read(10) == b""
    assert reader.poll() == POLLHUP


def test_writing_without_readers_is_epipe() -> None:
    reader, writer = map(held, make_pipe())
    waker = CountingWaker()
    writer.register(waker, POLLOUT)
    reader.release()
    assert waker.count == 1
    assert writer.poll() & POLLERR
    assert writer.write(b"") == 0
    with pytest.raises(EPIPE):
        writer.write(b"x")
    with pytest.raises(EPIPE):
        writer.write_user(FlatMemory(), 0, 1)
    assert writer.sigpipe


def test_up_to_pipe_buf_is_all_or_nothing() -> None:
    reader, writer = make_pipe()
    assert writer.write(b"a" * (16 * PAGE - 100)) == 16 * PAGE - 100
    assert not writer.poll() & POLLOUT
    with pytest.raises(EAGAIN):
        writer.write(b"b" * 101)
    with pytest.raises(EAGAIN):
        writer.write(b"b" * 70000)
    assert writer.write(b"b" * 100) == 100
    reader.read(PAGE)
    assert writer.poll() & POLLOUT
    assert writer.write(b"c" * 70000) == PAGE


def test_writers_wake_only_when_a_page_is_free() -> None:
    reader, writer = make_pipe()
    writer.write(bytes(16 * PAGE))
    waker = CountingWaker()
    writer.register(waker, POLLOUT)
    reader.read(PAGE - 1)
    assert waker.count == 0
    reader.read(1)
    assert waker.count == 1


def test_readers_wake_at_every_write() -> None:
    reader, writer = make_pipe()
    waker = CountingWaker()
    for expected in (1, 2):
        reader.register(waker, POLLIN)
        writer.write(b"x")
        assert waker.count == expected


def test_what_cannot_be_stored_stays() -> None:
    reader, writer = make_pipe()
    memory = FlatMemory(100)
    writer.write(b"abc")
    with pytest.raises(EFAULT):
        reader.read_user(memory, 98, 10)
    writer.write(bytes(5000))
    writer.write(b"end")
    with pytest.raises(EFAULT):
        reader.read_user(memory, 98, 10)
    assert reader.read_user(memory, 50, 3) == 3
    assert memory.read(50, 3) == b"abc"
    assert reader.buffer.size == 5003


def test_user_memory_both_ways() -> None:
    reader, writer = make_pipe()
    memory = FlatMemory()
    memory.write(0, b"0123456789")
    assert writer.write_user(memory, 0, 10) == 10
    assert writer.write_user(memory, 0, 5) == 5
    assert reader.read_user(memory, 100, 4) == 4
    assert reader.read_user(memory, 104, 100) == 11
    assert memory.read(100, 15) == b"012345678901234"
    assert reader.buffer.used == 0
    with pytest.raises(EAGAIN):
        reader.read_user(memory, 0, 1)
    assert reader.read_user(memory, 0, 0) == 0


def test_packets_keep_their_borders_and_lose_their_tails() -> None:
    reader, writer = make_pipe(O_DIRECT | O_NONBLOCK)
    writer.write(b"first")
    writer.write(b"second")
    assert reader.read(3) == b"fir"
    assert reader.read(100) == b"second"
    assert writer.write(bytes(PAGE + 1)) == PAGE + 1
    assert len(reader.read(2 * PAGE)) == PAGE
    assert len(reader.read(2 * PAGE)) == 1
    for _ in range(16):
        writer.write(b"p")
    assert not writer.poll() & POLLOUT
    with pytest.raises(EAGAIN):
        writer.write(b"p")
    memory = FlatMemory()
    assert reader.read_user(memory, 0, 100) == 1
    assert writer.poll() & POLLOUT


def test_resize() -> None:
    reader, writer = make_pipe()
    assert reader.get_pipe_size() == 65536
    assert writer.set_pipe_size(5000) == 8192
    assert writer.set_pipe_size(0) == PAGE
    writer.write(bytes(PAGE))
    waker = CountingWaker()
    writer.register(waker, POLLOUT)
    assert reader.set_pipe_size(3 * PAGE) == 4 * PAGE
    assert waker.count == 1
    writer.write(b"x")
    with pytest.raises(EBUSY):
        reader.set_pipe_size(PAGE)
    with pytest.raises(EPERM):
        reader.set_pipe_size(MAX_CAPACITY + 1)
    assert reader.set_pipe_size(MAX_CAPACITY + 1, privileged=True) == 2 * MAX_CAPACITY
    with pytest.raises(EINVAL):
        reader.set_pipe_size((1 << 31) + 1)


def test_a_fifo_reader_hangs_up_only_after_a_writer() -> None:
    buffer = PipeBuffer()
    reader = PipeReader(buffer, O_RDONLY, b"/tmp/fifo")
    assert reader.path() == b"/tmp/fifo"
    assert reader.poll() == 0
    assert reader.read(1) == b""
    writer = held(PipeWriter(buffer))
    assert reader.poll() == 0
    writer.release()
    assert reader.poll() == POLLHUP


def test_a_fifo_opened_for_both_never_hangs_up() -> None:
    both = held(PipeReadWrite(PipeBuffer()))
    assert both.readable
    assert both.writable
    with pytest.raises(EAGAIN):
        both.read(1)
    both.write(b"me")
    assert both.poll() & (POLLIN | POLLOUT | POLLHUP | POLLERR) == POLLIN | POLLOUT
    assert both.read(10) == b"me"
    both.release()
    assert (both.buffer.readers, both.buffer.writers) == (0, 0)


class Heap:
    def __init__(self) -> None:
        self.used = 0

    def charge(self, size: int) -> None:
        if self.used + size > 10 * PAGE:
            raise ENOMEM
        self.used += size

    def discharge(self, size: int) -> None:
        self.used -= size


def test_memory_is_charged_by_pages_and_given_back() -> None:
    heap = Heap()
    reader, writer = map(held, make_pipe(heap=heap))
    memory = FlatMemory()
    for _ in range(2):
        writer.write_user(memory, 0, 10)
        reader.read(10)
        assert heap.used == PAGE
    writer.write(bytes(2 * PAGE))
    assert heap.used == 2 * PAGE
    with pytest.raises(ENOMEM):
        writer.write(bytes(9 * PAGE))
    assert reader.buffer.size == 2 * PAGE
    reader.release()
    writer.release()
    assert heap.used == 0
    assert not reader.buffer.chunks


class PipeModel(RuleBasedStateMachine):
    """The buffer against one long byte string."""

    def __init__(self) -> None:
        super().__init__()
        self.reader, self.writer = map(held, make_pipe())
        self.buffer = self.reader.buffer
        self.model = b""
        self.memory = FlatMemory(1 << 18)
        self.byte = 0

    def fresh(self, size: int) -> bytes:
        self.byte = (self.byte + 1) % 251
        return bytes((self.byte + i) % 251 for i in range(min(size, 300))) * (size // 300 + 1)

    @rule(size=st.one_of(st.integers(1, 64), st.integers(1, 9000), st.integers(60000, 140000)),
          user=st.booleans())  # fmt: skip
    def write(self, size: int, user: bool) -> None:
        data = self.fresh(size)[:size]
        room = self.buffer.capacity - len(self.model)
        try:
            if user:
                self.memory.write(0, data)
                done = self.writer.write_user(self.memory, 0, size)
            else:
                done = self.writer.write(data)
        except EAGAIN:
            assert size > room
            assert size <= PAGE or room < PAGE
            return
        assert done == (min(size, room))
        self.model += data[:done]

    @rule(size=st.one_of(st.integers(1, 64), st.integers(1, 9000), st.integers(60000, 140000)),
          how=st.sampled_from(["read", "user", "chunk"]))  # fmt: skip
    @precondition(lambda self: self.model)
    def read(self, size: int, how: str) -> None:
        if how == "read":
            data = self.reader.read(size)
        elif how == "chunk":
            data = self.buffer.take_chunk(size)
            assert data
        else:
            done = self.reader.read_user(self.memory, 0, size)
            data = self.memory.read(0, done)
        if how != "chunk":
            assert len(data) == min(size, len(self.model))
        assert data == self.model[: len(data)]
        self.model = self.model[len(data) :]

    @rule(size=st.integers(0, 1 << 18))
    def resize(self, size: int) -> None:
        try:
            capacity = self.reader.set_pipe_size(size)
        except EBUSY:
            return
        assert capacity >= max(size, PAGE)
        assert capacity >= len(self.model)

    @invariant()
    def agrees(self) -> None:
        assert self.buffer.used == self.buffer.size == len(self.model)
        assert all(self.buffer.chunks)
        assert bool(self.reader.poll() & POLLIN) == bool(self.model)
        free = self.buffer.capacity - len(self.model)
        assert bool(self.writer.poll() & POLLOUT) == (free >= PAGE)


PipeModel.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestPipeModel = PipeModel.TestCase
