"""Conditions without debug information: C's integer operators on numbers, registers and names.

``$name`` is a register, ``name`` what the caller knows (an argument of a system call), ``*addr``
the unsigned 64-bit number at an address.  Locals and types need `debug.language`.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Final

from .api import ControlError

_TOKEN: Final = re.compile(
    r"\s*(?:(0[xX][0-9a-fA-F]+|\d+)|('(?:[^'\\]|\\.)')|(\$?[A-Za-z_]\w*)"
    r"|(<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^~!<>()]))"
)
_BINDING: Final = {
    "||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6, "<": 7, ">": 7, "<=": 7, ">=": 7,
    "<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10,
}  # fmt: skip
_UNARY: Final = 11


def _shifted(left: int, right: int) -> int:
    return left << (right & 63)


_BINARY: Final[dict[str, Callable[[int, int], int]]] = {
    "|": operator.or_, "^": operator.xor, "&": operator.and_,
    "==": lambda a, b: int(a == b), "!=": lambda a, b: int(a != b),
    "<": lambda a, b: int(a < b), ">": lambda a, b: int(a > b),
    "<=": lambda a, b: int(a <= b), ">=": lambda a, b: int(a >= b),
    "<<": _shifted, ">>": lambda a, b: a >> (b & 63),
    "+": operator.add, "-": operator.sub, "*": operator.mul,
    "/": lambda a, b: _divided(a, b)[0], "%": lambda a, b: _divided(a, b)[1],
}  # fmt: skip


def _divided(left: int, right: int) -> tuple[int, int]:
    if not right:
        raise ControlError("division by zero")
    quotient = abs(left) // abs(right)
    if (left < 0) != (right < 0):
        quotient = -quotient
    return quotient, left - quotient * right


def evaluate(text: str, value: Callable[[str], int], load: Callable[[int], int]) -> int:
    """Return the value of ``text``; ``value`` knows names, ``load`` memory.

    Raises `ControlError`, in one line.
    """
    parser = _Parser(text, value, load)
    result = parser.expression(0)
    if parser.token:
        raise ControlError(f"junk after the expression: {parser.token!r}")
    return result


class _Parser:
    def __init__(self, text: str, value: Callable[[str], int], load: Callable[[int], int]) -> None:
        self._text = text
        self._at = 0
        self._value = value
        self._load = load
        self._depth = 0
        self.token = ""
        self._advance()

    def _advance(self) -> str:
        token = self.token
        match = _TOKEN.match(self._text, self._at)
        if match is None:
            rest = self._text[self._at :].strip()
            if rest:
                raise ControlError(f"not an expression: {rest!r}")
            self.token = ""
            return token
        self._at = match.end()
        self.token = match.group().strip()
        return token

    def expression(self, least: int) -> int:
        self._depth += 1
        if self._depth > 100:
            raise ControlError("the expression is nested too deeply")
        left = self._operand()
        while (binding := _BINDING.get(self.token, 0)) > least:
            sign = self._advance()
            if sign in ("&&", "||"):
                right = self.expression(binding)
                left = int(bool(left and right) if sign == "&&" else bool(left or right))
            else:
                left = _wrapped(_BINARY[sign](left, self.expression(binding)))
        self._depth -= 1
        return left

    def _operand(self) -> int:
        token = self._advance()
        if not token:
            raise ControlError("the expression ends too early")
        if token == "(":
            inner = self.expression(0)
            if self._advance() != ")":
                raise ControlError("a parenthesis is missing")
            return inner
        if token == "*":
            return self._load(self.expression(_UNARY) & (1 << 64) - 1)
        if token in ("-", "+", "~", "!"):
            operand = self.expression(_UNARY)
            return {"-": -operand, "+": operand, "~": ~operand, "!": int(not operand)}[token]
        if token[0].isdigit():
            return int(token, 16 if token[:2] in ("0x", "0X") else 10)
        if token[0] == "'":
            return ord(token[1:-1].encode().decode("unicode_escape"))
        if token[0] == "$" or token[0].isalpha() or token[0] == "_":
            return self._value(token)
        raise ControlError(f"an expression cannot begin with {token!r}")


def _wrapped(value: int) -> int:
    """Cut to 64 bits, signed unless it only fits unsigned."""
    if -(1 << 63) <= value < 1 << 64:
        return value
    return value & (1 << 64) - 1
