"""Boards and serial ports to choose from; what a board is; what is being done with it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message

from ...boards import Board
from ..board_work import BoardRow, PortRow
from .sections import SectionPane, facts, table, wrapped
from .units import size_text

_KEPT: Final = 500  #: lines of what was done
_BAR: Final = 24  #: cells
_PROSE: Final = ("traps", "recovery")  #: sections whose lines are broken between words


class BoardsPane(SectionPane):
    """Boards and ports; one of each is chosen."""

    SECTIONS: ClassVar[tuple[str, ...]] = ("boards", "ports")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose_row", "Choose", id="boards.choose",
                tooltip="Choose the marked board or port"),
        Binding("p", "wanted('probe')", "Probe", id="boards.probe",
                tooltip="See what answers at the chosen port"),
        Binding("f", "wanted('flash')", "Flash", id="boards.flash",
                tooltip="Build the monitor for the chosen board, and bring it there"),
        Binding("o", "wanted('line')", "Line", id="boards.line",
                tooltip="Open the chosen port as a terminal, or close it"),
        Binding("c", "wanted('connect')", "Connect", id="boards.connect",
                tooltip="Boot the lab with the board's CPU, through its monitor"),
        Binding("e", "wanted('emulated')", "Emulated", id="boards.emulated", show=False,
                tooltip="Boot the lab on a mock-up of a board, with its slow line"),
        Binding("C", "wanted('leave')", "Leave", id="boards.leave", show=False,
                tooltip="Boot the lab with an emulated CPU again"),
        Binding("x", "wanted('stop')", "Stop", id="boards.stop", show=False,
                tooltip="Stop what is being done; the board is left at its prompt"),
        Binding("r", "wanted('ports')", "Refresh", id="boards.ports", show=False,
                tooltip="Look for serial ports again"),
        Binding("n", "wanted('name')", "Name", id="boards.name-port", show=False,
                tooltip="Name a port that is not listed: a device, or socket://HOST:PORT"),
    ]  # fmt: skip
    has_cursor = True

    @dataclass
    class Wanted(Message):
        """The user wants something done."""

        what: str

    class Chosen(Message):
        """Another board or port was chosen."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.border_title = "Boards"
        self.boards: list[BoardRow] = []
        self.ports: list[PortRow] = []
        self.problem = ""  #: why there are no ports
        self.board: Board | None = None
        self.port = ""

    def show_boards(self, rows: list[BoardRow]) -> None:
        """Draw the descriptions."""
        self.boards = rows
        self.redraw()

    def show_ports(self, rows: list[PortRow], problem: str = "") -> None:
        """Draw the ports; one that is alone is chosen."""
        self.ports, self.problem = rows, problem
        if len(rows) == 1 and not self.port:
            self.use_port(rows[0].path)
        self.redraw()

    def use_port(self, path: str) -> None:
        """Choose a port."""
        self.port = path
        self._tell()

    def action_choose_row(self) -> None:
        """Choose what is marked."""
        if self.section == "ports" and self.row < len(self.ports):
            self.use_port(self.ports[self.row].path)
        elif self.section == "boards" and self.row < len(self.boards):
            self.board = self.boards[self.row].board
            self._tell()

    def _tell(self) -> None:
        board = self.board.title if self.board is not None else "no board"
        self.border_subtitle = f"{board} at {self.port or 'no port'}"
        self.post_message(self.Chosen())
        self.redraw()

    def action_wanted(self, what: str) -> None:
        """Ask for something to be done."""
        self.post_message(self.Wanted(what))

    def section_lines(self, section: str, width: int) -> list[Text]:
        """See `SectionPane.section_lines`."""
        return self._boards() if section == "boards" else self._ports()

    def _boards(self) -> list[Text]:
        lines = []
        for row in self.boards:
            board = row.board
            mark = "▶ " if board is not None and board is self.board else "  "
            line = Text.assemble(mark, (f"{row.name:<18}", "bold"), no_wrap=True)
            if board is None:
                line.append(row.problem, "red")
            else:
                line.append(f"{board.arch:<12}{board.title}")
            lines.append(line)
        return lines

    def _ports(self) -> list[Text]:
        if not self.ports:
            words = (
                self.problem or "no serial port: plug the adapter in and press r, or n names one"
            )
            return [Text(words, "dim")]
        lines = []
        for port in self.ports:
            mark = "▶ " if port.path == self.port else "  "
            line = Text.assemble(mark, (f"{port.path:<18}", "bold"), port.what, no_wrap=True)
            if port.trouble:
                line.append(f"  {port.trouble}", "red")
            lines.append(line)
        return lines


