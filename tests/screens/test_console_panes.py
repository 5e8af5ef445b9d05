"""What the panes make of snapshots."""

from __future__ import annotations

import pytest

from starrylab.screens.widgets.memory import memory_picture
from starrylab.screens.widgets.processes import tree_rows
from starrylab.screens.widgets.units import count_text, size_text, time_text, uptime_text
from starrylab.session.snapshot import EMPTY, MemoryKind, Snapshot
from tests.screens.fake_client import BUSY, process


def test_children_stand_below_their_parent() -> None:
    drawn = [(row.branch, row.process.comm) for row in tree_rows(BUSY)]
    assert drawn == [
        ("", "init"),
        ("├ ", "sh"),
        ("│ ├ ", "find"),
        ("│ ├ ", "sort"),
        ("│ └ ", "vi"),
        ("└ ", "orphan"),
    ]


def test_a_chain_of_thousands_of_forks_is_drawn() -> None:
    chain = tuple(process(pid, pid - 1, "bomb") for pid in range(1, 5001))
    rows = tree_rows(Snapshot(processes=chain))
    assert [row.process.pid for row in rows] == list(range(1, 5001))
    assert max(len(row.branch) for row in rows) < 60


def test_processes_without_a_known_parent_are_roots() -> None:
    assert len(tree_rows(Snapshot(processes=(process(5, 4, "a"), process(6, 6, "b"))))) == 2
    assert tree_rows(EMPTY) == []


def test_cpu_share_is_of_the_time_between_two_snapshots() -> None:
    before = Snapshot(1, 10**9, (process(1, 0, "a", utime_ns=0, stime_ns=0),))
    after = Snapshot(2, 2 * 10**9, (process(1, 0, "a", utime_ns=3 * 10**8, stime_ns=2 * 10**8),))
    assert tree_rows(after, before)[0].cpu_percent == pytest.approx(50)
    assert tree_rows(after)[0].cpu_percent == 0
    assert tree_rows(after)[0].call_rate == 0


def test_the_picture_of_memory_fills_the_line_and_shows_every_kind() -> None:
    text = memory_picture(BUSY.memory, BUSY.memory_total, 40).plain
    assert len(text) == 40
    assert set(text) == set("UKCT·")
    tiny = (MemoryKind("user", 1), MemoryKind("free", 10**9))
    assert memory_picture(tiny, 10**9 + 1, 10).plain == "U" + "·" * 9


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0"), (512, "512B"), (1000, "1.0K"), (1536, "1.5K"), (64 << 20, "64M"), (5 << 40, "5.0T")],
)
def test_sizes(size: int, text: str) -> None:
    assert size_text(size) == text


def test_counts_and_times() -> None:
    assert [count_text(n) for n in (0, 999, 1234, 34_000, 5_600_000)] == [
        "0", "999", "1.2k", "34k", "5.6M",
    ]  # fmt: skip
    assert [time_text(n * 10**7) for n in (123, 754 * 100, 5025 * 100)] == [
        "0:01.23", "12:34", "1:23:45",
    ]  # fmt: skip
    assert uptime_text(3725 * 10**9) == "1:02:05"
