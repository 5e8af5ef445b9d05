"""Everything that lookups need of one unit, in arrays: searched as they are, kept on disk.

The arrays are bytes of machine words, so an index that comes from disk is used without being
unpacked.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import msgspec

from . import dw
from .bodies import Body, Names, nest, scan
from .encoding import MASK_64
from .image import ImageError
from .line_header import line_header
from .line_program import IS_STMT, PROLOGUE_END, run
from .ranges import Range
from .unit import Unit

_MASK_32: Final = (1 << 32) - 1
_OVERLAPS: Final = 8  #: sequences to look back for one that is still open


class Packed(msgspec.Struct, array_like=True):
    """One unit's index as it is on disk: arrays of 64- and 32-bit numbers as bytes."""

    changes: bytes  #: Q, ascending: where the innermost body changes
    owners: bytes  #: i: which it then is, -1 for none
    parents: bytes  #: i, by body: what it is inlined into, -1 for nothing
    entries: bytes  #: Q, by body: where it begins
    names: list[tuple[str, str]]  #: name and linkage name
    name_of: bytes  #: I, by body
    calls: bytes  #: I, three a body: file, line and column of the call
    function_starts: bytes  #: Q, ascending: parts of functions with code of their own
    function_ends: bytes  #: Q
    files: list[str]
    sequence_starts: bytes  #: Q, ascending
    sequence_ends: bytes  #: Q
    sequence_rows: bytes  #: I: the first row of each, and the number of all rows
    addresses: bytes  #: Q, by row
    row_files: bytes  #: I
    lines: bytes  #: I
    columns: bytes  #: I
    flags: bytes  #: B


@dataclass(frozen=True, slots=True)
class LineRow:
    """One row of the line table, and the addresses that it covers."""

    start: int
    end: int
    file: str
    line: int
    column: int
    flags: int


@dataclass(frozen=True, slots=True)
class Call:
    """One function at an address, and where it was called from, if it is inlined."""

    body: int
    name: str
    linkage_name: str
    inlined: bool
    file: str  #: of the call
    line: int
    column: int


