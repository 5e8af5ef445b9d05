"""Globals, functions, types and enumerators of a file by name, read unit by unit as needed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import cached_property
from typing import Final, NamedTuple

from ..symbols.die import Die
from ..symbols.image import ImageError
from ..symbols.info import Info
from ..symbols.unit import Unit
from . import dw
from .scopes import CONTAINERS, Scopes

VARIABLE: Final = "variable"
FUNCTION: Final = "function"
TYPE: Final = "type"
ENUMERATOR: Final = "enumerator"

_KINDS: Final = {
    dw.TAG_VARIABLE: VARIABLE,
    dw.TAG_SUBPROGRAM: FUNCTION,
    dw.TAG_STRUCTURE_TYPE: TYPE,
    dw.TAG_CLASS_TYPE: TYPE,
    dw.TAG_UNION_TYPE: TYPE,
    dw.TAG_ENUMERATION_TYPE: TYPE,
    dw.TAG_TYPEDEF: TYPE,
    dw.TAG_BASE_TYPE: TYPE,
}
_DEPTH: Final = 100  #: namespaces in namespaces


class Found(NamedTuple):
    """An entry with a name; ``parent`` is the enumeration of an enumerator."""

    kind: str
    unit: Unit
    offset: int
    declaration: bool
    parent: int = 0

    def die(self) -> Die:
        """Return the entry."""
        return Die(self.unit, self.offset)

    def parent_die(self) -> Die:
        """Return the enumeration of an enumerator."""
        return Die(self.unit, self.parent)


class Names:
    """The names of one file."""

    def __init__(self, info: Info, scopes: Scopes) -> None:
        self._info = info
        self._scopes = scopes
        self._units: dict[Unit, dict[str, list[Found]]] = {}

    def find(self, name: str, kinds: frozenset[str], first: Unit | None = None) -> Iterator[Found]:
        """Yield what has this name, in the unit ``first`` first; definitions of a unit first."""
        if not self._possible(name):
            return
        for unit in self._order(first):
            found = [f for f in self._names(unit).get(name, ()) if f.kind in kinds]
            yield from sorted(found, key=lambda f: f.declaration)

    def _possible(self, name: str) -> bool:
        """Tell whether the name occurs among the file's strings: most misses are told at once."""
        if self._info.alternate is not None or self._has_splits:
            return True
        plain, template, _ = name.partition("<")
        wanted = plain.rpartition("::")[2].encode() + (b"" if template else b"\0")
        sections = self._info.sections
        return wanted in sections.copy("str") or wanted in bytes(sections.info)

    @cached_property
    def _has_splits(self) -> bool:
        return any(self._is_skeleton(unit) for unit in self._info.units())

    def _order(self, first: Unit | None) -> Iterator[Unit]:
        if first is not None:
            yield first
        for unit in self._info.units():
            whole = (self._info.split(unit) if self._is_skeleton(unit) else None) or unit
            if first is None or whole is not first:
                yield whole

    @staticmethod
    def _is_skeleton(unit: Unit) -> bool:
        return dw.AT_DWO_NAME in unit.root_values or dw.AT_GNU_DWO_NAME in unit.root_values

    def _names(self, unit: Unit) -> dict[str, list[Found]]:
        if unit not in self._units:  # by itself: split units all begin at 0
            table: dict[str, list[Found]] = {}
            with contextlib.suppress(ImageError):  # what was read of a broken unit counts
                self._collect(unit.root, "", table, _DEPTH)
            self._units[unit] = table
        return self._units[unit]

    def _collect(self, parent: Die, prefix: str, table: dict[str, list[Found]], depth: int) -> None:
        for die in parent.children():
            kind = _KINDS.get(die.tag)
            name = die.name
            if kind is not None and name:
                self._add(die, kind, prefix + name, table)
            if die.tag in CONTAINERS and depth:
                inner = name or ("(anonymous namespace)" if die.tag == dw.TAG_NAMESPACE else "")
                is_c = die.unit.language in dw.LANG_C
                if not is_c:
                    self._collect(die, f"{prefix}{inner}::" if inner else prefix, table, depth - 1)
            elif die.tag == dw.TAG_ENUMERATION_TYPE:
                self._enumerators(die, prefix, table)

    def _add(self, die: Die, kind: str, name: str, table: dict[str, list[Found]]) -> None:
        declared = die.reference(dw.AT_SPECIFICATION) or die.reference(dw.AT_ABSTRACT_ORIGIN)
        if declared is not None:
            name = self._scopes.qualified(declared)
        found = Found(kind, die.unit, die.offset, die.flag(dw.AT_DECLARATION))
        table.setdefault(name, []).append(found)

    @staticmethod
    def _enumerators(die: Die, prefix: str, table: dict[str, list[Found]]) -> None:
        if die.flag(dw.AT_ENUM_CLASS):
            prefix = f"{prefix}{die.name}::"
        for child in die.children():
            if child.tag == dw.TAG_ENUMERATOR:
                found = Found(ENUMERATOR, die.unit, child.offset, False, die.offset)
                table.setdefault(prefix + child.name, []).append(found)
