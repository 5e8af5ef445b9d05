"""One expiry engine for every kind of timer (timerfd_create(2), setitimer(2), timer_create(2)).

An `Alarm` belongs to a `TimeSource`, which says what time it is on its clock and when, on
the executor's clock, it is worth looking again.  So a timer on a CPU-time clock and one on
the settable clock need no code of their own: an alarm that looks too early looks again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .sched import Executor, Timer


class TimeSource(Protocol):
    """A clock that alarms can run on; nanoseconds."""

    def now(self) -> int:
        """Return the time on this clock."""
        ...

    def when(self, target: int) -> int:
        """Return the executor's time at which `now` may have reached ``target``."""
        ...


class Alarm:
    """Calls ``action(expirations)`` when its clock reaches a time, and again by interval."""

    __slots__ = ("__weakref__", "_executor", "_timer", "action", "interval", "last_target",
                 "source", "target")  # fmt: skip

    def __init__(
        self, executor: Executor, source: TimeSource, action: Callable[[int], object]
    ) -> None:
        self._executor = executor
        self.source = source
        self.action = action
        self.target: int | None = None  #: on the source's clock; None: disarmed
        self.interval = 0  #: nanoseconds; 0: once
        self.last_target = 0  #: the target it expired for last
        self._timer: Timer | None = None

    def arm(self, target: int, interval: int = 0) -> None:
        """Expire at ``target`` on the source's clock, then every ``interval``."""
        self.target = target
        self.interval = interval
        self.look_again()

    def arm_after(self, delay: int, interval: int = 0) -> None:
        """Expire ``delay`` nanoseconds from now, then every ``interval``."""
        self.arm(self.source.now() + delay, interval)

    def disarm(self) -> None:
        """Expire no more."""
        self.target = None
        self.interval = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def remaining(self) -> int:
        """Return nanoseconds to the next expiry, at least 1; 0 when disarmed."""
        if self.target is None:
            return 0
        return max(1, self.target - self.source.now())

    def look_again(self) -> None:
        """Compute anew when to look at the clock: it was set, or the target changed."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.target is not None:
            self._timer = self._executor.call_at(self.source.when(self.target), self._look)

    def clock_was_set(self) -> None:
        """See ``Clock.follow``."""
        self.look_again()

    def _look(self) -> None:
        self._timer = None
        target = self.target
        if target is None:
            return
        late = self.source.now() - target
        if late < 0:
            self.look_again()
            return
        self.last_target = target
        expirations = 1
        if self.interval:
            expirations += late // self.interval
            self.target = target + expirations * self.interval
            self.look_again()
        else:
            self.target = None
        self.action(expirations)
