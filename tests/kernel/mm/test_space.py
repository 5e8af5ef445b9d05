"""Address space: the rules of the manual pages that the model does not cover."""

from __future__ import annotations

import struct

import pytest

from starrylab.abi import mman
from starrylab.abi.errno import (
    EACCES,
    EAGAIN,
    EBUSY,
    EEXIST,
    EFAULT,
    EINVAL,
    ENAMETOOLONG,
    ENOMEM,
)
from starrylab.abi.mman import MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, MAP_SHARED
from starrylab.abi.resource import RLIMIT_AS, RLIMIT_DATA, RLIMIT_MEMLOCK, RLIMIT_STACK
from starrylab.base.cstruct import Struct, cstruct, u32, u64
from starrylab.kernel.mm.areas import VM_NOWRITE
from starrylab.kernel.mm.frames import MemoryKind
from starrylab.kernel.mm.layout import INFINITY, STACK_GUARD_GAP
from starrylab.kernel.mm.space import BadAccess, OutOfMemory
from starrylab.machine.api import EXEC, READ, WRITE
from tests.kernel.mm.mm_support import PAGE, Memory

RW = READ | WRITE
ANON = MAP_PRIVATE | MAP_ANONYMOUS
AT = 0x2000_0000


def test_a_fork_has_every_attribute_of_a_space() -> None:
    space = Memory().space()
    assert vars(space.fork()).keys() == vars(space).keys()


@pytest.fixture
def memory():
    return Memory()


@pytest.fixture
def space(memory):
    return memory.space()


def expect_signal(space, addr, access, signal, code):
    with pytest.raises(BadAccess) as caught:
        space.fault(addr, access)
    assert (caught.value.signal, caught.value.code) == (signal, code)


# -- where mappings go ------------------------------------------------------------------------


def test_mappings_grow_down_and_join(space):
    first = space.map(0, PAGE, RW, ANON)
    second = space.map(0, 3 * PAGE, RW, ANON)
    assert second == first - 3 * PAGE
    assert len(space.areas) == 1
    other = space.map(0, PAGE, READ, ANON)
    assert other == second - PAGE
    assert len(space.areas) == 2


def test_the_highest_gap_that_fits_is_used(space):
    low = space.map(0, 10 * PAGE, RW, ANON)
    space.unmap(low + 2 * PAGE, PAGE)
    space.unmap(low + 5 * PAGE, 3 * PAGE)
    assert space.map(0, 2 * PAGE, READ, ANON) == low + 6 * PAGE
    assert space.map(0, PAGE, READ, ANON) == low + 5 * PAGE
    assert space.map(0, PAGE, READ, ANON) == low + 2 * PAGE
    assert space.map(0, PAGE, READ, ANON) == low - PAGE


def test_a_free_hint_is_taken_and_a_used_one_is_not(space):
    assert space.map(AT + 5, PAGE, RW, ANON) == AT + PAGE
    assert space.map(AT + PAGE, PAGE, READ, ANON) > AT + 2 * PAGE


def test_bottom_up_when_the_stack_is_unlimited(memory):
    memory.limits.values[RLIMIT_STACK] = INFINITY
    space = memory.space()
    first = space.map(0, PAGE, RW, ANON)
    assert first == space.layout.bottom_up_base
    assert space.map(0, PAGE, READ, ANON) == first + PAGE


def test_fixed_addresses(space):
    space.map(AT, 2 * PAGE, RW, ANON | MAP_FIXED)
    with pytest.raises(EEXIST):
        space.map(AT + PAGE, PAGE, RW, ANON | mman.MAP_FIXED_NOREPLACE)
    with pytest.raises(EINVAL):
        space.map(AT + 1, PAGE, RW, ANON | MAP_FIXED)
    with pytest.raises(ENOMEM):
        space.map(space.layout.user_top - PAGE, 2 * PAGE, RW, ANON | MAP_FIXED)
    with pytest.raises(ENOMEM):
        space.map(0, 1 << 50, RW, ANON)
    with pytest.raises(EINVAL):
        space.map(0, 0, RW, ANON)


# -- limits -----------------------------------------------------------------------------------


