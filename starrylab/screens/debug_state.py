"""What a debugger screen knows of a lab: kept up to date by events and replies.

No Textual here.  `DebugState` is told what happens, asks for what a stop makes interesting,
and says when something changed; screens draw it.  While the lab runs everything stays as it
was at the last stop, so that it can still be read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from ..abi.arch.register_notes import FIELDS
from ..session.debugging.model import (
    Break,
    Code,
    CodeRow,
    Continue,
    DebugAnswer,
    DebugCommand,
    DebugReply,
    Delete,
    Disassemble,
    Done,
    Evaluate,
    Expand,
    ExplainRegister,
    Follow,
    FrameInfo,
    GetLocals,
    GetRegisters,
    GetSource,
    GetStack,
    Lines,
    ListPoints,
    ListThreads,
    LocalInfo,
    Pause,
    PointInfo,
    Points,
    Registers,
    Source,
    Stack,
    Step,
    Stopped,
    Text,
    ThreadInfo,
    Threads,
    WatchMemory,
)
from ..session.debugging.model import Locals as LocalsAnswer

Tell = Callable[[DebugReply], object]
Send = Callable[[DebugCommand, Tell], object]

#: registers whose fields are shown, of any architecture
WITH_FIELDS: Final = tuple(sorted({name for named in FIELDS.values() for name in named}))
MOST_LINES: Final = 1000  #: of a source file that are fetched at once
_PLACE: Final = re.compile(r" at (.+):(\d+)(?: \(pid \d+\))?$")
_ADDRESS: Final = re.compile(r"^(0x[0-9a-f]+)")


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a source file."""

    file: str
    line: int


