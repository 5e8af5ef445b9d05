"""The lab's side of one serial line: output with credit, input through the door.

Output is gathered for a moment, as programs write in small pieces.  What finds no credit stays
here, and the UART is told that the line is busy, so the guest waits at its terminal as it would
on a real board.  Each line has a credit of its own: a flood on one holds up no other.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from .protocol import LineOpened

if TYPE_CHECKING:
    from .assemble import Lab
    from .channel import LabChannel

_RETRY_NS: Final = 10_000_000
_GATHER: Final = 8192  #: bytes of output that go in one message
_GATHER_NS: Final = 2_000_000  #: how long output may wait for more
_ENTER: Final = b"\r"


class Port:
    """Serial line ``line``; 0 is the console."""

    def __init__(self, channel: LabChannel, line: int) -> None:
        self.line = line
        self.input_fd, self._input_end = os.pipe()
        os.set_blocking(self._input_end, False)
        self._channel = channel
        self._lab: Lab | None = None
        self._unsent = bytearray()  #: output; less than two bursts of the driver
        self._flush_is_due = False
        self._held = False  #: the UART was told that the line is busy
        self._untyped = bytearray()  #: input that the pipe had no room for

    def attach(self, lab: Lab) -> None:
        """Serve this line of ``lab``."""
        self._lab = lab

    def emit(self, data: bytes) -> None:
        """Take what the guest prints on the line."""
        self._unsent += data
        if len(self._unsent) >= _GATHER:
            self.flush()
        elif not self._flush_is_due and self._lab is not None:
            self._flush_is_due = True
            executor = self._lab.kernel.executor
            executor.call_at(executor.now + _GATHER_NS, self.flush)

    def flush(self) -> None:
        """Send what there is credit for."""
        self._flush_is_due = False
        sent = self._channel.send_output(bytes(self._unsent), self.line)
        del self._unsent[:sent]
        self._hold(len(self._unsent) >= _GATHER)

    def type(self, data: bytes) -> None:
        """Put typed bytes into the pipe that the guest's line reads."""
        self._untyped += data
        try:
            written = os.write(self._input_end, self._untyped)
        except BlockingIOError:
            written = 0
        del self._untyped[:written]
        if self._untyped and self._lab is not None:
            executor = self._lab.kernel.executor
            executor.call_at(executor.now + _RETRY_NS, lambda: self.type(b""))

    def resize(self, rows: int, columns: int) -> None:
        """Give the line's terminal a new size."""
        if self._lab is not None:
            self._lab.lines[self.line].tty.resize(rows, columns)

    def wake(self) -> None:
        """Press Enter if somebody has the line open, and report whether that is so."""
        if self._lab is not None:
            listening = self._lab.lines[self.line].tty.opens > 0
            self._channel.send(LineOpened(self.line, listening))
            if listening:
                self.type(_ENTER)

    def _hold(self, on: bool) -> None:
        if on != self._held and self._lab is not None:
            self._held = on
            self._lab.lines[self.line].hold(on)
