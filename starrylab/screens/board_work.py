"""What the Boards view does with `boards`, `link` and `flash`: plain values, no Textual here.

Talking to a board takes seconds, so the view calls these in threads.  The serial packages are
imported at the first use: most consoles never see a board.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..boards import Board, BoardError, load, names

if TYPE_CHECKING:
    from ..flash.events import Event
    from ..flash.job import Recovery
    from ..link.detect import Sighting

Say = Callable[[str], object]  #: takes a line of what happens


class BoardProblem(Exception):
    """Something cannot be done with a board: one line for the user."""


class Stopped(Exception):
    """The user does not want it any more."""


@dataclass(frozen=True, slots=True)
class Step:
    """What happens while a board is flashed."""

    text: str
    share: float | None = None  #: of a transfer that was done, 0 to 1
    urgent: bool = False  #: the user has to do something
    passing: bool = False  #: how far something is; the next one takes its place


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


def probe(board: Board, port_name: str, say: Say, pulse: Callable[[], object]) -> str:
    """Look what is at the other end of a port; return it in words.  Raises `BoardProblem`.

    ``pulse`` is called several times a second, and may raise `Stopped`.
    """
    from ..flash.greeting import MonitorGreeter
    from ..link.detect import Watcher
    from ..link.errors import LinkError
    from ..link.port import Port

    say(f"listening at {port_name}, {board.uart.baud} baud")
    try:
        with Port.open(port_name, board.uart.baud) as port:
            port.pulse = pulse
            greeter = MonitorGreeter()
            found = Watcher(port, board.loader).detect(lambda port: greeter.hello(port, 1.0))
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
        Kind.ECHO: "TX and RX may be connected with each other",
        Kind.ROM: "recovery sends it a boot loader: see the section recovery",
        Kind.SPL: "recovery sends it a boot loader: see the section recovery",
        Kind.MONITOR: "c boots the lab on it",
    }
    return f"{found.kind.value}: {advice[found.kind]}"


def image_for(board: Board, file: str) -> bytes:
    """Return a file, or the monitor for ``board`` if there is no name; raises `BoardProblem`."""
    from ..boards.images import monitor_to_flash
    from ..image.reading import read_image

    try:
        if file:
            return read_image(Path(os.path.expanduser(file)))  # ~nobody is a name
        return monitor_to_flash(board)
    except OSError as error:
        raise BoardProblem(f"{file}: {error.strerror}") from None
    except BoardError as error:
        raise BoardProblem(" ".join(str(error).splitlines()[:2])) from None


def flash(
    board: Board,
    port_name: str,
    file: str,
    tell: Callable[[Step], None],
    pulse: Callable[[], object],
) -> None:
    """Bring a file, or the monitor, to a board, and start it.

    ``tell`` is called at each step.  ``pulse`` is called several times a second, and may raise
    `Stopped`, once: then the board is left at its prompt.  Raises `BoardProblem` and `Stopped`.
    """
    from ..flash.errors import FlashError
    from ..flash.greeting import MonitorGreeter
    from ..flash.job import Job
    from ..flash.strategy import Flasher
    from ..link.errors import LinkError
    from ..link.port import Port

    tell(Step(f"reading {file}" if file else f"building the monitor for {board.title}"))
    image = image_for(board, file)
    name = Path(file).name if file else "monitor"
    tell(Step(f"{name}: {len(image):,} bytes"))
    job = Job(board, image, name, greets=not file, recovery=_recovery(board))
    try:
        with Port.open(port_name, board.uart.baud) as port:
            port.pulse = pulse
            Flasher(port, job, lambda event: tell(_step(event)), greeter=MonitorGreeter()).run()
    except (FlashError, LinkError) as error:
        raise BoardProblem(str(error)) from None


def _recovery(board: Board) -> Recovery | None:
    """Return what the board's boot ROM is given, if this host has it."""
    from ..flash.errors import FlashError
    from ..flash.recovery import read_files

    if board.recovery.kind == "none":
        return None
    try:
        return read_files()
    except FlashError:  # it is needed only where a boot ROM answers, and is asked for then
        return None


def _step(event: Event) -> Step:
    """Return an event as it is shown."""
    from ..flash.events import Said, Sent, StateChanged

    match event:
        case Sent(what=what, baud=baud, progress=progress):
            words = f"{what} at {baud} baud, {progress.rate / 1024:.1f} KiB/s"
            if progress.resent:
                words += f", {progress.resent} blocks again"
            words += f", {progress.seconds_left:.0f} s left"
            return Step(words, progress.sent / max(1, progress.total), passing=True)
        case StateChanged(state=state, detail=detail):
            return Step(f"{state.value} {detail}".rstrip())
        case Said(text=text, urgent=urgent):
            return Step(text, urgent=urgent)
