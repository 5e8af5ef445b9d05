"""What a conditional jump says of the numbers that it compares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from ....abi import ebpf as e
from . import tnum
from .scalar import (
    M32,
    M64,
    S_MAX,
    S_MIN,
    Contradiction,
    Scalar,
    extended,
    low_half,
    meet,
    narrowed,
)

Pair = tuple[Scalar, Scalar]
Refinement = Callable[[Scalar, Scalar], Pair]


def _unsigned(s: Scalar, low: int = 0, high: int = M64) -> Scalar:
    return narrowed(s.bits, max(s.low, low), min(s.high, high), *s[4:])


def _signed(s: Scalar, low: int = S_MIN, high: int = S_MAX) -> Scalar:
    return narrowed(s.bits, s.low, s.high, max(s.slow, low), min(s.shigh, high), s.wlow, s.whigh)


def _equal(a: Scalar, c: Scalar) -> Pair:
    found = meet(a, c)
    return found, found


def _without(a: Scalar, number: int) -> Scalar:
    """Return ``a`` without one number, if that is at an end of a range."""
    low = a.low + (a.low == number)
    high = a.high - (a.high == number)
    slow = a.slow + (a.slow & M64 == number)
    shigh = a.shigh - (a.shigh & M64 == number)
    return narrowed(a.bits, low, high, slow, shigh, a.wlow, a.whigh)


def _different(a: Scalar, c: Scalar) -> Pair:
    if a.is_constant and c.is_constant:
        if a.value == c.value:
            raise Contradiction
        return a, c
    if c.is_constant:
        return _without(a, c.value), c
    if a.is_constant:
        return a, _without(c, a.value)
    return a, c


def _less(a: Scalar, c: Scalar) -> Pair:
    return _unsigned(a, high=c.high - 1), _unsigned(c, low=a.low + 1)


def _at_most(a: Scalar, c: Scalar) -> Pair:
    return _unsigned(a, high=c.high), _unsigned(c, low=a.low)


def _signed_less(a: Scalar, c: Scalar) -> Pair:
    return _signed(a, high=c.shigh - 1), _signed(c, low=a.slow + 1)


def _signed_at_most(a: Scalar, c: Scalar) -> Pair:
    return _signed(a, high=c.shigh), _signed(c, low=a.slow)


def _with_bits(a: Scalar, value: int, mask: int) -> Scalar:
    bits = tnum.intersect(a.bits, (value, mask))
    if bits is None:
        raise Contradiction
    return narrowed(bits, *a[2:])


def _common_bits(a: Scalar, c: Scalar) -> Pair:
    may = (a.value | a.mask) & (c.value | c.mask)
    if not may:
        raise Contradiction
    if c.is_constant and c.value.bit_count() == 1:
        a = _with_bits(a, c.value, M64 & ~c.value)
    return a, c


def _no_common_bits(a: Scalar, c: Scalar) -> Pair:
    if a.value & c.value:
        raise Contradiction
    if c.is_constant:
        a = _with_bits(a, 0, M64 & ~c.value)
    return a, c


def _turned(refine: Refinement) -> Refinement:
    def turned(a: Scalar, c: Scalar) -> Pair:
        c, a = refine(c, a)
        return a, c

    return turned


#: jump -> what holds when it is taken, and when it is not
_REFINEMENTS: Final[Mapping[int, tuple[Refinement, Refinement]]] = MappingProxyType(
    {
        e.JEQ: (_equal, _different),
        e.JNE: (_different, _equal),
        e.JSET: (_common_bits, _no_common_bits),
        e.JLT: (_less, _turned(_at_most)),
        e.JLE: (_at_most, _turned(_less)),
        e.JGT: (_turned(_less), _at_most),
        e.JGE: (_turned(_at_most), _less),
        e.JSLT: (_signed_less, _turned(_signed_at_most)),
        e.JSLE: (_signed_at_most, _turned(_signed_less)),
        e.JSGT: (_turned(_signed_less), _signed_at_most),
        e.JSGE: (_turned(_signed_at_most), _signed_less),
    }
)
_SIGNED: Final = (e.JSLT, e.JSLE, e.JSGT, e.JSGE)
JUMPS: Final = frozenset(_REFINEMENTS)


def refined(operation: int, a: Scalar, c: Scalar, width: int, *, taken: bool) -> Pair | None:
    """Return what both numbers are if the jump is taken, or is not; ``None``: it cannot be."""
    refine = _REFINEMENTS[operation][0 if taken else 1]
    try:
        if width == 64:
            return refine(a, c)
        halves = low_half(a), low_half(c)
        if operation in _SIGNED:
            halves = extended(halves[0], 4), extended(halves[1], 4)
        found = refine(*halves)
        return _with_half(a, found[0]), _with_half(c, found[1])
    except Contradiction:
        return None


def _with_half(s: Scalar, half: Scalar) -> Scalar:
    """Return ``s`` with what is known of its low 32 bits."""
    bits = tnum.intersect(s.bits, (half.value & M32, half.mask & M32 | M64 & ~M32))
    if bits is None:
        raise Contradiction
    wlow, whigh = max(s.wlow, half.wlow), min(s.whigh, half.whigh)
    return narrowed(bits, s.low, s.high, s.slow, s.shigh, wlow, whigh)
