"""Figures over time: what a plot is drawn from."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

from ...session.snapshot import Snapshot

LENGTH: Final = 480  #: snapshots kept: two minutes at the default interval
_SECOND: Final = 1_000_000_000
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


class FaultRates:
    """Page faults a second by cause, over the last second or so of answers."""

    def __init__(self) -> None:
        self._answers: deque[tuple[int, dict[str, int]]] = deque()

    def add(self, time_ns: int, counts: Iterable[tuple[str, int]]) -> None:
        """Take the counts at a time; when one falls the counting began anew."""
        answers, latest = self._answers, dict(counts)
        if answers and (
            time_ns < answers[-1][0]
            or any(latest.get(cause, 0) < count for cause, count in answers[-1][1].items())
        ):
            answers.clear()
        if answers and time_ns == answers[-1][0]:
            answers.pop()
        answers.append((time_ns, latest))
        while len(answers) > 2 and time_ns - answers[1][0] >= _SECOND:
            answers.popleft()

    def latest(self, cause: str) -> float:
        """Return faults a second."""
        if not self._answers:
            return 0.0
        (start, first), (end, last) = self._answers[0], self._answers[-1]
        return (last.get(cause, 0) - first.get(cause, 0)) * _SECOND / max(1, end - start)


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
