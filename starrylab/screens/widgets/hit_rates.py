"""How often the page cache had what was asked for, over time, for each file."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable
from typing import Final

from ...session.inspection.model import CachedFile

LENGTH: Final = 240  #: answers that are kept: a minute at the default interval
_LEVELS: Final = "▁▂▃▄▅▆▇█"
_QUIET: Final = "·"  #: nobody asked


class HitRates:
    """Hits and misses of each file at the latest answers; counts that fall begin a new history."""

    def __init__(self) -> None:
        self._counts: dict[str, deque[tuple[int, int]]] = {}

    def add(self, files: Iterable[CachedFile]) -> None:
        """Take an answer; a file that is not in it is forgotten."""
        counts: dict[str, deque[tuple[int, int]]] = {}
        for file in files:
            known = self._counts.get(file.path)
            if known is None or (file.hits, file.misses) < known[-1]:
                known = deque(maxlen=LENGTH)
            known.append((file.hits, file.misses))
            counts[file.path] = known
        self._counts = counts

    def rates(self, path: str) -> list[int | None]:
        """Return for each interval between answers the percentage of hits; ``None``: no look-up."""
        counts = list(self._counts.get(path, ()))
        found: list[int | None] = []
        for (hits, misses), (more_hits, more_misses) in itertools.pairwise(counts):
            looked = more_hits - hits + more_misses - misses
            found.append(100 * (more_hits - hits) // looked if looked > 0 else None)
        return found

    def drawn(self, path: str, width: int) -> str:
        """Return the latest ``width`` intervals as bars, the newest at the right."""
        latest = self.rates(path)[-width:]
        cells = (
            _QUIET if rate is None else _LEVELS[min(len(_LEVELS) - 1, rate * len(_LEVELS) // 100)]
            for rate in latest
        )
        return "".join(cells).rjust(width)
