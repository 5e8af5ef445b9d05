"""Timers that send signals: one of each kind per process, and numbered ones.

Sources: setitimer(2), timer_create(2), timer_getoverrun(2), and Linux's
kernel/time/posix-timers.c for what the pages leave open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from weakref import ref

from ...abi.errno import EAGAIN, EINVAL
from ...abi.resource import RLIMIT_CPU, RLIMIT_SIGPENDING
from ...abi.signal import (
    SI_KERNEL,
    SI_TIMER,
    SIGALRM,
    SIGEV_NONE,
    SIGEV_THREAD_ID,
    SIGKILL,
    SIGPROF,
    SIGVTALRM,
    SIGXCPU,
)
from ...abi.time import CLOCK_MONOTONIC, ITIMER_PROF, ITIMER_REAL, ITIMER_VIRTUAL
from ..clock import PROF, VIRTUAL, WALL_CLOCKS
from ..core.alarm import Alarm
from ..signal.info import SignalInfo
from ..thread_signals import send_process_signal, send_signal
from .limits import INFINITY

if TYPE_CHECKING:
    from ..kernel import Kernel
    from ..thread import Thread
    from .process import Process

OVERRUN_MAX: Final = 0x7FFFFFFF  #: DELAYTIMER_MAX
_SECOND_NS: Final = 1_000_000_000
_NEVER_NS: Final = 1 << 62
ITIMER_SIGNALS: Final = {
    ITIMER_REAL: SIGALRM,
    ITIMER_VIRTUAL: SIGVTALRM,
    ITIMER_PROF: SIGPROF,
}
_ITIMER_KINDS: Final = {ITIMER_VIRTUAL: VIRTUAL, ITIMER_PROF: PROF}


class IntervalTimer:
    """One timer of setitimer(2); kept in ``process.timers`` under a negative number."""

    def __init__(self, kernel: Kernel, process: Process, which: int) -> None:
        clock = kernel.clock
        kind = _ITIMER_KINDS.get(which)
        if kind is None:
            source = clock.source(CLOCK_MONOTONIC)
        else:
            source = clock.cpu_source(process, kind)
        self.signo = ITIMER_SIGNALS[which]
        self._process = ref(process)  # the process holds the timer
        self.alarm = Alarm(kernel.executor, source, self._expired)

    @staticmethod
    def of(kernel: Kernel, process: Process, which: int) -> IntervalTimer:
        """Return the timer, made now if the process never had it; ``EINVAL`` for no such kind."""
        if which not in ITIMER_SIGNALS:
            raise EINVAL
        found = process.timers.get(-1 - which)
        if not isinstance(found, IntervalTimer):
            found = process.timers[-1 - which] = IntervalTimer(kernel, process, which)
        return found

    def set(self, interval: int, value: int) -> None:
        """Arm with ``value`` nanoseconds, 0 to disarm."""
        if value:
            self.alarm.arm_after(value, interval)
        else:
            self.alarm.disarm()

    def get(self) -> tuple[int, int]:
        """Return interval and nanoseconds left."""
        return self.alarm.interval, self.alarm.remaining()

    def _expired(self, _expirations: int) -> None:
        process = self._process()
        if process is not None:
            send_process_signal(process, SignalInfo(self.signo, code=SI_KERNEL))

    def delete(self) -> None:
        """Stop: the process ended."""
        self.alarm.disarm()


class PosixTimer:
    """One timer of timer_create(2)."""

    def __init__(
        self,
        thread: Thread,
        clock_id: int,
        number: int,
        notify: int,
        signo: int,
        value: int,
        target: Thread | None = None,
    ) -> None:
        kernel = thread.kernel
        self._clock = kernel.clock
        self.clock_id = clock_id
        self.number = number
        self.notify = notify
        self.signo = signo
        self.value = value  #: sigval
        self.overrun = 0  #: of the signal delivered last
        self._process = ref(thread.process)
        self._target = ref(target) if target is not None else None
        self._sent: SignalInfo | None = None
        self._source = kernel.clock.source(clock_id, thread)
        self.alarm = Alarm(kernel.executor, self._source, self._expired)

    @staticmethod
    def free_number(process: Process) -> int:
        """Return the lowest free id; ``EAGAIN`` at RLIMIT_SIGPENDING."""
        if len(process.timers) >= process.limits.soft(RLIMIT_SIGPENDING):
            raise EAGAIN
        number = 0
        while number in process.timers:
            number += 1
        return number

    @staticmethod
    def find(process: Process, number: int) -> PosixTimer:
        """Return timer ``number``; raise ``EINVAL`` if there is none."""
        found = process.timers.get(number)
        if not isinstance(found, PosixTimer):
            raise EINVAL
        return found

    def set(self, interval: int, value: int, *, absolute: bool) -> None:
        """Arm with ``value`` nanoseconds, 0 to disarm."""
        alarm = self.alarm
        alarm.disarm()
        self.overrun = 0
        self._sent = None
        if not value:
            return
        wall = self.clock_id in WALL_CLOCKS
        # A relative time does not notice that the wall clock is set.
        alarm.source = (
            self._clock.source(CLOCK_MONOTONIC) if wall and not absolute else self._source
        )
        if absolute:
            if wall:
                self._clock.follow(alarm)
            alarm.arm(value, interval)
        else:
            alarm.arm_after(value, interval)

    def get(self) -> tuple[int, int]:
        """Return interval and nanoseconds left."""
        return self.alarm.interval, self.alarm.remaining()

    def get_overrun(self) -> int:
        """Return how often the timer expired besides, up to the last delivery."""
        self._note_delivery()
        return self.overrun

    def delete(self) -> None:
        """Stop for good."""
        self.alarm.disarm()

    def _pending(self) -> SignalInfo | None:
        """Return the timer's signal while it is in a queue."""
        process = self._process()
        if process is None:
            return None
        target = self._target() if self._target is not None else None
        queue = process.signals.pending if target is None else target.signals.pending
        return queue.find_timer(self.signo, self.number)

    def _note_delivery(self) -> None:
        sent = self._sent
        if sent is not None and self._pending() is not sent:
            self.overrun = sent.overrun
            self._sent = None

    def _expired(self, expirations: int) -> None:
        if self.notify == SIGEV_NONE:
            return
        self._note_delivery()
        if self._sent is not None:
            self._sent.overrun = min(OVERRUN_MAX, self._sent.overrun + expirations)
            return
        info = SignalInfo(
            self.signo,
            code=SI_TIMER,
            timer=self.number,
            overrun=min(OVERRUN_MAX, expirations - 1),
            value=self.value,
        )
        if self._send(info):
            self._sent = info

    def _send(self, info: SignalInfo) -> bool:
        """Queue the signal; tell whether it is pending now."""
        process = self._process()
        if process is None:
            return False
        try:
            if self.notify == SIGEV_THREAD_ID:
                target = self._target() if self._target is not None else None
                if target is None or target.exited:
                    return False
                send_signal(target, info)
            else:
                send_process_signal(process, info)
        except EAGAIN:  # the queue is full: this expiration is lost, the next one may not be
            return False
        return self._pending() is info


