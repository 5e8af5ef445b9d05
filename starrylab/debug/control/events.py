"""What happens to processes while a debugger looks: fork, exec, exit, libraries, panics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi.mman import PROT_EXEC
from ...kernel.core.attention import ATTENTION_TRACE
from .api import EventKind, Reason, Stop

if TYPE_CHECKING:
    from ...kernel.syscalls import Entry
    from ...kernel.task.process import Process
    from ...kernel.thread import Thread
    from .debugger import Debugger
    from .traced import Traced

_MAPS: Final = "mmap"


class Events:
    """Listens to a kernel's trace events on behalf of a debugger."""

    def __init__(self, debugger: Debugger) -> None:
        self._debugger = debugger
        self._events = events = debugger.kernel.events
        self._follows_calls = False
        events.subscribe("fork", self._fork)
        events.subscribe("exec", self._exec)
        events.subscribe("exit", self._exit)
        events.subscribe("process_exit", self._process_exit)
        events.subscribe("panic", self._panic)

    def close(self) -> None:
        """Listen no more."""
        self._follow_calls(False)
        for kind, listener in (
            ("fork", self._fork), ("exec", self._exec), ("exit", self._exit),
            ("process_exit", self._process_exit), ("panic", self._panic),
        ):  # fmt: skip
            self._events.unsubscribe(kind, listener)

    def refresh(self) -> None:
        """Look at every system call only while it may change what is watched or waited for."""
        debugger = self._debugger
        spaces = {t.mm for process in debugger.processes() for t in process.threads.values()}
        debugger.update_calls()
        self._follow_calls(bool(debugger.watches) or debugger.points.pending(spaces))

    def _follow_calls(self, on: bool) -> None:
        if on != self._follows_calls:
            self._follows_calls = on
            change = self._events.subscribe if on else self._events.unsubscribe
            change("syscall_exit", self._call_left)

    def _call_left(
        self, thread: Thread, entry: Entry | None, registers: tuple[int, ...], _result: int
    ) -> None:
        debugger = self._debugger
        changes = debugger.watches.changed(thread.mm)
        if changes:
            debugger.tracer.bytes_changed(thread, changes, by_kernel=True)
        if entry is None or entry.name != _MAPS or not registers[2] & PROT_EXEC:
            return
        if debugger.traces(thread.process) and debugger.points.pending([thread.mm]):
            debugger.points.settle_all([thread.process], added=True)
            self.refresh()

    def _fork(self, parent: Thread, child: Thread) -> None:
        debugger = self._debugger
        is_thread = child.process is parent.process
        if not is_thread and (not debugger.follow_children or not debugger.traces(parent.process)):
            debugger.leave_alone(child.process)
        kind = EventKind.CLONE if is_thread else EventKind.FORK
        t = debugger.tracer.of(parent)
        held = debugger.tracer.holds_others(parent)
        if held and is_thread:
            debugger.tracer.of(child).held = True
            child.attention |= ATTENTION_TRACE
        debugger.event_met(kind, t, child=child.tid)
        if not is_thread and debugger.traces(child.process) and child.mm is not parent.mm:
            debugger.points.settle_all([child.process], added=True)
            self.refresh()

    def _exec(self, thread: Thread, *_: object) -> None:
        self._debugger.tracer.of(thread).was_exec = True
        thread.attention |= ATTENTION_TRACE

    def after_exec(self, t: Traced) -> None:
        """Set everything in the new program; stop if that is caught."""
        debugger, process = self._debugger, t.thread.process
        self._sweep()
        if debugger.traces(process):
            debugger.points.settle_all(debugger.processes())
        self.refresh()
        path = process.exe.path().decode(errors="replace") if process.exe is not None else ""
        debugger.event_met(EventKind.EXEC, t, text=path)

    def _exit(self, thread: Thread, status: int) -> None:
        debugger = self._debugger
        t = debugger.tracer.of(thread)
        stepped = t.plan is not None
        debugger.end_plan(t)
        if stepped and len(thread.process.threads) > 1 and debugger.traces(thread.process):
            debugger.stop_process(
                Stop(Reason.THREAD_EXIT, thread.process.pid, thread.tid, 0, status=status)
            )
        if len(thread.process.threads) == 1 and thread.mm.users == 1:
            debugger.forget_space(thread.mm)

    def _process_exit(self, process: Process) -> None:
        debugger = self._debugger
        if not debugger.traces(process):
            return
        numbers: tuple[int, ...] = ()
        t = debugger.tracer.of(process.leader)
        points = debugger.points.with_event(EventKind.EXIT)
        if points:
            numbers = debugger.points.met(points, t.thread)
        caught = numbers or debugger.catches(EventKind.EXIT)
        if caught or process is debugger.kernel.init:
            stop = Stop(
                Reason.PROCESS_EXIT, process.pid, process.pid, 0, numbers,
                status=process.exit_status or 0,
            )  # fmt: skip
            debugger.stop_process(stop)

    def _panic(self, bug: BaseException) -> None:
        thread = self._debugger.kernel.traps.current()
        process = thread.process if thread is not None else self._debugger.kernel.init
        tid, pc = (thread.tid, thread.context.pc) if thread is not None else (0, 0)
        text = f"{type(bug).__name__}: {bug}"
        self._debugger.stop_process(Stop(Reason.PANIC, process.pid, tid, pc, text=text))

    def _sweep(self) -> None:
        """Drop address spaces that nobody uses any more."""
        debugger = self._debugger
        alive = {thread.mm for thread in debugger.threads()}
        for space in debugger.spaces() - alive:
            debugger.forget_space(space)
