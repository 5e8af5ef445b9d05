"""The process tree: who is whose child, in what state, and what it costs (ps(1), top(1))."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message

from ...session.snapshot import EMPTY, ProcessView, Snapshot
from .pane import Pane
from .units import count_text, size_text, time_text


class _Row(NamedTuple):
    process: ProcessView
    branch: str  #: the drawn part of the tree in front of the name
    cpu_percent: float
    call_rate: float  #: system calls a second


class _Column(NamedTuple):
    title: str
    width: int
    show_from: int  #: columns that the pane must have
    text: Callable[[_Row], str]
    left: bool = False


def _state(row: _Row) -> str:
    return row.process.state + ("+" if row.process.foreground else "")


_COLUMNS: Final = (
    _Column("PID", 5, 0, lambda row: str(row.process.pid)),
    _Column("S", 2, 0, _state, left=True),
    _Column("%CPU", 4, 0, lambda row: f"{row.cpu_percent:.0f}"),
    _Column("RSS", 5, 34, lambda row: size_text(row.process.rss)),
    _Column("TTY", 7, 80, lambda row: row.process.tty, left=True),
    _Column("PGRP", 5, 76, lambda row: str(row.process.pgid)),
    _Column("SID", 5, 84, lambda row: str(row.process.sid)),
    _Column("NI", 3, 88, lambda row: str(row.process.nice)),
    _Column("THR", 3, 60, lambda row: str(row.process.threads)),
    _Column("TIME", 7, 44, lambda row: time_text(row.process.cpu_ns)),
    _Column("CALL/S", 6, 52, lambda row: count_text(row.call_rate)),
    _Column("CALLS", 5, 92, lambda row: count_text(row.process.syscalls)),
    _Column("FAULT", 5, 68, lambda row: count_text(row.process.minflt + row.process.majflt)),
)

_DEEPEST: Final = 40  #: columns for the branches of the tree
_STATES: Final = {
    "R": "bold green",
    "D": "red",
    "T": "yellow",
    "Z": "magenta",
}


class ProcessPane(Pane):
    """One line a process; the mark stays on its process while others come and go."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "signal('SIGTERM')", "Terminate", id="processes.terminate",
                tooltip="Send SIGTERM to the marked process"),
        Binding("k", "signal('SIGKILL')", "Kill", id="processes.kill",
                tooltip="Send SIGKILL to the marked process"),
        Binding("s", "signal('SIGSTOP')", "Stop", id="processes.stop",
                tooltip="Send SIGSTOP to the marked process"),
        Binding("c", "signal('SIGCONT')", "Continue", id="processes.continue",
                tooltip="Send SIGCONT to the marked process"),
        Binding("y", "trace", "Trace", id="processes.trace", show=False,
                tooltip="Trace the system calls of the marked process and its children"),
        Binding("d", "debug", "Debug", id="processes.debug",
                tooltip="Stop the lab and look at the marked process in the debugger"),
    ]  # fmt: skip
    heading = 1
    has_cursor = True

    @dataclass
    class Signalled(Message):
        """The user wants to send a signal."""

        pid: int
        signo: int

    @dataclass
    class TraceWanted(Message):
        """The user wants to see a process's system calls."""

        pid: int

    @dataclass
    class DebugWanted(Message):
        """The user wants to see a process in the debugger."""

        pid: int

    @dataclass
    class Marked(Message):
        """The mark moved to another process."""

        pid: int

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.border_title = "Processes"
        self._previous: Snapshot = EMPTY
        self._rows: list[_Row] = []
        self._told = 0  #: the last pid of a `Marked`

    def show(self, snapshot: Snapshot) -> None:
        """Draw ``snapshot``, with the mark on the process it was on."""
        marked = self.marked
        self._previous = self.snapshot if snapshot.sequence > self.snapshot.sequence else EMPTY
        self._rows = tree_rows(snapshot, self._previous)
        for index, row in enumerate(self._rows):
            if row.process.pid == marked:
                self.row = index
        self.border_subtitle = _summary(snapshot)
        super().show(snapshot)

    @property
    def marked(self) -> int:
        """The pid of the marked process, 0 if there is none."""
        return self._rows[self.row].process.pid if self.row < len(self._rows) else 0

    def redraw(self) -> None:
        """See `Pane.redraw`; says when the mark is on another process."""
        super().redraw()
        if self.marked != self._told:
            self._told = self.marked
            self.post_message(self.Marked(self._told))

    def line_count(self) -> int:
        """Return how many lines there are, the heading included."""
        return 1 + len(self._rows)

    def line(self, index: int, width: int) -> Text:
        """Return the heading or the line of one process."""
        columns = [column for column in _COLUMNS if width >= column.show_from]
        if index == 0:
            heading = "".join(_cell(column.title, column) for column in columns) + "COMMAND"
            return Text(heading, no_wrap=True)
        return self._line(self._rows[index - 1], columns)

    def _line(self, row: _Row, columns: list[_Column]) -> Text:
        process = row.process
        text = Text(no_wrap=True)
        for column in columns:
            style = _STATES.get(process.state, "") if column.title == "S" else ""
            text.append(_cell(column.text(row), column), style)
        text.append(row.branch, "dim")
        name = f"{process.comm} <defunct>" if process.state == "Z" else process.cmdline
        text.append(name or f"[{process.comm}]", "bold" if process.foreground else "")
        if process.waiting:
            text.append(f"  {process.waiting}", "dim italic")
        return text

    def action_trace(self) -> None:
        """Ask for a trace."""
        if self.marked:
            self.post_message(self.TraceWanted(self.marked))

    def action_debug(self) -> None:
        """Ask for the debugger."""
        if self.marked:
            self.post_message(self.DebugWanted(self.marked))

    def action_signal(self, name: str) -> None:
        """Ask for a signal to the marked process."""
        if self.marked:
            self.post_message(self.Signalled(self.marked, signal.Signals[name].value))


