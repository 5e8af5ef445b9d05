"""Sets of bytes of a page, against Python's own sets."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from starrylab.machine.board import bits

SPANS = st.lists(st.tuples(st.integers(0, 4096), st.integers(0, 4096)).map(sorted), max_size=6)


def as_bits(spans: list[list[int]]) -> tuple[int, set[int]]:
    number, members = 0, set[int]()
    for start, end in spans:
        number |= bits.span(start, end)
        members |= set(range(start, end))
    return number, members


@given(SPANS)
def test_runs_are_the_set_in_order(spans: list[list[int]]) -> None:
    number, members = as_bits(spans)
    found = list(bits.runs(number))
    assert [i for start, end in found for i in range(start, end)] == sorted(members)
    assert all(first[1] < second[0] for first, second in itertools.pairwise(found))


@given(SPANS, st.integers(0, 64))
def test_a_gap_joins_near_runs_only(spans: list[list[int]], gap: int) -> None:
    number, _ = as_bits(spans)
    joined = list(bits.runs(number, gap))
    assert all(second[0] - first[1] > gap for first, second in itertools.pairwise(joined))
    covered = 0
    for start, end in joined:
        covered |= bits.span(start, end)
    assert covered & number == number
    assert all(covered >> start & 1 and number >> start & 1 for start, _ in joined)


def test_all_is_a_page() -> None:
    assert list(bits.runs(bits.ALL)) == [(0, 4096)]
    assert list(bits.runs(0)) == []