class CpuLimit:
    """RLIMIT_CPU of a process: SIGXCPU each second from the soft limit on, SIGKILL at the hard.

    Kept in ``process.timers`` under a number that no other timer has.
    """

    NUMBER: Final = -9

    def __init__(self, kernel: Kernel, process: Process) -> None:
        self._process = ref(process)
        self._source = kernel.clock.cpu_source(process, PROF)
        self.alarm = Alarm(kernel.executor, self._source, self._expired)

    @staticmethod
    def follow(kernel: Kernel, process: Process) -> None:
        """Look at the limit: it was set, or the process is new."""
        found = process.timers.get(CpuLimit.NUMBER)
        if not isinstance(found, CpuLimit):
            if process.limits.soft(RLIMIT_CPU) == INFINITY:
                return
            found = process.timers[CpuLimit.NUMBER] = CpuLimit(kernel, process)
        found.arm(process.limits.soft(RLIMIT_CPU))

    def arm(self, seconds: int) -> None:
        """Expire when the process has used ``seconds`` of CPU time."""
        if seconds == INFINITY:
            self.alarm.disarm()
        else:
            self.alarm.arm(min(seconds * _SECOND_NS, _NEVER_NS))

    def _expired(self, _expirations: int) -> None:
        process = self._process()
        if process is None:
            return
        soft, hard = process.limits[RLIMIT_CPU]
        if hard != INFINITY and self._source.now() >= hard * _SECOND_NS:
            send_process_signal(process, SignalInfo.kernel(SIGKILL))
            return
        process.limits.replace(RLIMIT_CPU, soft + 1, hard)
        self.arm(soft + 1)
        send_process_signal(process, SignalInfo.kernel(SIGXCPU))

    def delete(self) -> None:
        """Stop: the process ended."""
        self.alarm.disarm()


def delete_posix_timers(process: Process) -> None:
    """Forget the numbered timers, as execve(2) does; interval timers go on."""
    for number in [number for number in process.timers if number >= 0]:
        process.timers.pop(number).delete()
