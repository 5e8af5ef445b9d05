"""One request at a time, executed exactly once, whatever the line does to it.

A request that gets no reply is sent again, the same bytes with the same sequence number; the
monitor knows it by both and repeats its reply instead of executing it twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from ...machine.board.monitor import MonitorError
from ..errors import LinkError
from . import framing
from .protocol import NAK

_TRIES: Final = 24  #: one request; a line that damages half of all frames gets through
_BITS: Final = 10  #: of a byte on the line
TURN_S: Final = 0.25  #: a USB adapter's latency, and the other side's: beyond the bytes themselves
_MORE: Final = 1.5  #: `turn_s` for a board that is slow
_LESS: Final = 0.99  #: and for one that is not
_LONGEST_S: Final = 2.0  #: to wait for an answer, beyond the time that user code may run
_REPLY_SIZE: Final = 9000  #: bytes; a reply may be as long as that
_QUIET_S: Final = 0.02  #: no byte for so long: text is complete
_FLOOD_S: Final = 30.0  #: of bytes without a pause that are no reply: something else talks


class LinePort(Protocol):
    """What is needed of a serial port (`link.port`)."""

    baud: int

    def read(self, n: int, timeout: float) -> bytes:
        """Return up to ``n`` bytes, as soon as there are any; none when the time is over."""
        ...

    def write(self, data: bytes) -> object:
        """Send all."""
        ...

    def close(self) -> object:
        """Close."""
        ...


@dataclass(slots=True)
class Traffic:
    """What crossed the line."""

    requests: int = 0
    resent: int = 0
    sent: int = 0  #: bytes
    received: int = 0


class Exchange:
    """Sends requests and waits for replies; text that comes between goes to `on_text`."""

    def __init__(
        self,
        port: LinePort,
        on_text: Callable[[bytes], object] | None = None,
        turn_s: float = TURN_S,
    ) -> None:
        """Wait ``turn_s`` for an answer, beyond the time that bytes and user code take."""
        self.port = port
        self.on_text = on_text
        self.turn_s = self._least_turn_s = turn_s
        self.traffic = Traffic()
        self.tries = _TRIES
        self.flood_s = _FLOOD_S
        self._splitter = framing.Splitter()
        self._ready: list[bytes] = []
        self._seq = 0
        self._asked_twice = -1  #: the last request that was sent again after silence
        self._silence = False  #: the last request had no answer at all

    def request(self, content: bytes, busy_s: float = 0.0, *, tries: int = 0) -> bytes:
        """Send operations and return what the monitor replies, from the status on.

        ``busy_s`` is how long the monitor may take.  Raises `MonitorError` when it is silent.
        """
        frame = self.frame(content)
        self._seq = self._next()
        self.traffic.requests += 1
        wait = busy_s + self.turn_s + len(frame) * _BITS / self.port.baud
        try:
            for attempt in range(tries or self.tries):
                self.traffic.resent += attempt > 0
                self.port.write(frame)
                self.traffic.sent += len(frame)
                reply = self._reply(wait)
                if reply is not None:
                    self.turn_s = max(self.turn_s * _LESS, self._least_turn_s)
                    return reply
                if self._silence:  # or else what is slow gets ever more to do
                    self._asked_twice = self._seq
                    wait = min(wait * 2, max(wait, busy_s + _LONGEST_S))
        except LinkError as error:
            raise MonitorError(str(error)) from error
        raise MonitorError(
            "the board's monitor does not answer; see that the cable is plugged in, or reset the "
            "board and flash it again"
        )

    def frame(self, content: bytes) -> bytes:
        """Return what the next `request` of ``content`` is going to send."""
        return framing.frame(bytes((self._next(),)) + content)

    def _next(self) -> int:
        return (self._seq + 1) % NAK

    def attempts(self, tries: int, ask: Callable[[], object]) -> None:
        """Do ``ask`` with fewer tries than usual."""
        usual, self.tries = self.tries, tries
        try:
            ask()
        finally:
            self.tries = usual

    def _reply(self, wait: float) -> bytes | None:
        """Return the reply; None after silence, or when the frame has to be sent again."""
        last = time.monotonic()
        end = last + wait + self.flood_s
        bad = self._splitter.bad
        self._silence = False
        while True:
            while self._ready:
                content = self._ready.pop(0)
                if content[0] == self._seq:
                    return content[1:]
                if content[0] == NAK:
                    return None
                if content[0] == self._asked_twice:  # and answered twice: it was only slow
                    self._asked_twice = -1
                    self.turn_s = min(self.turn_s * _MORE, _LONGEST_S)
            data = self.port.read(_REPLY_SIZE, min(wait, _QUIET_S))
            now = time.monotonic()
            if data:
                last = now
                self.traffic.received += len(data)
                wait = self.turn_s  # it has begun: a pause within is the adapter's
                self._ready += self._splitter.feed(data)
                if self._splitter.bad > bad and not self._ready:
                    return None  # that was it: ask again
            elif now - last >= wait:
                self._silence = True
                self._splitter.idle()
                self._hand_out_text()
                return None
            self._hand_out_text()
            if now >= end:
                raise MonitorError("what comes without end is no answer of a monitor")

    def _hand_out_text(self) -> None:
        text = self._splitter.text
        if text:
            if self.on_text is not None:
                self.on_text(bytes(text))
            text.clear()
