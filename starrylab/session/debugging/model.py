"""What a front end tells a debugger, and what it is told: the debugger's part of the protocol.

Commands carry a number, and so does the one `DebugReply` to each.  `Stopped` and `Resumed` come
by themselves.  Threads and processes are named by numbers, 0 for the one that stopped.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from .values import Describe as Describe
from .values import Evaluate as Evaluate
from .values import Expand as Expand
from .values import ExplainRegister as ExplainRegister
from .values import GetLocals as GetLocals
from .values import LocalInfo as LocalInfo
from .values import Locals as Locals

# -- commands -----------------------------------------------------------------------------


class Pause(msgspec.Struct, frozen=True, tag="pause"):
    """Stop the lab, or, in non-stop mode, one thread; `Stopped` follows."""

    tid: int = 0


class Continue(msgspec.Struct, frozen=True, tag="continue"):
    """Go on; ``signal`` replaces the one that the thread stopped for (0: none)."""

    tid: int = 0
    signal: int | None = None


class Step(msgspec.Struct, frozen=True, tag="step"):
    """Move one thread; `Stopped` follows."""

    kind: str  #: a value of `debug.control.api.StepKind`
    tid: int = 0
    count: int = 1
    alone: bool = False  #: the other threads are held meanwhile
    frame: int = 0  #: for "finish"
    location: str = ""  #: for "until"
    file: str = ""
    line: int = 0


class Break(msgspec.Struct, frozen=True, tag="break"):
    """Set a breakpoint; replied with `Points`."""

    location: str  #: FUNCTION, FILE:LINE, LINE, *ADDRESS; "" for the selected frame
    file: str = ""  #: where LINE and +N count from
    line: int = 0
    condition: str = ""
    temporary: bool = False
    pid: int = 0
    tid: int = 0
    ignore: int = 0


class WatchMemory(msgspec.Struct, frozen=True, tag="watch"):
    """Watch what an expression names; replied with `Points`."""

    expression: str
    access: str = "write"  #: "write", "read" or "access"
    tid: int = 0
    frame: int = 0
    condition: str = ""


class Catch(msgspec.Struct, frozen=True, tag="catch"):
    """Stop at system calls, signals, process events or C++ exceptions; see `Points`."""

    what: str  #: "syscall", "signal", "fork", "clone", "exec", "exit", "throw" ...
    names: tuple[str, ...] = ()  #: empty: all
    condition: str = ""


class Change(msgspec.Struct, frozen=True, tag="change"):
    """Change a breakpoint; ``None`` leaves things as they are."""

    number: int
    enabled: bool | None = None
    condition: str | None = None
    ignore: int | None = None


class Delete(msgspec.Struct, frozen=True, tag="delete"):
    """Remove a breakpoint; 0: all of them."""

    number: int


class ListPoints(msgspec.Struct, frozen=True, tag="points?"):
    """Replied with `Points`."""


class ListThreads(msgspec.Struct, frozen=True, tag="threads?"):
    """Replied with `Threads`."""


class GetStack(msgspec.Struct, frozen=True, tag="stack?"):
    """Replied with `Stack`: the one stack of a thread."""

    tid: int = 0
    limit: int = 0


class GetRegisters(msgspec.Struct, frozen=True, tag="registers?"):
    """Replied with `Registers`."""

    tid: int = 0
    frame: int = 0


class GetMemory(msgspec.Struct, frozen=True, tag="memory?"):
    """Replied with `Memory`: the bytes up to the first page that is not there."""

    addr: int
    size: int
    pid: int = 0


class SetMemory(msgspec.Struct, frozen=True, tag="memory!"):
    """Write memory."""

    addr: int
    data: bytes
    pid: int = 0


class Examine(msgspec.Struct, frozen=True, tag="examine"):
    """Replied with `Lines`: ``x/FORMAT EXPRESSION``, and with where the next one goes on."""

    expression: str
    form: str
    tid: int = 0
    frame: int = 0


class Disassemble(msgspec.Struct, frozen=True, tag="disassemble"):
    """Replied with `Code`: the function at an address, or of a frame without an expression.

    ``START,END`` and ``START,+LENGTH`` are ranges of addresses.
    """

    expression: str = ""
    tid: int = 0
    frame: int = 0


class GetSource(msgspec.Struct, frozen=True, tag="source?"):
    """Replied with `Source`; ``location`` may be empty for lines of ``file``."""

    location: str = ""
    file: str = ""
    first: int = 1
    count: int = 10
    tid: int = 0
    folders: tuple[str, ...] = ()  #: where to look for files that are not where they were built


class Handle(msgspec.Struct, frozen=True, tag="handle"):
    """Change what signals do; ``None`` leaves things as they are.  Replied with `Signals`."""

    names: tuple[str, ...] = ()  #: empty: tell only; "all": all of them
    stop: bool | None = None
    show: bool | None = None
    passed: bool | None = None


class GetMaps(msgspec.Struct, frozen=True, tag="maps?"):
    """Replied with `Lines`: what /proc/PID/maps shows."""

    pid: int = 0


class GetWaits(msgspec.Struct, frozen=True, tag="dbg-waits?"):
    """Replied with `Lines`: what every thread waits for, and the deadlocks."""


class Kill(msgspec.Struct, frozen=True, tag="kill"):
    """End a process with SIGKILL."""

    pid: int = 0


class Detach(msgspec.Struct, frozen=True, tag="detach"):
    """Forget all breakpoints and let the lab run."""


class NonStop(msgspec.Struct, frozen=True, tag="nonstop"):
    """Let a stop be one thread's from now on (then `Continue` is, too): all else goes on."""

    on: bool


