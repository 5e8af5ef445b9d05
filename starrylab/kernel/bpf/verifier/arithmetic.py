"""Arithmetic with what is known of numbers.  Every result contains each possible one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from ....abi import ebpf as e
from . import tnum
from .scalar import ANY, M32, M64, S_MAX, S_MIN, Scalar, extended, known, low_half, narrowed, signed

Operation = Callable[[Scalar, Scalar, int], Scalar]  #: both operands, and 64 or 32: the width


def _add(a: Scalar, c: Scalar, _: int) -> Scalar:
    bits = tnum.add(a.bits, c.bits)
    low, high = a.low + c.low, a.high + c.high
    if low >> 64 != high >> 64:
        low, high = 0, M64
    slow, shigh = a.slow + c.slow, a.shigh + c.shigh
    if slow < S_MIN or shigh > S_MAX:
        slow, shigh = S_MIN, S_MAX
    return narrowed(bits, low & M64, high & M64, slow, shigh)


def _sub(a: Scalar, c: Scalar, _: int) -> Scalar:
    bits = tnum.sub(a.bits, c.bits)
    low, high = a.low - c.high, a.high - c.low
    if low >> 64 != high >> 64:
        low, high = 0, M64
    slow, shigh = a.slow - c.shigh, a.shigh - c.slow
    if slow < S_MIN or shigh > S_MAX:
        slow, shigh = S_MIN, S_MAX
    return narrowed(bits, low & M64, high & M64, slow, shigh)


def _mul(a: Scalar, c: Scalar, _: int) -> Scalar:
    bits = tnum.mul(a.bits, c.bits)
    if a.high * c.high > M64:
        return narrowed(bits)
    return narrowed(bits, a.low * c.low, a.high * c.high)


def _and(a: Scalar, c: Scalar, _: int) -> Scalar:
    return narrowed(tnum.both(a.bits, c.bits), 0, min(a.high, c.high))


def _or(a: Scalar, c: Scalar, _: int) -> Scalar:
    high = (1 << max(a.high.bit_length(), c.high.bit_length())) - 1
    return narrowed(tnum.either(a.bits, c.bits), max(a.low, c.low), high)


def _xor(a: Scalar, c: Scalar, _: int) -> Scalar:
    high = (1 << max(a.high.bit_length(), c.high.bit_length())) - 1
    return narrowed(tnum.xor(a.bits, c.bits), 0, high)


def _shift_of(c: Scalar, width: int) -> int | None:
    """Return by how much a shift shifts, if that is known: the hardware takes it modulo."""
    return c.value & (width - 1) if c.is_constant else None


def _lsh(a: Scalar, c: Scalar, width: int) -> Scalar:
    shift = _shift_of(c, width)
    if shift is None:
        return ANY
    bits = tnum.left(a.bits, shift)
    if a.high << shift <= M64:
        return narrowed(bits, a.low << shift, a.high << shift)
    if a.slow << shift >= S_MIN and a.shigh << shift <= S_MAX:
        return narrowed(bits, slow=a.slow << shift, shigh=a.shigh << shift)
    return narrowed(bits)


def _rsh(a: Scalar, c: Scalar, width: int) -> Scalar:
    shift = _shift_of(c, width)
    if shift is None:
        return narrowed(high=a.high)
    return narrowed(tnum.right(a.bits, shift), a.low >> shift, a.high >> shift)


def _arsh(a: Scalar, c: Scalar, width: int) -> Scalar:
    if width == 32:
        a = extended(a, 4)
    shift = _shift_of(c, width)
    if shift is None:
        return (
            narrowed(slow=min(a.slow, 0), shigh=max(a.shigh, 0))
            if a.shigh >= 0
            else narrowed(slow=a.slow, shigh=-1)
        )
    bits = tnum.arithmetic_right(a.bits, shift)
    return narrowed(bits, slow=a.slow >> shift, shigh=a.shigh >> shift)


def _div(a: Scalar, c: Scalar, _: int) -> Scalar:
    if c.is_constant and a.is_constant:
        return known(a.value // c.value if c.value else 0)
    if c.low:
        return narrowed(low=a.low // c.high, high=a.high // c.low)
    return narrowed(high=a.high)


def _mod(a: Scalar, c: Scalar, _: int) -> Scalar:
    if c.is_constant and a.is_constant:
        return known(a.value % c.value if c.value else a.value)
    return narrowed(high=min(a.high, c.high - 1) if c.low else a.high)


def _signed_operand(a: Scalar, width: int) -> Scalar:
    return extended(a, 4) if width == 32 else a


def _sdiv(a: Scalar, c: Scalar, width: int) -> Scalar:
    a, c = _signed_operand(a, width), _signed_operand(c, width)
    if a.is_constant and c.is_constant:
        return known(divide(signed(a.value), signed(c.value)))
    return ANY


def _smod(a: Scalar, c: Scalar, width: int) -> Scalar:
    a, c = _signed_operand(a, width), _signed_operand(c, width)
    if a.is_constant and c.is_constant:
        return known(remainder(signed(a.value), signed(c.value)))
    return ANY


def divide(a: int, c: int) -> int:
    """Return a / c, towards zero; 0 for a division by zero (RFC 9669, section 4.1)."""
    if not c:
        return 0
    quotient = abs(a) // abs(c)
    return quotient if (a < 0) == (c < 0) else -quotient


def remainder(a: int, c: int) -> int:
    """Return what `divide` leaves, with the sign of ``a``; ``a`` for a division by zero."""
    return a - c * divide(a, c) if c else a


OPERATIONS: Final[Mapping[int, Operation]] = MappingProxyType(
    {
        e.ADD: _add, e.SUB: _sub, e.MUL: _mul, e.AND: _and, e.OR: _or, e.XOR: _xor, e.LSH: _lsh,
        e.RSH: _rsh, e.ARSH: _arsh, e.DIV: _div, e.MOD: _mod,
    }
)  # fmt: skip
SIGNED: Final[Mapping[int, Operation]] = MappingProxyType({e.DIV: _sdiv, e.MOD: _smod})


def calculate(operation: int, a: Scalar, c: Scalar, width: int, *, is_signed: bool) -> Scalar:
    """Return a ``operation`` c; a result of 32 bits is zero-extended."""
    function = (SIGNED if is_signed else OPERATIONS)[operation]
    if width == 64:
        return function(a, c, 64)
    result = function(low_half(a), low_half(c), 32)
    return low_half(result)


def negate(a: Scalar, width: int) -> Scalar:
    """Return -a."""
    result = _sub(known(0), a if width == 64 else low_half(a), width)
    return result if width == 64 else low_half(result)


def swap(a: Scalar, bits: int, *, swaps: bool) -> Scalar:
    """Return the low bits in the other byte order, or just these, zero-extended."""
    if a.is_constant:
        data = (a.value & (1 << bits) - 1).to_bytes(bits // 8, "little")
        return known(int.from_bytes(data, "big" if swaps else "little"))
    if bits == 64:
        return ANY if swaps else a
    return narrowed(high=(1 << bits) - 1)


__all__ = ["M32", "calculate", "divide", "negate", "remainder", "swap"]
