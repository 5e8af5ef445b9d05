"""A set of addresses, as ranges that do not touch."""

from __future__ import annotations

from collections.abc import Iterator


class Ranges:
    """Half-open ranges, lowest first."""

    def __init__(self, ranges: list[tuple[int, int]] | None = None) -> None:
        self._ranges = ranges or []

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(self._ranges)

    def copy(self) -> Ranges:
        """Return an independent copy."""
        return Ranges(self._ranges[:])

    def add(self, start: int, end: int) -> None:
        """Put addresses in."""
        merged = []
        for low, high in self._ranges:
            if high < start or end < low:
                merged.append((low, high))
            else:
                start, end = min(start, low), max(end, high)
        if start < end:
            merged.append((start, end))
        self._ranges = sorted(merged)

    def remove(self, start: int, end: int) -> None:
        """Take addresses out."""
        self._ranges = [
            part
            for low, high in self._ranges
            for part in ((low, min(high, start)), (max(low, end), high))
            if part[0] < part[1]
        ]

    def outside(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return the parts of a range that are not in the set."""
        rest = Ranges([(start, end)])
        for low, high in self._ranges:
            rest.remove(low, high)
        return list(rest)