def test_address_space_limit(memory, space):
    memory.limits.values[RLIMIT_AS] = 4 * PAGE
    addr = space.map(0, 3 * PAGE, READ, ANON)
    with pytest.raises(ENOMEM):
        space.map(0, 2 * PAGE, READ, ANON)
    space.map(addr, 3 * PAGE, RW, ANON | MAP_FIXED)  # replaces as much as it takes
    with pytest.raises(ENOMEM):
        space.remap(addr, 3 * PAGE, 5 * PAGE, mman.MREMAP_MAYMOVE)


def test_data_limit(memory, space):
    memory.limits.values[RLIMIT_DATA] = 2 * PAGE
    space.map(0, 9 * PAGE, READ, ANON)
    space.map(0, 9 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS)
    addr = space.map(0, 2 * PAGE, RW, ANON)
    with pytest.raises(ENOMEM):
        space.map(0, PAGE, RW, ANON)
    space.set_brk_start(AT)
    assert space.brk(AT + PAGE) == AT
    space.unmap(addr, 2 * PAGE)
    assert space.brk(AT + PAGE) == AT + PAGE


def test_locked_memory_limit(memory, space):
    memory.limits.values[RLIMIT_MEMLOCK] = 2 * PAGE
    addr = space.map(0, 3 * PAGE, RW, ANON)
    with pytest.raises(ENOMEM):
        space.lock(addr, 3 * PAGE)
    space.lock(addr + 100, PAGE)  # two pages
    assert space.locked_vm() == 2 * PAGE
    assert len(space.table) == 2
    with pytest.raises(EAGAIN):
        space.map(0, PAGE, RW, ANON | mman.MAP_LOCKED)
    space.unlock(addr, 2 * PAGE)
    assert space.locked_vm() == 0
    assert len(space.areas) == 1
    with pytest.raises(ENOMEM):
        space.lock_all(current=True, future=False, on_fault=False)
    space.may_lock_all = True
    space.lock_all(current=True, future=True, on_fault=False)
    assert len(space.table) == 3
    space.map(0, 2 * PAGE, RW, ANON)
    assert len(space.table) == 5
    child = space.fork()
    assert child.locked_vm() == 0
    assert child.lock_future == 0


# -- faults ------------------------------------------------------------------------------------


def test_reading_untouched_memory_takes_no_frame(memory, space):
    addr = space.map(0, 100 * PAGE, RW, ANON)
    before = memory.frames.usage()[MemoryKind.USER]
    for i in range(100):
        assert space.fault(addr + i * PAGE, READ) & WRITE == 0
    assert memory.frames.usage()[MemoryKind.USER] == before
    assert space.rss().total == 0
    space.write(addr, b"x")
    assert space.rss().anon == 1
    assert space.read(addr, 2) == b"x\0"


def test_the_sole_owner_of_a_page_does_not_copy_it(memory, space):
    addr = space.map(0, PAGE, RW, ANON)
    before = space.fault(addr, WRITE)
    child = space.fork()
    assert not space.table[addr >> 12] & WRITE
    child.release()
    assert space.fault(addr, WRITE) == before


def test_signals_of_bad_accesses(memory, space):
    file = memory.file(b"x" * 100)
    addr = space.map(0, 2 * PAGE, READ, MAP_PRIVATE, source=file)
    expect_signal(space, 8, READ, 11, 1)
    expect_signal(space, addr, WRITE, 11, 2)
    expect_signal(space, addr + PAGE, READ, 7, 2)
    none = space.map(0, PAGE, 0, ANON)
    expect_signal(space, none, READ, 11, 2)
    assert space.majflt == 0
    space.fault(addr, READ)
    assert space.majflt == 1


def test_write_only_memory_can_be_read_on_this_architecture(space):
    addr = space.map(0, PAGE, WRITE, ANON)
    assert space.read(addr, 1) == b"\0"
    only = space.map(0, PAGE, EXEC, ANON)
    with pytest.raises(EFAULT):
        space.read(only, 1)
    assert space.fault(only, EXEC) & EXEC