def tree_rows(snapshot: Snapshot, previous: Snapshot = EMPTY) -> list[_Row]:
    """Return the processes parents first, children below their parent by pid."""
    known = {process.pid for process in snapshot.processes}
    children: dict[int, list[ProcessView]] = {}
    for process in sorted(snapshot.processes, key=lambda process: process.pid):
        parent = process.ppid if process.ppid in known and process.ppid != process.pid else 0
        children.setdefault(parent, []).append(process)
    before = {process.pid: process for process in previous.processes}
    passed = snapshot.uptime_ns - previous.uptime_ns if previous.sequence else 0
    rows: list[_Row] = []
    # A stack of what is still to be drawn, not recursion: a chain of forks can be thousands deep.
    todo = [(root, "", "") for root in reversed(children.get(0, []))]
    while todo:
        process, branch, below = todo.pop()
        rows.append(_Row(process, branch, *_rates(process, before.get(process.pid), passed)))
        if len(below) > _DEEPEST:
            below = "… "
        family = children.get(process.pid, [])
        for child in reversed(family):
            last = child is family[-1]
            mark, space = ("└ ", "  ") if last else ("├ ", "│ ")
            todo.append((child, below + mark, below + space))
    return rows


def _rates(process: ProcessView, before: ProcessView | None, passed_ns: int) -> tuple[float, float]:
    """Return the percentage of a CPU and the system calls a second since the last snapshot."""
    if passed_ns <= 0:
        return 0.0, 0.0
    used, calls = process.cpu_ns, process.syscalls
    if before is not None:
        used, calls = used - before.cpu_ns, calls - before.syscalls
    percent = min(100.0, max(0.0, 100 * used / passed_ns))
    return percent, max(0.0, calls * 1e9 / passed_ns)


def _summary(snapshot: Snapshot) -> str:
    running = sum(process.state == "R" for process in snapshot.processes)
    zombies = sum(process.state == "Z" for process in snapshot.processes)
    count = len(snapshot.processes)
    text = f"{count} process{'' if count == 1 else 'es'}, {running} running"
    return f"{text}, {zombies} zombie{'s' if zombies > 1 else ''}" if zombies else text


def _cell(text: str, column: _Column) -> str:
    if column.left or cell_len(text) > column.width:
        return set_cell_size(text, column.width) + " "
    return " " * (column.width - cell_len(text)) + text + " "
