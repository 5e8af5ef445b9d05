"""From tokens to a tree: operator precedence parsing (C11, 6.5; Pratt 1973)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from .errors import ExpressionError
from .nodes import (
    Assign,
    Binary,
    Call,
    Cast,
    Character,
    Choice,
    Index,
    Member,
    Name,
    Node,
    Number,
    Register,
    SizeOf,
    Step,
    String,
    TypeName,
    Unary,
)
from .tokens import Token, tokenize, unescape

_DEPTH: Final = 60  #: of parentheses and operators in one another

#: sign -> how tightly it binds; gdb's ``@`` binds tighter than all but what stands behind.
_BINARY: Final = {
    ",": 1, "=": 2, "?": 3, "||": 4, "&&": 5, "|": 6, "^": 7, "&": 8, "==": 9, "!=": 9,
    "<": 10, ">": 10, "<=": 10, ">=": 10, "<<": 11, ">>": 11, "+": 12, "-": 12, "*": 13,
    "/": 13, "%": 13, "@": 14,
}  # fmt: skip
_ASSIGNMENTS: Final = frozenset({"+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="})
_PREFIX: Final = frozenset({"-", "!", "~", "*", "&", "+", "++", "--"})
_ASSIGN: Final = 2
_UNARY: Final = 15

BUILTIN_WORDS: Final = frozenset({
    "void", "char", "short", "int", "long", "float", "double", "signed", "unsigned", "_Bool",
    "bool",
})  # fmt: skip
_TAGS: Final = frozenset({"struct", "union", "class", "enum"})
_QUALIFIERS: Final = frozenset({"const", "volatile", "restrict"})

IsType = Callable[[str], bool]


def parse(text: str, is_type: IsType = lambda _name: False) -> Node:
    """Return the tree of an expression; raise `ExpressionError`.

    ``is_type`` tells whether a name is a type, which C's grammar needs to know.
    """
    parser = _Parser(tokenize(text), is_type)
    if parser.now.kind == "end":
        raise ExpressionError("an expression is missing")
    node = parser.expression(0)
    parser.expect_end()
    return node


class _Parser:
    """Reads tokens from left to right."""

    def __init__(self, tokens: list[Token], is_type: IsType) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0
        self._is_type = is_type

    @property
    def now(self) -> Token:
        return self._tokens[self._at]

    def take(self) -> Token:
        token = self.now
        if token.kind != "end":
            self._at += 1
        return token

    def accept(self, text: str) -> bool:
        if self.now.text == text and self.now.kind in ("sign", "name"):
            self._at += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.accept(text):
            raise self.surprise(f"expected {text!r}")

    def expect_end(self) -> None:
        if self.now.kind != "end":
            raise self.surprise("")

    def surprise(self, expected: str) -> ExpressionError:
        found = f"near {self.now.text!r}" if self.now.text else "at its end"
        reason = f": {expected}" if expected else ""
        return ExpressionError(f"a syntax error in expression, {found}{reason}")

    def expression(self, binding: int) -> Node:
        self._depth += 1
        if self._depth > _DEPTH:
            raise ExpressionError("an expression is nested too deeply")
        left = self._prefix()
        while True:
            sign = self.now.text if self.now.kind == "sign" else ""
            if sign in _ASSIGNMENTS and binding <= _ASSIGN:
                self._at += 1
                left = Assign(sign[:-1], left, self.expression(_ASSIGN))
                continue
            power = _BINARY.get(sign, 0)
            if power <= binding and not (sign == "=" and binding == _ASSIGN):
                break
            self._at += 1
            left = self._infix(sign, power, left)
        self._depth -= 1
        return left

    def _infix(self, sign: str, power: int, left: Node) -> Node:
        if sign == "=":
            return Assign("", left, self.expression(_ASSIGN))
        if sign == "?":
            yes = self.expression(1)
            self.expect(":")
            return Choice(left, yes, self.expression(power - 1))
        return Binary(sign, left, self.expression(power))

    def _prefix(self) -> Node:
        token = self.now
        if token.kind == "sign" and token.text in _PREFIX:
            self._at += 1
            return Unary(token.text, self.expression(_UNARY))
        if token.kind == "name" and token.text == "sizeof":
            self._at += 1
            return self._sizeof()
        if token.text == "(" and self._type_follows():
            self._at += 1
            kind = self.type_name()
            self.expect(")")
            return Cast(kind, self.expression(_UNARY))
        return self._postfix(self._primary())

    def _sizeof(self) -> Node:
        if self.now.text == "(" and self._type_follows():
            self._at += 1
            kind = self.type_name()
            self.expect(")")
            return SizeOf(kind)
        return SizeOf(self.expression(_UNARY))

    def _type_follows(self) -> bool:
        """Tell whether the parenthesis here opens a type."""
        after = self._tokens[min(self._at + 1, len(self._tokens) - 1)]
        if after.kind != "name":
            return False
        if after.text in BUILTIN_WORDS | _TAGS | _QUALIFIERS:
            return True
        mark, self._at = self._at, self._at + 1
        name = self._qualified()
        closes = self.now.text in (")", "*", "&", "[")
        self._at = mark
        return closes and self._is_type(name)

    def _primary(self) -> Node:
        token = self.take()
        if token.kind == "number":
            return _number(token)
        if token.kind == "string":
            return self._string(token)
        if token.kind == "character":
            return Character(_character(token))
        if token.kind == "register":
            return Register(token.text[1:])
        if token.kind == "name" or token.text == "::":
            self._at -= 1
            return self._name()
        if token.text == "(":
            node = self.expression(0)
            self.expect(")")
            return node
        self._at -= token.kind != "end"
        raise self.surprise("")

    def _name(self) -> Node:
        if self.now.text in BUILTIN_WORDS | _TAGS:
            return self.type_name()
        return Name(self._qualified())

    def _qualified(self) -> str:
        """Read ``a::b::c``."""
        parts = [""] if self.accept("::") else []
        while True:
            if self.now.kind != "name":
                raise self.surprise("expected a name")
            parts.append(self.take().text)
            if not self.accept("::"):
                return "::".join(parts)

    def _string(self, first: Token) -> Node:
        data = unescape(first.text)
        while self.now.kind == "string":
            data += unescape(self.take().text)
        return String(data)

    def _postfix(self, node: Node) -> Node:
        while True:
            if self.accept("["):
                node = Index(node, self.expression(0))
                self.expect("]")
            elif self.now.text in (".", "->"):
                arrow = self.take().text == "->"
                node = Member(node, self._member(), arrow)
            elif self.now.kind == "number" and re.fullmatch(r"\.\d+", self.now.text):
                node = Member(node, self.take().text[1:], False)  # a tuple's field, in Rust
            elif self.now.text in ("++", "--"):
                node = Step(self.take().text, node)
            elif self.accept("("):
                if not self.accept(")"):
                    self.expression(0)
                    self.expect(")")
                node = Call(node)
            else:
                return node

    def _member(self) -> str:
        token = self.take()
        if token.kind == "name":
            return token.text
        self._at -= token.kind != "end"
        raise self.surprise("expected the name of a member")

    # Types.

    def type_name(self) -> TypeName:
        words: list[str] = []
        while self.now.kind == "name":
            word = self.now.text
            if word in _QUALIFIERS:
                self._at += 1
            elif word in _TAGS and not words:
                self._at += 1
                return self._suffixed(f"{word} {self._qualified()}")
            elif word in BUILTIN_WORDS and all(w in BUILTIN_WORDS for w in words):
                words.append(self.take().text)
            elif not words:
                words.append(self._qualified())
            else:
                break
        if not words:
            raise self.surprise("expected a type")
        return self._suffixed(" ".join(words))

    def _suffixed(self, name: str) -> TypeName:
        suffixes: list[str | int] = []
        while True:
            if self.now.text in ("*", "&"):
                suffixes.append(self.take().text)
            elif self.now.kind == "name" and self.now.text in _QUALIFIERS:
                self._at += 1
            elif self.accept("["):
                size = self.take()
                if size.kind != "number" or not size.text.isdigit():
                    raise self.surprise("expected the size of an array")
                suffixes.append(int(size.text))
                self.expect("]")
            else:
                return TypeName(name, tuple(suffixes))


def _number(token: Token) -> Node:
    match = re.fullmatch(r"(0[xX][0-9a-fA-F]+|0[bB][01]+|.*?)([uUlLfF]*)", token.text)
    assert match is not None
    digits, suffix = match[1].lower(), match[2].lower()
    if digits.startswith(("0x", "0b")):
        return Number(int(digits, 0), suffix, decimal=False)
    if "." in digits or "e" in digits or "f" in suffix:
        return Number(float(digits), suffix)
    octal = digits.startswith("0") and digits.isdigit() and len(digits) > 1
    try:
        return Number(int(digits, 8 if octal else 10), suffix, decimal=not octal)
    except ValueError:
        raise ExpressionError(f"invalid number {token.text!r}") from None


def _character(token: Token) -> int:
    data = unescape(token.text)
    if len(data) == 1:
        return data[0]
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = ""
    if len(text) != 1:
        raise ExpressionError(f"{token.text} is not one character")
    return ord(text)
