"""LEB128 numbers (DWARF 5, 7.6) and whole numbers of one to eight bytes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

Bytes = bytes | memoryview

_U16: Final = struct.Struct("<H").unpack_from
_U32: Final = struct.Struct("<I").unpack_from
_U64: Final = struct.Struct("<Q").unpack_from
MASK_64: Final = (1 << 64) - 1


def uleb(data: Bytes, at: int) -> tuple[int, int]:
    """Return an unsigned number and where it ends; raise ``IndexError`` when it is cut."""
    byte = data[at]
    at += 1
    if byte < 0x80:
        return byte, at
    value, shift = byte & 0x7F, 7
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & MASK_64, at
        shift += 7
        if shift > 1024:
            raise IndexError("a number without an end")


def sleb(data: Bytes, at: int) -> tuple[int, int]:
    """Return a signed number and where it ends; raise ``IndexError`` when it is cut."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value - (1 << shift) if byte & 0x40 else value, at
        if shift > 1024:
            raise IndexError("a number without an end")


def u8(data: Bytes, at: int) -> int:
    """Return the byte at ``at``."""
    return data[at]


def u16(data: Bytes, at: int) -> int:
    """Return the 16-bit number at ``at``."""
    return int(_U16(data, at)[0])


def u24(data: Bytes, at: int) -> int:
    """Return the 24-bit number at ``at``."""
    return data[at] | data[at + 1] << 8 | data[at + 2] << 16


def u32(data: Bytes, at: int) -> int:
    """Return the 32-bit number at ``at``."""
    return int(_U32(data, at)[0])


def u64(data: Bytes, at: int) -> int:
    """Return the 64-bit number at ``at``."""
    return int(_U64(data, at)[0])


#: size in bytes -> reader
UNSIGNED: Final[dict[int, Callable[[Bytes, int], int]]] = {1: u8, 2: u16, 3: u24, 4: u32, 8: u64}


def initial_length(data: Bytes, at: int) -> tuple[int, int, int]:
    """Return length, size of offsets (4 or 8) and where the contribution goes on (DWARF 5, 7.4)."""
    length = u32(data, at)
    if length == 0xFFFFFFFF:
        return u64(data, at + 4), 8, at + 12
    return length, 4, at + 4
