"""Making one unit's index from its debug information."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Final

from . import dw
from .bodies import Body, Names, nest, scan
from .encoding import MASK_64
from .image import ImageError
from .line_header import line_header
from .line_program import run
from .packing import pack_words
from .ranges import Range
from .unit import Unit
from .unit_index import Packed, UnitIndex

_MASK_32: Final = (1 << 32) - 1


def build(unit: Unit, code: Iterable[Range], around: int | None = None) -> UnitIndex:
    """Index ``unit``; ``code`` are the addresses at which the file has code.

    Of a broken unit, what can be read. With ``around``, only what is needed for this address.
    """
    source = unit.info.split(unit) or unit
    try:
        bodies = _with_code(scan(source, around), list(code))
    except ImageError:
        bodies = []
    changes, owners = nest(bodies)
    names, name_of = _names(source, bodies)
    own = sorted(part for body in bodies if body.parent < 0 for part in body.ranges)
    lines = _lines(unit, around)
    return UnitIndex(
        Packed(
            array("Q", changes).tobytes(),
            array("i", owners).tobytes(),
            array("i", [body.parent for body in bodies]).tobytes(),
            array("Q", [_entry(source, body) for body in bodies]).tobytes(),
            pack_words([word for pair in names for word in pair]),
            array("I", name_of).tobytes(),
            array("I", [n for body in bodies for n in _call(body)]).tobytes(),
            array("Q", [start for start, _ in own]).tobytes(),
            array("Q", [end for _, end in own]).tobytes(),
            *lines,
        )
    )


def _with_code(bodies: list[Body], code: list[Range]) -> list[Body]:
    """Leave out what the linker has thrown away, which it marks with addresses without code."""
    if code:
        for body in bodies:
            body.ranges = [r for r in body.ranges if any(a <= r[0] and r[1] <= b for a, b in code)]
    return [body for body in bodies if body.ranges]


def _entry(unit: Unit, body: Body) -> int:
    low = unit.address(body.values.get(dw.AT_LOW_PC))
    if low is None or not any(start <= low < end for start, end in body.ranges):
        entry = body.values.get(dw.AT_ENTRY_PC)
        low = unit.address(entry)
        if low is None and entry is not None and isinstance(entry.raw, int):
            low = body.ranges[0][0] + entry.raw  # since DWARF 5: an offset
    if low is None or not any(start <= low < end for start, end in body.ranges):
        low = body.ranges[0][0]
    return low & MASK_64


def _call(body: Body) -> tuple[int, int, int]:
    return (
        body.number(dw.AT_CALL_FILE) & _MASK_32,
        body.number(dw.AT_CALL_LINE) & _MASK_32,
        body.number(dw.AT_CALL_COLUMN) & _MASK_32,
    )


def _names(unit: Unit, bodies: list[Body]) -> tuple[list[tuple[str, str]], list[int]]:
    names = Names(unit)
    numbers: dict[tuple[str, str], int] = {}
    name_of = []
    for body in bodies:
        try:
            name = names.of(body)
        except ImageError:
            name = "", ""
        name_of.append(numbers.setdefault(name, len(numbers)))
    return list(numbers), name_of


def _lines(unit: Unit, around: int | None) -> tuple[bytes, ...]:
    offset = unit.line_offset
    files: list[str] = []
    starts, ends, firsts = array("Q"), array("Q"), array("I")
    rows: list[tuple[int, int, int, int, int]] = []
    if offset is not None:
        try:
            header = line_header(unit.sections, offset, unit.folder, unit.address_size)
            files = list(header.files)
            for sequence in run(header, around):
                starts.append(sequence.start)
                ends.append(sequence.end)
                firsts.append(len(rows))
                rows += sequence.rows
        except ImageError:
            pass  # what was read so far is right
    firsts.append(len(rows))
    columns = list(zip(*rows, strict=True)) or [()] * 5
    narrow = [array("I", _narrow(column)).tobytes() for column in columns[1:4]]
    return (
        pack_words(files), starts.tobytes(), ends.tobytes(), firsts.tobytes(),
        array("Q", columns[0]).tobytes(), narrow[0], narrow[1], narrow[2], bytes(columns[4]),
    )  # fmt: skip


def _narrow(column: tuple[int, ...]) -> Iterable[int]:
    """Cut to 32 bits what a broken program made longer."""
    if column and not 0 <= min(column) <= max(column) <= _MASK_32:
        return [value & _MASK_32 for value in column]
    return column
