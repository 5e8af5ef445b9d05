"""Filters of tracepoints: ``common_pid != 0 && fd == 1`` (Documentation/trace/events.rst, 5)."""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import translate
from operator import and_, eq, ge, gt, le, lt, ne
from typing import TYPE_CHECKING, Any, Final

from ...abi.errno import EINVAL

if TYPE_CHECKING:
    from .tracepoints import Field, Tracepoint

_DEEPEST: Final = 100  #: parentheses and negations

Test = Callable[[bytes], bool]

_TOKEN: Final = re.compile(
    rb"\s*(?:(?P<op>&&|\|\||==|!=|<=|>=|[<>&~!()])|(?P<text>\"[^\"]*\"|'[^']*')|(?P<word>[\w.*?-]+))"
)
_NUMBERS: Final[dict[bytes, Callable[[Any, Any], object]]] = {
    b"==": eq, b"!=": ne, b"<": lt, b"<=": le, b">": gt, b">=": ge, b"&": and_,
}  # fmt: skip


class Filter:
    """Says which records of a tracepoint count."""

    __slots__ = ("passes", "text")

    def __init__(self, text: bytes, point: Tracepoint) -> None:
        """Raise ``EINVAL`` for what is no filter of ``point``."""
        self.text = text
        self.passes = _Parser(text, point).whole()


class _Parser:
    def __init__(self, text: bytes, point: Tracepoint) -> None:
        self._point = point
        if text.count(b"(") + text.count(b"!") > _DEEPEST:
            raise EINVAL
        self._tokens: list[bytes] = []
        at = 0
        text = text.strip()
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                raise EINVAL
            self._tokens.append(found[0].strip())
            at = found.end()

    def whole(self) -> Test:
        test = self._any()
        if self._tokens:
            raise EINVAL
        return test

    def _take(self) -> bytes:
        if not self._tokens:
            raise EINVAL
        return self._tokens.pop(0)

    def _next_is(self, token: bytes) -> bool:
        return bool(self._tokens) and self._tokens[0] == token

    def _any(self) -> Test:
        left = self._all()
        while self._next_is(b"||"):
            self._take()
            left = _either(left, self._all())
        return left

    def _all(self) -> Test:
        left = self._one()
        while self._next_is(b"&&"):
            self._take()
            left = _both(left, self._one())
        return left

    def _one(self) -> Test:
        token = self._take()
        if token == b"!":
            inner = self._one()
            return lambda raw: not inner(raw)
        if token == b"(":
            inside = self._any()
            if self._take() != b")":
                raise EINVAL
            return inside
        operator, value = self._take(), self._take()
        if token == b"common_pid":
            return _compare(4, 4, True, operator, value)
        for field in self._point.fields:
            if field.name.encode() == token:
                return _on_field(field, operator, value)
        raise EINVAL


def _either(left: Test, right: Test) -> Test:
    return lambda raw: left(raw) or right(raw)


def _both(left: Test, right: Test) -> Test:
    return lambda raw: left(raw) and right(raw)


def _on_field(field: Field, operator: bytes, value: bytes) -> Test:
    if field.form.endswith("s") or field.declared.startswith("__data_loc"):
        return _on_text(field, operator, value)
    return _compare(field.offset, field.size, field.signed, operator, value)


def _compare(offset: int, size: int, signed: bool, operator: bytes, value: bytes) -> Test:
    compare = _NUMBERS.get(operator)
    try:
        wanted = int(value, 0)
    except ValueError:
        raise EINVAL from None
    if compare is None:
        raise EINVAL
    end = offset + size
    return lambda raw: bool(
        compare(int.from_bytes(raw[offset:end], "little", signed=signed), wanted)
    )


def _on_text(field: Field, operator: bytes, value: bytes) -> Test:
    wanted = value.strip(b"\"'")
    if operator == b"~":
        pattern = re.compile(translate(wanted.decode(errors="replace")).encode())
        return lambda raw: pattern.match(_text(field, raw)) is not None
    if operator not in (b"==", b"!="):
        raise EINVAL
    return lambda raw: (_text(field, raw) == wanted) == (operator == b"==")


def _text(field: Field, raw: bytes) -> bytes:
    start, size = field.offset, field.size
    if field.declared.startswith("__data_loc"):
        where = int.from_bytes(raw[start : start + 4], "little")
        start, size = where & 0xFFFF, where >> 16
    return raw[start : start + size].split(b"\0")[0]
