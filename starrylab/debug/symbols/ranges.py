"""The addresses that an entry covers: a pair, or a list (DWARF 5, 2.17)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from . import dw
from .encoding import MASK_64, UNSIGNED, uleb
from .errors import DwarfError, guarded
from .forms import Value

if TYPE_CHECKING:
    from .unit import Unit

_END_OF_LIST: Final = 0
_BASE_ADDRESSX: Final = 1
_STARTX_ENDX: Final = 2
_STARTX_LENGTH: Final = 3
_OFFSET_PAIR: Final = 4
_BASE_ADDRESS: Final = 5
_START_END: Final = 6
_START_LENGTH: Final = 7

Range = tuple[int, int]


@guarded
def ranges_of(unit: Unit, values: dict[int, Value]) -> list[Range]:
    """Return start and end of every part; empty ones are left out. Raises `DwarfError`."""
    listed = values.get(dw.AT_RANGES)
    if listed is not None and isinstance(listed.raw, int):
        return [found for found in _listed(unit, listed.form, listed.raw) if found[0] < found[1]]
    low = unit.address(values.get(dw.AT_LOW_PC))
    high = values.get(dw.AT_HIGH_PC)
    if low is None or high is None or isinstance(high.raw, bytes):
        return []
    end = unit.address(high)
    if end is None:
        end = low + high.raw  # a constant: the size (since DWARF 4)
    return [(low, end)] if low < end <= MASK_64 else []


def _listed(unit: Unit, form: int, raw: int) -> Iterator[Range]:
    if unit.version < 5:
        return _old_list(unit, raw + unit.range_base)
    if form == dw.FORM_RNGLISTX:
        base = unit.range_base
        size = unit.offset_size
        raw = base + UNSIGNED[size](unit.sections.range_lists, base + raw * size)
    return _new_list(unit, raw)


def _old_list(unit: Unit, at: int) -> Iterator[Range]:
    """``.debug_ranges``: pairs of addresses; the largest first address sets the base."""
    data = unit.info.main_sections.ranges
    size = unit.address_size
    number = UNSIGNED[size]
    largest = (1 << 8 * size) - 1
    base = unit.low_pc
    while True:
        start, end = number(data, at), number(data, at + size)
        at += 2 * size
        if start == largest:
            base = end
        elif start == end == 0:
            return
        else:
            yield start + base & MASK_64, end + base & MASK_64


def _new_list(unit: Unit, at: int) -> Iterator[Range]:
    """``.debug_rnglists`` (DWARF 5, 7.25)."""
    data = unit.sections.range_lists
    size = unit.address_size
    number = UNSIGNED[size]
    base = unit.low_pc
    while True:
        kind = data[at]
        at += 1
        if kind == _OFFSET_PAIR:
            start, at = uleb(data, at)
            end, at = uleb(data, at)
            yield base + start & MASK_64, base + end & MASK_64
        elif kind == _END_OF_LIST:
            return
        elif kind == _BASE_ADDRESS:
            base = number(data, at)
            at += size
        elif kind == _START_END:
            yield number(data, at), number(data, at + size)
            at += 2 * size
        elif kind == _START_LENGTH:
            start = number(data, at)
            length, at = uleb(data, at + size)
            yield start, start + length & MASK_64
        elif kind in (_BASE_ADDRESSX, _STARTX_ENDX, _STARTX_LENGTH):
            index, at = uleb(data, at)
            start = unit.indexed_address(index)
            if kind == _BASE_ADDRESSX:
                base = start
                continue
            other, at = uleb(data, at)
            end = unit.indexed_address(other) if kind == _STARTX_ENDX else start + other
            yield start, end & MASK_64
        else:
            raise DwarfError(f"unknown kind {kind} in a range list")
