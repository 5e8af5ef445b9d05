"""Looking at memory changes nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starrylab.abi.mman import MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, MAP_SHARED
from starrylab.debug.peek import Peek, file_bytes, stored_page
from starrylab.kernel.fs.tmpfs import Tmpfs
from starrylab.kernel.vfs.page_store import PageStore
from tests.kernel.conftest import SCRATCH, ScriptedLab

AT = 0x2000_0000
FIXED = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED


class Backing:
    """A file whose bytes tell their offset."""

    def __init__(self) -> None:
        self.reads = 0

    def read_into(self, buffers, offset: int) -> int:
        self.reads += 1
        for buffer in buffers:
            for at in range(0, len(buffer), 8):
                buffer[at : at + 8] = (offset + at).to_bytes(8, "little")[: len(buffer) - at]
            offset += len(buffer)
        return sum(map(len, buffers))

    def write(self, data: bytes, offset: int) -> None:
        raise AssertionError


@pytest.fixture
def space(lab):
    thread = lab.start(lambda m: iter(()))
    return thread.mm


def state(space) -> tuple[object, ...]:
    frames = space.frames
    return (dict(space.table), space.minflt, space.majflt, frames.free_frames(), sum(frames.refs))


def file_source(lab: ScriptedLab, size: int) -> PageStore:
    from starrylab.kernel.vfs.page_cache import PageCache

    kernel = lab.kernel
    fs = Tmpfs(kernel.clock.realtime, kernel.pool)
    return PageCache(kernel.pool, fs, 77, None, Backing(), size)


def test_memory_that_nobody_touched_is_zero_and_stays_so(space) -> None:
    space.map(AT, 8192, 3, FIXED)
    before = state(space)
    peek = Peek(space)
    assert peek.read(AT + 4090, 12) == bytes(12)
    assert peek.word(AT) == 0
    assert state(space) == before


def test_what_was_written_is_seen_across_pages(space) -> None:
    space.map(AT, 8192, 3, FIXED)
    data = bytes(range(100))
    space.write(AT + 4050, data)
    peek = Peek(space)
    assert peek.read(AT + 4050, 100) == data
    assert peek.word(AT + 4092) == int.from_bytes(data[42:50], "little")


def test_reading_ends_at_the_first_hole(space) -> None:
    space.map(AT, 4096, 3, FIXED)
    peek = Peek(space)
    assert len(peek.read(AT + 4000, 500)) == 96
    assert peek.read(AT - 1, 1) == b""
    assert peek.word(AT + 4090) is None
    assert peek.word(AT - 8) is None
    assert peek.word(0) is None


@pytest.mark.parametrize("addr", [-8, 1 << 63, (1 << 64) - 8, 1 << 70])
def test_addresses_that_are_none(space, addr: int) -> None:
    assert Peek(space).read(addr, 8) == b""
    assert Peek(space).word(addr) is None


def test_pages_without_access_are_seen(space) -> None:
    space.map(AT, 4096, 3, FIXED)
    space.write(AT, b"secret..")
    space.protect(AT, 4096, 0)
    assert Peek(space).read(AT, 8) == b"secret.."


def test_a_file_is_read_past_the_page_cache(lab, space) -> None:
    source = file_source(lab, 3 * 4096 + 100)
    space.map(AT, 4 * 4096, 1, MAP_PRIVATE | MAP_FIXED, source=source, offset=0)
    before = state(space), source.misses, source.nr_pages, set(source.recent)
    peek = Peek(space)
    assert peek.word(AT + 8192 + 16) == 8192 + 16
    assert peek.read(AT + 3 * 4096 + 96, 8) == (3 * 4096 + 96).to_bytes(8, "little")[:4] + bytes(4)
    assert (state(space), source.misses, source.nr_pages, set(source.recent)) == before
    space.read(AT + 4096, 1)  # now the cache has it
    assert source.nr_pages
    reads = source.backing.reads
    assert peek.word(AT + 4096) == 4096
    assert source.backing.reads == reads
    assert peek.read(AT + 4 * 4096, 1) == b""


def test_shared_memory_that_another_process_filled(space) -> None:
    space.map(AT, 8192, 3, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED)
    child = space.fork()
    child.write(AT + 4096, b"from me.")
    before = state(space)
    assert Peek(space).read(AT + 4096, 8) == b"from me."
    assert Peek(space).read(AT, 8) == bytes(8)
    assert state(space) == before
    child.release()


def test_the_signal_trampoline(lab) -> None:
    kernel = lab.kernel
    thread = lab.start(lambda m: iter(()))
    kernel.vdso.map_into(thread.mm)
    assert Peek(thread.mm).read(thread.mm.trampoline, 8).hex() == "9308b00873000000"


def test_the_content_of_a_file(lab) -> None:
    source = file_source(lab, 5000)
    data = file_bytes(source, 1 << 20)
    assert len(data) == 5000
    assert data[4096:4104] == (4096).to_bytes(8, "little")
    assert file_bytes(source, 4) == bytes(4)
    assert stored_page(source, 2) is None
    assert stored_page(source, -1) is None
    assert source.nr_pages == 0


@settings(deadline=None)
@given(st.integers(0, 5 * 4096), st.integers(0, 9000))
def test_the_same_bytes_as_the_kernel_reads(offset: int, size: int) -> None:
    lab = ScriptedLab()
    space = lab.start(lambda m: iter(())).mm
    space.write(SCRATCH + 4096, bytes(range(256)) * 32)
    addr = SCRATCH + offset
    peeked = Peek(space).read(addr, size)
    assert peeked == space.read(addr, size)
