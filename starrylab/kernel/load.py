"""Load averages and CPU times of the whole system (getloadavg(3), proc_stat(5))."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from .core.sched import State
from .task.process import Usage

if TYPE_CHECKING:
    from .kernel import Kernel

USER_HZ: Final = 100  #: ticks a second that user space counts in
_WINDOWS: Final = (60.0, 300.0, 900.0)  #: seconds


class LoadAverage:
    """The three averages, brought up to date when somebody looks.

    Linux counts runnable tasks every five seconds.  Here the share of time in which the
    CPU was busy since the last look stands for the count, and when several tasks want the
    CPU at this moment, their number does.  Nothing has to wake an idle machine for it.
    """

    def __init__(self, now: int) -> None:
        self._averages = (0.0, 0.0, 0.0)
        self._at = now
        self._idle = 0

    def update(self, now: int, idle_ns: int, runnable: int) -> tuple[float, float, float]:
        """Return the averages of one, five and fifteen minutes."""
        elapsed = now - self._at
        if elapsed > 0:
            busy = min(1.0, max(0.0, 1 - (idle_ns - self._idle) / elapsed))
            load = max(1, runnable) * busy
            seconds = elapsed / 1e9
            one, five, fifteen = (
                load + (old - load) * math.exp(-seconds / window)
                for old, window in zip(self._averages, _WINDOWS, strict=True)
            )
            self._averages = (one, five, fifteen)
            self._at, self._idle = now, idle_ns
        return self._averages


def load_average(kernel: Kernel) -> tuple[float, float, float]:
    """Return the load averages of one, five and fifteen minutes."""
    executor = kernel.executor
    runnable = processes_in_state(kernel, State.RUNNABLE)
    return kernel.load.update(executor.now, executor.idle_ns, runnable)


def processes_in_state(kernel: Kernel, state: State) -> int:
    """Count the threads in a state."""
    return sum(1 for thread in kernel.threads.values() if thread.state is state)


def cpu_times(kernel: Kernel) -> tuple[int, int, int, int]:
    """Return user, nice, system and idle time since boot, in nanoseconds.

    What ended processes used is in their parents' counters for children, up to init's.
    What the machine itself took (devices, timers) counts as system time.
    """
    plain, nice = Usage(), Usage()
    for process in list(kernel.processes.values()):
        (nice if process.leader.nice > 0 else plain).add(process.total_usage())
    if kernel.init is not None:
        plain.add(kernel.init.children_usage)
    idle = kernel.executor.idle_ns
    up = kernel.executor.now - kernel.boot_monotonic_ns
    user = plain.utime_ns
    system = max(plain.stime_ns + nice.stime_ns, up - idle - user - nice.utime_ns)
    return user, nice.utime_ns, max(0, system), idle
