"""Reading DWARF's basic encodings from bytes (DWARF 5, 7.6)."""

from __future__ import annotations

from .errors import BadDwarf


class Cursor:
    """A position in little-endian data; every read past the end raises `BadDwarf`."""

    __slots__ = ("at", "data", "end")

    def __init__(self, data: bytes | memoryview, at: int = 0, end: int | None = None) -> None:
        self.data = data
        self.at = at
        self.end = len(data) if end is None else min(end, len(data))

    def __bool__(self) -> bool:
        return self.at < self.end

    def unsigned(self, size: int) -> int:
        """Return an unsigned integer of ``size`` bytes."""
        return int.from_bytes(self.take(size), "little")

    def signed(self, size: int) -> int:
        """Return a signed integer of ``size`` bytes."""
        return int.from_bytes(self.take(size), "little", signed=True)

    def take(self, size: int) -> bytes:
        """Return the next ``size`` bytes."""
        at = self.at
        if not 0 <= at <= self.end or size > self.end - at:
            raise BadDwarf(f"the data ends in an operand at offset {at:#x}")
        self.at = at + size
        return bytes(self.data[at : at + size])

    def uleb(self) -> int:
        """Return an unsigned LEB128 number."""
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value

    def sleb(self) -> int:
        """Return a signed LEB128 number."""
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value - (1 << shift) if byte & 0x40 else value

    def _byte(self) -> int:
        if not 0 <= self.at < self.end:
            raise BadDwarf(f"the data ends in an operand at offset {self.at:#x}")
        byte = self.data[self.at]
        self.at += 1
        return byte
