"""A position in DWARF data: fixed-size numbers, LEB128, strings, encoded pointers."""

from __future__ import annotations

from typing import Final

# DW_EH_PE_*: how a pointer in .eh_frame is written (Linux Standard Base, core, 10.5).
PE_OMIT: Final = 0xFF
PE_INDIRECT: Final = 0x80
PE_ALIGNED: Final = 0x50
PE_PCREL: Final = 0x10
PE_DATAREL: Final = 0x30

_MASK: Final = (1 << 64) - 1
#: low four bits of an encoding -> size in bytes, signed; LEB128 is handled apart
_FORMATS: Final = {
    0x0: (8, False), 0x2: (2, False), 0x3: (4, False), 0x4: (8, False),
    0x8: (8, True), 0xA: (2, True), 0xB: (4, True), 0xC: (8, True),
}  # fmt: skip


class CfiError(ValueError):
    """Call frame information that cannot be used; the message is one line."""


class Cursor:
    """Reads little-endian data from ``at`` on, and never beyond ``end``."""

    __slots__ = ("at", "data", "end")

    def __init__(self, data: memoryview | bytes, at: int = 0, end: int | None = None) -> None:
        self.data = data
        self.at = at
        self.end = len(data) if end is None else min(end, len(data))

    def unsigned(self, size: int) -> int:
        """Read an unsigned number of ``size`` bytes; raise `CfiError` at the end."""
        at, self.at = self.at, self.at + size
        if self.at > self.end or at < 0:
            raise CfiError("the data end in the middle of a number")
        return int.from_bytes(self.data[at : at + size], "little")

    def signed(self, size: int) -> int:
        """Read a signed number of ``size`` bytes; raise `CfiError` at the end."""
        value = self.unsigned(size)
        return value - (1 << 8 * size) if value >> 8 * size - 1 else value

    def uleb(self) -> int:
        """Read an unsigned LEB128 number; raise `CfiError` at the end."""
        value = shift = 0
        data, at, end = self.data, self.at, self.end
        while at < end:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                self.at = at
                return value
            shift += 7
        raise CfiError("the data end in the middle of a LEB128 number")

    def sleb(self) -> int:
        """Read a signed LEB128 number; raise `CfiError` at the end."""
        start = self.at
        value = self.uleb()
        bits = 7 * (self.at - start)
        return value - (1 << bits) if value >> bits - 1 else value

    def text(self) -> bytes:
        """Read a string up to its NUL; raise `CfiError` if there is none."""
        start = self.at
        while self.unsigned(1):
            pass
        return bytes(self.data[start : self.at - 1])

    def block(self, size: int) -> bytes:
        """Read ``size`` bytes; raise `CfiError` at the end."""
        at, self.at = self.at, self.at + size
        if self.at > self.end:
            raise CfiError("the data end in the middle of a block")
        return bytes(self.data[at : self.at])

    def pointer(self, encoding: int, base: int = 0, data_base: int = 0) -> int:
        """Read a pointer encoded as DW_EH_PE_*.

        ``base`` is the address of the first byte of the data, ``data_base`` what
        DW_EH_PE_datarel counts from.  Raises `CfiError` for what executables do not have.
        """
        here = base + self.at
        form = encoding & 0x0F
        if form == 0x1:
            value = self.uleb()
        elif form == 0x9:
            value = self.sleb()
        elif form in _FORMATS:
            size, signed = _FORMATS[form]
            value = self.signed(size) if signed else self.unsigned(size)
        else:
            raise CfiError(f"unknown pointer encoding {encoding:#x}")
        application = encoding & 0x70
        if application == PE_PCREL:
            value += here
        elif application == PE_DATAREL:
            value += data_base
        elif application:
            raise CfiError(f"unknown pointer encoding {encoding:#x}")
        return value & _MASK
