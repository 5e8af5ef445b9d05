"""The source line that a debugger shows for an address, by gdb's rules.

A line table may have several rows at one address, and rows for line 0 (code that the compiler
made).  addr2line takes the last row as it is; a person is better served by the last one that
begins a statement, and by the line before for code without one (gdb, symtab.c and buildsym.c).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from .symbols.unit_index import IS_STMT

if TYPE_CHECKING:
    from .symbols.location import Location
    from .symbols.symbols import Symbols
    from .symbols.unit_index import LineRow, UnitIndex

_LINELESS: Final = 8  #: neighbouring rows without a line that are stepped over


def shown(symbols: Symbols, addr: int) -> list[Location]:
    """Return functions and lines at ``addr`` of the file, innermost first.

    As `Symbols.lookup`, but for the line of the innermost function.
    """
    locations = symbols.lookup(addr)
    index = symbols.unit_at(addr) if locations[0].file else None
    row = shown_row(index, addr) if index is not None else None
    if row is None or (locations[0].line == 0 and not _same_function(symbols, row, locations)):
        return locations
    innermost = locations[0]._replace(file=row.file, line=row.line, column=row.column)
    return [innermost, *locations[1:]]


def shown_row(index: UnitIndex, addr: int) -> LineRow | None:
    """Return the row for ``addr``; ``None`` if no row with a line is near."""
    for _ in range(_LINELESS):
        last = index.row(addr)
        if last is None:
            return None
        rows = [row for row in index.rows_between(last.start, last.start + 1) if row.line]
        if rows:
            return _statement(rows, index.row(last.start - 1))
        addr = last.start - 1
    return None


def _statement(rows: Sequence[LineRow], before: LineRow | None) -> LineRow:
    """Return the last of the rows at one address, or the last that begins a statement.

    A row that only repeats the line of the row ``before`` it does not count.
    """
    if rows[-1].flags & IS_STMT:
        return rows[-1]
    for row, previous in reversed(list(zip(rows, [before, *rows], strict=False))):
        new = previous is None or (row.file, row.line) != (previous.file, previous.line)
        if new and row.flags & IS_STMT:
            return row
    return rows[-1]


def _same_function(symbols: Symbols, row: LineRow, locations: list[Location]) -> bool:
    """Tell whether a row before line 0 lies in the same physical function."""
    return symbols.lookup(row.start)[-1].function == locations[-1].function
