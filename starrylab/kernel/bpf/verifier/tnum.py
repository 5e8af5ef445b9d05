"""Numbers of which some bits are known: (value, mask), a 1 in the mask is an unknown bit.

The algorithms are those of ``kernel/bpf/tnum.c`` (Vishwanathan et al., "Sound, Precise, and Fast
Abstract Interpretation with Tristate Numbers", CGO 2022).  All numbers have 64 bits.
"""

from __future__ import annotations

from typing import Final

Tnum = tuple[int, int]

M64: Final = (1 << 64) - 1
UNKNOWN: Final[Tnum] = (0, M64)


def spanning(low: int, high: int) -> Tnum:
    """Return the least that contains ``low`` to ``high``, both unsigned."""
    bits = (low ^ high).bit_length()
    if bits > 63:
        return UNKNOWN
    mask = (1 << bits) - 1
    return low & ~mask, mask


def add(a: Tnum, c: Tnum) -> Tnum:
    """Return a + c."""
    masks = a[1] + c[1]
    values = a[0] + c[0]
    mask = ((masks + values) ^ values | a[1] | c[1]) & M64
    return values & ~mask & M64, mask


def sub(a: Tnum, c: Tnum) -> Tnum:
    """Return a - c."""
    difference = a[0] - c[0]
    mask = ((difference + a[1]) ^ (difference - c[1]) | a[1] | c[1]) & M64
    return difference & ~mask & M64, mask


def both(a: Tnum, c: Tnum) -> Tnum:
    """Return a & c."""
    value = a[0] & c[0]
    return value, (a[0] | a[1]) & (c[0] | c[1]) & ~value


def either(a: Tnum, c: Tnum) -> Tnum:
    """Return a | c."""
    value = a[0] | c[0]
    return value, (a[1] | c[1]) & ~value


def xor(a: Tnum, c: Tnum) -> Tnum:
    """Return a ^ c."""
    mask = a[1] | c[1]
    return (a[0] ^ c[0]) & ~mask, mask


def mul(a: Tnum, c: Tnum) -> Tnum:
    """Return a * c: one partial product for each bit of ``a`` that may be set."""
    known = a[0] * c[0] & M64
    unknown: Tnum = (0, 0)
    value, mask = a
    cv, cm = c
    while value or mask:
        if value & 1:
            unknown = add(unknown, (0, cm))
        elif mask & 1:
            unknown = add(unknown, (0, cv | cm))
        value, mask = value >> 1, mask >> 1
        cv, cm = cv << 1 & M64, cm << 1 & M64
    return add((known, 0), unknown)


def left(a: Tnum, shift: int) -> Tnum:
    """Return a << shift."""
    return a[0] << shift & M64, a[1] << shift & M64


def right(a: Tnum, shift: int) -> Tnum:
    """Return a >> shift, zeros coming in."""
    return a[0] >> shift, a[1] >> shift


def arithmetic_right(a: Tnum, shift: int) -> Tnum:
    """Return a >> shift, copies of the highest bit coming in."""
    mask = _signed(a[1]) >> shift & M64
    return _signed(a[0]) >> shift & M64 & ~mask, mask


def intersect(a: Tnum, c: Tnum) -> Tnum | None:
    """Return what is in both; ``None`` if a known bit differs."""
    if (a[0] ^ c[0]) & ~a[1] & ~c[1] & M64:
        return None
    mask = a[1] & c[1]
    return (a[0] | c[0]) & ~mask, mask


def contains(a: Tnum, c: Tnum) -> bool:
    """Say whether each number of ``c`` is one of ``a``."""
    return not c[1] & ~a[1] and a[0] == c[0] & ~a[1]


def _signed(value: int) -> int:
    return value - (value >> 63 << 64)