def test_running_out_of_frames(memory):
    space = memory.space()
    addr = space.map(0, 600 * PAGE, RW, ANON)
    while memory.frames.free_frames():
        space.fault(addr + len(space.table) * PAGE, WRITE)
    with pytest.raises(OutOfMemory):
        space.fault(addr + 599 * PAGE, WRITE)
    memory.check([space])
    with pytest.raises(OutOfMemory):
        space.fork()
    memory.check([space])
    space.release()
    assert memory.frames.free_frames() == memory.frames.total - 1


def test_reclaiming_the_page_that_is_being_copied(memory, space):
    """Making room for the copy may evict the original."""
    file = memory.file(b"a" * 2 * PAGE)
    addr = space.map(0, 2 * PAGE, RW, MAP_PRIVATE, source=file)
    space.read(addr, 2 * PAGE)
    memory.frames.reclaimers.append(lambda wanted: file.evict(0, 2) or 2)
    hog = memory.space()
    filler = hog.map(0, 600 * PAGE, RW, ANON)
    page = 0
    while memory.frames.free_frames():
        hog.fault(filler + page * PAGE, WRITE)
        page += 1
    entry = space.fault(addr, WRITE)
    assert space.read(addr, 3) == b"aaa"
    assert space.table[addr >> 12] == entry
    memory.check([space, hog], [file])


def test_the_stack_grows_to_its_limit(memory, space):
    top = space.map_stack(16 << 20, executable=False)
    assert space.stack_vm() < 200 << 10
    space.write(top - (1 << 20), b"deep")
    assert space.stack_vm() == 1 << 20
    expect_signal(space, top - (8 << 20) - 1, WRITE, 11, 1)
    assert next(iter(space.maps())).name == b"[stack]"


def test_the_stack_keeps_its_distance(space):
    top = space.map_stack(8 << 20, executable=False)
    wall = top - (2 << 20)
    space.map(wall - PAGE, PAGE, RW, ANON | MAP_FIXED)
    space.fault(wall + STACK_GUARD_GAP, WRITE)
    expect_signal(space, wall + STACK_GUARD_GAP - 1, WRITE, 11, 1)


# -- mprotect, mremap, brk -----------------------------------------------------------------------


def test_protect_respects_the_file(memory, space):
    file = memory.file(bytes(PAGE))
    addr = space.map(0, PAGE, READ, MAP_SHARED, source=file, vm_flags=VM_NOWRITE)
    with pytest.raises(EACCES):
        space.protect(addr, PAGE, RW)
    private = space.map(0, PAGE, READ, MAP_PRIVATE, source=file)
    space.protect(private, PAGE, RW)
    space.write(private, b"x")
    with pytest.raises(EINVAL):
        space.protect(addr + 1, PAGE, READ)
    space.protect(addr, 0, READ)


def test_remap_grows_in_place_only_into_free_memory(space):
    addr = space.map(AT, 2 * PAGE, RW, ANON | MAP_FIXED)
    space.write(addr, b"here")
    assert space.remap(addr, 2 * PAGE, 4 * PAGE, 0) == addr
    space.map(addr + 4 * PAGE, PAGE, READ, ANON | MAP_FIXED)
    with pytest.raises(ENOMEM):
        space.remap(addr, 4 * PAGE, 5 * PAGE, 0)
    moved = space.remap(addr, 4 * PAGE, 5 * PAGE, mman.MREMAP_MAYMOVE)
    assert moved != addr
    assert space.read(moved, 4) == b"here"
    with pytest.raises(EFAULT):
        space.read(addr, 1)
    assert space.remap(moved, 5 * PAGE, PAGE, 0) == moved
    with pytest.raises(EFAULT):
        space.remap(addr, PAGE, PAGE, 0)
    with pytest.raises(EFAULT):
        space.remap(moved, 2 * PAGE, 3 * PAGE, mman.MREMAP_MAYMOVE)


