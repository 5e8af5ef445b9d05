"""One number as text, in the format that its type or a letter asks for (gdb manual, 10.5)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from .errors import BadDwarf
from .operands import decode_float, encode_float
from .text import character
from .types import Base, Enum, Type
from .values import Number, Value

LETTERS: Final = "xduotcfasz"

_Symbol = Callable[[int], str]


def plain(value: Value) -> str:
    """Return a base value or enumerator as its type asks for; raise `DebugDataError`."""
    kind = value.type.stripped()
    number = value.number()
    if isinstance(kind, Enum) and isinstance(number, int):
        return enumerator(kind, number)
    if isinstance(kind, Base):
        return base(kind, number)
    return str(number)


def base(kind: Base, number: Number) -> str:
    """Return a number of a base type: ``1.5``, ``97 'a'``, ``true``."""
    if isinstance(number, complex):
        return (
            f"{fraction(number.real, kind.bytes // 2)} + {fraction(number.imag, kind.bytes // 2)}i"
        )
    if isinstance(number, float):
        return fraction(number, kind.bytes)
    if kind.encoding == _BOOLEAN:
        return {0: "false", 1: "true"}.get(number, str(number))
    if kind.is_character and kind.bytes <= 4:
        quoted = character(number & (1 << 8 * kind.bytes) - 1, kind.bytes)
        return f"{number} {quoted.lstrip('uU') if kind.name == 'char' else quoted}"
    return str(number)


_BOOLEAN: Final = 2
#: bytes -> significant decimal digits that always suffice, and those that may
_DIGITS: Final = {2: range(3, 6), 4: range(6, 10), 8: range(15, 18)}


def fraction(number: float, size: int) -> str:
    """Return a fraction with as few digits as give the same number when it is read again."""
    if math.isnan(number):
        return "-nan" if math.copysign(1, number) < 0 else "nan"
    if math.isinf(number):
        return "-inf" if number < 0 else "inf"
    for digits in _DIGITS.get(size, range(17, 18)):
        text = f"{number:.{digits}g}"
        if size in _DIGITS and decode_float(encode_float(float(text), size)) == number:
            break
    return text


def enumerator(kind: Enum, number: int) -> str:
    """Return the name of an enumerator, ``(A | B)`` for flags, the number where there is none."""
    prefix = f"{kind.name}::" if kind.is_class and kind.name else ""
    name = kind.names.get(number)
    if name is not None:
        return prefix + name
    if not kind.is_flags or number <= 0:
        return str(number)
    known = [(name, bits) for bits, name in kind.names.items() if bits & number]
    rest = number
    for _, bits in known:
        rest &= ~bits
    parts = [prefix + name for name, _ in known]
    if not parts:
        return f"(unknown: {number:#x})"
    return f"({' | '.join([*parts, *([f'unknown: {rest:#x}'] if rest else [])])})"


def formatted(value: Value, letter: str, symbol: _Symbol) -> str:
    """Return a scalar in a format letter's notation; raise `DebugDataError`."""
    data = value.data()
    return bits(data, letter, value.bits, symbol)


def bits(data: bytes, letter: str, count: int | None, symbol: _Symbol) -> str:
    """Return bytes in a format letter's notation; ``count`` is the size of a bit-field."""
    write = _WRITERS.get(letter)
    if write is None:
        raise BadDwarf(f"no format letter '{letter}'; there are {', '.join(LETTERS)}")
    if letter == "a":
        address = int.from_bytes(data, "little")
        name = symbol(address)
        return f"{address:#x} {name}" if name else f"{address:#x}"
    return write(data, count if count is not None else 8 * len(data))


def _unsigned(data: bytes) -> int:
    return int.from_bytes(data, "little")


def _signed(data: bytes, count: int) -> int:
    value = _unsigned(data)
    return value - (1 << count) if count and value >> count - 1 & 1 else value


def _octal(data: bytes, _count: int) -> str:
    value = _unsigned(data)
    return f"0{value:o}" if value else "0"


def _float(data: bytes, count: int) -> str:
    if len(data) in _DIGITS or len(data) == 16:
        return fraction(decode_float(data), len(data))
    return str(_signed(data, count))


def _char(data: bytes, count: int) -> str:
    value = _signed(data, count)
    return f"{value} {character(value & 0xFF)}"


_WRITERS: Final[dict[str, Callable[[bytes, int], str]]] = {
    "x": lambda data, _: f"{_unsigned(data):#x}",
    "z": lambda data, _: f"0x{_unsigned(data):0{2 * len(data)}x}",
    "d": lambda data, count: str(_signed(data, count)),
    "u": lambda data, _: str(_unsigned(data)),
    "o": _octal,
    "t": lambda data, _: f"{_unsigned(data):b}",
    "c": _char,
    "f": _float,
    "a": lambda data, _: f"{_unsigned(data):#x}",
    "s": lambda data, count: str(_signed(data, count)),
}


def is_scalar(kind: Type) -> bool:
    """Tell whether a type, stripped, is a number or an enumeration."""
    return isinstance(kind, (Base, Enum))
