"""What a terminal asks of the line it hangs on: a UART, or the master of a pseudo-terminal."""

from __future__ import annotations

from ...abi.errno import EIO
from ...abi.termios import Termios


class TtyDriver:
    """The hardware side of a terminal; the base has none of the optional parts."""

    pseudo = False  #: a pseudo-terminal, whose files outlive the session

    def room(self) -> int:
        """Return how many bytes `write` would take now."""
        raise NotImplementedError

    def write(self, data: bytes) -> None:
        """Send ``data``, which is no longer than `room`."""
        raise NotImplementedError

    def echo(self, data: bytes) -> None:
        """Send echoed bytes; what does not fit is lost, as on Linux."""
        self.write(data[: self.room()])

    def pending(self) -> int:
        """Return how many bytes wait to be sent (TIOCOUTQ)."""
        return 0

    def flush(self) -> None:
        """Drop the bytes that wait to be sent."""

    def configure(self, new: Termios, old: Termios) -> None:
        """Learn that the settings changed."""

    def flow_changed(self, stopped: bool) -> None:
        """Learn that output was stopped or started."""

    def input_flushed(self) -> None:
        """Learn that unread input was dropped."""

    def throttle(self, on: bool) -> None:
        """Make the sender at the other end pause, or go on."""

    def send_urgent(self, byte: int) -> None:
        """Send one byte ahead of all others (START, STOP)."""

    def send_break(self, duration_ns: int) -> None:
        """Send a break condition."""

    def modem_lines(self) -> int:
        """Return the TIOCM_* bits."""
        raise EIO

    def set_modem_lines(self, lines: int) -> None:
        """Set DTR and RTS from TIOCM_* bits."""
        raise EIO

    def last_close(self) -> None:
        """Learn that nobody has the terminal open any more."""
