"""The clocks of clock_gettime(2): what time it is, by which clock, and who wants to know.

Every reading comes from the door, so a replay sees the same times.  CLOCK_REALTIME is the
door's wall clock plus an offset that clock_settime(2) moves; whoever waits for a wall-clock
time is told when that happens.  CPU-time clocks read the accounts of threads.

Where the CPU has a counter that is the door's, programs read clocks without a system call: the vDSO
has what each is ahead of the counter, which changes when a clock is set or stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol
from weakref import WeakSet

from ..abi.errno import EINVAL
from ..abi.time import (
    CLOCK_BOOTTIME,
    CLOCK_BOOTTIME_ALARM,
    CLOCK_MONOTONIC,
    CLOCK_MONOTONIC_COARSE,
    CLOCK_MONOTONIC_RAW,
    CLOCK_PROCESS_CPUTIME_ID,
    CLOCK_REALTIME,
    CLOCK_REALTIME_ALARM,
    CLOCK_REALTIME_COARSE,
    CLOCK_TAI,
    CLOCK_THREAD_CPUTIME_ID,
)
from .core.poll import PollSet
from .core.sched import TICK_NS

if TYPE_CHECKING:
    from .core.alarm import TimeSource
    from .kernel import Kernel
    from .task.process import Process
    from .thread import Thread
    from .vdso import Vdso

NS: Final = 1_000_000_000  #: nanoseconds in a second
COUNTER_HZ: Final = NS  #: the time counter is the door's, in nanoseconds

#: Clocks that follow the wall clock, and jump with it.
WALL_CLOCKS: Final = frozenset(
    {CLOCK_REALTIME, CLOCK_REALTIME_COARSE, CLOCK_REALTIME_ALARM, CLOCK_TAI}
)
COARSE_CLOCKS: Final = frozenset({CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE})

_STEP_NS: Final = 1_000_000  #: a wall clock of the host that is this far off was set
_SAMPLES: Final = 5  #: readings of both of the host's clocks, of which the closest counts

# A dynamic CPU clock id is ~pid << 3, "one thread" in bit 2, the kind of time in bits 0..1
# (clock_getcpuclockid(3), <linux/posix-timers_types.h>).
PROF, VIRTUAL, SCHED, CLOCKFD = 0, 1, 2, 3
_PER_THREAD: Final = 4


class MonotonicSource:
    """The executor's own clock (CLOCK_MONOTONIC), or what has passed since ``origin`` on it."""

    def __init__(self, now: Callable[[], int], origin: int = 0) -> None:
        self.now = now
        self._origin = origin

    def when(self, target: int) -> int:
        """See ``TimeSource.when``."""
        return target + self._origin


class RealtimeSource:
    """CLOCK_REALTIME and its relatives; ``when`` holds until the clock is set."""

    def __init__(self, now: Callable[[], int], monotonic: Callable[[], int]) -> None:
        self.now = now
        self._monotonic = monotonic

    def when(self, target: int) -> int:
        """See ``TimeSource.when``."""
        return self._monotonic() + target - self.now()


class CpuSource:
    """The CPU time of a thread or a process.

    It cannot run faster than the monotonic clock, so it is read again when that has moved
    by what is missing, though not more often than the ticks that it is counted by.
    """

    def __init__(self, now: Callable[[], int], monotonic: Callable[[], int]) -> None:
        self.now = now
        self._monotonic = monotonic

    def when(self, target: int) -> int:
        """See ``TimeSource.when``."""
        return self._monotonic() + max(TICK_NS, target - self.now())


class Follower(Protocol):
    """Somebody who waits for a time on the wall clock."""

    def clock_was_set(self) -> None:
        """Compute anew when that is."""
        ...


