"""Variables as a tree of lines, opened level by level: what a screen draws.

A line is found again by its path: the index of the variable, then the index of each part.  So a
front end keeps paths, not values, and asks again after every stop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from .errors import PROBLEMS, BadDwarf
from .format import Style, show
from .shapes import Part, Parts, children, is_char, shape_of
from .spelling import spell
from .types import Array, Function, Pointer, Void
from .values import ELEMENTS, Value
from .variables import Variable

_LINE: Final = 160  #: characters of a value in a line


@dataclass(frozen=True, slots=True)
class Node:
    """One line of the tree."""

    name: str
    type_name: str
    text: str
    expandable: bool  #: whether it can be opened
    is_argument: bool = False
    hidden: bool = False  #: a variable of an inner block has the same name


def roots(variables: Sequence[Variable], style: Style, width: int = _LINE) -> list[Node]:
    """Return the first level: a line for each variable, ``width`` characters of its value."""
    return [
        replace(
            _node(variable.name, variable.value, style, width),
            type_name=variable.type_name,
            is_argument=variable.is_argument,
            hidden=variable.hidden,
        )
        for variable in variables
    ]


def expand(
    variables: Sequence[Variable],
    path: Sequence[int],
    style: Style,
    start: int = 0,
    count: int = ELEMENTS,
) -> list[Node]:
    """Return the lines below the one at ``path``, ``count`` at most; raise `BadDwarf`."""
    if not path or not 0 <= path[0] < len(variables):
        raise BadDwarf("there is no such variable any more")
    value = variables[path[0]].value
    for index in path[1:]:
        found = children(value, style.printers, index, 1)
        if not found:
            raise BadDwarf("there is no such part any more")
        value = found[0].value
    parts = children(value, style.printers, start, min(count, ELEMENTS))
    return [_part(part, style) for part in parts]


def _part(part: Part, style: Style) -> Node:
    name = part.name if part.key is None else f"[{show(part.key, replace(style, size=_LINE))}]"
    return _node(name, part.value, style)


def _node(name: str, value: Value, style: Style, width: int = _LINE) -> Node:
    text = show(value, replace(style, size=width))
    if len(text) > width:
        text = f"{text[: width - 3]}..."
    return Node(name, spell(value.type), text, _expandable(value, style))


def _expandable(value: Value, style: Style) -> bool:
    kind = value.type.stripped()
    try:
        if isinstance(kind, Pointer):
            target = kind.target.stripped()
            leads = not isinstance(target, (Function, Void)) and not is_char(target)
            return leads and (kind.sign != "*" or value.integer() != 0)
        if isinstance(kind, Array) and is_char(kind.target):
            return False
        shape = shape_of(value, style.printers)
        return isinstance(shape, Parts) and next(shape.parts(), None) is not None
    except PROBLEMS:
        return False
