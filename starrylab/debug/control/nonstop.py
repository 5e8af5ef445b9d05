"""Non-stop: one thread stands still, the others and the clock go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...kernel.core.attention import ATTENTION_TRACE
from ...kernel.core.sched import State
from .api import Action, ControlError, Reason

if TYPE_CHECKING:
    from ...kernel.thread import Thread
    from .debugger import Debugger

_ASLEEP = (State.PARKED, State.DISK, State.STOPPED)


def hold(debugger: Debugger, tid: int) -> None:
    """Stop one thread; a no-op while it is stopped.

    In a system call it counts as stopped at once, and is held when the call is done.
    `ControlError` for an unknown thread and outside of non-stop mode.
    """
    thread = _thread(debugger, tid)
    t = debugger.tracer.of(thread)
    if t.stopped:
        return
    if thread.state in _ASLEEP:
        debugger.stop_thread(t, Reason.PAUSE)
        return
    t.pausing = True
    thread.attention |= ATTENTION_TRACE
    debugger.kernel.hart.interrupt()


def release(debugger: Debugger, tid: int, action: Action | None = None) -> None:
    """Let a stopped thread go on; `ControlError` as `hold`, and if it is not stopped."""
    thread = _thread(debugger, tid)
    if not debugger.tracer.of(thread).stopped:
        raise ControlError(f"thread {tid} is running")
    debugger.prepare(thread, Action() if action is None else action)
    debugger.update_calls()
    thread.resume_tracing()


def _thread(debugger: Debugger, tid: int) -> Thread:
    if not debugger.non_stop:
        raise ControlError("threads stop one by one in non-stop mode only")
    thread = debugger.kernel.threads.get(tid)
    if thread is None or thread.exited:
        raise ControlError(f"no thread {tid}")
    return thread
