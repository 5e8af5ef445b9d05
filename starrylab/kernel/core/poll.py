"""Waiting for files: ``Pollable``, ``PollSet`` and ``poll_io`` (design document 3.3, 3.4).

A file that can make its caller wait implements two methods and nothing more: what is
it ready for now, and whom to wake when that changes.  ``poll_io`` turns any attempt
that raises ``EAGAIN`` into a blocking call, so no file contains a wait loop of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final, Protocol, TypeVar

from ...abi.errno import EAGAIN, EINTR
from .sched import Task, Waker, park

T = TypeVar("T")

_PRUNE_FROM: Final = 8  #: registrations before the first look for dead ones


class Pollable(Protocol):
    """Anything that poll(2) accepts.  Events are the POLL* bits of `abi.poll`."""

    def poll(self) -> int:
        """Return what the object is ready for now."""
        ...

    def register(self, waker: Waker, events: int) -> None:
        """Arrange one wake-up at the next change in any of ``events``, POLLERR and POLLHUP."""
        ...


class PollSet:
    """Wakers waiting for one event.  Each registration is good for one wake-up."""

    __slots__ = ("_prune_at", "_wakers")

    def __init__(self) -> None:
        self._wakers: dict[Waker, None] = {}
        self._prune_at = _PRUNE_FROM

    def register(self, waker: Waker) -> None:
        """Add ``waker``; adding it twice has no effect."""
        wakers = self._wakers
        wakers[waker] = None
        if len(wakers) > self._prune_at:
            self._prune()

    def _prune(self) -> None:
        """Forget tasks that ended: an event that never comes would keep them for ever."""
        for waker in [w for w in self._wakers if not w.alive]:
            del self._wakers[waker]
        self._prune_at = max(_PRUNE_FROM, 2 * len(self._wakers))

    def wake(self) -> int:
        """Wake and forget everyone; return how many there were."""
        if not self._wakers:
            return 0
        wakers, self._wakers = self._wakers, {}
        for waker in wakers:
            waker.wake()
        return len(wakers)

    def unregister(self, waker: Waker) -> None:
        """Forget ``waker`` if it is registered."""
        self._wakers.pop(waker, None)

    def __len__(self) -> int:
        """Return the number of registrations, dead ones included."""
        return len(self._wakers)

    def waiting(self) -> tuple[Task, ...]:
        """Return the tasks that wait, oldest first (for the wait graph)."""
        return tuple(task for waker in self._wakers if (task := waker.task) is not None)


async def poll_io(
    task: Task,
    file: Pollable,
    events: int,
    attempt: Callable[[], T],
    *,
    nonblocking: bool = False,
    timeout_ns: int | None = None,
    tried: bool = False,
) -> T:
    """Call ``attempt`` until it stops raising ``EAGAIN``; sleep in between.

    Raises ``EAGAIN`` at once if ``nonblocking``, or after ``timeout_ns``,
    ``EINTR`` when a signal handler is to run.  With ``tried`` the caller has just made the
    first attempt itself, and nothing ran since.
    """
    executor = task.executor
    waker = task.waker
    deadline = None if timeout_ns is None else executor.now + timeout_ns
    timer = None if deadline is None else executor.call_at(deadline, waker.wake)
    try:
        while True:
            if not tried:
                try:
                    return attempt()
                except EAGAIN:
                    if nonblocking:
                        raise
            tried = False
            if deadline is not None and executor.now >= deadline:
                raise EAGAIN
            # No await lies between the attempt and the registration, and everything that
            # can change the file runs on this executor, so no wake-up can be lost here.
            file.register(waker, events)
            try:
                await park()
            except EINTR:
                # What came together with the signal is taken all the same, as in Linux
                # (``___wait_event`` in <linux/wait.h>): a peer may have come and gone.
                with suppress(EAGAIN):
                    return attempt()
                raise
    finally:
        if timer is not None:
            timer.cancel()


async def poll_any(task: Task, files: Iterable[tuple[Pollable, int]], deadline: int | None) -> bool:
    """Sleep until one of ``files`` may be ready for its events, or until ``deadline``.

    ``deadline`` is on the monotonic clock, nanoseconds; ``None`` waits for ever.  Returns
    False when the time is over.  Call it in a loop that polls the files again.
    """
    executor = task.executor
    if deadline is not None and executor.now >= deadline:
        return False
    for file, events in files:
        file.register(task.waker, events)
    if deadline is None:
        await park()
        return True
    timer = executor.call_at(deadline, task.waker.wake)
    try:
        await park()
    finally:
        timer.cancel()
    return executor.now < deadline
