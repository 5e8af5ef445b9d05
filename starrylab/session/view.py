"""Takes a `Snapshot` of a kernel.  It reads tables and never alters what programs see.

Memory of a process is looked at through its page table only, so that looking never makes
a page present.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from ..kernel.core.sched import State
from ..kernel.load import load_average
from ..machine.api import PAGE_SHIFT
from .present import present_bytes
from .snapshot import CallCount, MemoryKind, ProcessView, Snapshot

if TYPE_CHECKING:
    from ..kernel.kernel import Kernel
    from ..kernel.mm.space import AddressSpace
    from ..kernel.task.process import Process
    from ..kernel.thread import Thread

_CMDLINE: Final = 256  #: bytes
_TOP: Final = 12  #: system calls named in a snapshot


class View:
    """Watches one kernel."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._sequence = 0
        self._taken_at = kernel.door.monotonic()
        self._idle_ns = kernel.executor.idle_ns
        self._ended_calls = 0  #: system calls of threads that ended
        self._command_lines: dict[int, tuple[object, str]] = {}
        self._counts: Counter[str] | None = None
        kernel.events.subscribe("exit", self._thread_ended)

    def count_calls(self, on: bool) -> None:
        """Count system calls by name, or stop; counting costs each call a little."""
        events = self._kernel.events
        if on and self._counts is None:
            self._counts = Counter()
            events.subscribe("syscall_enter", self._call)
        elif not on and self._counts is not None:
            self._counts = None
            events.unsubscribe("syscall_enter", self._call)

    def take(self) -> Snapshot:
        """Return the picture of this moment."""
        kernel = self._kernel
        executor = kernel.executor
        now = kernel.door.monotonic()
        passed = max(1, now - self._taken_at)
        idle = executor.idle_ns - self._idle_ns
        self._taken_at, self._idle_ns = now, executor.idle_ns
        self._sequence += 1
        processes = [p for _, p in sorted(kernel.processes.items())]
        views = tuple(self._process(process) for process in processes)
        self._forget_command_lines()
        return Snapshot(
            sequence=self._sequence,
            uptime_ns=now - kernel.boot_monotonic_ns,
            processes=views,
            memory=tuple(
                MemoryKind(kind.name.lower().replace("_", " "), size)
                for kind, size in kernel.frames.usage().items()
            ),
            memory_total=kernel.ram.size,
            load=load_average(kernel),
            switches=executor.switches,
            forks=kernel.forks,
            syscalls=self._ended_calls + sum(t.syscalls for t in kernel.threads.values()),
            top_calls=self._top_calls(),
            idle_share=min(1.0, max(0.0, idle / passed)),
        )

    # -- parts ------------------------------------------------------------------------------

    def _process(self, process: Process) -> ProcessView:
        threads = list(process.threads.values())
        main = process.threads.get(process.pid) or (threads[0] if threads else None)
        terminal = process.session.terminal
        usage = process.total_usage()
        alive = main is not None and not process.zombie
        space: AddressSpace | None = main.mm if alive and main is not None else None
        return ProcessView(
            pid=process.pid,
            ppid=process.parent.pid if process.parent is not None else 0,
            pgid=process.group.pgid,
            sid=process.session.sid,
            tty=terminal.name.decode(errors="replace") if terminal is not None else "",
            foreground=terminal is not None and terminal.foreground is process.group,
            state=_state(process, threads),
            waiting=_waiting(main) if alive and main is not None else "",
            comm=process.comm.decode(errors="replace"),
            cmdline=self._command_line(process, space) if space is not None else "",
            threads=len(threads),
            utime_ns=usage.utime_ns,
            stime_ns=usage.stime_ns,
            rss=space.rss_pages() << PAGE_SHIFT if space is not None else 0,
            vsize=space.total_vm if space is not None else 0,
            minflt=usage.minflt,
            majflt=usage.majflt,
            syscalls=sum(thread.syscalls for thread in threads),
            nice=main.nice if main is not None else 0,
        )

    def _command_line(self, process: Process, space: AddressSpace) -> str:
        key = (id(space), space.arguments)
        known = self._command_lines.get(process.pid)
        if known is not None and known[0] == key:
            return known[1]
        start, end = space.arguments[:2]
        data = present_bytes(self._kernel.ram.view, space.table, start, min(end - start, _CMDLINE))
        text = data.rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace")
        text = "".join(char if char.isprintable() else "?" for char in text)
        self._command_lines[process.pid] = (key, text)
        return text

    def _forget_command_lines(self) -> None:
        processes = self._kernel.processes
        if len(self._command_lines) > len(processes) + 64:
            for pid in [pid for pid in self._command_lines if pid not in processes]:
                del self._command_lines[pid]

    def _top_calls(self) -> tuple[CallCount, ...]:
        if self._counts is None:
            return ()
        return tuple(CallCount(name, count) for name, count in self._counts.most_common(_TOP))

    # -- trace events -----------------------------------------------------------------------

    def _thread_ended(self, thread: Thread, *_: object) -> None:
        self._ended_calls += thread.syscalls

    def _call(self, thread: Thread, entry: Any, registers: tuple[int, ...]) -> None:
        if self._counts is not None:
            self._counts[entry.name if entry is not None else f"call {registers[7]}"] += 1


def _state(process: Process, threads: list[Thread]) -> str:
    if process.zombie:
        return "Z"
    if process.stopped:
        return "T"
    states = {thread.state for thread in threads}
    for state in (State.RUNNABLE, State.DISK, State.PARKED, State.STOPPED):
        if state in states:
            return str(state.value)
    return State.DONE.value


def _waiting(thread: Thread) -> str:
    """Name the call that the thread sleeps in."""
    if thread.state is State.RUNNABLE or thread.entry is None:
        return ""
    return str(thread.entry.name)
