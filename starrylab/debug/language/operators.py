"""Arithmetic, comparison and pointer arithmetic on values (C11, 6.5.3 to 6.5.14)."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Final

from ..dwarf.operands import Kind
from ..dwarf.operands import wrap as wrap_operand
from ..dwarf.text import LIMIT, terminated
from ..dwarf.types import Array, Base, Enum, Function, Pointer, Type
from ..dwarf.values import Value, constant
from .ctypes_lp64 import INT, LONG, common, is_float, pointer_to, promoted
from .errors import ExpressionError

_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le,
    ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_ARITHMETIC: Final[dict[str, Callable[[int, int], int]]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "&": operator.and_,
    "|": operator.or_, "^": operator.xor,
}  # fmt: skip
_FRACTIONS: Final[dict[str, Callable[[float, float], float]]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul,
}  # fmt: skip
_M64: Final = (1 << 64) - 1


def decayed(value: Value) -> Value:
    """Return an array or function as a pointer to it, a reference as what it refers to."""
    kind = value.type.stripped()
    if isinstance(kind, Pointer) and kind.sign != "*":
        return decayed(value.dereference())
    if isinstance(kind, Array):
        return made(pointer_to(kind.element), address_of(value), value)
    if isinstance(kind, Function):
        return made(pointer_to(value.type), address_of(value), value)
    return value


def address_of(value: Value) -> int:
    """Return where a value is; raise `ExpressionError` for what is in no memory."""
    address = value.address
    if address is None:
        raise ExpressionError("attempt to take address of value not located in memory")
    return address


def made(kind: Type, number: int | float, near: Value) -> Value:
    """Return a value that is in no memory, in the frame of another."""
    return constant(kind, number, near.frame, near.owner)


def converted(kind: Type, value: Value) -> Value:
    """Return a number as another type of number or pointer (a cast)."""
    target = kind.stripped()
    number = scalar(value)
    if isinstance(target, Base) and target.encoding == 2:  # DW_ATE_boolean
        return made(kind, int(bool(number)), value)
    if not isinstance(target, (Base, Enum, Pointer)):
        raise ExpressionError("invalid cast: only numbers, enumerations and pointers are cast to")
    if isinstance(number, float) and not is_float(target):
        number = fitted(LONG, number)
    return made(kind, number, value)


def scalar(value: Value) -> int | float:
    """Return a number, enumerator, pointer or decayed array as a number."""
    value = decayed(value)
    number = value.number() if _is_scalar(value.type.stripped()) else None
    if number is None or isinstance(number, complex):
        raise ExpressionError("a number or a pointer is needed here")
    return number


def _is_scalar(kind: Type) -> bool:
    return isinstance(kind, (Base, Enum, Pointer))


def truth(value: Value) -> bool:
    """Return whether a value counts as true."""
    return bool(scalar(value))


def unary(sign: str, operand: Value) -> Value:
    """Return ``- + ~ !`` of a value."""
    if sign == "!":
        return made(INT, int(not truth(operand)), operand)
    operand = decayed(operand)
    kind = promoted(operand.type.stripped())
    number = scalar(operand)
    if sign == "~":
        if isinstance(number, float):
            raise ExpressionError("the operand of ~ must be an integer")
        return made(kind, fitted(kind, ~number), operand)
    return made(kind, fitted(kind, -number if sign == "-" else number), operand)


def fitted(kind: Base, number: int | float) -> int | float:
    """Return a number cut to the range of a type."""
    form = "f" if kind.is_float else "s" if kind.is_signed else "u"
    return wrap_operand(Kind(form, kind.bytes), number).value


def binary(sign: str, left: Value, right: Value) -> Value:
    """Return ``left sign right``."""
    left, right = decayed(left), decayed(right)
    kinds = [side.type.stripped() for side in (left, right)]
    if sign in _COMPARE:
        return made(INT, int(_COMPARE[sign](*_comparable(left, right))), left)
    if isinstance(kinds[0], Pointer) or isinstance(kinds[1], Pointer):
        return _pointers(sign, left, right)
    if sign in ("<<", ">>"):
        return _shifted(sign, left, right)
    kind = common(kinds[0], kinds[1])
    a, b = scalar(left), scalar(right)
    if kind.is_float:
        return made(kind, _fraction(sign, float(a), float(b)), left)
    return made(kind, fitted(kind, _integer(sign, int(a), int(b), kind)), left)


def _comparable(left: Value, right: Value) -> tuple[int | float, int | float]:
    """Return two numbers in their common type; pointers are addresses."""
    kinds = [side.type.stripped() for side in (left, right)]
    a, b = scalar(left), scalar(right)
    if any(isinstance(kind, Pointer) for kind in kinds):
        return int(a) & _M64, int(b) & _M64
    kind = common(kinds[0], kinds[1])
    return (a, b) if kind.is_float else (fitted(kind, a), fitted(kind, b))


def _fraction(sign: str, a: float, b: float) -> float:
    if sign == "/":
        if b == 0:
            raise ExpressionError("division by zero")
        return a / b
    if sign not in _FRACTIONS:
        raise ExpressionError(f"the operands of {sign} must be integers")
    return _FRACTIONS[sign](a, b)


def _integer(sign: str, a: int, b: int, kind: Base) -> int:
    a, b = int(fitted(kind, a)), int(fitted(kind, b))
    if sign in _ARITHMETIC:
        return _ARITHMETIC[sign](a, b)
    if b == 0:
        raise ExpressionError("division by zero")
    quotient = abs(a) // abs(b)
    quotient = quotient if (a < 0) == (b < 0) else -quotient
    return quotient if sign == "/" else a - b * quotient


def _shifted(sign: str, left: Value, right: Value) -> Value:
    kind = promoted(left.type.stripped())
    number, count = scalar(left), scalar(right)
    if isinstance(number, float) or isinstance(count, float):
        raise ExpressionError(f"the operands of {sign} must be integers")
    if not 0 <= count < 8 * kind.bytes:
        raise ExpressionError(f"a shift by {count} of a type with {8 * kind.bytes} bits")
    return made(kind, fitted(kind, number << count if sign == "<<" else number >> count), left)


def _pointers(sign: str, left: Value, right: Value) -> Value:
    a, b = left.type.stripped(), right.type.stripped()
    if sign == "-" and isinstance(a, Pointer) and isinstance(b, Pointer):
        size = _step(a, left)
        if size != _step(b, right):
            raise ExpressionError("pointers to different types cannot be subtracted")
        distance = int(scalar(left)) - int(scalar(right))
        return made(LONG, distance // size if size > 1 else distance, left)
    if sign == "+" and isinstance(b, Pointer) and not isinstance(a, Pointer):
        return _pointers(sign, right, left)
    if sign not in ("+", "-") or not isinstance(a, Pointer) or isinstance(b, Pointer):
        raise ExpressionError(f"pointers cannot be combined by {sign}")
    count = scalar(right)
    if isinstance(count, float):
        raise ExpressionError("a fraction cannot be added to a pointer")
    offset = count * _step(a, left)
    address = int(scalar(left)) + (offset if sign == "+" else -offset)
    return made(left.type, address & _M64, left)


def _step(kind: Pointer, near: Value) -> int:
    """Return the size of what is pointed to; 1 for void and functions, as in GNU C."""
    target = kind.target.stripped()
    if target.size is None:
        return max(1, near.at(0, kind.target).size) if isinstance(target, Array) else 1
    return max(1, target.size)


def text_of(value: Value) -> bytes | None:
    """Return the characters that a char pointer or array means; ``None`` for other types."""
    kind = value.type.stripped()
    if isinstance(kind, (Array, Pointer)):
        element = kind.target.stripped()
        if isinstance(element, Base) and element.is_character and element.bytes == 1:
            if isinstance(kind, Array):
                data = value.data(min(value.length(), 4096))
                end = terminated(data)
                return data if end is None else end
            return c_string(value.dereference())
    return None


def c_string(first: Value, limit: int = 16 * LIMIT) -> bytes:
    """Return the string at ``first``, up to its NUL or ``limit`` bytes."""
    address = address_of(first)
    data = b""
    while len(data) < limit:
        piece = first.frame.memory.read(address + len(data), 16 - (address + len(data)) % 16)
        end = terminated(piece)
        if end is not None:
            return data + end
        data += piece
    return data
