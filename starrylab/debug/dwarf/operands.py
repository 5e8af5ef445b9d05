"""Entries of the expression stack: generic or of a base type, and arithmetic on them (2.5.1.4)."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from .errors import BadDwarf
from .opcodes import Op

_FLOATS: Final = {2: "<e", 4: "<f", 8: "<d"}
_MOST_SHIFT: Final = 1 << 16  #: a larger shift count leaves nothing of any base type


@dataclass(frozen=True, slots=True)
class Kind:
    """How an entry is read: ``u`` unsigned, ``s`` signed or ``f`` IEEE binary, ``size`` bytes.

    The generic type counts as unsigned; only division and comparisons treat it as signed.
    """

    form: str
    size: int
    generic: bool = False

    @property
    def is_float(self) -> bool:
        """Whether values are fractions."""
        return self.form == "f"


@dataclass(frozen=True, slots=True)
class Operand:
    """One entry; ``value`` is within the range of its kind."""

    kind: Kind
    value: int | float

    def integer(self) -> int:
        """Return an integral value; raise `BadDwarf` for a fraction."""
        if isinstance(self.value, float):
            raise BadDwarf("an integer operation on a floating-point value")
        return self.value

    def signed(self) -> int:
        """Return an integral value with the generic type taken as signed."""
        value = self.integer()
        bits = 8 * self.kind.size
        return value - (1 << bits) if self.kind.generic and value >> bits - 1 else value

    def to_bytes(self) -> bytes:
        """Return the value as it would be in memory."""
        if self.kind.is_float:
            return encode_float(float(self.value), self.kind.size)
        value = self.integer() & (1 << 8 * self.kind.size) - 1
        return value.to_bytes(self.kind.size, "little")


def wrap(kind: Kind, value: int | float) -> Operand:
    """Return ``value`` converted to ``kind``, as C does: cut, or rounded towards zero."""
    if kind.is_float:
        return Operand(kind, _to_float(value))
    if isinstance(value, float):
        if not math.isfinite(value):
            raise BadDwarf("an infinite value as an integer")
        value = int(value)
    bits = 8 * kind.size
    value &= (1 << bits) - 1
    if kind.form == "s" and value >> bits - 1:
        value -= 1 << bits
    return Operand(kind, value)


def decode(kind: Kind, data: bytes) -> Operand:
    """Return what ``data``, of the kind's size, means."""
    if kind.is_float:
        return Operand(kind, decode_float(data))
    return Operand(kind, int.from_bytes(data, "little", signed=kind.form == "s"))


def decode_float(data: bytes) -> float:
    """Return an IEEE number of 2, 4, 8 or 16 bytes, or x87's 10; rounded to a double."""
    if len(data) in _FLOATS:
        return float(struct.unpack(_FLOATS[len(data)], data)[0])
    bits = int.from_bytes(data, "little")
    if len(data) == 16:
        sign, exponent = bits >> 127, bits >> 112 & 0x7FFF
        fraction = bits & (1 << 112) - 1
        return _assemble(sign, exponent, fraction | bool(exponent) << 112, 112)
    if len(data) == 10:
        return _assemble(bits >> 79, bits >> 64 & 0x7FFF, bits & (1 << 64) - 1, 63)
    raise BadDwarf(f"a floating-point number of {len(data)} bytes")


def _assemble(sign: int, exponent: int, significand: int, point: int) -> float:
    if exponent == 0x7FFF:
        number = math.nan if significand & (1 << point) - 1 else math.inf
    else:
        try:
            number = math.ldexp(significand, max(exponent, 1) - 16383 - point)
        except OverflowError:
            number = math.inf
    return -number if sign else number


def encode_float(value: float, size: int) -> bytes:
    """Return an IEEE number of ``size`` bytes; raise `BadDwarf` for sizes that cannot be made."""
    if size not in _FLOATS:
        raise BadDwarf(f"cannot make a floating-point number of {size} bytes")
    try:
        return struct.pack(_FLOATS[size], value)
    except OverflowError:
        return struct.pack(_FLOATS[size], math.copysign(math.inf, value))


def _to_float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.copysign(math.inf, value)


def _divide(left: Operand, right: Operand) -> int | float:
    if left.kind.is_float:
        if not right.value:
            raise BadDwarf("a division by zero")
        return left.value / right.value
    dividend, divisor = left.signed(), right.signed()
    if not divisor:
        raise BadDwarf("a division by zero")
    quotient = abs(dividend) // abs(divisor)
    return quotient if (dividend < 0) == (divisor < 0) else -quotient


def _modulo(left: Operand, right: Operand) -> int:
    dividend, divisor = left.integer(), right.integer()
    if not divisor:
        raise BadDwarf("a division by zero")
    remainder = abs(dividend) % abs(divisor)
    return -remainder if dividend < 0 else remainder


def _shift(right: Operand) -> int:
    return min(right.integer() & (1 << 64) - 1, _MOST_SHIFT)


def _multiply(left: Operand, right: Operand) -> int | float:
    return left.value * right.value


def _logical_right(left: Operand, right: Operand) -> int:
    return (left.integer() & (1 << 8 * left.kind.size) - 1) >> _shift(right)


_BINARY: Final[dict[int, Callable[[Operand, Operand], int | float]]] = {
    Op.AND: lambda a, b: a.integer() & b.integer(),
    Op.DIV: _divide,
    Op.MINUS: lambda a, b: a.value - b.value,
    Op.MOD: _modulo,
    Op.MUL: _multiply,
    Op.OR: lambda a, b: a.integer() | b.integer(),
    Op.PLUS: lambda a, b: a.value + b.value,
    Op.SHL: lambda a, b: a.integer() << _shift(b),
    Op.SHR: _logical_right,
    Op.SHRA: lambda a, b: a.signed() >> _shift(b),
    Op.XOR: lambda a, b: a.integer() ^ b.integer(),
}

_COMPARE: Final[dict[int, Callable[[float, float], bool]]] = {
    Op.EQ: lambda a, b: a == b,
    Op.GE: lambda a, b: a >= b,
    Op.GT: lambda a, b: a > b,
    Op.LE: lambda a, b: a <= b,
    Op.LT: lambda a, b: a < b,
    Op.NE: lambda a, b: a != b,
}

#: Operations with two operands of one type.
BINARY: Final = frozenset({*_BINARY, *_COMPARE})


def binary(opcode: int, left: Operand, right: Operand, generic: Kind) -> Operand:
    """Return ``left opcode right``; shift counts may be of another type than what is shifted."""
    if left.kind != right.kind and opcode not in (Op.SHL, Op.SHR, Op.SHRA):
        raise BadDwarf("operands of different types")
    if opcode in _COMPARE:
        order = [x.value if x.kind.is_float else x.signed() for x in (left, right)]
        return Operand(generic, int(_COMPARE[opcode](*order)))
    return wrap(left.kind, _BINARY[opcode](left, right))


def unary(opcode: int, operand: Operand) -> Operand:
    """Return DW_OP_abs, _neg or _not of an operand."""
    if opcode == Op.NOT:
        return wrap(operand.kind, ~operand.integer())
    value = operand.value if operand.kind.is_float else operand.signed()
    return wrap(operand.kind, abs(value) if opcode == Op.ABS else -value)
