"""How types are written: C declarators, or Rust's notation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from . import dw
from .types import (
    Array,
    Dimension,
    Enum,
    Function,
    MemberPointer,
    Pointer,
    Qualified,
    Struct,
    Type,
    Void,
)

_DEPTH: Final = 40  #: of a declarator; debug data may be circular


def spell(kind: Type) -> str:
    """Return the name of a type as C and C++ write it, e.g. ``int (*)[3]``.

    Types of C programs have ``struct`` before their names.
    """
    return _declare(kind, "", _DEPTH)


def declare(kind: Type, name: str) -> str:
    """Return the declaration of a variable or member, e.g. ``int (*row)[3]``."""
    return _declare(kind, name, _DEPTH)


def _declare(kind: Type, inner: str, depth: int) -> str:
    if depth <= 0:
        return "..."
    rule = _RULES.get(type(kind))
    if rule is not None and not (isinstance(kind, (Pointer, Function)) and kind.name):
        return rule(kind, inner, depth - 1)
    return _join(_plain(kind), inner)


def _plain(kind: Type) -> str:
    if not isinstance(kind, (Struct, Enum)):
        return kind.name or "?"
    word = kind.keyword if isinstance(kind, Struct) else "enum"
    if not kind.name:
        return f"{word} {{...}}"
    is_c = kind.die is None or kind.die.unit.language in dw.LANG_C
    return f"{word} {kind.name}" if is_c else kind.name


def _join(left: str, inner: str) -> str:
    return f"{left} {inner}" if inner else left


def _pointer(kind: Type, inner: str, depth: int) -> str:
    assert isinstance(kind, Pointer)
    inner = kind.sign + inner
    if isinstance(kind.target, (Array, Function)) and not kind.target.name:
        inner = f"({inner})"
    return _declare(kind.target, inner, depth)


def _member_pointer(kind: Type, inner: str, depth: int) -> str:
    assert isinstance(kind, MemberPointer)
    inner = f"{kind.container().name}::*{inner}"
    if isinstance(kind.target, (Array, Function)):
        inner = f"({inner})"
    return _declare(kind.target, inner, depth)


def _qualified(kind: Type, inner: str, depth: int) -> str:
    assert isinstance(kind, Qualified)
    if isinstance(kind.target, (Pointer, Qualified)) and not kind.target.name:
        behind = f"{kind.qualifier} {inner}" if inner else kind.qualifier
        if isinstance(kind.target, Pointer):
            return _declare(kind.target, f" {behind}", depth)
    return f"{kind.qualifier} {_declare(kind.target, inner, depth)}"


def _array(kind: Type, inner: str, depth: int) -> str:
    assert isinstance(kind, Array)
    suffix = "".join(f"[{bound(dimension)}]" for dimension in kind.dimensions)
    inner = f"{inner}{suffix}"
    if kind.is_vector:
        count = bound(kind.dimensions[0]) if kind.dimensions else ""
        return f"{_declare(kind.target, '', depth)} __attribute__((vector_size({count})))"
    return _declare(kind.target, inner, depth)


def bound(dimension: Dimension) -> str:
    """Return how many elements a dimension has, "" if that is computed at run time."""
    return "" if dimension.count is None else str(dimension.count)


def _function(kind: Type, inner: str, depth: int) -> str:
    assert isinstance(kind, Function)
    parts = [_declare(resolve(), "", depth) for resolve in kind.parameters]
    if kind.is_variadic:
        parts.append("...")
    if not parts and kind.is_prototyped:
        parts.append("void")
    result = _declare(kind.target, "", depth)
    return f"{result} {inner}({', '.join(parts)})" if inner else f"{result} ({', '.join(parts)})"


_RULES: Final[dict[type[Type], Callable[[Type, str, int], str]]] = {
    Pointer: _pointer,
    MemberPointer: _member_pointer,
    Qualified: _qualified,
    Array: _array,
    Function: _function,
}


def spell_rust(kind: Type, depth: int = _DEPTH) -> str:
    """Return the name of a type as Rust writes it, e.g. ``[i32; 3]``."""
    if depth <= 0:
        return "..."
    if isinstance(kind, Array):
        name = spell_rust(kind.target, depth - 1)
        for dimension in reversed(kind.dimensions):
            name = f"[{name}; {bound(dimension)}]"
        return name
    if isinstance(kind, Pointer) and not kind.name:
        return f"*mut {spell_rust(kind.target, depth - 1)}"
    if isinstance(kind, Function):
        parts = ", ".join(spell_rust(resolve(), depth - 1) for resolve in kind.parameters)
        result = kind.target
        arrow = "" if isinstance(result, Void) else f" -> {spell_rust(result, depth - 1)}"
        return f"fn({parts}){arrow}"
    return kind.name or "?"
