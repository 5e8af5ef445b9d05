"""Which function and which of its blocks an address is in, inlined functions included."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from ..symbols.die import Die
from ..symbols.image import ImageError
from ..symbols.info import Info
from ..symbols.unit import Unit
from . import dw
from .scopes import CONTAINERS

_ADDRESSES: Final = 500  #: whose functions are kept
_NESTING: Final = 200  #: blocks in blocks

#: Entries with code of their own inside a function.
_INSIDE: Final = frozenset({dw.TAG_LEXICAL_BLOCK, dw.TAG_INLINED_SUBROUTINE, dw.TAG_SUBPROGRAM})


@dataclass(frozen=True, slots=True)
class Level:
    """A function, inlined or not, that is executing at an address, with the blocks around it."""

    function: Die  #: a subprogram or an inlined_subroutine
    blocks: tuple[Die, ...]  #: lexical blocks, from the outermost to the innermost


class Functions:
    """The functions of one file by address; units are read when an address is in them."""

    def __init__(self, info: Info) -> None:
        self._info = info
        self._units: dict[Unit, _UnitFunctions] = {}
        self._levels: dict[int, list[Level]] = {}

    def unit_at(self, pc: int) -> Unit | None:
        """Return the unit whose code covers ``pc``, an address of the file."""
        starts, ranges = self._ranges
        at = bisect_right(starts, pc) - 1
        # Ranges of units seldom overlap; an enclosing one is among the few before.
        for index in range(at, max(at - 8, -1), -1):
            start, end, unit = ranges[index]
            if start <= pc < end:
                return unit
        return None

    def levels(self, pc: int) -> list[Level]:
        """Return the functions that execute at ``pc``: the innermost inlined one first."""
        found = self._levels.get(pc)
        if found is None:
            if len(self._levels) >= _ADDRESSES:
                self._levels.clear()
            found = self._levels[pc] = self._find_levels(pc)
        return found

    def _find_levels(self, pc: int) -> list[Level]:
        unit = self.unit_at(pc)
        if unit is None:
            return []
        if dw.AT_DWO_NAME in unit.root_values or dw.AT_GNU_DWO_NAME in unit.root_values:
            unit = self._info.split(unit) or unit
        if unit not in self._units:  # by itself: split units all begin at 0
            self._units[unit] = _UnitFunctions(unit)
        function = self._units[unit].find(pc)
        return _descend(function, pc) if function is not None else []

    @cached_property
    def _ranges(self) -> tuple[list[int], list[tuple[int, int, Unit]]]:
        found = []
        for unit in self._info.units():
            try:
                found += [(start, end, unit) for start, end in unit.root.ranges()]
            except ImageError:
                continue
        found.sort(key=lambda item: item[:2])
        return [start for start, _, _ in found], found


class _UnitFunctions:
    """The subprograms of one unit."""

    def __init__(self, unit: Unit) -> None:
        found = []
        for die in _subprograms(unit.root, _NESTING):
            found += [(start, end, die) for start, end in die.ranges()]
        self._ranges = sorted(found, key=lambda item: item[:2])
        self._starts = [start for start, _, _ in self._ranges]

    def find(self, pc: int) -> Die | None:
        at = bisect_right(self._starts, pc) - 1
        for index in range(at, max(at - 8, -1), -1):
            start, end, die = self._ranges[index]
            if start <= pc < end:
                return die
        return None


def _subprograms(die: Die, depth: int) -> Iterator[Die]:
    """Yield the functions with code below an entry, those in namespaces and classes as well."""
    for child in die.children():
        if child.tag == dw.TAG_SUBPROGRAM:
            yield child
        elif child.tag in CONTAINERS and depth:
            yield from _subprograms(child, depth - 1)


def _descend(function: Die, pc: int) -> list[Level]:
    levels: list[Level] = []
    blocks: list[Die] = []
    die: Die | None = function
    for _ in range(_NESTING):
        assert die is not None
        die = next((c for c in die.children() if c.tag in _INSIDE and _covers(c, pc)), None)
        if die is None:
            break
        if die.tag == dw.TAG_LEXICAL_BLOCK:
            blocks.append(die)
            continue
        levels.append(Level(function, tuple(blocks)))
        function, blocks = die, []
    levels.append(Level(function, tuple(blocks)))
    return levels[::-1]


def _covers(die: Die, pc: int) -> bool:
    return any(start <= pc < end for start, end in die.ranges())
