"""Which row of a line table is shown, where there are several or none with a line."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from starrylab.debug.lines import shown_row
from starrylab.debug.symbols.unit_index import IS_STMT, LineRow


@dataclass
class Index:
    """Rows as (address, line, is_stmt), in the table's order."""

    rows: list[tuple[int, int, bool]]

    def _made(self, number: int) -> LineRow:
        address, line, is_stmt = self.rows[number]
        behind = next((row[0] for row in self.rows if row[0] > address), 0x1000)
        return LineRow(address, behind, "a.c", line, 1, IS_STMT if is_stmt else 0)

    def row(self, addr: int) -> LineRow | None:
        found = [number for number, row in enumerate(self.rows) if row[0] <= addr]
        return self._made(found[-1]) if found else None

    def rows_between(self, start: int, end: int):
        return (self._made(n) for n, row in enumerate(self.rows) if start <= row[0] < end)


@pytest.mark.parametrize(
    ("rows", "addr", "line"),
    [
        ([(0, 1, True), (8, 2, True)], 7, 1),
        ([(0, 1, True), (8, 2, True)], 8, 2),
        ([(0, 1, True), (8, 2, True), (8, 3, True)], 9, 3),
        ([(0, 1, True), (8, 2, True), (8, 3, False)], 9, 2),  # the one that begins a statement
        ([(0, 2, True), (8, 2, True), (8, 3, False)], 9, 3),  # 2 only goes on there
        ([(0, 1, True), (8, 2, False), (8, 3, False)], 9, 3),
        ([(0, 1, True), (8, 0, True)], 12, 1),  # no line: the one before
        ([(0, 1, True), (8, 0, True), (16, 0, True)], 20, 1),
        ([(0, 1, True), (8, 2, False), (8, 0, True)], 12, 2),
        ([(0, 0, True), (8, 2, True)], 4, None),
        ([(8, 2, True)], 4, None),
        ([(8 * n, 0, True) for n in range(20)], 100, None),
    ],
)
def test_the_row_of_an_address(
    rows: list[tuple[int, int, bool]], addr: int, line: int | None
) -> None:
    found = shown_row(Index(rows), addr)
    assert (found.line if found is not None else None) == line
