"""What part of a terminal is looked at: scroll-back position, selection, search.

Lines have numbers that stay: line 0 is the first that was ever printed, so a selection
keeps its text while the screen scrolls and old lines are dropped.
"""

from __future__ import annotations

from typing import NamedTuple

from rich.cells import get_character_cell_size

from .cells import Runs, line_runs
from .screen import TerminalScreen


class Point(NamedTuple):
    """A cell: line number and column."""

    line: int
    column: int


class View:
    """A window of the screen's height onto scroll-back and screen."""

    def __init__(self, screen: TerminalScreen) -> None:
        self._screen = screen
        self.back = 0  #: lines scrolled back; 0 follows the output
        self._pushed = screen.pushed
        self.anchor: Point | None = None  #: where the selection began
        self.head: Point | None = None  #: the cell it reaches to, included

    # -- lines ---------------------------------------------------------------------------

    @property
    def first(self) -> int:
        """The number of the oldest line that is still there."""
        return self._screen.pushed - len(self._screen.history)

    @property
    def bottom(self) -> int:
        """The number behind that of the last line of the screen."""
        return self._screen.pushed + self._screen.lines

    @property
    def top(self) -> int:
        """The number of the line at the top of the window."""
        return self._screen.pushed - self.back

    def runs(self, number: int) -> Runs:
        """Return the cells of line ``number``; empty outside what there is."""
        screen = self._screen
        row = number - screen.pushed
        if row >= screen.lines or number < self.first:
            return ()
        if row >= 0:
            return line_runs(screen.rows[row], screen.columns)
        return screen.history[row].runs

    def text(self, number: int) -> str:
        """Return the characters of line ``number``."""
        return "".join(run.text for run in self.runs(number))

    def wrapped(self, number: int) -> bool:
        """Tell whether line ``number`` goes on in the next."""
        row = number - self._screen.pushed
        if row >= 0:
            return row < self._screen.lines and self._screen.rows[row].wrapped
        return number >= self.first and self._screen.history[row].wrapped

    # -- scrolling -------------------------------------------------------------------------

    def scroll(self, lines: int) -> bool:
        """Go back (positive) or forward; True if the window moved."""
        limit = 0 if self._screen.on_alternate else len(self._screen.history)
        back = max(0, min(limit, self.back + lines))
        moved = back != self.back
        self.back = back
        return moved

    def output_came(self) -> None:
        """Keep the same lines in the window although new ones were printed."""
        added = self._screen.pushed - self._pushed
        self._pushed = self._screen.pushed
        if self.back:
            self.scroll(added)

    # -- selection ---------------------------------------------------------------------------

    def select(self, anchor: Point | None, head: Point | None = None) -> None:
        """Select from cell to cell, both included; ``None`` clears."""
        self.anchor = anchor
        self.head = head if anchor is not None else None

    def span(self, number: int) -> tuple[int, int] | None:
        """Return the selected columns of line ``number``, the end excluded."""
        if self.anchor is None or self.head is None:
            return None
        start, end = sorted((self.anchor, self.head))
        if not start.line <= number <= end.line:
            return None
        left = start.column if number == start.line else 0
        right = end.column + 1 if number == end.line else self._screen.columns
        return left, right

    def selected_text(self) -> str:
        """Return the selected characters; wrapped lines are joined again."""
        if self.anchor is None or self.head is None:
            return ""
        start, end = sorted((self.anchor, self.head))
        parts: list[str] = []
        for number in range(max(start.line, self.first), end.line + 1):
            span = self.span(number)
            assert span is not None
            text = cut_cells(self.text(number), *span)
            joined = self.wrapped(number) and number != end.line
            parts.append(text if joined else text.rstrip() + "\n")
        return "".join(parts).removesuffix("\n")

    def select_word(self, point: Point) -> None:
        """Select the run of non-blank characters around ``point``."""
        cells = cells_of(self.text(point.line))
        if point.column >= len(cells) or cells[point.column].isspace():
            return
        left = right = point.column
        while left > 0 and not cells[left - 1].isspace():
            left -= 1
        while right + 1 < len(cells) and not cells[right + 1].isspace():
            right += 1
        self.select(Point(point.line, left), Point(point.line, right))

    # -- search --------------------------------------------------------------------------------

    def find(self, needle: str, *, backward: bool = True) -> bool:
        """Select the next occurrence of ``needle`` and bring it into the window."""
        if not needle:
            return False
        last = self._screen.pushed + self._screen.lines - 1
        here = self.head.line if self.head else (last + 1 if backward else self.first - 1)
        numbers = range(here - 1, self.first - 1, -1) if backward else range(here + 1, last + 1)
        folded = needle.casefold()
        for number in numbers:
            text = self.text(number)
            position = text.casefold().find(folded)
            if position >= 0:
                column = len(cells_of(text[:position]))
                width = max(1, len(cells_of(text[position : position + len(needle)])))
                self.select(Point(number, column), Point(number, column + width - 1))
                self._show(number)
                return True
        return False

    def _show(self, number: int) -> None:
        if not self.top <= number < self.top + self._screen.lines:
            self.back = 0
            self.scroll(self._screen.pushed - number + self._screen.lines // 2)


def cells_of(text: str) -> list[str]:
    """Return one entry a cell: a wide character is followed by ""; accents join their base."""
    cells: list[str] = []
    for char in text:
        width = get_character_cell_size(char)
        if width == 0 and cells:
            cells[-1] += char
        else:
            cells.append(char)
            cells.extend([""] * (width - 1))
    return cells


def cut_cells(text: str, start: int, stop: int) -> str:
    """Return the characters in cells ``start``..``stop`` of ``text``."""
    return "".join(cells_of(text)[start:stop])
