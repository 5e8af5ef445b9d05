"""The table of blocks, address ranges, and glibc's lists of free memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from starrylab.debug.heap.blocks import Block, Blocks
from starrylab.debug.heap.functions import FUNCTIONS, Family
from starrylab.debug.heap.ranges import Ranges
from starrylab.debug.heap.roots import without_bins

HERE, THERE = (1, 2), (3, 4)


def block(addr: int, size: int = 32, family: Family = Family.MALLOC) -> Block:
    return Block(addr, size, family, HERE, 7)


def test_a_block_comes_and_goes():
    blocks = Blocks()
    blocks.add(block(64))
    assert blocks.release(64, Family.MALLOC, THERE, 7) == block(64)
    assert (blocks.live, blocks.misuses) == ({}, [])
    assert (blocks.allocations, blocks.releases, blocks.allocated_bytes) == (1, 1, 32)


def test_a_second_release_names_the_first():
    blocks = Blocks()
    blocks.add(block(64))
    blocks.release(64, Family.MALLOC, THERE, 7)
    blocks.release(64, Family.MALLOC, HERE, 8)
    (misuse,) = blocks.misuses
    assert (misuse.block, misuse.freed, misuse.stack, misuse.tid) == (block(64), THERE, HERE, 8)


def test_an_address_that_is_used_again_is_no_second_release():
    blocks = Blocks()
    for _ in range(3):
        blocks.add(block(64))
        blocks.release(64, Family.MALLOC, THERE, 7)
    assert blocks.misuses == []


def test_a_wild_release():
    blocks = Blocks()
    blocks.add(block(64))
    blocks.release(64 + 31, Family.MALLOC, THERE, 7)
    blocks.release(64 + 32, Family.MALLOC, THERE, 7)
    assert [misuse.what for misuse in blocks.misuses] == [
        "release of an address 31 bytes inside of a block",
        "release of an address that is no block",
    ]
    assert blocks.live == {64: block(64)}


def test_the_allocator_may_release_what_nobody_knows():
    blocks = Blocks()
    assert blocks.release(64, Family.MALLOC, THERE, 7, is_own=True) is None
    assert blocks.misuses == []


def test_the_wrong_operator():
    blocks = Blocks()
    blocks.add(block(64, family=Family.NEW))
    blocks.release(64, Family.NEW_ARRAY, THERE, 7)
    assert "delete[] of a block from new" in blocks.misuses[0].what
    assert blocks.live == {}


def test_a_failed_reallocation_leaves_the_block():
    blocks = Blocks()
    blocks.add(block(64))
    old = blocks.release(64, Family.MALLOC, THERE, 7)
    assert old is not None
    blocks.put_back(old)
    assert (blocks.live, blocks.releases) == ({64: block(64)}, 0)
    assert blocks.release(64, Family.MALLOC, THERE, 7) == block(64)


def test_a_copy_is_independent():
    blocks = Blocks()
    blocks.add(block(64))
    copy = blocks.copy()
    copy.release(64, Family.MALLOC, THERE, 7)
    assert blocks.live == {64: block(64)}
    blocks.release(64, Family.MALLOC, THERE, 7)
    assert (blocks.misuses, copy.misuses) == ([], [])


def test_every_name_occurs_once():
    names = [function.name for function in FUNCTIONS]
    assert len(names) == len(set(names))
    assert {"malloc", "_Znwm", "_ZdaPvmSt11align_val_t"} <= set(names)


SPANS = st.tuples(st.integers(0, 40), st.integers(0, 40)).map(lambda span: tuple(sorted(span)))


@given(st.lists(st.tuples(st.booleans(), SPANS)), SPANS)
def test_ranges_are_a_set(changes, span):
    ranges, model = Ranges(), set()
    for is_added, (start, end) in changes:
        if is_added:
            ranges.add(start, end)
            model |= set(range(start, end))
        else:
            ranges.remove(start, end)
            model -= set(range(start, end))
    assert [at for low, high in ranges for at in range(low, high)] == sorted(model)
    outside = [at for low, high in ranges.outside(*span) for at in range(low, high)]
    assert outside == sorted(set(range(*span)) - model)


def test_empty_bins_of_glibc_are_not_pointers():
    start, bins = 0x10000, 127
    arena = [0x4444] * 14
    for number in range(bins):
        header = start + (8 + 14 + 2 * number) * 8 - 16
        arena += [header, header]
    arena[14:16] = [0x5555, 0x6666]  # one bin has chunks
    words = [0x1111] * 8 + arena + [0x2222] * 8
    assert without_bins(words[:], start) == [0x1111] * 8 + [0x4444] * 2 + [0] * 266 + [0x2222] * 8


def test_other_words_stay():
    words = [0x1000 + 8 * number for number in range(512)]
    assert without_bins(words[:], 0x1000) == words
