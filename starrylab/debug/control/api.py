"""The debugger's public surface: what stops, why, and how it goes on.

One `Debugger` (`debugger.py`) belongs to one kernel and lives in the lab process.  Front
ends (the session protocol, the gdb stub) give it the words of this module and listen for
`Stop`.  The words are gdb's: all-stop means that the whole lab pauses, guest time included.

A stop leaves `Executor.run`; whoever runs the lab then calls `Debugger.serve_pause`, which
takes commands through the door until somebody resumes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ...kernel.signal.info import SignalInfo
    from ...kernel.task.process import Process
    from ...kernel.thread import Thread


class ControlError(Exception):
    """A command that cannot be done: one line for the user."""


class Reason(Enum):
    """Why a thread stopped."""

    PAUSE = "pause"  #: somebody asked for it
    BREAKPOINT = "breakpoint"
    WATCHPOINT = "watchpoint"
    STEP = "step"  #: a step, next, finish or until is complete
    SIGNAL = "signal"  #: about to be delivered; `Stop.signal` says which
    SYSCALL_ENTRY = "syscall entry"
    SYSCALL_EXIT = "syscall exit"
    FORK = "fork"  #: also vfork and clone of a process; `Stop.child`
    CLONE = "clone"  #: a new thread; `Stop.child`
    EXEC = "exec"
    THREAD_EXIT = "thread exit"
    PROCESS_EXIT = "process exit"  #: `Stop.status` is the wait(2) status word
    PANIC = "panic"  #: of the kernel


class Access(Enum):
    """What a watchpoint looks for."""

    WRITE = "write"
    READ = "read"
    ANY = "access"


@dataclass(frozen=True, slots=True)
class WatchHit:
    """A watched access that happened; the instruction is complete."""

    addr: int  #: of the access, exact
    size: int  #: bytes
    access: Access  #: what it was: READ or WRITE
    old: bytes  #: the watched bytes before
    new: bytes  #: and after
    by_kernel: bool  #: a system call did it


@dataclass(frozen=True, slots=True)
class CallStop:
    """The system call of a SYSCALL_ENTRY or SYSCALL_EXIT stop."""

    number: int
    name: str  #: "" for a number without a declaration
    arguments: tuple[int, ...]  #: raw registers
    result: int | None  #: signed; None at the entry
    where: str  #: "file:line" of the kernel's handler, "" if there is none


@dataclass(frozen=True, slots=True)
class Stop:
    """A thread stopped, or ended."""

    reason: Reason
    pid: int
    tid: int
    pc: int
    breakpoints: tuple[int, ...] = ()  #: numbers of those that were met
    signal: SignalInfo | None = None
    watch: WatchHit | None = None
    call: CallStop | None = None
    child: int = 0  #: thread id of a new thread or process
    status: int = 0
    value: int | None = None  #: FINISHED functions: the first result register
    text: str = ""  #: a remark for people: "longjmp left the step", "exec /bin/ls"


class Kind(Enum):
    """What a thread does when the lab goes on."""

    CONTINUE = "continue"
    STEP = "step"  #: one instruction; through a system call, over an LR/SC sequence
    HOLD = "hold"  #: no user instruction


@dataclass(frozen=True, slots=True)
class Action:
    """How one thread goes on."""

    kind: Kind = Kind.CONTINUE
    #: Signal to deliver instead of the one that the thread stopped for; 0 for none, None for
    #: that one itself.
    signal: int | None = None
    #: With STEP: go on stepping while start <= pc < end (vCont;r).
    range: tuple[int, int] | None = None


class StepKind(Enum):
    """Steps in terms of source lines and frames; `Debugger.step`."""

    INSTRUCTION = "stepi"
    INSTRUCTION_OVER = "nexti"  #: calls are one instruction
    LINE = "step"
    OVER = "next"
    OUT = "finish"
    UNTIL = "until"  #: `next` that never goes back
    CALL = "call"  #: up to the entry of the next system call


class EventKind(Enum):
    """Process events that can be caught."""

    FORK = "fork"
    CLONE = "clone"
    EXEC = "exec"
    EXIT = "exit"


@dataclass(slots=True)
class Breakpoint:
    """One breakpoint, watchpoint or catchpoint, as `info break` shows it."""

    number: int
    what: str  #: "breakpoint", "watchpoint", "catch syscall", "catch signal", "catch fork" ...
    location: str  #: as the user gave it
    condition: str = ""
    enabled: bool = True
    temporary: bool = False
    hits: int = 0
    ignore: int = 0  #: so many hits are still to be passed over
    pid: int = 0  #: only this process; 0: any
    tid: int = 0  #: only this thread
    addresses: dict[int, tuple[int, ...]] = field(default_factory=dict)  #: pid -> where it is set
    problem: str = ""  #: why it is not set ("pending: no function ..."), or a condition's error


Listener = Callable[[Stop], object]


class Control(Protocol):
    """What a debugger stub needs; `Debugger` is it.  All of it is all-stop unless said."""

    paused: bool  #: the lab stands still
    stop: Stop | None  #: the latest, while paused

    # -- going on

    def listen(self, on_stop: Listener, on_resume: Callable[[], object] | None = None) -> None:
        """Call ``on_stop`` at every stop and ``on_resume`` whenever the lab goes on."""
        ...

    def pause(self) -> None:
        """Stop the lab soon, between two user instructions (Ctrl-C); a no-op while paused."""
        ...

    def resume(
        self, actions: Mapping[int, Action] | None = None, default: Action | None = None
    ) -> None:
        """Go on; ``actions`` by thread id, ``default`` (CONTINUE) for the other threads."""
        ...

    def detach(self, process: Process | None = None) -> None:
        """Forget every breakpoint (of one process) and let it run; ends the pause."""
        ...

    def settle(self) -> bool:
        """Make a wish to pause true while nothing runs; return `paused`."""
        ...

    def adopt(self, process: Process) -> None:
        """Let stops in ``process`` count (those of new processes do not, but for the first)."""
        ...

    def leave_alone(self, process: Process) -> None:
        """Let stops in ``process`` count no more."""
        ...

    def wake_sources(self) -> set[str]:
        """Return the door's source names that are served while paused; add yours to it."""
        ...

    # -- raw breakpoints and watchpoints, by process (what gdb inserts and removes)

    def insert(self, process: Process, addr: int) -> None:
        """Stop at ``addr``, before the instruction; may be called twice."""
        ...

    def remove(self, process: Process, addr: int) -> None:
        """Undo `insert`; no error if there is none."""
        ...

    def insert_watch(self, process: Process, addr: int, size: int, access: Access) -> None:
        """Stop after an access to these bytes, also the kernel's in a system call (writes)."""
        ...

    def remove_watch(self, process: Process, addr: int, size: int, access: Access) -> None:
        """Undo `insert_watch`; no error if there is none."""
        ...

    def catch_calls(self, process: Process, numbers: Collection[int] | None) -> None:
        """Stop at entry and exit of these system calls; None: all; empty: none."""
        ...

    def catch_events(self, kinds: Collection[EventKind]) -> None:
        """Stop at these process events, of every process that is traced."""
        ...

    def set_signals(self, stop: Collection[int], passed: Collection[int]) -> None:
        """Which signals stop the lab, and which the program then gets (gdb's ``handle``)."""
        ...

    # -- memory and registers of a stopped lab

    def read_memory(self, process: Process, addr: int, size: int) -> bytes:
        """Return the bytes up to ``size`` or the first page that is not there."""
        ...

    def write_memory(self, process: Process, addr: int, data: bytes) -> None:
        """Write, also to read-only pages and code (a private copy); `ControlError`."""
        ...

    def threads(self, process: Process | None = None) -> list[Thread]:
        """Return the living threads, by id."""
        ...

    def kill(self, process: Process) -> None:
        """End a process with SIGKILL; ends the pause when it was the last one."""
        ...


__all__ = [
    "Access", "Action", "Breakpoint", "CallStop", "Control", "ControlError", "EventKind", "Kind",
    "Listener", "Reason", "StepKind", "Stop", "WatchHit",
]  # fmt: skip
