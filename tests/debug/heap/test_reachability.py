"""What is reachable, possibly, indirectly or definitely lost, against a slow model of the rules."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from starrylab.debug.heap.blocks import Block
from starrylab.debug.heap.functions import Family
from starrylab.debug.heap.reachability import Loss, classify

STEP = 64
D, IND, POS, R = Loss


def fates(graph: dict[int, list[int]], roots: list[int], size: int = 48) -> list[Loss]:
    """Classify blocks at multiples of STEP; a pointer's remainder is how far inside it points."""
    blocks = [Block(at * STEP, size, Family.MALLOC, (), 1) for at in sorted(graph)]
    found = classify(blocks, [roots], lambda block: graph[block.addr // STEP])
    return [found[block] for block in blocks]


def test_a_chain_from_a_root_is_reachable():
    assert fates({1: [128], 2: [192], 3: []}, [64]) == [R, R, R]


def test_one_pointer_into_the_middle_makes_the_rest_of_a_chain_possible():
    assert fates({1: [130], 2: [192], 3: []}, [64]) == [R, POS, POS]


def test_a_chain_of_starts_wins():
    assert fates({1: [130, 192], 2: [192], 3: [128]}, [64]) == [R, R, R]


def test_a_lost_list_has_one_definite_block():
    assert fates({1: [], 2: [64], 3: [128]}, []) == [IND, IND, D]
    assert fates({1: [128], 2: [192], 3: []}, []) == [D, IND, IND]


def test_a_lost_ring_has_one_definite_block():
    assert fates({1: [128], 2: [192], 3: [64]}, []) == [D, IND, IND]


def test_a_block_that_points_at_itself_is_lost():
    assert fates({1: [64]}, []) == [D]


def test_a_lost_block_that_points_at_a_reachable_one_changes_nothing():
    assert fates({1: [], 2: [64]}, [64]) == [R, D]


def test_the_byte_behind_a_block_is_not_in_it():
    assert fates({1: []}, [64 + 47]) == [POS]
    assert fates({1: []}, [64 + 48]) == [D]
    assert fates({1: []}, [63]) == [D]


def test_a_block_of_no_bytes_has_a_start():
    assert fates({1: []}, [64], size=0) == [R]
    assert fates({1: []}, [65], size=0) == [D]


def test_no_blocks():
    assert fates({}, [0, 64, -1]) == []


GRAPHS = st.integers(1, 8).flatmap(
    lambda n: st.tuples(
        st.fixed_dictionaries(
            {at: st.lists(st.integers(0, (n + 2) * STEP), max_size=3) for at in range(1, n + 1)}
        ),
        st.lists(st.integers(0, (n + 2) * STEP), max_size=3),
    )
)


def _reach(graph, words, *, starts_only):
    found: set[int] = set()
    todo = list(words)
    while todo:
        word = todo.pop()
        at, offset = divmod(word, STEP)
        if at in graph and offset < 48 and at not in found and not (starts_only and offset):
            found.add(at)
            todo += graph[at]
    return found


@given(GRAPHS)
def test_the_rules_hold(case):
    graph, roots = case
    found = dict(zip(sorted(graph), fates(graph, roots), strict=True))
    by_starts = _reach(graph, roots, starts_only=True)
    anyhow = _reach(graph, roots, starts_only=False)
    lost = set(graph) - anyhow
    assert {at for at, fate in found.items() if fate is R} == by_starts
    assert {at for at, fate in found.items() if fate is POS} == anyhow - by_starts
    definite = {at for at in lost if found[at] is D}
    assert {at for at in lost if found[at] is IND} == lost - definite
    # From the definite ones all lost blocks are found.
    closures = {at: _reach(graph, graph[at], starts_only=False) for at in lost}
    assert lost <= definite.union(*(closures[at] for at in definite))
    # They are those that no other points to.  Of a ring some block has to be the definite one,
    # and it stays so if somebody points to another one of the ring, for valgrind too.
    if not any(at in closures[at] for at in lost):
        assert definite == lost - set().union(*(closures[at] for at in lost))
