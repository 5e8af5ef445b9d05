"""How a driver reaches a device: registers by offset, and an interrupt line.

The same driver works on a device model and, over a link, on the real registers of a board
(design document 4.3).  On a link every access is a round trip, which is why there are
bursts: one message fills or empties a FIFO.  On a model they save a Python call a byte.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Mmio(Protocol):
    """The registers of one device; offsets are register numbers, 8 bits each."""

    def read8(self, offset: int) -> int:
        """Read a register."""
        ...

    def write8(self, offset: int, value: int) -> None:
        """Write a register."""
        ...

    def read_burst(self, offset: int, limit: int) -> bytes:
        """Read one register again and again while the device has data for it.

        Returns at most ``limit`` bytes, and stops before one that came with an error.
        """
        ...

    def write_burst(self, offset: int, data: bytes) -> int:
        """Write bytes to one register, one after the other, as long as the device takes them.

        Returns how many it took.
        """
        ...


class InterruptLine(Protocol):
    """One input of an interrupt controller."""

    def __call__(self, level: bool, /) -> None:
        """Drive the line."""
        ...


Handler = Callable[[], object]  #: serves one interrupt
