"""Go: strings and slices."""

from __future__ import annotations

from .. import dw
from ..errors import PROBLEMS
from ..shapes import Parts, Shape, sequence
from ..types import Struct
from ..values import Value
from .search import count, need, text_at


def go(value: Value) -> Shape | None:
    """Return the shape of a Go string or slice; ``None`` for other types and languages."""
    kind = value.type.stripped()
    if not isinstance(kind, Struct) or kind.die is None or kind.die.unit.language != dw.LANG_GO:
        return None
    try:
        if kind.name == "string":
            return text_at(need(value, "str"), count(need(value, "len")))
        if kind.name.startswith("[]"):
            length = count(need(value, "len"))
            first = need(value, "array").dereference()
            head = f"len: {length} "
            return Parts(lambda: sequence(first, length), head, ("[", "]"), length, is_array=True)
    except PROBLEMS:
        return None
    return None
