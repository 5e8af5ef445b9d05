"""What the Boards view does with `boards`, `link` and `flash`: plain values, no Textual here.

Talking to a board takes seconds, so the view calls these in threads.  The serial packages are
imported at the first use: most consoles never see a board.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..boards import Board, BoardError, load, names

if TYPE_CHECKING:
    from ..link.detect import Sighting

Say = Callable[[str], object]  #: takes a line of what happens


class BoardProblem(Exception):
    """Something cannot be done with a board: one line for the user."""


@dataclass(frozen=True, slots=True)
class BoardRow:
    """A description of a board, or why it cannot be used."""

    name: str
    board: Board | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class PortRow:
    """A serial port of this host."""

    path: str
    what: str  #: USB identifier and product
    trouble: str = ""  #: why it may not be opened


def board_rows() -> list[BoardRow]:
    """Return all descriptions."""
    return [_row(name) for name in names()]


def _row(name: str) -> BoardRow:
    try:
        return BoardRow(name, load(name))
    except BoardError as error:
        return BoardRow(name, None, str(error))


def port_rows() -> list[PortRow]:
    """Return the serial ports that are really there; raises `BoardProblem`."""
    from ..link.ports import find_ports

    try:
        found = find_ports()
    except OSError as error:
        raise BoardProblem(f"cannot list serial ports: {error}") from None
    return [
        PortRow(port.path, f"{port.usb} {port.product}".strip(), port.trouble) for port in found
    ]


def probe(board: Board, port_name: str, say: Say) -> str:
    """Look what is at the other end of a port; return it in words.  Raises `BoardProblem`."""
    from ..link.detect import Watcher
    from ..link.errors import LinkError
    from ..link.port import Port

    say(f"listening at {port_name}, {board.uart.baud} baud")
    try:
        with Port.open(port_name, board.uart.baud) as port:
            found = Watcher(port, board.loader).detect()
    except LinkError as error:
        raise BoardProblem(str(error)) from None
    if found.text.strip():
        say(f"it said: {found.text.strip()[-160:]}")
    return _words(found, board)


def _words(found: Sighting, board: Board) -> str:
    """Return what was seen, and what to do next."""
    from ..link.detect import Kind

    advice = {
        Kind.PROMPT: "f flashes",
        Kind.BOOTING: "probe again",
        Kind.SILENCE: f"switch {board.title} on, or press its reset button; "
        "crossed or loose wires look the same",
        Kind.GARBAGE: f"the board speaks another rate than {board.uart.baud} baud",
        Kind.SYSTEM: "it runs a system: reset the board to reach its boot loader",
        Kind.TEXT: "o opens the line, so that you can see",
        Kind.ROM: "recovery sends it a boot loader: see the section recovery",
        Kind.SPL: "recovery sends it a boot loader: see the section recovery",
        Kind.MONITOR: "the monitor runs already",
    }
    return f"{found.kind.value}: {advice[found.kind]}"