@pytest.mark.parametrize(
    ("old", "old_size", "new_size", "flags", "target"),
    [
        (AT + 1, PAGE, PAGE, 0, 0),
        (AT, PAGE, 0, 0, 0),
        (AT, PAGE, PAGE, 8, 0),
        (AT, PAGE, PAGE, mman.MREMAP_FIXED, AT),
        (AT, PAGE, PAGE, mman.MREMAP_FIXED | mman.MREMAP_MAYMOVE, AT),
        (AT, PAGE, PAGE, mman.MREMAP_FIXED | mman.MREMAP_MAYMOVE, AT + 1),
        (AT, PAGE, 2 * PAGE, mman.MREMAP_DONTUNMAP | mman.MREMAP_MAYMOVE, 0),
        (AT, 0, PAGE, mman.MREMAP_MAYMOVE, 0),
    ],
)
def test_remap_refuses(space, old, old_size, new_size, flags, target):
    space.map(AT, PAGE, RW, ANON | MAP_FIXED)
    with pytest.raises(EINVAL):
        space.remap(old, old_size, new_size, flags, target)
    assert len(space.areas) == 1


def test_remap_of_nothing_duplicates_shared_memory(memory, space):
    addr = space.map(0, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS)
    space.write(addr, b"one")
    twin = space.remap(addr, 0, PAGE, mman.MREMAP_MAYMOVE)
    space.write(twin, b"two")
    assert space.read(addr, 3) == b"two"
    memory.check([space])


def test_brk(memory, space):
    space.set_brk_start(AT + 100)
    assert space.brk(0) == AT + 100
    assert space.brk(AT + 3 * PAGE) == AT + 3 * PAGE
    space.write(AT + PAGE, b"heap")
    assert [entry.name for entry in space.maps()] == [b"[heap]"]
    space.map(AT + 6 * PAGE, PAGE, RW, ANON | MAP_FIXED)
    assert space.brk(AT + 6 * PAGE) == AT + 3 * PAGE  # one page must stay free
    assert space.brk(AT + 5 * PAGE) == AT + 5 * PAGE
    assert space.brk(AT + PAGE) == AT + PAGE
    with pytest.raises(EFAULT):
        space.read(AT + PAGE, 1)
    memory.check([space])


# -- files ------------------------------------------------------------------------------------


def test_shared_file_writes_reach_the_file_and_are_seen_again_after_msync(memory, space):
    file = memory.file(b"old" + bytes(2 * PAGE))
    addr = space.map(0, 2 * PAGE, RW, MAP_SHARED, source=file)
    assert space.read(addr, 3) == b"old"
    assert not file.dirty
    space.write(addr, b"new")
    assert file.dirty == {0}
    space.sync(addr, PAGE, mman.MS_SYNC)
    assert file.store[:3] == b"new"
    assert not file.dirty
    space.fault(addr, WRITE)
    assert file.dirty == {0}
    with pytest.raises(ENOMEM):
        space.sync(addr, 3 * PAGE, mman.MS_SYNC)
    space.may_lock_all = True
    space.lock(addr, PAGE)
    with pytest.raises(EBUSY):
        space.sync(addr, PAGE, mman.MS_INVALIDATE)
    assert space.locks_page(file, 0)
    assert not space.locks_page(file, 1)


def test_truncation_takes_private_copies_away_and_eviction_does_not(memory, space):
    file = memory.file(b"f" * 2 * PAGE)
    addr = space.map(0, 2 * PAGE, RW, MAP_PRIVATE, source=file)
    space.write(addr, b"mine")
    file.evict(0, 2)
    assert space.read(addr, 5) == b"minef"
    space.truncate_pages(file, 0, 2)
    assert space.read(addr, 5) == b"fffff"


def test_a_source_may_answer_a_write_with_another_frame(memory, space):
    file = memory.file(b"a" * PAGE)
    addr = space.map(0, PAGE, RW, MAP_SHARED, source=file)
    space.read(addr, 1)
    old = file.pages.pop(0)
    new = file.frame(0, write=False)
    entry = space.fault(addr, WRITE)
    assert entry & -PAGE == new
    memory.frames.release(old)
    memory.check([space], [file])


