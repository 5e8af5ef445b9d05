"""Lab 9: three schedulers."""

from __future__ import annotations

from collections import deque
from typing import Any

READY, ASLEEP, ENDED = "ready", "asleep", "ended"
TICK_NS = 4_000_000


class Cooperative:
    """First come, first served; a task keeps the CPU until it waits or ends."""

    def __init__(self) -> None:
        self.queue: deque[Any] = deque()

    def add(self, task: Any) -> None:
        """Queue the task."""
        self.queue.append(task)

    def pick(self) -> Any:
        """Return the first."""
        return self.queue.popleft() if self.queue else None

    def tick(self, task: Any) -> bool:
        """Never."""
        return False

    def ran(self, task: Any, ns: int, how: str) -> None:
        """Queue it again if it wants."""
        if how == READY:
            self.queue.append(task)


class RoundRobin(Cooperative):
    """A turn lasts SLICE ticks; then the others have theirs."""

    SLICE = 3

    def __init__(self) -> None:
        super().__init__()
        self.ticks = 0  # of the running turn

    def pick(self) -> Any:
        """Begin a turn."""
        self.ticks = 0
        return super().pick()

    def tick(self, task: Any) -> bool:
        """Count."""
        self.ticks += 1
        return self.ticks >= self.SLICE


class Fair:
    """Who had least CPU time for its weight runs next."""

    def __init__(self) -> None:
        self.queue: dict[Any, None] = {}
        self.virtual: dict[Any, float] = {}
        self.clock = 0.0  # the virtual time of who ran last; it never goes back

    def add(self, task: Any) -> None:
        """Let nobody come with time that it saved up."""
        self.virtual[task] = self.virtual.get(task, 0.0)
        self.queue[task] = None

    def pick(self) -> Any:
        """Return who is furthest behind."""
        if not self.queue:
            return None
        task = min(self.queue, key=self.virtual.__getitem__)
        del self.queue[task]
        self.clock = max(self.clock, self.virtual[task])
        return task

    def tick(self, task: Any) -> bool:
        """Look again at each tick: only who leaves is charged."""
        self.virtual[task] += TICK_NS * 1.25**task.nice
        return True

    def ran(self, task: Any, ns: int, how: str) -> None:
        """Charge the time by weight: each step of nice is a quarter."""
        if how == ENDED:
            self.virtual.pop(task, None)
            return
        self.virtual[task] += 0
        if how == READY:
            self.queue[task] = None
