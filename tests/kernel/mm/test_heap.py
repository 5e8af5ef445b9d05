"""Byte allocators: no two blocks overlap, everything comes back, each algorithm's own traits."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starrylab.abi.errno import ENOMEM
from starrylab.kernel.mm.buddy import BuddyAllocator
from starrylab.kernel.mm.frames import MemoryKind
from starrylab.kernel.mm.heap import BYTE_ALLOCATORS, KernelHeap, dma_heap
from starrylab.kernel.mm.slab import SlabAllocator
from starrylab.kernel.mm.tlsf import TlsfAllocator
from tests.kernel.mm.mm_support import PAGE, Memory

BASE, SIZE = 0x40000, 16 * PAGE

steps = st.lists(
    st.one_of(
        st.tuples(st.integers(1, 3 * PAGE), st.sampled_from([1, 8, 64, 4096])),
        st.tuples(st.just(0), st.integers(0, 100)),
    ),
    max_size=60,
)


@pytest.mark.parametrize("name", sorted(BYTE_ALLOCATORS))
@settings(max_examples=60, deadline=None)
@given(steps=steps)
def test_blocks_never_overlap_and_all_comes_back(name, steps):
    allocator = BYTE_ALLOCATORS[name](BASE, SIZE)
    total = allocator.free_bytes
    assert total == SIZE
    live: dict[int, int] = {}
    for size, other in steps:
        if size:
            try:
                at = allocator.alloc(size, other)
            except ENOMEM:
                continue
            assert at >= BASE
            assert at + size <= BASE + SIZE
            assert at % other == 0
            assert all(at + size <= a or a + s <= at for a, s in live.items())
            live[at] = size
        elif live:
            at = sorted(live)[other % len(live)]
            del live[at]
            allocator.free(at)
        assert allocator.free_bytes <= total - sum(live.values())
    for at in live:
        allocator.free(at)
    assert allocator.free_bytes == total
    assert allocator.alloc(SIZE) == BASE  # in one piece again


@pytest.mark.parametrize("name", sorted(BYTE_ALLOCATORS))
def test_what_was_not_given_out_cannot_be_freed(name):
    allocator = BYTE_ALLOCATORS[name](BASE, SIZE)
    at = allocator.alloc(64)
    with pytest.raises(KeyError):
        allocator.free(at + 8)
    allocator.free(at)
    with pytest.raises(KeyError):
        allocator.free(at)
    with pytest.raises(ENOMEM):
        allocator.alloc(SIZE + 1)


def test_buddies_join():
    allocator = BuddyAllocator(0, 128)
    a, b, c, d = (allocator.alloc(32) for _ in range(4))
    assert (a, b, c, d) == (0, 32, 64, 96)
    allocator.free(b)
    allocator.free(c)
    with pytest.raises(ENOMEM):
        allocator.alloc(64)  # neighbours, but not buddies
    allocator.free(a)
    assert allocator.alloc(64) == 0


def test_slab_objects_of_one_size_share_a_page():
    allocator = SlabAllocator(0, 4 * PAGE)
    small = [allocator.alloc(60) for _ in range(PAGE // 64)]
    assert {at // PAGE for at in small} == {0}
    assert allocator.alloc(60) // PAGE == 1
    assert allocator.alloc(100) // PAGE == 2


def test_tlsf_uses_a_step_that_fits_tightly():
    allocator = TlsfAllocator(0, 1 << 16)
    blocks = [allocator.alloc(1000) for _ in range(3)]
    allocator.free(blocks[1])
    assert allocator.alloc(900) == blocks[1]


def test_kernel_heap_takes_real_frames():
    memory = Memory(64)
    heap = KernelHeap(memory.frames)
    before = memory.frames.usage()
    heap.charge(5 * PAGE + 1)
    usage = memory.frames.usage()
    assert usage[MemoryKind.KERNEL_HEAP] - before[MemoryKind.KERNEL_HEAP] == 6 * PAGE
    assert sum(usage.values()) == memory.ram.size
    with pytest.raises(ENOMEM):
        heap.charge(100 * PAGE)
    assert heap.used == 5 * PAGE + 1
    heap.discharge(5 * PAGE + 1)
    assert heap.used == 0
    left = memory.frames.usage()[MemoryKind.KERNEL_HEAP] - before[MemoryKind.KERNEL_HEAP]
    assert left == 8 * PAGE  # what it keeps in hand


def test_dma_heap_is_counted_as_dma():
    memory = Memory(64)
    heap = dma_heap(memory.frames, 4, "buddy")
    assert memory.frames.usage()[MemoryKind.DMA] == 4 * PAGE
    assert heap.alloc(2 * PAGE, PAGE) % PAGE == 0
    with pytest.raises(KeyError):
        dma_heap(memory.frames, 1, "best fit")
