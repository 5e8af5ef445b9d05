"""Boards: choose one and a port, see what answers, flash, and speak with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final

from textual.containers import Container
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from ...session.config import BoardPort
from ...session.snapshot import Snapshot
from ..board_work import (
    BoardProblem,
    BoardRow,
    PortRow,
    Step,
    Stopped,
    board_rows,
    flash,
    port_rows,
    probe,
)
from ..serial_line import SerialLine
from ..widgets.boards import BoardPane, BoardsPane
from ..widgets.split import Split
from ..widgets.terminal import Terminal
from .asking import AskingView

_ELSEWHERE: Final = "boards are worked with at a terminal of the host, not in a browser"
#: what the line at the bottom asks for -> its hint
_PROMPTS: Final = {
    "port": "Port: /dev/ttyUSB0, or socket://HOST:PORT (Enter: choose, Escape: close)",
    "image": "Image: a file, or nothing for the monitor (Enter: flash, Escape: close)",
}


class BoardsView(AskingView):
    """Work with a board runs in a thread, one thing at a time; its line in another."""

    NAME: ClassVar[str] = "Boards"
    SHARE: ClassVar[tuple[int, int]] = (36, 30)

    @dataclass
    class Found(Message):
        """Descriptions, or ports, were read."""

        boards: list[BoardRow] | None = None
        ports: list[PortRow] | None = None
        problem: str = ""

    @dataclass
    class Said(Message):
        """A line about what is being done."""

        text: str
        style: str = ""

    @dataclass
    class Progressed(Message):
        """How far it is; "": done."""

        text: str
        share: float | None = None

    @dataclass
    class Heard(Message):
        """Bytes of the open line."""

        data: bytes

    @dataclass
    class Hung(Message):
        """The line is closed."""

        problem: str

    def __init__(self) -> None:
        super().__init__()
        self.boards = BoardsPane(id="boards")
        self.about = BoardPane(id="board")
        self.terminal = Terminal(id="board-line")
        self.terminal.display = False
        self.entry = Input(id="board-entry")
        self.line: SerialLine | None = None
        self._root = Split(
            self.boards, Container(self.about, self.terminal, id="board-area"), inner=True,
            percent=(30, 34), id="boards-split",
        )  # fmt: skip
        self._asked = False
        self._busy = ""  #: what is being done
        self._stopping = False
        self._asked_for = ""  #: a key of `_PROMPTS`

    @property
    def root(self) -> Split:
        """See `View.root`."""
        return self._root

    @property
    def panes(self) -> tuple[Widget, ...]:
        """See `View.panes`."""
        return (self.boards, self.terminal if self.terminal.display else self.about)

    def show(self, snapshot: Snapshot) -> None:
        """See `View.show`; boards are read when the view is first in sight."""
        super().show(snapshot)
        if not self._asked:
            self._asked = True
            self.boards.show_boards(board_rows())
            if self.at_host:
                self._find_ports()
            else:
                self.boards.show_ports([], _ELSEWHERE)

    def on_unmount(self) -> None:
        """Let go of the port; a transfer stops."""
        self._stopping = bool(self._busy)
        if self.line is not None:
            self.line.close()

    # -- in threads -----------------------------------------------------------------------

    def _in_thread(self, what: str, job: Callable[[], object]) -> None:
        """Do something that takes a while, unless something is being done."""
        if self._busy:
            self.notify(f"{self._busy}: wait, or x stops it", timeout=3)
            return
        self._busy = what
        self.run_worker(partial(self._job, job), thread=True, group="boards", exit_on_error=True)

    def _job(self, job: Callable[[], object]) -> None:
        try:
            job()
        except BoardProblem as problem:
            self.post_message(self.Said(str(problem), "bold red"))
        except Stopped:
            self.post_message(self.Said("stopped", "bold"))
        finally:
            self._stopping = False
            self._busy = ""
            self.post_message(self.Progressed(""))

    def _find_ports(self) -> None:
        try:
            self.boards.show_ports(port_rows())
        except BoardProblem as problem:
            self.boards.show_ports([], str(problem))

    def _probe(self) -> None:
        board, port = self.boards.board, self.boards.port
        assert board is not None
        found = probe(
            board, port, lambda text: self.post_message(self.Said(text, "dim")), self._pulse
        )
        self.post_message(self.Said(found, "bold"))

    def _flash(self, file: str) -> None:
        board = self.boards.board
        assert board is not None
        flash(board, self.boards.port, file, self._tell, self._pulse)
        words = "o opens its line" if file else "c boots the lab with its CPU"
        self.post_message(self.Said(words, "bold green"))

    def _pulse(self) -> None:
        """Raise `Stopped` once if the user wants no more."""
        if self._stopping:
            self._stopping = False
            raise Stopped

    def _tell(self, step: Step) -> None:
        """Show a step of the thread, if the user still wants it."""
        self._pulse()
        if step.passing:
            self.post_message(self.Progressed(step.text, step.share))
        else:
            self.post_message(self.Progressed(""))
            self.post_message(self.Said(step.text, "bold yellow" if step.urgent else ""))

    # -- what comes of it -----------------------------------------------------------------

    def on_boards_view_said(self, message: Said) -> None:
        """Draw it."""
        message.stop()
        self.about.say(message.text, message.style)

    def on_boards_view_progressed(self, message: Progressed) -> None:
        """Draw it."""
        message.stop()
        self.about.show_progress(message.text, message.share)

    # -- what the user wants --------------------------------------------------------------

    def on_boards_pane_chosen(self, message: BoardsPane.Chosen) -> None:
        """Show the chosen board."""
        message.stop()
        self.about.show_board(self.boards.board)

    def on_boards_pane_wanted(self, message: BoardsPane.Wanted) -> None:
        """Do it, or say what is missing."""
        message.stop()
        if not self.at_host:
            self.notify(_ELSEWHERE, timeout=5)
            return
        actions: dict[str, Callable[[], None]] = {
            "ports": self._find_ports,
            "name": partial(self._ask, "port"),
            "flash": self._want_flash,
            "stop": self._stop,
            "connect": self._connect,
            "emulated": lambda: self._boot_on(BoardPort("emulated")),
            "leave": lambda: self._boot_on(None),
            "probe": self._want_probe,
            "line": self._switch_line,
        }
        actions[message.what]()

    def _ready(self) -> bool:
        """Tell whether a board and a port are chosen and the port is free."""
        if self.boards.board is None or not self.boards.port:
            self.notify("choose a board and a port first", timeout=3)
        elif self.line is not None:
            self.notify("o closes the line first", timeout=3)
        else:
            return True
        return False

    def _want_probe(self) -> None:
        if self._ready():
            self.about.choose("work")
            self._in_thread("probing", self._probe)

    def _want_flash(self) -> None:
        if self._ready():
            self._ask("image")

    def _connect(self) -> None:
        board = self.boards.board
        if board is not None and not self._busy and self._ready():
            self._boot_on(BoardPort(board.name, self.boards.port), board.arch)

    def _boot_on(self, board: BoardPort | None, arch: str = "riscv64") -> None:
        self.post_message(self.BootWanted({"board": board, "arch": arch}))

    def _stop(self) -> None:
        """Stop what is being done; a transfer is ended, so that the board has its prompt again."""
        if self._busy:
            self._stopping = True
            self.about.say(f"{self._busy} stops", "dim")

    # -- the line that asks ---------------------------------------------------------------

    def _ask(self, what: str) -> None:
        self._asked_for = what
        self.open_line(self.boards.port if what == "port" else "", _PROMPTS[what])

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Choose the port, or flash."""
        event.stop()
        text = event.value.strip()
        self.close_line()
        if self._asked_for == "image":
            self.about.choose("work")
            self._in_thread("flashing", partial(self._flash, text))
        elif text:
            self.boards.use_port(text)

    # -- the board's own line -------------------------------------------------------------

    def _switch_line(self) -> None:
        if self.line is not None:
            self.line.close()
            return
        if not self._ready() or self._busy:
            return
        board = self.boards.board
        assert board is not None
        self._in_thread("opening the line", partial(self._open_line, board.uart.baud))

    def _open_line(self, baud: int) -> None:
        from ...link.errors import LinkError

        name = self.boards.port
        try:
            self.line = SerialLine.open(
                name, baud,
                lambda data: self.post_message(self.Heard(data)),
                lambda problem: self.post_message(self.Hung(problem)),
            )  # fmt: skip
        except LinkError as error:
            raise BoardProblem(str(error)) from None
        self.post_message(self.Said(f"{name} is open at {baud} baud; F6 and o close it", "dim"))
        self.app.call_from_thread(self._show_terminal, name)

    def _show_terminal(self, name: str) -> None:
        self.terminal.clear()
        self.terminal.border_title = name
        self.terminal.display = True
        self.about.display = False
        self.terminal.focus()

    def on_boards_view_heard(self, message: Heard) -> None:
        """Draw what the board says."""
        message.stop()
        self.terminal.feed(message.data)

    def on_boards_view_hung(self, message: Hung) -> None:
        """Show the board again; what it said stays in the terminal until the next time."""
        message.stop()
        self.line = None
        if message.problem:
            self.about.say(message.problem, "bold red")
        self.terminal.display = False
        self.about.display = True
        self.boards.focus()

    def on_terminal_typed(self, message: Terminal.Typed) -> None:
        """Send keys to the board."""
        message.stop()
        if self.line is not None:
            self.line.type(message.data)

    def on_terminal_drawn(self, message: Terminal.Drawn) -> None:
        """Keep it from the guest's serial lines."""
        message.stop()

    def on_terminal_resized(self, message: Terminal.Resized) -> None:
        """Keep it from the guest's serial lines: a board does not know its window."""
        message.stop()
