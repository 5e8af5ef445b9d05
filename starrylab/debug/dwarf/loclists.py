"""Location lists: which expression describes a value at a program counter (DWARF 5, 2.6.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from ..symbols.encoding import MASK_64
from ..symbols.forms import Value
from ..symbols.unit import Unit
from . import dw
from .cursor import Cursor
from .errors import BadDwarf

_END_OF_LIST: Final = 0
_BASE_ADDRESSX: Final = 1
_OFFSET_PAIR: Final = 4
_BASE_ADDRESS: Final = 6
_VIEW_PAIR: Final = 9
_HEADERS: Final = {4: 12, 8: 20}  #: offset size -> bytes before the first list of a split file
_ENTRIES: Final = 100_000  #: of one list; more are no list


class Entry(NamedTuple):
    """``code`` describes the value from ``start`` up to ``end``, addresses of the file."""

    start: int
    end: int
    code: bytes


def expression_at(unit: Unit, value: Value | None, pc: int) -> bytes | None:
    """Return the location expression of an attribute at ``pc``, an address of the file.

    ``None``: there is none for this address.  Raises `BadDwarf`, `ImageError`.
    """
    if value is None:
        return None
    if isinstance(value.raw, bytes):
        return value.raw
    return next((e.code for e in entries(unit, value) if e.start <= pc < e.end), None)


def entries(unit: Unit, value: Value) -> Iterator[Entry]:
    """Yield the parts of a location list."""
    assert isinstance(value.raw, int)
    return (
        _new_list(unit, _offset(unit, value)) if unit.version >= 5 else _old_list(unit, value.raw)
    )


def _offset(unit: Unit, value: Value) -> int:
    assert isinstance(value.raw, int)
    if value.form != dw.FORM_LOCLISTX:
        return value.raw
    base = unit.root_number(dw.AT_LOCLISTS_BASE)
    if base is None:
        base = _HEADERS[unit.offset_size]
    table = Cursor(unit.sections.view("loclists"), base + value.raw * unit.offset_size)
    return base + table.unsigned(unit.offset_size)


def _old_list(unit: Unit, at: int) -> Iterator[Entry]:
    """``.debug_loc`` (DWARF 4, 2.6.2): pairs of addresses; the largest first one sets the base."""
    cursor = Cursor(unit.sections.view("loc"), at)
    size = unit.address_size
    largest = (1 << 8 * size) - 1
    base = unit.low_pc
    for _ in range(_ENTRIES):
        start, end = cursor.unsigned(size), cursor.unsigned(size)
        if start == largest:
            base = end
        elif start == end == 0:
            return
        else:
            code = cursor.take(cursor.unsigned(2))
            yield Entry(start + base & MASK_64, end + base & MASK_64, code)


def _new_list(unit: Unit, at: int) -> Iterator[Entry]:
    """``.debug_loclists`` (DWARF 5, 7.29)."""
    cursor = Cursor(unit.sections.view("loclists"), at)
    base = unit.low_pc
    for _ in range(_ENTRIES):
        kind = cursor.unsigned(1)
        if kind == _END_OF_LIST:
            return
        if kind == _BASE_ADDRESSX:
            base = unit.indexed_address(cursor.uleb())
        elif kind == _BASE_ADDRESS:
            base = cursor.unsigned(unit.address_size)
        elif kind == _VIEW_PAIR:
            cursor.uleb(), cursor.uleb()
        else:
            read = _BOUNDS.get(kind)
            if read is None:
                raise BadDwarf(f"unknown kind {kind} in a location list")
            start, end = read(unit, cursor, base)
            yield Entry(start & MASK_64, end & MASK_64, cursor.take(cursor.uleb()))


_Bounds = tuple[int, int]


def _startx_endx(unit: Unit, cursor: Cursor, _base: int) -> _Bounds:
    return unit.indexed_address(cursor.uleb()), unit.indexed_address(cursor.uleb())


def _startx_length(unit: Unit, cursor: Cursor, _base: int) -> _Bounds:
    start = unit.indexed_address(cursor.uleb())
    return start, start + cursor.uleb()


def _offset_pair(_unit: Unit, cursor: Cursor, base: int) -> _Bounds:
    return base + cursor.uleb(), base + cursor.uleb()


def _default(_unit: Unit, _cursor: Cursor, _base: int) -> _Bounds:
    return 0, MASK_64


def _start_end(unit: Unit, cursor: Cursor, _base: int) -> _Bounds:
    return cursor.unsigned(unit.address_size), cursor.unsigned(unit.address_size)


def _start_length(unit: Unit, cursor: Cursor, _base: int) -> _Bounds:
    start = cursor.unsigned(unit.address_size)
    return start, start + cursor.uleb()


#: DW_LLE_*
_BOUNDS: Final[dict[int, Callable[[Unit, Cursor, int], _Bounds]]] = {
    2: _startx_endx,
    3: _startx_length,
    _OFFSET_PAIR: _offset_pair,
    5: _default,
    7: _start_end,
    8: _start_length,
}
