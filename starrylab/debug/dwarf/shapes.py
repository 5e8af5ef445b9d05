"""What a value looks like from outside: a line of text, or named parts.

The text form of a value and the tree of a screen are both made of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeAlias

from . import dw
from .errors import PROBLEMS
from .types import Array, Base, Function, Member, Pointer, Struct, Type, Void
from .values import ELEMENTS, Value


@dataclass(frozen=True, slots=True)
class Part:
    """A named part of a value; ``label`` is how it is introduced in text, e.g. ``x = ``."""

    name: str
    value: Value
    label: str = ""
    key: Value | None = None  #: of an entry of a map: shown instead of name and label


@dataclass(frozen=True, slots=True)
class Text:
    """A value that is one text."""

    text: str


@dataclass(frozen=True, slots=True)
class Parts:
    """A value made of parts; ``head`` stands before them, ``ends`` around them."""

    parts: Callable[[], Iterator[Part]]
    head: str = ""
    ends: tuple[str, str] = ("{", "}")
    total: int | None = None  #: how many parts there are, where that is known
    is_array: bool = False  #: equal neighbours may be written once


Shape: TypeAlias = Text | Parts
Printer: TypeAlias = Callable[[Value], "Shape | None"]


def struct_parts(value: Value) -> Iterator[Part]:
    """Yield the members of a structure as gdb labels them."""
    for member in value.members():
        if not (member.is_static and member.is_artificial):
            yield member_part(value, member)


def member_part(value: Value, member: Member) -> Part:
    """Return one member."""
    found = value.member(member)
    if member.is_base:
        return Part(f"<{member.name}>", found, f"<{member.name}> = ")
    label = f"{member.name} = " if member.name else ""
    return Part(
        member.name or "<anonymous>", found, ("static " if member.is_static else "") + label
    )


def array_parts(value: Value) -> Iterator[Part]:
    """Yield the elements of an array."""
    kind = value.type.stripped()
    lower = kind.dimensions[0].lower if isinstance(kind, Array) and kind.dimensions else 0
    for index in range(value.length()):
        yield Part(f"[{lower + index}]", value.element(index), "")


def sequence(first: Value, count: int, stride: int = 0) -> Iterator[Part]:
    """Yield ``count`` values that lie one after another in memory."""
    step = stride or first.size
    for index in range(count):
        yield Part(f"[{index}]", first.part(first.type, 8 * step * index), "")


def struct_shape(value: Value) -> Shape:
    """Return a structure without regard to what it is used for."""
    return Parts(lambda: struct_parts(value))


def is_char(kind: Type) -> bool:
    """Tell whether elements of this type make a string."""
    kind = kind.stripped()
    return isinstance(kind, Base) and kind.is_character and kind.bytes in (1, 2, 4)


_LEAVES: Final = (Function, Void)


def children(value: Value, printers: tuple[Printer, ...] = (), start: int = 0,
             count: int = ELEMENTS) -> list[Part]:  # fmt: skip
    """Return up to ``count`` parts of a value from ``start`` on, for a tree.

    A pointer has one: what it points to.  A value that cannot be read has none.
    """
    try:
        shape = shape_of(value, printers)
        if isinstance(shape, Parts):
            return list(islice(shape.parts(), start, start + count))
        kind = value.type.stripped()
        if isinstance(kind, Pointer) and not isinstance(kind.target.stripped(), _LEAVES):
            return pointee(value, printers)[start : start + count]
    except PROBLEMS:
        pass
    return []


def pointee(value: Value, printers: tuple[Printer, ...]) -> list[Part]:
    """Return what a pointer leads to: members of a structure at once, else the object."""
    if value.integer() == 0:
        return []
    target = value.dereference()
    if isinstance(target.type.stripped(), Struct):
        return children(target, printers)
    target.data(min(target.size, 1))
    return [Part("*", target, "")]


def shape_of(value: Value, printers: tuple[Printer, ...] = ()) -> Shape | None:
    """Return the shape of a structure or array; ``None`` for scalars and pointers."""
    kind = value.type.stripped()
    for printer in printers if isinstance(kind, Struct) else ():
        shape = printer(value)
        if shape is not None:
            return shape
    if isinstance(kind, Struct):
        return struct_shape(value)
    if isinstance(kind, Array) and kind.dimensions:
        ends = ("[", "]") if kind.language == dw.LANG_RUST else ("{", "}")
        return Parts(lambda: array_parts(value), "", ends, value.length(), is_array=True)
    return None