@dataclass(slots=True)
class DebugState:
    """The debugger as one screen sees it."""

    send: Send
    changed: Callable[[], object]
    complain: Callable[[str], object]  #: told the one line of an error, or a value
    stop: Stopped | None = None
    running: bool = True
    tid: int = 0  #: the thread that is looked at
    frame: int = 0  #: its frame that is looked at
    frames: tuple[FrameInfo, ...] = ()
    threads: tuple[ThreadInfo, ...] = ()
    points: tuple[PointInfo, ...] = ()
    variables: tuple[LocalInfo, ...] = ()
    opened: dict[tuple[int, ...], tuple[LocalInfo, ...]] = field(default_factory=dict)
    registers: tuple[tuple[str, int | None], ...] = ()
    changed_registers: frozenset[str] = frozenset()
    #: name of a register -> its value, purpose and fields in words, "" while the lab is asked
    purposes: dict[str, str] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)  #: of `WITH_FIELDS`, what this machine lacks
    source: Source | None = None
    code: Code | None = None
    _opened_in: str = ""  #: the function whose variables are open
    _wanted_pid: int = 0
    _before: dict[str, int | None] = field(default_factory=dict)  #: registers at the last stop

    # -- events -----------------------------------------------------------------------------

    def stopped(self, stop: Stopped) -> None:
        """Learn that the lab stands still, and look at the thread that stopped."""
        if self.stop is None:
            self._ask(Follow(children=True))  # a console's breakpoints are the whole lab's
        self.stop = stop
        self.running = False
        self._before = dict(self.registers)
        self.look_at_thread(stop.tid, stop.number)
        self._ask(ListThreads(), then=self._find_wanted)
        self._ask(ListPoints())
        self.changed()

    def resumed(self) -> None:
        """Learn that the lab goes on."""
        self.running = True
        self.changed()

    def forget(self) -> None:
        """Begin anew: another machine; its breakpoints are gone with the old one."""
        self.stop = None
        self.running = True
        self.tid = self.frame = 0
        self.frames = self.threads = self.points = self.variables = self.registers = ()
        self.opened.clear()
        self.changed_registers = frozenset()
        self.purposes.clear()
        self.absent.clear()
        self.source = self.code = None
        self._before = {}
        self.changed()

    # -- looking ------------------------------------------------------------------------------

    def look_at_thread(self, tid: int, frame: int = 0) -> None:
        """Look at another thread, and at one of its frames."""
        self.tid, self.frame = tid, frame
        self._ask(GetStack(tid))

    def look_at_frame(self, number: int) -> None:
        """Look at frame ``number``: its source, instructions, locals and registers."""
        if not 0 <= number < len(self.frames):
            return
        self.frame = number
        frame = self.frames[number]
        if frame.file and not self._has_source(frame):
            first = 1 if frame.line < MOST_LINES else frame.line - MOST_LINES // 2
            self._ask(GetSource(file=frame.file, first=first, count=MOST_LINES, tid=self.tid))
        if frame.kind in ("user", "inlined"):
            self._ask(GetLocals(self.tid, number))
            self._ask(GetRegisters(self.tid, number))
            self._ask(Disassemble(tid=self.tid, frame=number))
        else:
            self.variables = ()
        self.changed()

    def _has_source(self, frame: FrameInfo) -> bool:
        source = self.source
        if source is None or source.file != frame.file:
            return False
        return source.first <= frame.line < source.first + len(source.lines)

    def look_at_process(self, pid: int) -> None:
        """Look at a process as soon as the lab stands still."""
        self._wanted_pid = pid
        if self.running:
            self.pause()
        else:
            self._find_wanted()

    def _find_wanted(self) -> None:
        pid, self._wanted_pid = self._wanted_pid, 0
        for thread in self.threads:
            if pid and thread.pid == pid:
                self.look_at_thread(thread.tid)
                return

    @property
    def current(self) -> FrameInfo | None:
        """The frame that is looked at."""
        return self.frames[self.frame] if self.frame < len(self.frames) else None

    # -- going on -----------------------------------------------------------------------------

    def pause(self) -> None:
        """Stop the lab."""
        self._ask(Pause())

    def go_on(self) -> None:
        """Let the lab run."""
        if not self.running:
            self._ask(Continue())

    def step(self, kind: str) -> None:
        """Step the thread that is looked at; ``kind`` is gdb's word ("next", "stepi", ...)."""
        if not self.running:
            self._ask(Step(kind, tid=self.tid, frame=self.frame if kind == "finish" else 0))

    def run_to(self, place: Place) -> None:
        """Go on to a line."""
        if not self.running:
            self._ask(Step("until", tid=self.tid, location=f"{place.file}:{place.line}"))

    # -- breakpoints ----------------------------------------------------------------------------

    def toggle(self, location: str, matches: Callable[[PointInfo], bool]) -> None:
        """Set a breakpoint at ``location``, or delete the one there."""
        for point in self.points:
            if matches(point):
                self._ask(Delete(point.number), then=self._list_points)
                return
        self._ask(Break(location), then=self._list_points)

    def toggle_line(self, place: Place) -> None:
        """Set or delete a breakpoint at a source line."""
        self.toggle(f"{place.file}:{place.line}", lambda point: place in places_of(point))

    def toggle_address(self, address: int) -> None:
        """Set or delete a breakpoint at an instruction."""
        self.toggle(f"*{address:#x}", lambda point: address in addresses_of(point))

    def set_breakpoint(self, location: str) -> None:
        """Set a breakpoint where the user says."""
        frame = self.current
        file, line = (frame.file, frame.line) if frame is not None else ("", 0)
        self._ask(Break(location, file=file, line=line), then=self._list_points)

    def watch(self, expression: str) -> None:
        """Stop when what ``expression`` names is written."""
        self._ask(WatchMemory(expression, tid=self.tid, frame=self.frame), then=self._list_points)

    def delete(self, number: int) -> None:
        """Delete a breakpoint."""
        self._ask(Delete(number), then=self._list_points)

    def evaluate(self, expression: str) -> None:
        """Say what ``expression`` is worth in the frame that is looked at."""
        self._ask(Evaluate(expression, tid=self.tid, frame=self.frame))

    def _list_points(self) -> None:
        self._ask(ListPoints())

    def toggle_variable(self, path: tuple[int, ...]) -> None:
        """Show the parts of a variable, or hide them; ``path`` is as in `Expand`."""
        if path in self.opened:
            for inner in [inner for inner in self.opened if inner[: len(path)] == path]:
                del self.opened[inner]
            self.changed()
        else:
            self._ask(Expand(path, self.tid, self.frame))

    def explain_register(self, name: str) -> None:
        """Say what a register is for, and what its fields mean."""
        self._ask(
            ExplainRegister(name, self.tid, self.frame), lambda: self.complain(self.purposes[name])
        )

    def purpose_of(self, name: str) -> str:
        """Return a register in words, or "" and have `changed` called when they are there."""
        if name not in self.purposes:
            self.purposes[name] = ""
            self._ask(ExplainRegister(name, self.tid, self.frame))
        return self.purposes[name]

    # -- replies ------------------------------------------------------------------------------

    def _ask(self, command: DebugCommand, then: Callable[[], object] | None = None) -> None:
        def tell(reply: DebugReply) -> None:
            if reply.error:
                self._failed(command, reply.error)
                return
            if reply.answer is not None:
                self._take(command, reply.answer)
            if then is not None:
                then()
            self.changed()

        self.send(command, tell)

    def _failed(self, command: DebugCommand, error: str) -> None:
        """Say why something could not be done; what is only missing is drawn as missing."""
        match command:
            case GetLocals():
                self.variables = ()
            case Expand(path=path):
                self.opened.pop(path, None)
            case GetRegisters():
                self.registers = ()
            case Disassemble():
                self.code = None
            case GetSource():
                self.source = None
            case GetStack():
                self.frames = ()
            case ExplainRegister(name=name) if name in WITH_FIELDS:
                self.absent.add(name)
            case _:
                self.complain(error)
        self.changed()

    def _take(self, command: DebugCommand, answer: DebugAnswer) -> None:
        match answer:
            case Stack(frames=frames):
                if isinstance(command, GetStack) and command.tid == self.tid:
                    self.frames = frames
                    self.look_at_frame(min(self.frame, max(0, len(frames) - 1)))
            case Threads(threads=threads):
                self.threads = threads
            case Points(points=points) if isinstance(command, ListPoints):
                self.points = points
            case LocalsAnswer(variables=variables) if isinstance(command, Expand):
                self.opened[command.path] = variables
            case LocalsAnswer(variables=variables):
                self._take_variables(variables)
            case Lines(lines=lines) if isinstance(command, ExplainRegister):
                self.purposes[command.name] = "\n".join(lines)
            case Registers(registers=registers):
                self._take_registers(registers)
            case Source():
                self.source = answer
            case Code():
                self.code = answer
            case Text(text=text):
                expression = command.expression if isinstance(command, Evaluate) else ""
                self.complain(f"{expression} = {text}")
            case Done() | _:
                pass

    def _take_variables(self, variables: tuple[LocalInfo, ...]) -> None:
        """Show variables; those that were open stay so while the function is the same."""
        frame = self.current
        function = frame.function if frame is not None else ""
        wanted = sorted(self.opened, key=len) if function == self._opened_in else []
        self.opened.clear()
        self._opened_in = function
        self.variables = variables
        for path in wanted:
            self._ask(Expand(path, self.tid, self.frame))

    def _take_registers(self, registers: tuple[tuple[str, int | None], ...]) -> None:
        self.registers = registers
        self.purposes.clear()
        for name in WITH_FIELDS:
            if name not in self.absent:
                self.purpose_of(name)
        before = self._before
        self.changed_registers = frozenset(
            name for name, value in registers if name in before and before[name] != value
        )


def places_of(point: PointInfo) -> set[Place]:
    """Return the source lines at which a breakpoint is."""
    found = (_PLACE.search(text) for text in point.places)
    return {Place(match[1], int(match[2])) for match in found if match is not None}


def addresses_of(point: PointInfo) -> set[int]:
    """Return the addresses at which a breakpoint is."""
    found = (_ADDRESS.match(text) for text in point.places)
    return {int(match[1], 16) for match in found if match is not None}


__all__ = ["CodeRow", "DebugState", "Place", "addresses_of", "places_of"]
