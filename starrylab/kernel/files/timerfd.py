"""A timer as a file (timerfd_create(2)).

An interval timer that has expired stands still until somebody reads it: the expirations
in between follow from the time, so a timer that nobody reads costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi.errno import EAGAIN, ECANCELED, EINVAL, ENOTTY
from ...abi.fcntl import O_RDWR
from ...abi.poll import POLLIN, POLLRDNORM
from ...abi.time import (
    CLOCK_MONOTONIC,
    TFD_IOC_SET_TICKS,
    TFD_TIMER_ABSTIME,
    TFD_TIMER_CANCEL_ON_SET,
)
from ..core.alarm import Alarm
from ..core.poll import PollSet
from ..core.sched import Executor, Waker
from .file import File

if TYPE_CHECKING:
    from ..clock import Clock
    from ..thread import Thread

_READABLE: Final = POLLIN | POLLRDNORM


class TimerFd(File):
    """Counts its expirations; read takes the count."""

    __slots__ = (
        "_alarm", "_cancelled", "_clock", "_executor", "_expired_at", "_readers", "absolute",
        "cancel_on_set", "clock_id", "interval", "ticks", "wall",
    )  # fmt: skip

    kind = "timerfd"

    def __init__(
        self, executor: Executor, clock: Clock, clock_id: int, *, wall: bool, flags: int = 0
    ) -> None:
        super().__init__(O_RDWR | flags)
        self._executor = executor
        self._clock = clock
        self.clock_id = clock_id
        self.wall = wall  #: the clock can be set
        self.interval = 0  #: nanoseconds
        self.ticks = 0  #: expirations that nobody has read
        self._alarm = Alarm(executor, clock.source(CLOCK_MONOTONIC), self._expired)
        self._expired_at: int | None = None  #: an interval timer that stands still since then
        self.absolute = False  #: what it was last set to: a time, or one from then
        self.cancel_on_set = False
        self._cancelled = False
        self._readers = PollSet()

    def set_time(self, flags: int, interval: int, value: int) -> tuple[int, int]:
        """Arm with ``value`` (0 disarms) and ``interval``, ns; return the old interval and rest."""
        old = self.get_time()
        absolute = self.absolute = bool(flags & TFD_TIMER_ABSTIME)
        self._alarm.disarm()
        self.ticks = 0
        self._expired_at = None
        self.interval = interval
        # Only an absolute time on the wall clock moves when that is set.
        follows = absolute and self.wall
        self.cancel_on_set = follows and bool(flags & TFD_TIMER_CANCEL_ON_SET)
        self._cancelled = False
        source = self.clock_id if absolute else CLOCK_MONOTONIC
        self._alarm.source = self._clock.source(source)
        if follows:
            self._clock.follow(self)
        if value:
            if absolute:
                self._alarm.arm(value)
            else:
                self._alarm.arm_after(value)
        return old

    def get_time(self) -> tuple[int, int]:
        """Return interval and nanoseconds to the next expiration, 0 if disarmed."""
        self._catch_up()
        return self.interval, self._alarm.remaining()

    def clock_was_set(self) -> None:
        """See ``Clock.follow``."""
        self._alarm.look_again()
        if self.cancel_on_set:
            self._cancelled = True
            self._readers.wake()

    def _expired(self, _expirations: int) -> None:
        self.ticks += 1
        if self.interval:
            # The alarm has no interval of its own, so this is the time it was set to.
            self._expired_at = self._alarm.last_target
        self._readers.wake()

    def _catch_up(self) -> None:
        """Count what an interval timer missed while it stood still, and start it again."""
        expired_at = self._expired_at
        if expired_at is None:
            return
        self._expired_at = None
        missed = max(0, self._alarm.source.now() - expired_at) // self.interval
        self.ticks += missed
        self._alarm.arm(expired_at + (missed + 1) * self.interval)

    def read(self, size: int) -> bytes:
        """Return the expirations as 8 bytes; ``EAGAIN`` for none, ``ECANCELED`` once."""
        if size < 8:
            raise EINVAL
        if self._cancelled:
            self._cancelled = False
            self.ticks = 0
            raise ECANCELED
        self._catch_up()
        ticks, self.ticks = self.ticks, 0
        if not ticks:
            raise EAGAIN
        return ticks.to_bytes(8, "little")

    def seek(self, offset: int, whence: int) -> int:
        """Do nothing: lseek(2) succeeds on what has no position (``noop_llseek``)."""
        return 0

    def poll(self) -> int:
        """See ``File.poll``."""
        return _READABLE if self.ticks or self._cancelled else 0

    def register(self, waker: Waker, events: int) -> None:
        """See ``File.register``."""
        self._readers.register(waker)

    def ioctl(self, thread: Thread, request: int, arg: int) -> int:
        """TFD_IOC_SET_TICKS: set the count, for checkpointing."""
        if request != TFD_IOC_SET_TICKS:
            raise ENOTTY
        ticks = thread.mm.read_u64(arg)
        if not ticks:
            raise EINVAL
        self.ticks = ticks
        self._readers.wake()
        return 0

    def closed(self) -> None:
        """See ``File.closed``."""
        self._alarm.disarm()
        self._expired_at = None
