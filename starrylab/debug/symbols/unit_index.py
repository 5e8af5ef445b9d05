"""Everything that lookups need of one unit, in arrays: searched as they are, kept on disk.

The arrays are bytes of machine words, so an index that comes from disk is used without being
unpacked.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Final, NamedTuple

from .packing import unpack_words

IS_STMT: Final = 1  #: flags of rows
PROLOGUE_END: Final = 2
EPILOGUE_BEGIN: Final = 4
_OVERLAPS: Final = 8  #: sequences to look back for one that is still open


class Packed(NamedTuple):
    """One unit's index as it is on disk: arrays of 64- and 32-bit numbers, and words, as bytes."""

    changes: bytes  #: Q, ascending: where the innermost body changes
    owners: bytes  #: i: which it then is, -1 for none
    parents: bytes  #: i, by body: what it is inlined into, -1 for nothing
    entries: bytes  #: Q, by body: where it begins
    names: bytes  #: words: name and linkage name, in turn
    name_of: bytes  #: I, by body
    calls: bytes  #: I, three a body: file, line and column of the call
    function_starts: bytes  #: Q, ascending: parts of functions with code of their own
    function_ends: bytes  #: Q
    files: bytes  #: words
    sequence_starts: bytes  #: Q, ascending
    sequence_ends: bytes  #: Q
    sequence_rows: bytes  #: I: the first row of each, and the number of all rows
    addresses: bytes  #: Q, by row
    row_files: bytes  #: I
    lines: bytes  #: I
    columns: bytes  #: I
    flags: bytes  #: B


class LineRow(NamedTuple):
    """One row of the line table, and the addresses that it covers."""

    start: int
    end: int
    file: str
    line: int
    column: int
    flags: int


class Call(NamedTuple):
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

    @cached_property
    def files(self) -> list[str]:
        """The unit's source files, by their number in the line table."""
        return unpack_words(self.packed.files)

    @cached_property
    def names(self) -> list[tuple[str, str]]:
        """Name and linkage name of functions, by number."""
        words = unpack_words(self.packed.names)
        return list(zip(words[0::2], words[1::2], strict=False))

    def chain(self, addr: int) -> list[Call]:
        """Return the functions at ``addr``, innermost first; [] when there is none."""
        body = self.body_at(addr)
        found = []
        while body >= 0:
            file, line, column = self._calls[3 * body : 3 * body + 3]
            name, linkage = self.names[self._name_of[body]]
            parent = self._parents[body]
            found.append(Call(body, name, linkage, parent >= 0, self._file(file), line, column))
            body = parent if parent < body else -1
        return found

    def part(self, addr: int) -> tuple[int, int] | None:
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