def test_mincore_and_populate(memory, space):
    addr = space.map(0, 4 * PAGE, RW, ANON)
    space.write(addr + PAGE, b"x")
    assert space.mincore(addr, 4 * PAGE) == b"\0\1\0\0"
    space.advise(addr, 4 * PAGE, mman.MADV_POPULATE_WRITE)
    assert space.rss().anon == 4
    there = space.map(0, 2 * PAGE, RW, ANON | mman.MAP_POPULATE)
    assert space.mincore(there, 2 * PAGE) == b"\1\1"
    with pytest.raises(ENOMEM):
        space.mincore(AT, PAGE)
    with pytest.raises(EINVAL):
        space.advise(addr, PAGE, 12345)
    read_only = space.map(0, PAGE, READ, ANON)
    with pytest.raises(EINVAL):
        space.advise(read_only, PAGE, mman.MADV_POPULATE_WRITE)


# -- user access ----------------------------------------------------------------------------------


@cstruct
class Pair(Struct):
    a: u32
    b: u64


def test_typed_access(space):
    addr = space.map(0, 2 * PAGE, RW, ANON)
    for at in (addr, addr + 3, addr + PAGE - 3):
        space.write_u32(at, -1)
        assert space.read_u32(at) == 0xFFFFFFFF
        assert space.read_i32(at) == -1
        space.write_u64(at, 1 << 63)
        assert space.read_u64(at) == 1 << 63
        assert space.read_i64(at) == -(1 << 63)
        space.write_struct(at, Pair(1, 2))
        pair = space.read_struct(Pair, at)
        assert (pair.a, pair.b) == (1, 2)
    space.write_u32(addr, 1)
    assert space.compare_exchange_u32(addr, 1, 7) == 1
    assert space.compare_exchange_u32(addr, 1, 8) == 7
    assert space.read_u32(addr) == 7
    with pytest.raises(EINVAL):
        space.compare_exchange_u32(addr + 2, 0, 0)
    space.zero(addr, 2 * PAGE)
    assert space.read(addr, 2 * PAGE) == bytes(2 * PAGE)


@pytest.mark.parametrize("bad", [0, AT, (1 << 38) - 4, 1 << 38, (1 << 64) - 8, (1 << 63) + 5])
def test_bad_pointers(space, bad):
    for access in (
        lambda: space.read(bad, 8),
        lambda: space.write(bad, b"12345678"),
        lambda: space.read_u32(bad),
        lambda: space.write_u64(bad, 1),
        lambda: space.read_cstr(bad),
        lambda: space.read_struct(Pair, bad),
        lambda: space.read_vector(bad, 1),
        lambda: space.views(bad, 8, READ),
        lambda: space.physical(bad, READ),
    ):
        with pytest.raises(EFAULT):
            access()
    assert space.read_partial(bad, 8) == b""
    assert space.write_partial(bad, b"x") == 0


def test_strings(space):
    addr = space.map(0, 3 * PAGE, RW, ANON)
    end = addr + 3 * PAGE
    space.write(end - 4, b"abcd")
    with pytest.raises(EFAULT):
        space.read_cstr(end - 4)
    space.write(end - 4, b"abc\0")
    assert space.read_cstr(end - 4) == b"abc"
    space.write(addr, b"p" * 4095 + b"\0")
    assert space.read_cstr(addr) == b"p" * 4095
    space.write(addr, b"p" * 4096 + b"\0")
    with pytest.raises(ENAMETOOLONG):
        space.read_cstr(addr)
    assert space.read_cstr(addr, 5000) == b"p" * 4096
    with pytest.raises(ENAMETOOLONG):
        space.read_cstr(end - 4, 3)


def test_vectors(space):
    addr = space.map(0, PAGE, RW, ANON)
    space.write(addr, struct.pack("<6Q", AT, 5, 0, 0, 1 << 60, 0))
    assert space.read_vector(addr, 3) == [(AT, 5), (0, 0), (1 << 60, 0)]
    with pytest.raises(EINVAL):
        space.read_vector(addr, 1025)
    with pytest.raises(EINVAL):
        space.read_vector(addr, -1)
    space.write(addr, struct.pack("<2Q", AT, 1 << 63))
    with pytest.raises(EINVAL):
        space.read_vector(addr, 1)
    space.write(addr, struct.pack("<2Q", AT, 1 << 40))
    with pytest.raises(EFAULT):
        space.read_vector(addr, 1)
    space.write(addr, struct.pack("<4Q", AT, 0x7FFFF000, AT, 10))
    assert space.read_vector(addr, 2) == [(AT, 0x7FFFF000), (AT, 0)]


