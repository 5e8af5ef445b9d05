"""`starrylab console`: a serial terminal that stays when the board or its adapter goes.

What a board prints goes out unchanged and at once; with `--elf` the functions and lines that a
backtrace names stand below it. Ctrl-] ends it; every other key goes to the board.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
import termios
import time
import tty
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Final

from .errors import UserError
from .serial_options import baud

if TYPE_CHECKING:
    import argparse

    from ..link.port import Port
    from ..link.record import Record
    from .profiles import Profile

_QUIT: Final = b"\x1d"  #: Ctrl-]
_RETRY: Final = 0.5  #: seconds between two attempts to open the port again
_TICK: Final = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `console`."""
    parser.add_argument("profile", metavar="PROFILE", nargs="?", help="options that --save kept")
    parser.add_argument("--port", metavar="P", help="serial port, pty, or socket://HOST:PORT")
    parser.add_argument("--baud", metavar="N", type=baud, help="default: 115200")
    parser.add_argument("--elf", metavar="KERNEL", help="explain the backtraces of this kernel")
    parser.add_argument("--base", metavar="ADDR", help="where the ELF file was loaded")
    parser.add_argument("--log", metavar="FILE", help="record everything on the line")
    parser.add_argument(
        "--timestamps", action="store_true", default=None, help="begin each line with the time"
    )
    parser.add_argument("--save", metavar="NAME", help="keep these options as a profile")


def main(args: argparse.Namespace) -> int:
    """Be a terminal until Ctrl-]; return the exit status; raise `UserError`."""
    from ..link.errors import LinkError
    from ..link.ports import choose_port
    from ..link.record import Record
    from .profiles import profile

    options = profile(args)
    try:
        name = choose_port(options.port)
        record = None if options.log is None else Record.to(options.log)
        with contextlib.closing(_Line(name, options.baud, record)) as line, _raw_terminal():
            line.open()
            for piece in _shown(line, options):
                _write(piece)
    except LinkError as error:
        raise UserError(str(error), 1) from None
    return 0


def _shown(line: _Line, options: Profile) -> Iterator[bytes]:
    """Yield what has to be drawn."""
    pieces = line.received()
    if options.elf is not None:
        from .symbolize import explained, open_reader

        pieces = explained(pieces, open_reader(options.elf, options.base))
    return stamped(pieces) if options.timestamps else pieces


class _Line:
    """The port, opened again whenever it has gone."""

    def __init__(self, name: str, baud: int, record: Record | None) -> None:
        self._name = name
        self._baud = baud
        self._record = record
        self._port: Port | None = None
        self._keys = True  #: standard input has not ended

    def open(self) -> None:
        """Open it; raise `LinkError`."""
        from ..link.port import Port

        self._port = Port.open(self._name, self._baud, record=self._record)
        _tell(f"{self._name} at {self._baud} baud; Ctrl-] ends")

    def close(self) -> None:
        """Close port and record."""
        if self._port is not None:
            self._port.close()
        if self._record is not None:
            self._record.close()

    def received(self) -> Iterator[bytes]:
        """Yield what the board sends, and pass on what is typed, until Ctrl-].

        A line that is cut off by the end of the connection is ended.
        """
        from ..link.errors import LinkError, PortGone

        whole = True
        while True:
            try:
                data = self._turn()
            except LinkError as error:
                if not whole:
                    yield b"\r\n"
                    whole = True
                why = f"{self._name} is gone" if isinstance(error, PortGone) else str(error)
                _tell(f"{why}; waiting for it")
                if not self._come_back():
                    return
                continue
            if data is None:
                return
            if data:
                whole = data.endswith(b"\n")
                yield data

    def _turn(self) -> bytes | None:
        """Wait for something to happen; return what came; None: the user wants to end."""
        port = self._port
        assert port is not None
        sources = [port.fileno(), *([0] if self._keys else [])]
        try:
            ready = select.select(sources, (), (), _TICK)[0]
        except (OSError, ValueError):
            ready = [port.fileno()]  # reading it says what happened
        if 0 in ready:
            typed = self._typed()
            if typed is None:
                return None
            port.write(typed)
        return port.read() if port.fileno() in ready else b""

    def _typed(self) -> bytes | None:
        """Return what was typed; None: Ctrl-]."""
        typed = os.read(0, 1024)
        self._keys = bool(typed)
        return None if _QUIT in typed else typed

    def _come_back(self) -> bool:
        """Open the port as soon as it can be opened; False: the user does not want to wait."""
        from ..link.errors import LinkError

        if self._port is not None:
            self._port.close()
        while True:
            if self._keys and select.select([0], (), (), _RETRY)[0]:
                if self._typed() is None:
                    return False
            elif not self._keys:
                time.sleep(_RETRY)
            with contextlib.suppress(LinkError):
                self.open()
                return True


def stamped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Put the time before the first byte of each line."""
    fresh = True
    for piece in pieces:
        out = bytearray()
        for part in piece.splitlines(keepends=True):
            if fresh:
                now = datetime.now().astimezone()
                out += f"[{now:%H:%M:%S}.{now.microsecond // 1000:03}] ".encode()
            out += part
            fresh = part.endswith(b"\n")
        yield bytes(out)


@contextlib.contextmanager
def _raw_terminal() -> Iterator[None]:
    """Let every key through; lines still end where the board sends a bare newline."""
    if not os.isatty(0):
        yield
        return
    before = termios.tcgetattr(0)
    try:
        tty.setraw(0, termios.TCSANOW)
        now = termios.tcgetattr(0)
        now[1] |= termios.OPOST
        termios.tcsetattr(0, termios.TCSANOW, now)
        yield
    finally:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(0, termios.TCSADRAIN, before)


def _tell(text: str) -> None:
    print(f"-- {text} --", file=sys.stderr, flush=True)


def _write(piece: bytes) -> None:
    sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
