"""Who has the CPU: context switches, sched:sched_switch, sched:sched_wakeup.

A switch is what getrusage(2) counts as one, so both always agree; a thread that sleeps and goes
on with nobody in between has left the CPU as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ...abi import perf
from ..core.sched import State, Task
from . import sampling, symbols
from .counter import FIRST_TRACEPOINT
from .life import priority, tell
from .moment import Moment
from .tracepoints import RUNTIME, SWITCH, WAKEUP, WAKING

if TYPE_CHECKING:
    from ..thread import Thread
    from .sideband import Sideband
    from .system import Perf
    from .tracepoints import Tracepoint

_POINT: Final = FIRST_TRACEPOINT + SWITCH.id
_IDLE: Final = (b"swapper/0", 0, 120)  #: name, number and priority of who runs when nobody does
_PREEMPTED: Final = 0x100  #: TASK_REPORT_MAX
#: prev_state of sched_switch
_STATES: Final = {
    State.RUNNABLE: 0, State.PARKED: 1, State.DISK: 2, State.STOPPED: 4, State.TRACED: 8,
    State.DONE: 0x10,
}  # fmt: skip


class SwitchSource:
    """Listens to who gets the CPU."""

    def __init__(self, owner: Perf, sideband: Sideband) -> None:
        self._perf = owner
        self._sideband = sideband
        self._running: Thread | None = None
        self._since = 0  #: its CPU time when it got the CPU, ns
        self._seen = (0, 0)  #: its switches so far, voluntary and not
        self._on_idle: Callable[[bool], object] | None = None

    def start(self) -> None:
        """See `Source.start`."""
        kernel = self._perf.kernel
        self._running = kernel.traps.current()
        if self._running is not None:
            self._seen = _switches(self._running)
            self._since = kernel.clock.thread_cpu(self._running)
        self._on_idle = kernel.executor.on_idle
        kernel.executor.on_idle = self._idle
        kernel.events.subscribe("switch", self._switch)

    def stop(self) -> None:
        """See `Source.stop`."""
        kernel = self._perf.kernel
        kernel.events.unsubscribe("switch", self._switch)
        kernel.executor.on_idle = self._on_idle
        self._running = None

    def _idle(self, idle: bool) -> None:
        if self._on_idle is not None:
            self._on_idle(idle)
        if idle and self._running is not None:
            self._leave(self._running, None)
            self._running = None

    def _switch(self, thread: Thread) -> None:
        previous = self._running
        if previous is thread and self._seen == _switches(thread):
            return  # it only comes back from the kernel
        if previous is not None:
            self._leave(previous, thread)
        self._running = thread
        self._since = self._perf.kernel.clock.thread_cpu(thread)
        self._seen = _switches(thread)
        self._sideband.switched(thread, previous, out=False)
        if previous is None:
            self._tell_idle(thread)

    def _leave(self, thread: Thread, following: Thread | None) -> None:
        now = _switches(thread)
        voluntary, involuntary = now[0] - self._seen[0], now[1] - self._seen[1]
        number = voluntary + involuntary
        preempted = involuntary > 0 and not voluntary
        moment = Moment(thread, symbols.SCHEDULE, user=False)
        for counter in self._perf.counting(thread, perf.SW_CONTEXT_SWITCHES):
            sampling.happened(counter, moment, number or 1)
        self._sideband.switched(thread, following, out=True, preempted=preempted)
        ran = self._perf.kernel.clock.thread_cpu(thread) - self._since
        tell(self._perf, thread, RUNTIME, symbols.SCHEDULE, thread.comm[:15], thread.tid, ran)
        counters = tuple(self._perf.counting(thread, _POINT))
        if counters:
            state = _STATES[thread.state] | (_PREEMPTED if preempted else 0)
            raw = SWITCH.pack(
                thread.tid, thread.comm[:15], thread.tid, priority(thread), state, *_who(following)
            )
            moment = Moment(thread, symbols.SCHEDULE, user=False, raw=raw)
            for counter in counters:
                sampling.happened(counter, moment)

    def _tell_idle(self, following: Thread) -> None:
        """Tell who counts for the whole CPU that it is not idle any more."""
        counters = tuple(self._perf.cpu.active.get(_POINT, ()))
        if counters:
            raw = SWITCH.pack(0, *_IDLE, 0, *_who(following))
            moment = Moment(following, symbols.SCHEDULE, user=False, raw=raw, idle=True)
            for counter in counters:
                sampling.happened(counter, moment)


def _who(thread: Thread | None) -> tuple[bytes, int, int]:
    return _IDLE if thread is None else (thread.comm[:15], thread.tid, priority(thread))


def _switches(thread: Thread) -> tuple[int, int]:
    return thread.usage.voluntary, thread.usage.involuntary


class WakeSource:
    """sched:sched_wakeup, told in the name of who wakes."""

    def __init__(self, owner: Perf) -> None:
        self._perf = owner

    def start(self) -> None:
        """See `Source.start`."""
        self._perf.kernel.executor.on_wake = self._woken

    def stop(self) -> None:
        """See `Source.stop`."""
        self._perf.kernel.executor.on_wake = None

    def _woken(self, task: Task) -> None:
        kernel = self._perf.kernel
        woken = kernel.threads.get(getattr(task, "tid", 0))
        if woken is None or woken is not task:
            return
        # Timers, and input from outside, wake while nobody runs.
        waker = kernel.threads.get(getattr(kernel.executor.current, "tid", 0))
        for point in (WAKING, WAKEUP):
            self._tell(point, waker, woken)

    def _tell(self, point: Tracepoint, waker: Thread | None, woken: Thread) -> None:
        key = FIRST_TRACEPOINT + point.id
        if waker is None:
            counters = tuple(self._perf.cpu.active.get(key, ()))
        else:
            counters = tuple(self._perf.counting(waker, key))
        if counters:
            tid = 0 if waker is None else waker.tid
            raw = point.pack(tid, woken.comm[:15], woken.tid, priority(woken), 0)
            who = waker or woken
            moment = Moment(who, symbols.WAKE, user=False, raw=raw, idle=waker is None)
            for counter in counters:
                sampling.happened(counter, moment)