def test_neighbouring_frames_are_one_view(memory, space):
    addr = space.map(0, 8 * PAGE, RW, ANON)
    assert [len(v) for v in space.views(addr + 10, 8 * PAGE - 20, WRITE)] == [8 * PAGE - 20]
    space.unmap(addr, 8 * PAGE)
    again = space.map(0, 8 * PAGE, RW, ANON)
    assert len(space.views(again, 8 * PAGE, WRITE)) == 1  # and so are frames used before


def test_writing_to_code_drops_its_translation(memory, space):
    addr = space.map(0, PAGE, RW | EXEC, ANON)
    frame = space.fault(addr, EXEC) & -PAGE
    for write in (
        lambda: space.write(addr, b"x"),
        lambda: space.write_u32(addr, 1),
        lambda: space.write_partial(addr, b"x"),
        lambda: space.views(addr, 4, WRITE),
    ):
        memory.code_changes.clear()
        write()
        assert memory.code_changes == [frame]
    alias = space.remap(addr, PAGE, PAGE, mman.MREMAP_MAYMOVE | mman.MREMAP_FIXED, AT)
    memory.code_changes.clear()
    space.unmap(alias, PAGE)
    assert memory.code_changes == [frame]


def test_code_written_through_another_mapping(memory, space):
    shared = space.map(0, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS)
    code = space.remap(shared, 0, PAGE, mman.MREMAP_MAYMOVE)
    space.protect(code, PAGE, READ | EXEC)
    space.fault(code, EXEC)
    space.write(shared, b"first")
    assert memory.code_changes == [space.table[shared >> 12] & -PAGE]


# -- figures --------------------------------------------------------------------------------


def test_figures(memory, space):
    file = memory.file(b"f" * 4 * PAGE)
    anon = space.map(0, 4 * PAGE, RW, ANON)
    space.map(AT, 4 * PAGE, READ, MAP_SHARED | MAP_FIXED, source=file, offset=PAGE)
    shared = space.map(0, 2 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS)
    space.write(anon, b"x" * 2 * PAGE)
    space.fault(anon + 3 * PAGE, READ)
    space.read(AT, PAGE)
    space.write(shared, b"s")
    rss = space.rss()
    assert (rss.anon, rss.file, rss.shmem, rss.total) == (2, 1, 1, 4)
    assert space.total_vm == 10 * PAGE
    assert space.data_vm() == 4 * PAGE
    child = space.fork()
    child.write(anon, b"y")
    states = child.page_states(anon, anon + 4 * PAGE)
    assert (states.copied, states.cow, states.zero, states.lazy) == (1, 1, 1, 1)
    entry = next(e for e in space.maps() if e.start == AT)
    assert (entry.offset, entry.key, entry.backend) == (PAGE, (8, 1234), "file")
    assert space.smaps(entry)["Rss"] == 4
    heap = next(e for e in space.maps() if e.start <= anon < e.end)
    assert space.smaps(heap)["Pss"] == 6  # one page alone, one with the child
    assert space.peak_rss_kib() == 20
    space.unmap(anon, 4 * PAGE)
    assert space.peak_rss_kib() == 20


def test_page_table_pages_come_and_go(memory, space):
    usage = memory.frames.usage
    before = usage()[MemoryKind.PAGE_TABLE]
    space.map(AT, 4 << 20, RW, ANON | MAP_FIXED)
    space.write(AT, b"x")
    space.write(AT + (2 << 20), b"x")
    assert usage()[MemoryKind.PAGE_TABLE] == before + 2 * PAGE
    space.unmap(AT, 2 << 20)
    assert usage()[MemoryKind.PAGE_TABLE] == before + PAGE
    space.unmap(AT + (2 << 20), PAGE)
    assert usage()[MemoryKind.PAGE_TABLE] == before + PAGE  # the rest of the region is mapped
    space.unmap(AT + (2 << 20), 2 << 20)
    assert usage()[MemoryKind.PAGE_TABLE] == before