class Follow(msgspec.Struct, frozen=True, tag="follow"):
    """Let breakpoints count in processes that are made from now on, too."""

    children: bool


DebugCommand: TypeAlias = (
    Pause | Continue | Step | Break | WatchMemory | Catch | Change | Delete | ListPoints
    | ListThreads | GetStack | GetLocals | GetRegisters | GetMemory | SetMemory | Evaluate | Examine
    | Describe | Expand | ExplainRegister
    | Disassemble | GetSource | Handle | GetMaps | GetWaits | Kill | Detach | Follow | NonStop
)  # fmt: skip


# -- replies ------------------------------------------------------------------------------


class Done(msgspec.Struct, frozen=True, tag="done"):
    """It was done."""


class Text(msgspec.Struct, frozen=True, tag="text"):
    """A value."""

    text: str


class Lines(msgspec.Struct, frozen=True, tag="lines"):
    """Lines of text."""

    lines: tuple[str, ...]
    following: int = 0  #: the address behind what was shown


class PointInfo(msgspec.Struct, frozen=True):
    """A line of ``info break``."""

    number: int
    what: str
    location: str
    enabled: bool
    temporary: bool
    hits: int
    ignore: int
    condition: str
    problem: str
    places: tuple[str, ...]  #: "0x10438 in main at a.c:4", with "(pid 7)" if there are several


class Points(msgspec.Struct, frozen=True, tag="points"):
    """Breakpoints; the new or changed one alone, or all."""

    points: tuple[PointInfo, ...]


class FrameInfo(msgspec.Struct, frozen=True):
    """A frame of the one stack."""

    kind: str  #: "user", "inlined", "signal", "syscall", "kernel"
    pc: int
    module: str
    function: str
    offset: int
    file: str
    line: int
    column: int
    text: str
    arguments: tuple[tuple[str, str], ...] = ()


class Stack(msgspec.Struct, frozen=True, tag="stack"):
    """Frames, innermost first."""

    frames: tuple[FrameInfo, ...]


class ThreadInfo(msgspec.Struct, frozen=True):
    """A line of ``info threads``."""

    pid: int
    tid: int
    name: str
    state: str
    frame: FrameInfo | None


class Threads(msgspec.Struct, frozen=True, tag="threads"):
    """Living threads."""

    threads: tuple[ThreadInfo, ...]


class Registers(msgspec.Struct, frozen=True, tag="registers"):
    """Names and values; ``None`` where a callee lost it."""

    registers: tuple[tuple[str, int | None], ...]


class Memory(msgspec.Struct, frozen=True, tag="memory"):
    """Bytes."""

    addr: int
    data: bytes


class CodeRow(msgspec.Struct, frozen=True):
    """An instruction."""

    address: int
    data: bytes
    text: str
    target: str
    file: str
    line: int
    starts_line: bool
    explanation: str


class Code(msgspec.Struct, frozen=True, tag="code"):
    """Instructions, in ascending order."""

    rows: tuple[CodeRow, ...]
    pc: int


class Source(msgspec.Struct, frozen=True, tag="source"):
    """Lines of a source file, from ``first`` on."""

    file: str
    first: int
    lines: tuple[str, ...]


class SignalInfo(msgspec.Struct, frozen=True):
    """A line of ``info signals``."""

    number: int
    name: str
    stop: bool
    show: bool
    passed: bool


class Signals(msgspec.Struct, frozen=True, tag="signals"):
    """What signals do."""

    signals: tuple[SignalInfo, ...]


DebugAnswer: TypeAlias = (
    Done | Text | Lines | Points | Stack | Threads | Locals | Registers | Memory | Code | Source
    | Signals
)  # fmt: skip


class Debug(msgspec.Struct, frozen=True, tag="debug"):
    """A command to the debugger; `DebugReply` follows with the same number."""

    number: int
    command: DebugCommand


class DebugReply(msgspec.Struct, frozen=True, tag="debug_reply"):
    """What became of a command: an answer, or the one line of an error."""

    number: int
    answer: DebugAnswer | None = None
    error: str = ""


class Stopped(msgspec.Struct, frozen=True, tag="stopped"):
    """The lab is paused."""

    reason: str  #: a value of `debug.control.api.Reason`
    pid: int
    tid: int
    text: str  #: one or more lines for people
    frame: FrameInfo | None = None
    breakpoints: tuple[int, ...] = ()
    status: int = 0  #: wait(2) status word of a process that ended
    number: int = 0  #: of the frame in the thread's stack


class Resumed(msgspec.Struct, frozen=True, tag="resumed"):
    """The lab goes on."""
