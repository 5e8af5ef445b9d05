"""Device registers of the board for drivers of the kernel: a round trip each, or a burst."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from .client import MonitorClient

_BURST: Final = 2048  #: bytes that one round trip moves


class Ready(NamedTuple):
    """When a register has data, or room: while ``status & mask == wanted``."""

    status: int  #: number of the register to look at
    mask: int
    wanted: int


#: LSR of a 16550: data without an error; room in the transmitter
UART_16550_READ: Final = {0: Ready(5, 0x1F, 0x01)}
UART_16550_WRITE: Final = {0: Ready(5, 0x20, 0x20)}


class MonitorMmio:
    """See `machine.mmio.Mmio`.  Every method raises `MonitorError`."""

    def __init__(
        self,
        client: MonitorClient,
        base: int,
        *,
        shift: int = 0,
        width: int = 1,
        read_ready: Mapping[int, Ready] | None = None,
        write_ready: Mapping[int, Ready] | None = None,
    ) -> None:
        """Reach the device at physical ``base``; register n is at ``base + (n << shift)``."""
        self._client = client
        self._base = base
        self._shift = shift
        self._width = width
        self._read_ready = read_ready or {}
        self._write_ready = write_ready or {}

    def read8(self, offset: int) -> int:
        """See `Mmio.read8`."""
        value: int = self._client.ask("PEEK", self._at(offset), self._width)["value"]
        return value & 0xFF

    def write8(self, offset: int, value: int) -> None:
        """See `Mmio.write8`."""
        self._client.ask("POKE", self._at(offset), self._width, value & 0xFF)

    def read_burst(self, offset: int, limit: int) -> bytes:
        """See `Mmio.read_burst`; of a register that nobody described, one byte."""
        ready = self._read_ready.get(offset)
        if ready is None:
            return bytes((self.read8(offset),)) if limit else b""
        data: bytes = self._client.ask(
            "PEEK_WHILE", self._at(offset), *self._while(ready), min(limit, _BURST)
        )["data"]
        return data

    def write_burst(self, offset: int, data: bytes) -> int:
        """See `Mmio.write_burst`; to a register that nobody described, one byte after the other."""
        ready = self._write_ready.get(offset)
        if ready is None:
            for byte in data:
                self.write8(offset, byte)
            return len(data)
        count: int = self._client.ask(
            "POKE_WHILE", self._at(offset), *self._while(ready), bytes(data[:_BURST])
        )["count"]
        return count

    def _at(self, offset: int) -> int:
        return self._base + (offset << self._shift)

    def _while(self, ready: Ready) -> tuple[int, int, int, int]:
        return self._at(ready.status), self._width, ready.mask, ready.wanted