class Clock:
    """All clocks of one kernel."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        door = kernel.door
        self.offset_ns = 0  #: what clock_settime(2) added to the door's wall clock
        self.tai_offset_s = 0  #: CLOCK_TAI minus CLOCK_REALTIME (adjtimex(2))
        self.was_set = PollSet()  #: woken by every change of the wall clock
        self.monotonic: Callable[[], int] = door.monotonic
        self._wall = door.realtime
        self.started_ns = door.monotonic()  #: when the kernel booted, on its monotonic clock
        self._followers: WeakSet[Follower] = WeakSet()
        self._vdso: Vdso | None = None  #: where programs read clocks by themselves
        self._wall_ahead = 0  #: the door's wall clock minus its monotonic one, as published
        #: clock id -> function that reads it, for the clocks that need no thread
        self.readers: dict[int, Callable[[], int]] = {}
        self._set_readers()
        self._monotonic_source = MonotonicSource(door.monotonic)
        self._boottime_source = MonotonicSource(self.boottime, self.started_ns)

    def _set_readers(self) -> None:
        for clock_id in (CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_MONOTONIC_COARSE):
            self.readers[clock_id] = self.monotonic
        for clock_id in (CLOCK_BOOTTIME, CLOCK_BOOTTIME_ALARM):
            self.readers[clock_id] = self.boottime
        # While nobody set the clock, reading it is one call into the host.
        wall = self._wall if not self.offset_ns else self.realtime
        for clock_id in (CLOCK_REALTIME, CLOCK_REALTIME_COARSE, CLOCK_REALTIME_ALARM):
            self.readers[clock_id] = wall
        self.readers[CLOCK_TAI] = self._tai

    def boottime(self) -> int:
        """Return nanoseconds since the start, as /proc/uptime shows them."""
        return self.monotonic() - self.started_ns

    def _tai(self) -> int:
        return self._wall() + self.offset_ns + self.tai_offset_s * NS

    def realtime(self) -> int:
        """Return nanoseconds since 1970-01-01 UTC."""
        return self._wall() + self.offset_ns

    def set_realtime(self, ns: int) -> None:
        """Set the wall clock, and tell those who wait for it."""
        self.offset_ns = ns - self._wall()
        self._set_readers()
        self.publish()
        for follower in list(self._followers):
            follower.clock_was_set()
        self.was_set.wake()

    # -- without a system call

    def share(self, vdso: Vdso) -> None:
        """Let programs read clocks in ``vdso``: the CPU's counter shows the door's."""
        self._vdso = vdso
        self._kernel.door.moved = self.publish
        self.publish()

    def publish(self) -> None:
        """Tell programs anew how far each clock is ahead of the counter."""
        vdso, ahead = self._vdso, self._kernel.door.ahead_ns
        if vdso is None:
            return
        if ahead is None:  # the clocks stand still, the counter does not
            vdso.publish({}, {})
            return
        self._wall_ahead = self._measure_wall()
        wall = ahead + self._wall_ahead + self.offset_ns
        known = {self.monotonic: ahead, self.boottime: ahead - self.started_ns}
        distance = {clock_id: known.get(reader, wall) for clock_id, reader in self.readers.items()}
        distance[CLOCK_TAI] = wall + self.tai_offset_s * NS
        vdso.publish(distance, dict.fromkeys(COARSE_CLOCKS, TICK_NS))

    def follow_host(self) -> None:
        """Notice at a tick that somebody has set the host's clock."""
        if self._vdso is not None:
            error = self._wall() - self.monotonic() - self._wall_ahead
            if not -_STEP_NS < error < _STEP_NS:
                self.publish()

    def _measure_wall(self) -> int:
        """Return how far the door's wall clock is ahead of its monotonic one, in ns."""
        samples = []
        for _ in range(_SAMPLES):
            before, wall, after = self.monotonic(), self._wall(), self.monotonic()
            samples.append((after - before, wall - (before + after) // 2))
        return min(samples)[1]

    def follow(self, follower: Follower) -> None:
        """Tell ``follower`` when the wall clock is set, as long as somebody else holds it."""
        self._followers.add(follower)

    def now(self, clock_id: int, thread: Thread | None = None) -> int:
        """Return the time on ``clock_id`` in nanoseconds.

        ``thread`` is who asks: the CPU-time clocks are its own.  Raises ``EINVAL`` for an
        unknown clock or a process that does not exist.
        """
        reader = self.readers.get(clock_id)
        if reader is not None:
            return reader()
        return self.reader(clock_id, thread)()

    def reader(self, clock_id: int, thread: Thread | None = None) -> Callable[[], int]:
        """Return the function that reads ``clock_id``; raise ``EINVAL`` as `now` does."""
        fixed = self.readers.get(clock_id)
        if fixed is not None:
            return fixed
        if clock_id == CLOCK_THREAD_CPUTIME_ID and thread is not None:
            return lambda: self.thread_cpu(thread)
        if clock_id == CLOCK_PROCESS_CPUTIME_ID and thread is not None:
            process = thread.process
            return lambda: self.process_cpu(process)
        if clock_id < 0:
            return self._dynamic(clock_id, thread)
        raise EINVAL

    def _dynamic(self, clock_id: int, thread: Thread | None) -> Callable[[], int]:
        kind, number = clock_id & 3, ~(clock_id >> 3)
        if kind == CLOCKFD:
            raise EINVAL
        if thread is not None and number:
            number = thread.process.meant(number) or -1
        if clock_id & _PER_THREAD:
            target = self._kernel.threads.get(number) if number else thread
            if target is None or (thread is not None and target.process is not thread.process):
                raise EINVAL
            return lambda: self.thread_cpu(target, kind)
        process: Process | None
        if number:
            process = self._kernel.processes.get(number)
        else:
            process = None if thread is None else thread.process
        if process is None:
            raise EINVAL
        return lambda: self.process_cpu(process, kind)

    def source(self, clock_id: int, thread: Thread | None = None) -> TimeSource:
        """Return the clock as a source for alarms; raise ``EINVAL`` as `now` does."""
        reader = self.reader(clock_id, thread)
        if reader == self.monotonic:
            return self._monotonic_source
        if reader == self.boottime:
            return self._boottime_source
        if clock_id in WALL_CLOCKS:
            tai = clock_id == CLOCK_TAI
            return RealtimeSource(self._tai if tai else self.realtime, self.monotonic)
        return CpuSource(reader, self.monotonic)

    def cpu_source(self, process: Process, kind: int) -> TimeSource:
        """Return the CPU time of ``process`` as a source for alarms (setitimer(2))."""
        return CpuSource(lambda: self.process_cpu(process, kind), self.monotonic)

    def thread_cpu(self, thread: Thread, kind: int = SCHED) -> int:
        """Return the CPU time of ``thread``: all (SCHED, PROF) or in user mode (VIRTUAL)."""
        usage = thread.usage
        running = 0
        if self._kernel.executor.current is thread and thread.ns_start:
            running = self.monotonic() - thread.ns_start
        if kind == VIRTUAL:
            return usage.utime_ns + running
        return usage.utime_ns + usage.stime_ns + running

    def process_cpu(self, process: Process, kind: int = SCHED) -> int:
        """Return the CPU time of all threads of ``process``, ended ones included."""
        ended = process.usage
        total = ended.utime_ns if kind == VIRTUAL else ended.utime_ns + ended.stime_ns
        for thread in process.threads.values():
            total += self.thread_cpu(thread, kind)
        return total
