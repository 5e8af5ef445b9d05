"""The debugger of one kernel: stops, resumes, steps (see `api` for the words)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ...abi import signal as sig
from ...kernel.core.attention import ATTENTION_TRACE
from ...kernel.core.sched import State
from ...kernel.signal.info import SignalInfo
from ...kernel.thread_signals import send_process_signal
from ..peek import Peek
from ..stack import Stacks
from . import stepping
from .api import (
    Access,
    Action,
    ControlError,
    EventKind,
    Kind,
    Listener,
    Reason,
    StepKind,
    Stop,
)
from .code import Code
from .decisions import RAW, Decisions
from .evaluation import condition
from .events import Events
from .handling import Handling, deliver_kept
from .memory import write_memory
from .places import Places, Watch, Watches
from .plans import Instruction, Plan, Within
from .points import Condition, Points
from .traced import Traced
from .tracer import KernelTracer

if TYPE_CHECKING:
    from ...kernel.kernel import Kernel
    from ...kernel.mm.space import AddressSpace
    from ...kernel.task.process import Process
    from ...kernel.thread import Thread

_GO: Final = Action()


class Debugger(Decisions):
    """See `api.Control`."""

    def __init__(self, kernel: Kernel, stacks: Stacks | None = None) -> None:
        """Attach to ``kernel``; ``RuntimeError`` if another debugger is."""
        self.kernel = kernel
        self.tracer = KernelTracer(self)
        kernel.attach_tracer(self.tracer)
        self.stacks = stacks if stacks is not None else Stacks(kernel)
        self.code = Code(self.stacks)
        self.places = Places(kernel.hart)
        self.watches = Watches(kernel.hart)
        self.handling = Handling()
        self.condition: Condition = condition  #: what conditions of breakpoints mean
        self.points = Points(
            self.code, self.places, self.watches, lambda *args: self.condition(*args)
        )
        self.follow_children = False  #: breakpoints and stops count in new processes, too
        self.non_stop = False  #: a stop is that of one thread, and the others go on
        self.paused = False
        self.stop: Stop | None = None
        self._pause_wanted = False
        self._left = False  #: the lab is to end
        self._stops: list[Stop] = []  #: not told yet
        self._on_stop: list[Listener] = []
        self._on_resume: list[Callable[[], object]] = []
        self._sources: set[str] = set()
        self._calls: dict[Process, frozenset[int] | None] = {}
        self._caught: set[EventKind] = set()
        self._strangers: set[int] = set()  #: processes that are left alone
        self.events = Events(self)

    # -- listening, and the pause

    def listen(self, on_stop: Listener, on_resume: Callable[[], object] | None = None) -> None:
        """See `Control.listen`."""
        self._on_stop.append(on_stop)
        if on_resume is not None:
            self._on_resume.append(on_resume)

    def wake_sources(self) -> set[str]:
        """See `Control.wake_sources`."""
        return self._sources

    @property
    def ended(self) -> bool:
        """Whether the machine is off: nothing goes on from here."""
        return self.kernel.exit_status is not None or self.kernel.panic_text is not None

    def serve_pause(self) -> None:
        """Tell of the stops, and serve the front ends until one of them resumes."""
        self._tell()
        while self.paused:
            self.kernel.door.poll_only(self._sources, None)
            self._tell()

    def run(self) -> Stop | None:
        """Run the lab up to the next stop, and return that; ``None`` when the machine is off."""
        self._settle_pause()  # of a wish from before there was this loop
        if not self.paused and not self.ended and not self._left:
            self.kernel.executor.run()
            self._settle_pause()
        self._tell()
        return self.stop if self.paused else None

    def _settle_pause(self) -> None:
        """Turn a wish to pause into one, once nothing runs."""
        if self._pause_wanted:
            self._pause_wanted = False
            if not self._stops and not self.paused:
                self._pause_now()

    def _pause_now(self) -> None:
        threads = self.threads()
        current = self.kernel.traps.current()
        thread = current if current in threads else next(iter(threads), None)
        if thread is None:
            return
        self.tracer.of(thread).stopped = True
        self._stop(Stop(Reason.PAUSE, thread.process.pid, thread.tid, thread.context.pc))

    def settle(self) -> bool:
        """After `Executor.run`: say whether the lab is paused rather than off."""
        self._settle_pause()
        return self.paused

    def _tell(self) -> None:
        stops, self._stops = self._stops, []
        for stop in stops:
            self.stop = stop
            for listener in self._on_stop:
                listener(stop)

    def stop_at_start(self) -> None:
        """Pause before the first instruction of the first process."""
        stepping.hold_at_start(self)

    def step(self, tid: int, kind: StepKind, **options: Any) -> None:
        """Let a thread make a step; see `stepping.step`."""
        stepping.step(self, tid, kind, **options)

    def pause(self) -> None:
        """See `Control.pause`."""
        if not self.paused and not self.ended:
            self._pause_wanted = True
            self._leave_user_mode()

    def _leave_user_mode(self) -> None:
        self.kernel.executor.stop()
        self.kernel.hart.interrupt()

    def _stop(self, stop: Stop) -> None:
        """Pause for ``stop``, or, without all-stop, tell of it when the kernel comes to it."""
        self._stops.append(stop)
        self.stop = stop
        if self.non_stop:
            executor = self.kernel.executor
            executor.call_at(executor.now, self._tell)
            return
        if not self.paused:
            self.paused = True
            self.kernel.door.freeze()
            self._leave_user_mode()

    def stop_thread(self, t: Traced, reason: Reason, **details: Any) -> None:
        """Stop a thread for ``reason``; further fields of `Stop` are ``details``."""
        thread = t.thread
        self.end_plan(t)
        t.stopped = True
        thread.attention |= ATTENTION_TRACE
        stop = Stop(reason, thread.process.pid, thread.tid, thread.context.pc, call=t.call)
        self._stop(replace(stop, **details))

    def stop_process(self, stop: Stop) -> None:
        """Pause for something that is not a thread's: the end of a process, a panic."""
        self._stop(stop)

    # -- going on

    def resume(
        self,
        actions: Mapping[int, Action] | None = None,
        default: Action | None = None,
        *,
        plans: Mapping[int, Plan] | None = None,
        calls: Collection[int] = (),
    ) -> None:
        """See `Control.resume`; `ControlError` when nothing is paused.

        ``plans`` are steps by thread; ``calls`` are threads that stop at their next system call.
        """
        self._need_pause()
        default = _GO if default is None else default
        for thread in self.threads():
            self.prepare(thread, (actions or {}).get(thread.tid, default))
            if plans and thread.tid in plans:
                self.plan(self.tracer.of(thread), plans[thread.tid])
            self.tracer.of(thread).wants_call = thread.tid in calls
        self._go()

    def _need_pause(self) -> None:
        if not self.paused:
            raise ControlError("the lab is running")

    def prepare(self, thread: Thread, action: Action) -> None:
        """Set a thread up to go on as ``action`` says."""
        t = self.tracer.of(thread)
        self.end_plan(t)
        if action.kind is Kind.HOLD:
            was_call_held, kept = t.call_held, t.stopped
            t.begin()
            t.held, t.call_held, t.stopped = True, was_call_held, kept and was_call_held
            thread.attention |= ATTENTION_TRACE
            return
        deliver_kept(t, action.signal, self.handling)
        t.begin()
        if action.kind is Kind.STEP:
            self._step_instruction(t, action.range)

    def _step_instruction(self, t: Traced, within: tuple[int, int] | None) -> None:
        thread = t.thread
        if within is None:
            self.plan(t, Instruction(thread, self.code, self.places, over=False))
        else:
            self.plan(t, Within(thread, self.code, self.places, within))

    def plan(self, t: Traced, plan: Plan) -> None:
        """Let a thread do ``plan`` when it goes on."""
        t.plan = plan
        t.thread.attention |= ATTENTION_TRACE

    def end_plan(self, t: Traced) -> None:
        """Give up what a thread was doing."""
        plan, t.plan = t.plan, None
        if plan is not None:
            plan.end()

    def _go(self) -> None:
        self.paused = False
        self.stop = None
        for on_resume in self._on_resume:
            on_resume()
        self.kernel.door.thaw()
        self.update_calls()
        for thread in self.threads():
            if not self.tracer.of(thread).call_held:
                thread.resume_tracing()
        if self.ended:
            self._leave_user_mode()

    def leave(self) -> None:
        """End a pause because the lab ends."""
        self._left = True
        self.paused = False
        self._pause_wanted = False
        self.kernel.door.thaw()

    def detach(self, process: Process | None = None) -> None:
        """See `Control.detach`."""
        gone = list(self.kernel.processes.values()) if process is None else [process]
        for each in gone:
            self._strangers.add(each.pid)
            self._calls.pop(each, None)
            for thread in each.threads.values():
                t = self.tracer.of(thread)
                self.end_plan(t)
                deliver_kept(t, None, self.handling)
                t.begin()
                self.forget_space(thread.mm)
        self.update_calls()
        if self.paused and not any(self.traces(t.process) for t in self.threads()):
            self._go()

    # -- what counts

    def traces(self, process: Process) -> bool:
        """Say whether stops in ``process`` count."""
        return process.pid not in self._strangers

    def processes(self) -> list[Process]:
        """Return the living processes that are traced, by number."""
        found = [p for p in self.kernel.processes.values() if p.threads and self.traces(p)]
        return sorted(found, key=lambda process: process.pid)

    def threads(self, process: Process | None = None) -> list[Thread]:
        """See `Control.threads`."""
        everybody = self.kernel.threads if process is None else process.threads
        return [everybody[tid] for tid in sorted(everybody) if not everybody[tid].exited]

    def leave_alone(self, process: Process) -> None:
        """Let a new process run without the debugger."""
        self._strangers.add(process.pid)

    def adopt(self, process: Process) -> None:
        """Trace a process after all."""
        self._strangers.discard(process.pid)
        self.points.settle_all([process])

    def forget_space(self, space: AddressSpace) -> None:
        """Drop what is set in an address space that goes away or is left alone."""
        self.places.forget(space)
        self.watches.forget(space)
        self.points.forget(space)

    def spaces(self) -> set[AddressSpace]:
        """Return the address spaces that anything is set in."""
        return self.places.spaces() | self.watches.spaces()

    # -- raw breakpoints

    def insert(self, process: Process, addr: int) -> None:
        """See `Control.insert`."""
        self.places.add(_space(process), addr, RAW)

    def remove(self, process: Process, addr: int) -> None:
        """See `Control.remove`."""
        if process.threads:
            self.places.remove(_space(process), addr, RAW)

    def insert_watch(self, process: Process, addr: int, size: int, access: Access) -> None:
        """See `Control.insert_watch`."""
        if size <= 0:
            raise ControlError("a watchpoint needs at least one byte")
        self.watches.add(_space(process), Watch(addr, size, access, RAW))
        self.events.refresh()

    def remove_watch(self, process: Process, addr: int, size: int, access: Access) -> None:
        """See `Control.remove_watch`."""
        if process.threads:
            self.watches.remove(_space(process), Watch(addr, size, access, RAW))
        self.events.refresh()

    def catch_calls(self, process: Process, numbers: Collection[int] | None) -> None:
        """See `Control.catch_calls`."""
        if numbers is not None and not numbers:
            self._calls.pop(process, None)
        else:
            self._calls[process] = None if numbers is None else frozenset(numbers)
        self.update_calls()

    def catch_events(self, kinds: Collection[EventKind]) -> None:
        """See `Control.catch_events`."""
        self._caught = set(kinds)

    def set_signals(self, stop: Collection[int], passed: Collection[int]) -> None:
        """See `Control.set_signals`."""
        self.handling.stop = set(stop)
        self.handling.passed = set(passed)

    def update_calls(self) -> None:
        """Have the kernel ask about system calls if anybody wants to know."""
        if any(self.tracer.of(t).wants_call for t in self.threads()):
            self.kernel.calls.catch(self.tracer)
            return
        caught = [*self._calls.values(), *self.points.caught_calls()]
        if None in caught:
            self.kernel.calls.catch(self.tracer)
        else:
            numbers = frozenset().union(*caught)  # type: ignore[arg-type]
            self.kernel.calls.catch(self.tracer if numbers else None, numbers or None)

    # -- memory

    def read_memory(self, process: Process, addr: int, size: int) -> bytes:
        """See `Control.read_memory`."""
        return Peek(_space(process)).read(addr, size)

    def write_memory(self, process: Process, addr: int, data: bytes) -> None:
        """See `Control.write_memory`."""
        write_memory(_space(process), addr, data)

    def kill(self, process: Process) -> None:
        """See `Control.kill`."""
        send_process_signal(process, SignalInfo(sig.SIGKILL), forced=True)
        for thread in process.threads.values():
            if thread.state is State.TRACED:
                thread.resume_tracing()


def _space(process: Process) -> AddressSpace:
    for thread in process.threads.values():
        return thread.mm
    raise ControlError(f"process {process.pid} has ended")
