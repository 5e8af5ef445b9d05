"""Lab 11: wait queues, a mutex, and who is deadlocked."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

SCHEDULE = "schedule"
Steps = Generator[Any, None, Any]


class WaitQueue:
    """Tasks that wait for a condition."""

    def __init__(self) -> None:
        self.tasks: dict[Any, None] = {}

    def wait(self, me: Any, condition: Callable[[], Steps]) -> Steps:
        """Be ready to be woken first, then look."""
        while True:
            self.tasks[me] = None
            me.sleeping = True
            if (yield from condition()):
                break
            yield SCHEDULE
        self.tasks.pop(me, None)
        me.sleeping = False

    def wake(self) -> None:
        """Wake all."""
        tasks, self.tasks = self.tasks, {}
        for task in tasks:
            task.wake()


class Mutex:
    """A lock that one task at a time has; who waits for it sleeps."""

    def __init__(self, word: Any) -> None:
        self.word = word
        self.queue = WaitQueue()

    def _take(self) -> Steps:
        before = yield from self.word.load()
        if before == 0:
            yield from self.word.store(1)
        return before == 0

    def lock(self, me: Any) -> Steps:
        """Swap until the word was 0."""
        yield from self.queue.wait(me, self._take)

    def unlock(self, me: Any) -> Steps:
        """Free it before anybody looks."""
        yield from self.word.store(0)
        self.queue.wake()


def deadlocks(waits: dict[str, list[str] | None]) -> tuple[set[str], set[str]]:
    """Return who is deadlocked, and who can never go on because of them."""
    live = {task for task, wakers in waits.items() if wakers is None}
    while grown := {
        task for task, wakers in waits.items() if task not in live and live & set(wakers or ())
    }:
        live |= grown
    dead = set(waits) - live
    reached = {task: _reach(waits, task) for task in dead}
    core = {task for task in dead if all(task in reached[other] for other in reached[task])}
    return core, dead - core


def _reach(waits: dict[str, list[str] | None], start: str) -> set[str]:
    found: set[str] = set()
    left = list(waits[start] or ())
    while left:
        task = left.pop()
        if task not in found:
            found.add(task)
            left += waits[task] or ()
    return found
