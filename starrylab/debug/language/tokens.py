"""From text to tokens (C11, 6.4; with gdb's ``$name`` and ``@``)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from .errors import ExpressionError

LONGEST: Final = 4096  #: characters of an expression

_TOKEN: Final = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<number>0[xX][0-9a-fA-F]+[uUlL]*|0[bB][01]+[uUlL]*
      |(?:\d+\.\d*|\.\d+)(?:[eE][+-]?\d+)?[fFlL]?|\d+[eE][+-]?\d+[fFlL]?|\d+[uUlL]*)
  | (?P<string>"(?:[^"\\]|\\.)*")
  | (?P<character>'(?:[^'\\]|\\.)[^']*')
  | (?P<register>\$[A-Za-z_]\w*)
  | (?P<name>[A-Za-z_]\w*)
  | (?P<sign><<=|>>=|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||::|[-+*/%&|^]=
      |[-+*/%&|^~!<>=?:.,()\[\]{}@])
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """One token; ``kind`` is a group of the grammar, or "end"."""

    kind: str
    text: str
    at: int  #: offset in the expression


def tokenize(text: str) -> list[Token]:
    """Return the tokens of an expression and an "end"; raise `ExpressionError`."""
    if len(text) > LONGEST:
        raise ExpressionError(f"an expression of more than {LONGEST} characters")
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            what = "unterminated string" if text[at] in "\"'" else "invalid character"
            raise ExpressionError(f"{what} in expression at {text[at : at + 20]!r}")
        kind = match.lastgroup or ""
        if kind != "space":
            found.append(Token(kind, match[0], at))
        at = match.end()
    found.append(Token("end", "", at))
    return found


_ESCAPES: Final = {
    "n": 10, "t": 9, "r": 13, "a": 7, "b": 8, "f": 12, "v": 11, "e": 27, "0": 0,
}  # fmt: skip
_ESCAPE: Final = re.compile(r"\\(x[0-9a-fA-F]+|[0-7]{1,3}|.)", re.DOTALL)


def unescape(text: str) -> bytes:
    """Return the bytes that a quoted string or character stands for."""
    out, at, body = b"", 0, text[1:-1]
    for match in _ESCAPE.finditer(body):
        out += body[at : match.start()].encode() + bytes((_escape(match[1]),))
        at = match.end()
    return out + body[at:].encode()


def _escape(code: str) -> int:
    if code[0] == "x" and len(code) > 1:
        return int(code[1:], 16) & 0xFF
    if code[0] in "01234567":
        return int(code, 8) & 0xFF
    return _ESCAPES.get(code, ord(code) & 0xFF)
