"""What grows with every iteration of a workload, and by how much.

A series of stamps, one after each iteration (or after equal numbers of them), is fitted with a
straight line by least squares, once the first stamps, while caches fill, are dropped.  Only what
grew between each two of the last stamps *and* over all of them is named: a cache that fills up,
or a number that goes up and down, does neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from .stamps import Stamp

WARM_UP: Final = 3  #: stamps that are dropped
LEAST: Final = 4  #: stamps after the warm-up that a verdict needs
_LAST: Final = 0.5  #: part of the remaining stamps in which each must be above the one before


@dataclass(frozen=True, slots=True)
class Growth:
    """Something that there is more of after every iteration."""

    what: str
    slope: float  #: more of it per iteration, by least squares
    bytes_slope: float  #: bytes per iteration
    first: int  #: how many there were after the warm-up
    last: int
    exact: bool  #: every step was by the same number


class TooFewError(ValueError):
    """There are too few stamps to tell growth from noise."""


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the slope of the least-squares line through points with different x."""
    n = len(points)
    mean_x = sum(x for x, _ in points) / n
    mean_y = sum(y for _, y in points) / n
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread


def growing(stamps: Sequence[Stamp], every: int = 1) -> list[Growth]:
    """Return what grows, most bytes first; ``every`` iterations lie between two stamps.

    Raises `TooFewError` for less than `WARM_UP` and `LEAST` stamps together.
    """
    kept = stamps[WARM_UP:]
    if len(kept) < LEAST:
        raise TooFewError(
            f"{len(stamps)} stamps are too few to tell growth from noise; {WARM_UP + LEAST} are not"
        )
    found: list[Growth] = []
    for what in sorted({what for stamp in kept for what in stamp.amounts}):
        counts = [stamp.amounts.get(what, (0, 0))[0] for stamp in kept]
        sizes = [stamp.amounts.get(what, (0, 0))[1] for stamp in kept]
        if is_growing(counts):
            found.append(_growth(what, counts, sizes, every))
    return sorted(found, key=lambda growth: (-growth.bytes_slope, -growth.slope, growth.what))


def is_growing(counts: Sequence[int]) -> bool:
    """Tell whether every one of the last counts is above the one before, and none ever fell."""
    steps = [after - before for before, after in pairwise(counts)]
    last = steps[-max(LEAST - 1, int(len(steps) * _LAST)) :]
    return all(step > 0 for step in last) and all(step >= 0 for step in steps)


def _growth(what: str, counts: list[int], sizes: list[int], every: int) -> Growth:
    at = [index * every for index in range(len(counts))]
    steps = {after - before for before, after in pairwise(counts)}
    return Growth(
        what,
        slope(list(zip(at, counts, strict=True))),
        slope(list(zip(at, sizes, strict=True))),
        counts[0],
        counts[-1],
        len(steps) == 1,
    )
