"""Writes call frame information, so that tests state theirs in a few lines."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from tests.debug.dwarf_writer import sleb, uleb


def advance(delta: int) -> bytes:
    return bytes((0x40 | delta,)) if delta < 64 else b"\x03" + struct.pack("<H", delta)


def def_cfa(register: int, offset: int) -> bytes:
    return b"\x0c" + uleb(register) + uleb(offset)


def cfa_offset(offset: int) -> bytes:
    return b"\x0e" + uleb(offset)


def saved(register: int, factored: int) -> bytes:
    """DW_CFA_offset: at CFA + factored * data_align."""
    return bytes((0x80 | register,)) + uleb(factored)


UNDEFINED_RA = b"\x07\x01"
REMEMBER, RESTORE = b"\x0a", b"\x0b"


@dataclass
class Function:
    start: int
    size: int
    program: bytes = b""


CODE_ALIGN, DATA_ALIGN, RA, SP = 1, -8, 1, 2
INITIAL = def_cfa(SP, 0)


def _padded(body: bytes) -> bytes:
    body += bytes(-(len(body) + 4) % 8)
    return struct.pack("<I", len(body)) + body


def eh_frame(
    address: int, functions: Sequence[Function], *, augmentation: bytes = b"zR",
    initial: bytes = INITIAL,
) -> bytes:  # fmt: skip
    """.eh_frame at ``address`` with one CIE and pcrel sdata4 pointers."""
    data = augmentation[1:].replace(b"S", b"").replace(b"R", b"\x1b")
    cie = struct.pack("<IB", 0, 1) + augmentation + b"\0"
    cie += uleb(CODE_ALIGN) + sleb(DATA_ALIGN) + bytes((RA,)) + uleb(len(data)) + data + initial
    out = _padded(cie)
    for function in functions:
        here = len(out) + 4
        body = struct.pack("<Iii", here, function.start - (address + here + 4), function.size)
        out += _padded(body + b"\0" + function.program)
    return out + bytes(4)


def eh_frame_hdr(address: int, frame_address: int, frames: bytes) -> bytes:
    """The sorted table for what `eh_frame` wrote."""
    rows = []
    at = 0
    while at + 8 <= len(frames):
        length, cie = struct.unpack_from("<II", frames, at)
        if length and cie:
            (relative,) = struct.unpack_from("<i", frames, at + 8)
            rows.append((frame_address + at + 8 + relative - address, frame_address + at - address))
        at += 4 + length
    table = b"".join(struct.pack("<ii", *row) for row in sorted(rows))
    head = struct.pack("<BBBBiI", 1, 0x1B, 0x03, 0x3B, frame_address - address - 4, len(rows))
    return head + table


def debug_frame(functions: Sequence[Function], *, version: int = 4) -> bytes:
    """.debug_frame with one CIE and absolute addresses."""
    cie = struct.pack("<IB", 0xFFFFFFFF, version) + b"\0" + (b"\x08\0" if version == 4 else b"")
    cie += uleb(CODE_ALIGN) + sleb(DATA_ALIGN) + bytes((RA,)) + INITIAL
    out = _padded(cie)
    for function in functions:
        out += _padded(struct.pack("<IQQ", 0, function.start, function.size) + function.program)
    return out
