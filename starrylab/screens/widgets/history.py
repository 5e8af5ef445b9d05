"""Figures over time: what a plot is drawn from."""

from __future__ import annotations

from collections import deque
from typing import Final

from ...session.snapshot import Snapshot

LENGTH: Final = 480  #: snapshots kept: two minutes at the default interval
_LEVELS: Final = " ▁▂▃▄▅▆▇█"


class History:
    """The memory of each kind at the latest snapshots; a new boot begins a new history."""

    def __init__(self) -> None:
        self.times: deque[int] = deque(maxlen=LENGTH)  #: uptime, nanoseconds
        self.sizes: dict[str, deque[int]] = {}  #: kind -> bytes at these times

    def add(self, snapshot: Snapshot) -> None:
        """Take a snapshot; one that is there already counts once."""
        times = self.times
        if times and snapshot.uptime_ns < times[-1]:
            times.clear()
            self.sizes.clear()
        if not snapshot.sequence or (times and snapshot.uptime_ns == times[-1]):
            return
        times.append(snapshot.uptime_ns)
        for kind in snapshot.memory:
            if kind.name not in self.sizes:
                self.sizes[kind.name] = deque([0] * (len(times) - 1), maxlen=LENGTH)
            self.sizes[kind.name].append(kind.size)

    @property
    def span_ns(self) -> int:
        """How long ago the oldest figure was taken."""
        return self.times[-1] - self.times[0] if self.times else 0


def plot(values: list[int], width: int, height: int, top: int | None = None) -> list[str]:
    """Return ``height`` lines of ``width`` cells; the newest value is at the right.

    ``top`` is the value at the upper edge, by default the greatest of ``values``.
    """
    shown = resampled(values, width)
    limit = max(top if top is not None else max(shown, default=0), 1)
    steps = [0 if not value else max(1, min(height * 8, value * height * 8 // limit)) for value in
             shown]  # fmt: skip
    lines = []
    for row in reversed(range(height)):
        cells = "".join(_LEVELS[max(0, min(8, step - row * 8))] for step in steps)
        lines.append(cells.rjust(width))
    return lines


def resampled(values: list[int], width: int) -> list[int]:
    """Return at most ``width`` values: of those that share a cell the greatest."""
    count = len(values)
    if count <= width:
        return values
    return [max(values[i * count // width : (i + 1) * count // width]) for i in range(width)]
