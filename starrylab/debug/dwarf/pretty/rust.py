"""Rust: &str, String, slices, Vec, Box, tuples, enums, and structures in Rust's notation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from .. import dw
from ..errors import PROBLEMS, BadDwarf
from ..shapes import Part, Parts, Shape, Text, sequence
from ..types import Member, Pointer, Struct
from ..values import Value
from .search import argument, count, find, need, text_at


def rust(value: Value) -> Shape | None:
    """Return the shape of a Rust structure or enum; ``None`` for other languages."""
    kind = value.type.stripped()
    if not isinstance(kind, Struct) or kind.die is None or kind.die.unit.language != dw.LANG_RUST:
        return None
    for pattern, printer in _PRINTERS:
        if pattern.match(kind.name):
            try:
                return printer(value)
            except PROBLEMS:
                break
    if kind.body.parts:
        return _variant(value)
    return plain(value, _short(kind.name))


def plain(value: Value, name: str) -> Shape:
    """Return a structure as ``Name {x: 1}``, ``Name(1, 2)``, ``(1, 2)`` or ``Name``."""
    members = [member for member in value.members() if not member.is_artificial]
    if not members:
        return Text(name or "()")
    if all(re.fullmatch(r"__\d+", member.name) for member in members):
        head = "" if name.startswith("(") else name
        return Parts(lambda: _tuple(value, members), head, ("(", ")"))
    return Parts(lambda: _fields(value, members), f"{name} " if name else "")


def _tuple(value: Value, members: list[Member]) -> Iterator[Part]:
    for member in members:
        yield Part(member.name[2:], value.member(member), "")


def _fields(value: Value, members: list[Member]) -> Iterator[Part]:
    for member in members:
        yield Part(member.name, value.member(member), f"{member.name}: ")


def _short(name: str) -> str:
    """Leave out the modules of a name; its type arguments too."""
    return name if name.startswith("(") else re.sub(r"<.*", "", name).rpartition("::")[2]


def _variant(value: Value) -> Shape:
    """Return the variant that an enum has now; it is the only member."""
    for member in value.members():
        if not member.is_artificial:
            return plain(value.member(member), member.name)
    return Text("<invalid variant>")


def _str(value: Value) -> Shape:
    return text_at(need(value, "data_ptr"), count(need(value, "length")))


def _string(value: Value) -> Shape:
    vector = need(value, "vec")
    return text_at(_pointer(vector), count(need(vector, "len")))


def _slice(value: Value) -> Shape:
    length = count(need(value, "length"))
    first = need(value, "data_ptr").dereference()
    return Parts(lambda: sequence(first, length), "", ("[", "]"), length, is_array=True)


def _vector(value: Value) -> Shape:
    length = count(need(value, "len"))
    element = argument(value.type)
    pointer = _pointer(value)
    if element is None:
        target = pointer.type.stripped()
        assert isinstance(target, Pointer)
        element = target.target
    first = value.at(pointer.integer(), element)
    return Parts(lambda: sequence(first, length), "", ("[", "]"), length, is_array=True)


def _pointer(vector: Value) -> Value:
    """Return the raw pointer inside of a vector's buffer: a Unique has a NonNull has it."""
    found = need(find(vector, "buf") or vector, "pointer")
    for _ in range(4):
        if isinstance(found.type.stripped(), Pointer):
            return found
        found = need(found, "pointer")
    raise BadDwarf("a vector without a pointer")


_PRINTERS: Final[tuple[tuple[re.Pattern[str], Callable[[Value], Shape]], ...]] = (
    (re.compile(r"&(mut )?str$"), _str),
    (re.compile(r"alloc::string::String$"), _string),
    (re.compile(r"&(mut )?\["), _slice),
    (re.compile(r"alloc::vec::Vec<"), _vector),
)
