"""Process numbers: upwards, not soon again, never one that a group still bears."""

from __future__ import annotations

import pytest

from starrylab.abi.errno import EAGAIN
from starrylab.kernel.task.ids import PidAllocator


def never(_number: int) -> bool:
    return False


def test_numbers_go_up_and_are_not_reused_at_once() -> None:
    pids = PidAllocator(never)
    assert [pids.take() for _ in range(3)] == [1, 2, 3]
    pids.release(2)
    assert pids.take() == 4
    assert pids.last == 4
    assert len(pids) == 3


def test_the_search_wraps_above_the_reserved_ones() -> None:
    pids = PidAllocator(never, maximum=303)
    for _ in range(302):
        pids.take()
    for number in (5, 301):
        pids.release(number)
    assert pids.take() == 301
    with pytest.raises(EAGAIN):
        pids.take()  # 5 is free, but reserved


def test_a_group_keeps_the_number_of_its_leader() -> None:
    pids = PidAllocator(lambda number: number == 301, maximum=304)
    assert [pids.take() for _ in range(303)] == list(range(1, 304))
    for number in range(300, 304):
        pids.release(number)
    assert [pids.take() for _ in range(3)] == [300, 302, 303]


def test_no_number_is_left_in_a_tiny_space() -> None:
    pids = PidAllocator(never, maximum=3)
    assert [pids.take(), pids.take()] == [1, 2]
    with pytest.raises(EAGAIN):
        pids.take()
    pids.release(2)
    assert pids.take() == 2
