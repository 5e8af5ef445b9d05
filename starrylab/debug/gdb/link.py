"""Acknowledgement and repetition, until both sides agree to do without (QStartNoAckMode)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from .packets import Framer, Mark, frame

_PATIENCE: Final = 64  #: bytes of noise before the first packet


class LinkError(Exception):
    """The other side does not speak the protocol: one line."""


class Link:
    """One connection: bytes in, packets out, and the other way round."""

    def __init__(
        self,
        send: Callable[[bytes], object],
        on_packet: Callable[[bytes], object],
        on_interrupt: Callable[[], object],
    ) -> None:
        self._send = send
        self._on_packet = on_packet
        self._on_interrupt = on_interrupt
        self._framer = Framer()
        self._last = b""  #: the packet sent last, until it is acknowledged
        self._noise = 0
        self.acknowledges = True
        self.packets = 0  #: received well

    def receive(self, data: bytes) -> None:
        """Serve bytes from the other side; raise `LinkError` for a stranger."""
        for item in self._framer.feed(data):
            if isinstance(item, bytes):
                self.packets += 1
                if self.acknowledges:
                    self._send(b"+")
                self._on_packet(item)
            else:
                self._mark(item)

    def send(self, data: bytes) -> None:
        """Send a packet; binary data in it is escaped already."""
        packet = frame(data)
        if self.acknowledges:
            self._last = packet
        self._send(packet)

    def _mark(self, mark: Mark) -> None:
        if mark is Mark.INTERRUPT:
            self._on_interrupt()
        elif mark is Mark.BAD:
            if self.acknowledges:
                self._send(b"-")
        elif mark is Mark.NAK:
            if self.acknowledges and self._last:
                self._send(self._last)
        elif mark is Mark.ACK:
            self._last = b""
        if mark in (Mark.NOISE, Mark.BAD) and not self.packets:
            self._noise += 1
            if self._noise > _PATIENCE:
                raise LinkError("what connected does not speak the GDB remote protocol")
