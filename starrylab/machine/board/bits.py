"""Sets of the bytes of a page, as integers of 4096 bits: the fastest sets of Python by far."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..api import PAGE_SIZE

ALL: Final = (1 << PAGE_SIZE) - 1  #: every byte of a page


def span(start: int, end: int) -> int:
    """Return the set of the bytes ``start`` up to ``end``, excluded."""
    return (1 << end) - (1 << start)


def runs(bits: int, gap: int = 0) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each run; runs up to ``gap`` bytes apart count as one."""
    at = 0
    pending: tuple[int, int] | None = None
    while bits:
        skip = (bits & -bits).bit_length() - 1
        bits >>= skip
        length = (~bits & (bits + 1)).bit_length() - 1
        start = at + skip
        at = start + length
        bits >>= length
        if pending is not None and start - pending[1] <= gap:
            pending = (pending[0], at)
            continue
        if pending is not None:
            yield pending
        pending = (start, at)
    if pending is not None:
        yield pending
