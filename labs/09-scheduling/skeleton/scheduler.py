"""Lab 9: three schedulers.

The kernel asks all of them in the same way.  A task has a ``name`` and a ``nice`` value; it can
be the key of a dict.

  add(task)            the task became runnable: it is new, or it woke up
  pick()               return who runs next, and take it off the queue; None if nobody waits
  tick(task)           asked every 4 ms that ``task`` runs: True takes the CPU away from it
  ran(task, ns, how)   the task left the CPU after ``ns`` nanoseconds.  ``how`` is
                         READY   it wants to go on: queue it again (add() is not called)
                         ASLEEP  it waits; add() is called when it wakes up
                         ENDED   it will not come back
"""

from __future__ import annotations

from typing import Any

READY, ASLEEP, ENDED = "ready", "asleep", "ended"
TICK_NS = 4_000_000


class Cooperative:
    """First come, first served; a task keeps the CPU until it waits or ends."""

    def add(self, task: Any) -> None:
        raise NotImplementedError("Cooperative.add")

    def pick(self) -> Any:
        raise NotImplementedError("Cooperative.pick")

    def tick(self, task: Any) -> bool:
        raise NotImplementedError("Cooperative.tick")

    def ran(self, task: Any, ns: int, how: str) -> None:
        raise NotImplementedError("Cooperative.ran")


class RoundRobin:
    """A turn lasts SLICE ticks; then the others have theirs."""

    SLICE = 3

    def add(self, task: Any) -> None:
        raise NotImplementedError("RoundRobin.add")

    def pick(self) -> Any:
        raise NotImplementedError("RoundRobin.pick")

    def tick(self, task: Any) -> bool:
        raise NotImplementedError("RoundRobin.tick")

    def ran(self, task: Any, ns: int, how: str) -> None:
        raise NotImplementedError("RoundRobin.ran")


class Fair:
    """Who had least CPU time for its weight runs next."""

    def add(self, task: Any) -> None:
        raise NotImplementedError("Fair.add")

    def pick(self) -> Any:
        raise NotImplementedError("Fair.pick")

    def tick(self, task: Any) -> bool:
        raise NotImplementedError("Fair.tick")

    def ran(self, task: Any, ns: int, how: str) -> None:
        raise NotImplementedError("Fair.ran")
