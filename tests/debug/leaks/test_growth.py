"""Growth: what goes up with every iteration is named, with its slope; noise is not."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starrylab.debug.leaks.growth import TooFewError, growing, is_growing, slope
from starrylab.debug.leaks.stamps import Stamp, compare
from starrylab.debug.leaks.tracker import NoSuchStampError, Tracker
from starrylab.kernel.core.sched import Waker
from tests.kernel.conftest import ScriptedLab


def series(**counts: list[int]) -> list[Stamp]:
    length = len(next(iter(counts.values())))
    return [
        Stamp(f"s{i}", i + 1, 0, 0, {what: (values[i], values[i] * 10) for what, values in
              counts.items()})
        for i in range(length)
    ]  # fmt: skip


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(-(10**6), 10**6)), min_size=2,
             max_size=50, unique_by=lambda p: p[0])
)  # fmt: skip
def test_the_slope_is_that_of_least_squares(points: list[tuple[int, int]]) -> None:
    xs, ys = zip(*points, strict=True)
    expected = statistics.linear_regression(xs, ys).slope
    assert slope([(float(x), float(y)) for x, y in points]) == pytest.approx(expected, abs=1e-6)


@given(
    st.integers(1, 9), st.integers(1, 5), st.integers(0, 100),
    st.lists(st.integers(0, 50), min_size=3, max_size=3),
)  # fmt: skip
def test_a_steady_leak_is_named_with_its_rate(
    rate: int, every: int, start: int, warm_up: list[int]
) -> None:
    leak = [*warm_up, *(start + rate * every * i for i in range(8))]
    (found,) = growing(series(leak=leak, flat=[7] * 11), every)
    assert found.what == "leak"
    assert found.slope == pytest.approx(rate)
    assert found.bytes_slope == pytest.approx(rate * 10)
    assert found.exact


@pytest.mark.parametrize(
    "counts",
    [
        [5] * 10,  # flat
        [1, 2, 3, 4, 5, 5, 5, 5, 5, 5],  # a cache fills up
        [1, 2, 1, 2, 1, 2, 1, 2, 1, 2],  # up and down
        [1, 2, 3, 4, 5, 6, 7, 8, 3, 4],  # swept at times
        [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],  # shrinks
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 1],  # once
    ],
)
def test_noise_is_not_growth(counts: list[int]) -> None:
    assert not is_growing(counts)


def test_too_few_stamps_are_refused() -> None:
    with pytest.raises(TooFewError, match="6 stamps are too few"):
        growing(series(x=[1, 2, 3, 4, 5, 6]))


def test_the_difference_of_any_two_stamps() -> None:
    a, b = series(more=[1, 4], fewer=[5, 2], same=[3, 3])
    assert [(c.what, c.count, c.bytes) for c in compare(a, b)] == [
        ("more", 3, 30), ("fewer", -3, -30)]  # fmt: skip
    assert [(c.what, c.count) for c in compare(b, a)] == [("fewer", 3), ("more", -3)]


def test_stamps_of_a_kernel() -> None:
    lab = ScriptedLab()
    tracker = Tracker(lab.kernel)
    tracker.stamp("before")
    kept = []

    def program(m):
        fd = yield m.call("eventfd2", 0, 0)
        kept.append(lab.kernel.threads[1].fds[fd])
        tracker.stamp("inside")
        yield m.call("pipe2", m.scratch, 0)
        lab.kernel.clock.was_set.register(Waker())
        tracker.stamp("with a pipe")
        yield m.call("exit_group", 0)

    lab.run(program)
    changes = {c.what: c.count for c in tracker.compare(2, 3)}
    assert changes == {
        "descriptor": 2,
        "pipe buffer": 1,
        "pipe end": 2,
        "poll set": 2,
        "waker": 1,
        "waker registration": 1,
        "USER frames": 1,  # the first touch of the scratch memory
        "PAGE_TABLE frames": 1,
    }
    with pytest.raises(NoSuchStampError, match="no stamp 9"):
        tracker.find(9)