class UnitIndex:
    """Answers for one unit."""

    def __init__(self, packed: Packed) -> None:
        self.packed = packed
        self._changes = memoryview(packed.changes).cast("Q")
        self._owners = memoryview(packed.owners).cast("i")
        self._parents = memoryview(packed.parents).cast("i")
        self._entries = memoryview(packed.entries).cast("Q")
        self._name_of = memoryview(packed.name_of).cast("I")
        self._calls = memoryview(packed.calls).cast("I")
        self._sequences = memoryview(packed.sequence_starts).cast("Q")
        self._sequence_ends = memoryview(packed.sequence_ends).cast("Q")
        self._sequence_rows = memoryview(packed.sequence_rows).cast("I")
        self.addresses = memoryview(packed.addresses).cast("Q")
        self.row_files = memoryview(packed.row_files).cast("I")
        self.lines = memoryview(packed.lines).cast("I")
        self.columns = memoryview(packed.columns).cast("I")
        self.flags = packed.flags

    @property
    def files(self) -> list[str]:
        """The unit's source files, by their number in the line table."""
        return self.packed.files

    def chain(self, addr: int) -> list[Call]:
        """Return the functions at ``addr``, innermost first; [] when there is none."""
        body = self.body_at(addr)
        found = []
        while body >= 0:
            file, line, column = self._calls[3 * body : 3 * body + 3]
            name, linkage = self.packed.names[self._name_of[body]]
            parent = self._parents[body]
            found.append(Call(body, name, linkage, parent >= 0, self._file(file), line, column))
            body = parent if parent < body else -1
        return found

    def part(self, addr: int) -> Range | None:
        """Return the contiguous part of a function with code of its own that covers ``addr``."""
        starts = self._function_starts
        at = bisect_right(starts, addr) - 1
        if at < 0 or addr >= self._function_ends[at]:
            return None
        return starts[at], self._function_ends[at]

    def row(self, addr: int) -> LineRow | None:
        """Return the row of the line table that covers ``addr``."""
        at = self._sequence(addr)
        if at < 0:
            return None
        first, last = self._sequence_rows[at], self._sequence_rows[at + 1]
        row = bisect_right(self.addresses, addr, first, last) - 1
        if row < first:
            return None
        end = row + 1
        while end < last and self.addresses[end] == self.addresses[row]:
            end += 1
        behind = self.addresses[end] if end < last else self._sequence_ends[at]
        return LineRow(
            self.addresses[row], behind, self._file(self.row_files[row]),
            self.lines[row], self.columns[row], self.flags[row],
        )  # fmt: skip

    def rows_between(self, start: int, end: int) -> Iterator[LineRow]:
        """Yield the rows that begin in ``start`` .. ``end``, in order."""
        at = self._sequence(start)
        if at < 0:
            return
        first, last = self._sequence_rows[at], self._sequence_rows[at + 1]
        row = max(bisect_right(self.addresses, start - 1, first, last), first)
        while row < last and self.addresses[row] < end:
            address = self.addresses[row]
            yield LineRow(
                address, address, self._file(self.row_files[row]),
                self.lines[row], self.columns[row], self.flags[row],
            )  # fmt: skip
            row += 1

    def bodies_named(self, wanted: Iterable[int]) -> Iterator[tuple[int, bool, int]]:
        """Yield entry, whether inlined, and name's number of the bodies with a wanted name."""
        chosen = frozenset(wanted)
        for body, name in enumerate(self._name_of):
            if name in chosen:
                yield self._entries[body], self._parents[body] >= 0, name

    def body_at(self, addr: int) -> int:
        """Return the number of the innermost body at ``addr``, -1 for none."""
        at = bisect_right(self._changes, addr) - 1
        return self._owners[at] if at >= 0 else -1

    def _sequence(self, addr: int) -> int:
        """Return the sequence that covers ``addr``, -1 for none."""
        last = bisect_right(self._sequences, addr) - 1
        for at in range(last, max(last - _OVERLAPS, -1), -1):
            if addr < self._sequence_ends[at]:
                return at
        return -1

    def _file(self, number: int) -> str:
        return self.files[number] if number < len(self.files) else ""

    @cached_property
    def _function_starts(self) -> memoryview:
        return memoryview(self.packed.function_starts).cast("Q")

    @cached_property
    def _function_ends(self) -> memoryview:
        return memoryview(self.packed.function_ends).cast("Q")


def consistent(packed: Packed) -> bool:
    """Tell whether an index from disk can be searched without stumbling."""
    bodies = len(packed.parents) // 4
    rows = len(packed.addresses) // 8
    wide = (packed.changes, packed.function_starts, packed.sequence_starts, packed.addresses)
    return (
        not any(len(column) % 8 for column in wide)
        and len(packed.changes) == 2 * len(packed.owners)
        and len(packed.entries) == 8 * bodies
        and len(packed.name_of) == 4 * bodies
        and len(packed.calls) == 12 * bodies
        and len(packed.function_starts) == len(packed.function_ends)
        and len(packed.sequence_starts) == len(packed.sequence_ends)
        and len(packed.sequence_rows) == len(packed.sequence_starts) // 2 + 4
        and len(packed.row_files) == len(packed.lines) == len(packed.columns) == 4 * rows
        and len(packed.flags) == rows
    )


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
            names,
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


def _lines(
    unit: Unit, around: int | None
) -> tuple[list[str], bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes]:
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
        files, starts.tobytes(), ends.tobytes(), firsts.tobytes(),
        array("Q", columns[0]).tobytes(), narrow[0], narrow[1], narrow[2], bytes(columns[4]),
    )  # fmt: skip


def _narrow(column: tuple[int, ...]) -> Iterable[int]:
    """Cut to 32 bits what a broken program made longer."""
    if column and not 0 <= min(column) <= max(column) <= _MASK_32:
        return [value & _MASK_32 for value in column]
    return column


#: flags of rows, for those who look for breakpoints
__all__ = [
    "IS_STMT",
    "PROLOGUE_END",
    "Call",
    "LineRow",
    "Packed",
    "UnitIndex",
    "build",
    "consistent",
]