class BoardPane(SectionPane):
    """The chosen board, and what is being done with it."""

    SECTIONS: ClassVar[tuple[str, ...]] = (
        "work", "board", "memory", "devices", "loader", "storage", "traps", "recovery",
    )  # fmt: skip

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.border_title = "Board"
        self.board: Board | None = None
        self.done: deque[Text] = deque(maxlen=_KEPT)
        self.progress: Text | None = None  #: of what is being done now

    def show_board(self, board: Board | None) -> None:
        """Draw a board."""
        self.board = board
        self.border_title = board.title if board is not None else "Board"
        self.redraw()

    def say(self, text: str, style: str = "") -> None:
        """Add lines to what was done."""
        self.done.extend(Text(line, style) for line in text.splitlines())
        self._follow()

    def show_progress(self, text: str, share: float | None = None) -> None:
        """Draw how far something is; "": nothing is being done."""
        if not text:
            self.progress = None
        elif share is None:
            self.progress = Text(text, "yellow")
        else:
            full = round(_BAR * min(1.0, max(0.0, share)))
            bar = ("█" * full + "░" * (_BAR - full), "green")
            self.progress = Text.assemble(bar, f" {share:4.0%} ", text)
        self._follow()

    def _follow(self) -> None:
        if self.section == "work":
            self.row = 99999
        self.redraw()

    def section_lines(self, section: str, width: int) -> list[Text]:
        """See `SectionPane.section_lines`."""
        if section == "work":
            return [line for part in self._work() for line in wrapped(part, width)]
        if self.board is None:
            return [Text("choose a board with Enter", "dim")]
        lines = _DRAWN[section](self.board)
        if section in _PROSE:
            return [line for part in lines for line in wrapped(part, width)]
        return lines

    def _work(self) -> list[Text]:
        lines = [*self.done, *([self.progress] if self.progress is not None else [])]
        if lines:
            return lines
        lines = facts(
            [
                ("Enter", "chooses a board, and a port in the section ports"),
                ("p", "sees what answers there"),
                ("f", "builds the monitor image and brings it to the board"),
                ("o", "opens the port as a terminal"),
            ]
        )
        for line in lines:
            line.no_wrap = False
        return lines


def _about(board: Board) -> list[Text]:
    uart = board.uart
    timer = f"{board.timer.frequency_hz} Hz" if board.timer.frequency_hz else board.timer.probe
    return facts(
        [
            ("name", board.name),
            ("architecture", board.arch),
            ("image runs at", f"{board.run_address:#x}"),
            ("uart", f"{uart.base:#x}, irq {uart.irq}, {uart.baud} baud after reset"),
            ("rates", ", ".join(map(str, uart.bauds))),
            ("timer", timer),
            ("interrupts", f"{board.interrupts.kind} at {board.interrupts.base:#x}"),
            ("reset", board.reset.kind),
        ]
    )


def _memory(board: Board) -> list[Text]:
    rows = [
        (f"{one.start:#x}", f"{one.end - 1:#x}", size_text(one.size), "memory")
        for one in board.memory
    ]
    rows += [
        (f"{one.start:#x}", f"{one.end - 1:#x}", size_text(one.size), f"kept for {one.why}")
        for one in board.reserved
    ]
    rows.sort(key=lambda row: int(row[0], 16))
    return table(("FROM", "TO", "SIZE", "WHAT"), rows, frozenset(range(3)))


def _devices(board: Board) -> list[Text]:
    rows = [
        (f"{one.start:#x}", size_text(one.size), "" if one.irq is None else str(one.irq),
         one.name, one.kind)
        for one in board.device
    ]  # fmt: skip
    return table(("AT", "SIZE", "IRQ", "NAME", "KIND"), rows, frozenset(range(3)))


def _loader(board: Board) -> list[Text]:
    lines: list[Text] = []
    for boot in board.loader:
        lines += facts(
            [
                ("kind", boot.kind),
                ("prompts", "  ".join(boot.prompts)),
                ("stopped by", f"{boot.stop_keys!r} {boot.stop_when and 'at ' + boot.stop_when}"),
                ("loads at", f"{boot.load_address:#x}"),
                ("load", boot.load),
                ("checked by", boot.crc or "its own transfer alone"),
            ]
        )
        lines.append(Text(""))
    return lines


def _storage(board: Board) -> list[Text]:
    rows = [
        (one.name, one.title, f"{one.at * one.unit:#x}",
         size_text(one.limit) if one.limit else "all of it", one.write)
        for one in board.storage
    ]  # fmt: skip
    if not rows:
        return [Text("this board's boot loader writes no medium", "dim")]
    return table(("NAME", "MEDIUM", "AT", "LIMIT", "COMMAND"), rows, frozenset((2,)))


def _traps(board: Board) -> list[Text]:
    return [Text(f"• {trap}") for trap in board.traps] or [Text("none known", "dim")]


def _recovery(board: Board) -> list[Text]:
    lines = [Text(f"{n}. {step}") for n, step in enumerate(board.recovery.steps, 1)]
    return lines or [Text("none: its boot loader cannot be lost over the serial line", "dim")]


_DRAWN: Final[dict[str, Callable[[Board], list[Text]]]] = {
    "board": _about,
    "memory": _memory,
    "devices": _devices,
    "loader": _loader,
    "storage": _storage,
    "traps": _traps,
    "recovery": _recovery,
}
