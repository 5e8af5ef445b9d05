"""Memory-mapped devices: a class per model, a decorated method per register.

Nothing has to be told about a new model: its ``compatible`` strings, which are those of
device trees, register it, and a board file names one of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from ..machine.mmio import InterruptLine

M = TypeVar("M", bound="MmioDevice")


def reads(offset: int) -> Callable[[Callable[[M], int]], Callable[[M], int]]:
    """Mark the method that answers loads from register ``offset``."""

    def mark(method: Callable[[M], int]) -> Callable[[M], int]:
        vars(method)["reads"] = offset
        return method

    return mark


def writes(offset: int) -> Callable[[Callable[[M, int], None]], Callable[[M, int], None]]:
    """Mark the method that takes stores to register ``offset``."""

    def mark(method: Callable[[M, int], None]) -> Callable[[M, int], None]:
        vars(method)["writes"] = offset
        return method

    return mark


def unconnected(level: bool, /) -> None:
    """Be an interrupt line that leads nowhere."""


class MmioDevice:
    """Base of all models; offsets are register numbers (a board's ``reg_shift`` is outside)."""

    size: ClassVar[int]  #: registers
    compatible: ClassVar[tuple[str, ...]] = ()
    _read: ClassVar[dict[int, str]] = {}
    _write: ClassVar[dict[int, str]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = vars(cls).items()
        cls._read = cls._read | {m.reads: n for n, m in own if hasattr(m, "reads")}
        cls._write = cls._write | {m.writes: n for n, m in own if hasattr(m, "writes")}

    def __init__(self, irq: InterruptLine = unconnected) -> None:
        self.irq = irq

    def read8(self, offset: int) -> int:
        """Answer a load; registers that the model lacks read as zero."""
        name = self._read.get(offset)
        return 0 if name is None else int(getattr(self, name)())

    def write8(self, offset: int, value: int) -> None:
        """Take a store; registers that the model lacks ignore it."""
        name = self._write.get(offset)
        if name is not None:
            getattr(self, name)(value & 0xFF)

    def read_burst(self, offset: int, limit: int) -> bytes:
        """See ``Mmio.read_burst``; a model with a FIFO does better."""
        return bytes((self.read8(offset),)) if limit else b""

    def write_burst(self, offset: int, data: bytes) -> int:
        """See ``Mmio.write_burst``; a model with a FIFO does better."""
        for byte in data:
            self.write8(offset, byte)
        return len(data)


def models() -> dict[str, type[MmioDevice]]:
    """Return ``compatible`` string -> class of every model that has been imported."""
    found: dict[str, type[MmioDevice]] = {}
    waiting = [MmioDevice]
    while waiting:
        cls = waiting.pop()
        waiting += cls.__subclasses__()
        found.update(dict.fromkeys(cls.compatible, cls))
    return found
