"""Making the map from addresses to units: ``.debug_aranges``, and other units' root entries."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Final

from . import dw
from .address_map import AddressMap, Packed
from .encoding import UNSIGNED, initial_length, u16
from .errors import DwarfError, guarded
from .image import ImageError
from .info import Info
from .ranges import ranges_of
from .unit import Unit

_PARTS: Final = frozenset({dw.UT_COMPILE, dw.UT_SKELETON})


def build(info: Info) -> AddressMap:
    """Map all units of ``info``; a broken unit is left out."""
    rows: list[tuple[int, int, int]] = []
    covered = set()
    try:
        for start, end, offset in _aranges(info):
            rows.append((start, end, offset))
            covered.add(offset)
    except ImageError:
        rows, covered = [], set()
    for unit in info.units():
        if unit.start not in covered and unit.unit_type in _PARTS:
            rows += ((start, end, unit.start) for start, end in _root_ranges(unit))
    rows.sort()
    columns = list(zip(*rows, strict=True)) or [()] * 3
    return AddressMap(Packed(*(array("Q", column).tobytes() for column in columns)))


def _root_ranges(unit: Unit) -> list[tuple[int, int]]:
    try:
        return ranges_of(unit, unit.root_values)
    except ImageError:
        return []


@guarded
def _sets(section: memoryview) -> list[tuple[int, int, int, int]]:
    """Return unit, address size, first tuple and end of each set (DWARF 5, 6.1.2)."""
    found = []
    at = 0
    while at < len(section):
        length, offset_size, body = initial_length(section, at)
        end = body + length
        if end > len(section) or u16(section, body) != 2:
            raise DwarfError(".debug_aranges is broken")
        unit = UNSIGNED[offset_size](section, body + 2)
        size = section[body + 2 + offset_size]
        if size not in (4, 8):
            raise DwarfError(".debug_aranges is broken")
        header = body + 4 + offset_size - at
        found.append((unit, size, at + (header + 2 * size - 1) // (2 * size) * 2 * size, end))
        at = end
    return found


def _aranges(info: Info) -> Iterator[tuple[int, int, int]]:
    section = info.sections.view("aranges")
    for unit, size, at, end in _sets(section):
        count = (end - at) // (2 * size)
        words = array("Q" if size == 8 else "I", bytes(section[at : at + count * 2 * size]))
        for start, length in zip(words[0::2], words[1::2], strict=True):
            if length:
                yield start, start + length & 0xFFFFFFFFFFFFFFFF, unit
