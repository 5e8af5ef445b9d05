"""In which namespaces and classes the entries of a unit are."""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

from ..symbols.die import Die
from ..symbols.encoding import uleb
from ..symbols.errors import guarded
from ..symbols.unit import Unit
from . import dw

CONTAINERS: Final = frozenset({
    dw.TAG_NAMESPACE, dw.TAG_STRUCTURE_TYPE, dw.TAG_CLASS_TYPE, dw.TAG_UNION_TYPE,
})  # fmt: skip
_DEPTH: Final = 200  #: containers in containers


class UnitScopes:
    """The containers of one unit, as intervals of offsets; found in one pass over its entries."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._outer: list[int] = []  #: index of the container around it, -1: none
        self._names: dict[int, str] = {}
        self._walk()

    @guarded
    def _walk(self) -> None:
        unit, data = self._unit, self._unit.data
        find, skip = unit.abbreviations.find, unit.skip
        at, size = unit.first - unit.start, len(unit.data)
        open_entries: list[int] = []  #: index of a container, -1 for other entries with children
        inner = -1
        while at < size:
            start = at
            code, at = uleb(data, at)
            if code == 0:
                if not open_entries:
                    return
                index = open_entries.pop()
                if index >= 0:
                    self._ends[index] = unit.start + at
                    inner = self._outer[index]
                if not open_entries:
                    return
                continue
            abbreviation = find(code)
            at = skip(abbreviation, at)
            if not abbreviation.children:
                continue
            if abbreviation.tag in CONTAINERS:
                self._starts.append(unit.start + start)
                self._ends.append(unit.end)
                self._outer.append(inner)
                inner = len(self._starts) - 1
                open_entries.append(inner)
            else:
                open_entries.append(-1)

    def prefix(self, offset: int) -> str:
        """Return the names of what is around the entry at ``offset``, each with ``::``."""
        index = bisect_right(self._starts, offset) - 1
        if index >= 0 and self._starts[index] == offset:
            index = self._outer[index]
        while index >= 0 and self._ends[index] <= offset:
            index = self._outer[index]
        return self._path(index, _DEPTH)

    def _path(self, index: int, depth: int) -> str:
        if index < 0 or not depth:
            return ""
        if index not in self._names:
            die = Die(self._unit, self._starts[index])
            name = die.name or self._unnamed(die)
            self._names[index] = f"{self._path(self._outer[index], depth - 1)}{name}::"
        return self._names[index]

    @staticmethod
    def _unnamed(die: Die) -> str:
        return "(anonymous namespace)" if die.tag == dw.TAG_NAMESPACE else "{...}"


class Scopes:
    """Qualified names in all units of a file."""

    def __init__(self) -> None:
        self._units: dict[tuple[int, bool, int], UnitScopes] = {}

    def of(self, unit: Unit) -> UnitScopes:
        """Return the containers of a unit."""
        key = (id(unit.info), unit.types, unit.start)
        found = self._units.get(key)
        if found is None:
            found = self._units[key] = UnitScopes(unit)
        return found

    def qualified(self, die: Die) -> str:
        """Return the name of an entry with its namespaces and classes; "" if it has none."""
        name = die.name
        if not name or die.unit.language in dw.LANG_C:
            return name
        declared = die.reference(dw.AT_SPECIFICATION) or die
        return self.of(declared.unit).prefix(declared.offset) + name
