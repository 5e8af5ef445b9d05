"""Lab 11: wait queues, a mutex, and who is deadlocked.

Here a thread may lose the CPU at any ``yield``, also inside of a ``yield from``: an interrupt
comes, another thread runs, and this one goes on later as if nothing had been.  A task has

  task.sleeping     set it to say "I am about to sleep"; an interrupt leaves it as it is
  task.wake()       sets ``sleeping`` to False, and makes a sleeping task runnable
  yield SCHEDULE    give up the CPU: sleeps until wake(), if ``sleeping`` is still True; if it is
                    False, goes on at once

and a `Word` of memory has atomic instructions:

  yield from word.load()        its value
  yield from word.store(new)
  yield from word.swap(new)     store, and return what was there before
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

SCHEDULE = "schedule"
Steps = Generator[Any, None, Any]


class WaitQueue:
    """Tasks that wait for a condition."""

    def wait(self, me: Any, condition: Callable[[], Steps]) -> Steps:
        """Sleep until ``yield from condition()`` is true; ``me`` is the task that calls."""
        raise NotImplementedError("WaitQueue.wait")
        yield

    def wake(self) -> None:
        """Tell all who wait to look at their condition."""
        raise NotImplementedError("WaitQueue.wake")


class Mutex:
    """A lock that one task at a time has; who waits for it sleeps."""

    def __init__(self, word: Any) -> None:
        self.word = word  # 0: free

    def lock(self, me: Any) -> Steps:
        """Return when the lock is ours."""
        raise NotImplementedError("Mutex.lock")
        yield

    def unlock(self, me: Any) -> Steps:
        """Let somebody else have it."""
        raise NotImplementedError("Mutex.unlock")
        yield


def deadlocks(waits: dict[str, list[str] | None]) -> tuple[set[str], set[str]]:
    """Return who is deadlocked, and who can never go on because of them.

    ``waits`` says for each task which tasks could wake it: one of them is enough.  None: the
    task runs, or a timer or a key can wake it.
    """
    raise NotImplementedError("deadlocks")
