"""Whether what a thread met stops it: breakpoints, watches, signals, calls, process events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ...abi import signal as sig
from .api import Access, CallStop, EventKind, Reason, WatchHit
from .points import Point, Points
from .traced import NOWHERE, Traced

if TYPE_CHECKING:
    from ...kernel.signal.info import SignalInfo
    from ...kernel.task.process import Process
    from ...kernel.thread import Thread
    from .events import Events
    from .places import Change

RAW: Final = "raw"  #: the owner of what a stub inserted


class Decisions:
    """The part of `Debugger` that `KernelTracer` asks."""

    points: Points
    events: Events
    _calls: dict[Process, frozenset[int] | None]
    _caught: set[EventKind]

    def stop_thread(self, t: Traced, reason: Reason, **details: Any) -> None:
        """See `Debugger.stop_thread`."""
        raise NotImplementedError

    def traces(self, process: Process) -> bool:
        """See `Debugger.traces`."""
        raise NotImplementedError

    def end_plan(self, t: Traced) -> None:
        """See `Debugger.end_plan`."""
        raise NotImplementedError

    def breakpoints_met(self, t: Traced, owners: tuple[object, ...]) -> bool:
        """Serve the owners of a breakpoint address; say whether the thread stops."""
        numbers = self.points.met([o for o in owners if isinstance(o, Point)], t.thread)
        if not numbers and RAW not in owners:
            return False
        self.stop_thread(t, Reason.BREAKPOINT, breakpoints=numbers)
        return True

    def watch_met(self, t: Traced, change: Change, hit: WatchHit) -> bool:
        """Serve one touched watch; say whether the thread stops."""
        owner = change.watch.owner
        numbers: tuple[int, ...] = ()
        if isinstance(owner, Point):
            if change.watch.access is Access.WRITE and change.old == change.new:
                return False
            numbers = self.points.met([owner], t.thread)
            if not numbers:
                return False
        self.stop_thread(t, Reason.WATCHPOINT, breakpoints=numbers, watch=hit)
        return True

    def signal_met(self, t: Traced, info: SignalInfo) -> bool:
        """Say whether a thread stops for a signal that is among those that stop."""
        if info.signo == sig.SIGKILL:
            return False
        numbers = self.points.met(self.points.with_signal(info.signo), t.thread)
        self.stop_thread(t, Reason.SIGNAL, signal=info, breakpoints=numbers)
        return True

    def catches_call(self, thread: Thread, number: int) -> bool:
        """Say whether a system call of this process is caught, conditions aside."""
        process = thread.process
        if not self.traces(process):
            return False
        if process in self._calls:
            numbers = self._calls[process]
            if numbers is None or number in numbers:
                return True
        return bool(self.points.with_call(number))

    def call_met(self, t: Traced, call: CallStop) -> tuple[int, ...] | None:
        """Serve a caught call; return who stops the thread, ``None`` if nobody does."""
        process = t.thread.process
        numbers = self._calls.get(process, frozenset())
        met = self.points.met(self.points.with_call(call.number), t.thread, call)
        if not met and numbers is not None and call.number not in numbers:
            return None
        return met

    def event_met(self, kind: EventKind, t: Traced, **details: Any) -> None:
        """Stop a thread for a process event if that is caught."""
        numbers = self.points.met(self.points.with_event(kind), t.thread)
        if (numbers or kind in self._caught) and self.traces(t.thread.process):
            reason = Reason[kind.name] if kind is not EventKind.EXIT else Reason.PROCESS_EXIT
            self.stop_thread(t, reason, breakpoints=numbers, **details)

    def catches(self, kind: EventKind) -> bool:
        """Say whether a process event is caught by a stub."""
        return kind in self._caught

    def after_exec(self, t: Traced) -> None:
        """Look everything up again in the new program of a process."""
        self.end_plan(t)
        t.over = NOWHERE
        self.events.after_exec(t)
