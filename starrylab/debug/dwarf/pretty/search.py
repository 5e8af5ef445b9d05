"""Finding members of library types, however deep a version of the library hides them."""

from __future__ import annotations

from typing import Final

from ..errors import BadDwarf
from ..shapes import Text
from ..text import LIMIT, string
from ..types import Struct, Type
from ..values import Value

_DEPTH: Final = 6
LONGEST: Final = 1 << 40  #: elements; a container that claims more is not initialised


def find(value: Value, *names: str) -> Value | None:
    """Return the first member with one of these names, the outermost first."""
    level = [value]
    for _ in range(_DEPTH):
        below: list[Value] = []
        for outer in level:
            for member in outer.members():
                if member.is_static:
                    continue
                inner = outer.member(member)
                if member.name in names:
                    return inner
                if isinstance(member.target.stripped(), Struct):
                    below.append(inner)
        level = below
    return None


def need(value: Value, *names: str) -> Value:
    """Return a member as `find` does; raise `BadDwarf` if there is none."""
    found = find(value, *names)
    if found is None:
        raise BadDwarf(f"{value.type.name} has no {names[0]}")
    return found


def count(value: Value) -> int:
    """Return a number of elements; raise `BadDwarf` for one that cannot be."""
    number = value.integer()
    if not 0 <= number <= LONGEST:
        raise BadDwarf(f"<not initialized: {number} elements>")
    return number


def text_at(pointer: Value, length: int, width: int = 1) -> Text:
    """Return ``length`` characters that a pointer leads to, cut after `LIMIT`."""
    shown = min(length, LIMIT)
    if not shown:
        return Text(string(b"", width))
    data = pointer.frame.memory.read(pointer.integer(), shown * width)
    return Text(string(data, width, cut=shown < length))


def argument(kind: Type, index: int = 0) -> Type | None:
    """Return a template argument of a structure."""
    kind = kind.stripped()
    if not isinstance(kind, Struct) or index >= len(kind.body.arguments):
        return None
    return kind.body.arguments[index][1]()
