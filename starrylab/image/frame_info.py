"""Writes call frame information (DWARF 5, 6.4; Linux Standard Base core, ".eh_frame").

Only what code without stack frames needs, and the frame of a signal: a program's registers where a
signal handler's end restores them from.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_DATA_ALIGN: Final = -8
_PCREL_SDATA4: Final = 0x1B
_DATAREL_SDATA4: Final = 0x3B
_UDATA4: Final = 0x03

_DEF_CFA: Final = 0x0C
_DEF_CFA_EXPRESSION: Final = 0x0F
_EXPRESSION: Final = 0x10
_OP_BREG0: Final = 0x70
_OP_DEREF: Final = 0x06


@dataclass(frozen=True, slots=True)
class Leaf:
    """Code that leaves the stack and its return address alone; addresses of the file."""

    start: int
    size: int


@dataclass(frozen=True, slots=True)
class SignalFrame:
    """Code that runs on a signal frame: where that has registers, from the stack pointer."""

    start: int
    size: int
    pc_column: int  #: DWARF number of the interrupted program counter
    saved: tuple[tuple[int, int], ...]  #: DWARF number, offset in bytes


@dataclass(frozen=True, slots=True)
class Registers:
    """DWARF numbers of an architecture."""

    stack_pointer: int
    return_address: int


def write(
    registers: Registers, codes: Sequence[Leaf | SignalFrame], at: int, header_at: int
) -> tuple[bytes, bytes]:
    """Return ``.eh_frame``, which will lie at address ``at``, and ``.eh_frame_hdr``."""
    out = bytearray()
    table: list[tuple[int, int]] = []
    cies: dict[bytes, int] = {}
    for code in codes:
        cie, rules = _describe(registers, code)
        if cie not in cies:
            cies[cie] = len(out)
            out += cie
        table.append((code.start, at + len(out)))
        back = len(out) + 4 - cies[cie]
        begin = code.start - (at + len(out) + 8)
        out += _sized(struct.pack("<IiIB", back, begin, code.size, 0) + rules)
    out += bytes(4)
    return bytes(out), _header(table, at, header_at)


def _header(table: list[tuple[int, int]], at: int, header_at: int) -> bytes:
    encodings = (1, _PCREL_SDATA4, _UDATA4, _DATAREL_SDATA4)
    head = struct.pack("<4BiI", *encodings, at - (header_at + 4), len(table))
    rows = (struct.pack("<ii", a - header_at, b - header_at) for a, b in sorted(table))
    return head + b"".join(rows)


def _describe(registers: Registers, code: Leaf | SignalFrame) -> tuple[bytes, bytes]:
    """Return the common entry that ``code`` needs, and its own rules."""
    sp = registers.stack_pointer
    rules = bytes((_DEF_CFA, sp, 0))
    if isinstance(code, Leaf):
        return _cie(b"zR", registers.return_address, rules), b""
    return _cie(b"zRS", code.pc_column, rules), _restored(sp, code.saved)


def _cie(augmentation: bytes, return_column: int, rules: bytes) -> bytes:
    head = struct.pack("<IB", 0, 1) + augmentation + b"\0"
    head += uleb(1) + sleb(_DATA_ALIGN) + bytes((return_column, 1, _PCREL_SDATA4))
    return _sized(head + rules)


def _restored(sp: int, saved: Sequence[tuple[int, int]]) -> bytes:
    rules = b""
    for register, offset in saved:
        place = bytes((_OP_BREG0 + sp,)) + sleb(offset)
        if register == sp:  # the interrupted stack pointer is the frame's address
            rules += _block(bytes((_DEF_CFA_EXPRESSION,)), place + bytes((_OP_DEREF,)))
        rules += _block(bytes((_EXPRESSION,)) + uleb(register), place)
    return rules


def _block(operation: bytes, expression: bytes) -> bytes:
    return operation + uleb(len(expression)) + expression


def _sized(entry: bytes) -> bytes:
    """Add the length, and what makes it a multiple of 8 (DW_CFA_nop)."""
    entry += bytes(-(len(entry) + 4) % 8)
    return struct.pack("<I", len(entry)) + entry


def uleb(value: int) -> bytes:
    """Encode a number as unsigned LEB128 (DWARF 5, 7.6)."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def sleb(value: int) -> bytes:
    """Encode a number as signed LEB128."""
    out = bytearray()
    while not -64 <= value < 64:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value & 0x7F))
