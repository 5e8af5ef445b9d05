"""The terminal's page: lines of cells that are printed on, scrolled, erased and resized.

It replaces pyte's ways of doing so: a run of plain text is one step, lines that scroll off
the top are kept, the background colour fills what is erased, and both halves of a wide
character go together.  Behaviour follows xterm (ctlseqs) where pyte differs.
"""

from __future__ import annotations

import unicodedata
from collections import deque
from typing import Any, Final

from pyte import charsets
from pyte import modes as mo
from pyte.screens import Char, Cursor, Screen
from rich.cells import get_character_cell_size

from .cells import DEFAULT, Line, PastLine, Pen, Pens, Run, pack, unpack
from .sgr import apply_sgr

HISTORY: Final = 10_000  #: lines of scroll-back

Rows = list[Line]


class Page(Screen):
    """The part of the screen's state that holds characters."""

    def __init__(self, columns: int, lines: int) -> None:
        self._pens = Pens()
        self._pen_style = DEFAULT
        self._pen: Pen = self._pens.get(DEFAULT)
        self.history: deque[PastLine] = deque(maxlen=HISTORY)
        self.pushed = 0  #: lines that ever went into the scroll-back
        self.floor = 0  #: `pushed` when all was erased: what is older does not come back
        self.all_dirty = True  #: every line is to be drawn again
        self.on_alternate = False
        self._last = " "
        super().__init__(columns, lines)

    # -- the whole -------------------------------------------------------------------

    @property
    def default_char(self) -> Char:
        """The empty cell; reverse video is the renderer's business."""
        return DEFAULT

    @property
    def rows(self) -> Rows:
        """The lines on the screen; pyte's type for its buffer is a dict."""
        rows: Rows = self.buffer  # type: ignore[assignment]
        return rows

    def reset(self) -> None:
        """RIS: back to the state at power-on; the scroll-back stays."""
        self.buffer = [Line() for _ in range(self.lines)]  # type: ignore[assignment]
        self.mode = {mo.DECAWM, mo.DECTCEM}
        self.margins = None
        self.charset = 0
        self.g0_charset = self.g1_charset = charsets.LAT1_MAP
        self.tabstops = set(range(8, self.columns, 8))
        self.cursor = Cursor(0, 0, DEFAULT)
        self.saved_columns = None
        self.floor = self.pushed
        self.all_dirty = True

    def resize(self, lines: int | None = None, columns: int | None = None) -> None:
        """Change the size; lines go to the scroll-back and come back, none are re-wrapped."""
        lines, columns = lines or self.lines, columns or self.columns
        self.fit(self.rows, lines, self.cursor, keep=not self.on_alternate)
        self.tabstops |= {stop for stop in range(8, columns, 8) if stop >= self.columns}
        self.lines, self.columns = lines, columns
        self.margins = None
        self.cursor.x = min(self.cursor.x, columns - 1)
        self.all_dirty = True

    def fit(self, rows: Rows, lines: int, cursor: Cursor, *, keep: bool) -> None:
        """Make ``rows`` ``lines`` long around its ``cursor``; ``keep``: into the scroll-back."""
        while len(rows) > lines:
            if cursor.y < len(rows) - 1 and (rows[-1].is_blank or not keep):
                rows.pop()
                continue
            gone = rows.pop(0)
            cursor.y = max(0, cursor.y - 1)
            if keep:
                self._remember(gone)
        while keep and len(rows) < lines and self.history and self.pushed > self.floor:
            rows.insert(0, unpack(self.history.pop()))
            self.pushed -= 1
            cursor.y += 1
        rows.extend(Line() for _ in range(lines - len(rows)))
        cursor.y = min(cursor.y, lines - 1)

    # -- drawing -----------------------------------------------------------------------

    def draw(self, data: str) -> None:
        """Print characters at the cursor."""
        table = self.g1_charset if self.charset else self.g0_charset
        if table is not charsets.LAT1_MAP:
            data = data.translate(table)
        if not data.isascii() or mo.IRM in self.mode:
            self._draw_slowly(data)
            return
        self._last = data[-1]
        cursor = self.cursor
        columns = self.columns
        pen = self._current_pen()
        start, end = 0, len(data)
        while start < end:
            if cursor.x >= columns and not self._wrap():
                start = end - 1  # without wrapping the last column shows the last character
            x = cursor.x
            chunk = data[start : start + columns - x] if start or end > columns - x else data
            line = self.rows[cursor.y]
            stop = x + len(chunk)
            if line:
                self._split_wide(line, x, stop)
            line.update(zip(range(x, stop), map(pen.__getitem__, chunk), strict=False))
            cursor.x = stop
            start += len(chunk)
            self.dirty.add(cursor.y)

    def print_lines(self, lines: list[str]) -> bool:
        """Print lines of plain ASCII, each with a CR LF behind it; False: not in this state.

        Output that floods is such lines below everything else.  Those that scroll off at once
        never become cells: they go into the scroll-back as they are.
        """
        cursor, rows = self.cursor, self.rows
        if (
            cursor.x
            or self.margins is not None
            or self.on_alternate
            or mo.IRM in self.mode
            or self.charset
            or self.g0_charset is not charsets.LAT1_MAP
            or cursor.attrs.bg != "default"
            or any(rows[cursor.y :])
            or max(map(len, lines)) > self.columns
        ):
            return False
        self._last = next((line[-1] for line in reversed(lines) if line), self._last)
        pen = self._current_pen()
        style = pen["x"]
        gone = max(0, cursor.y + len(lines) + 1 - self.lines)  # lines that scroll off
        for row in rows[: min(gone, cursor.y)]:
            self._remember(row)
        through = max(0, gone - cursor.y)  # of `lines`
        for text in lines[:through]:
            self.history.append(PastLine((Run(text, style),) if text else (), wrapped=False))
        self.pushed += through
        fresh = []
        for text in lines[through:]:
            line = Line()
            line.update(enumerate(map(pen.__getitem__, text)))
            fresh.append(line)
        rows[:] = rows[gone : cursor.y] + fresh
        rows.extend(Line() for _ in range(self.lines - len(rows)))
        cursor.y = min(cursor.y + len(lines), self.lines - 1)
        self.all_dirty = True
        return True

    def _current_pen(self) -> Pen:
        style = self.cursor.attrs
        if style is not self._pen_style:
            self._pen_style = style
            self._pen = self._pens.get(style)
        return self._pen

    def _wrap(self) -> bool:
        """Go to the next line after the last column; False when wrapping is off."""
        if mo.DECAWM not in self.mode:
            self.cursor.x = self.columns - 1
            return False
        self.rows[self.cursor.y].wrapped = True
        self.cursor.x = 0
        self.index()
        return True

    def _draw_slowly(self, data: str) -> None:
        cursor = self.cursor
        for char in data:
            width = get_character_cell_size(char)
            if width == 0:
                self._combine(char)
                continue
            if width > self.columns:
                continue
            if cursor.x + width > self.columns and not self._wrap():
                cursor.x = self.columns - width
            if mo.IRM in self.mode:
                self.insert_characters(width)
            line = self.rows[cursor.y]
            pen = self._current_pen()
            self._split_wide(line, cursor.x, cursor.x + width)
            line[cursor.x] = pen[char]
            if width == 2:
                line[cursor.x + 1] = pen[""]
            cursor.x += width
            self._last = char
            self.dirty.add(cursor.y)

    def _combine(self, char: str) -> None:
        """Put an accent on the character before the cursor."""
        if not unicodedata.combining(char) or not self.cursor.x:
            return
        line = self.rows[self.cursor.y]
        x = self.cursor.x - 1
        if not line[x].data and x:
            x -= 1
        cell = line[x]
        if len(cell.data) < 8:
            line[x] = cell._replace(data=unicodedata.normalize("NFC", cell.data + char))
            self.dirty.add(self.cursor.y)

    def _split_wide(self, line: Line, start: int, stop: int) -> None:
        """Blank the other half of a wide character that is about to be overwritten."""
        if start and not line[start].data:
            line[start - 1] = line[start - 1]._replace(data=" ")
        if stop < self.columns and not line[stop].data:
            line[stop] = line[stop]._replace(data=" ")

    def repeat(self, count: int = 1, *_: int) -> None:
        """REP: print the last character again."""
        self.draw(self._last * min(count or 1, self.columns * self.lines))

    def set_style(self, parameters: str) -> None:
        """SGR."""
        self.cursor.attrs = apply_sgr(self.cursor.attrs, parameters)

    # -- scrolling ---------------------------------------------------------------------

    def _region(self) -> tuple[int, int]:
        return self.margins or (0, self.lines - 1)

    def index(self) -> None:
        """IND: one line down; the region scrolls at its bottom."""
        cursor = self.cursor
        top, bottom = self.margins or (0, self.lines - 1)
        if cursor.y == bottom:
            self._scroll(top, bottom)
        elif cursor.y < self.lines - 1:
            cursor.y += 1

    def reverse_index(self) -> None:
        """RI: one line up; the region scrolls at its top."""
        top, bottom = self._region()
        if self.cursor.y == top:
            self._scroll_back(top, bottom)
        elif self.cursor.y:
            self.cursor.y -= 1

    def next_line(self) -> None:
        """NEL."""
        self.index()
        self.cursor.x = 0

    def scroll_up(self, count: int = 1, *_: int) -> None:
        """SU."""
        top, bottom = self._region()
        for _line in range(min(count or 1, self.lines)):
            self._scroll(top, bottom)

    def scroll_down(self, count: int = 1, *_: int) -> None:
        """SD."""
        top, bottom = self._region()
        for _line in range(min(count or 1, self.lines)):
            self._scroll_back(top, bottom)

    def _scroll(self, top: int, bottom: int, *, keep: bool = True) -> None:
        rows = self.rows
        gone = rows.pop(top)
        rows.insert(bottom, self._blank_line())
        if keep and not top and not self.on_alternate:
            self._remember(gone)
        self.all_dirty = True

    def _scroll_back(self, top: int, bottom: int) -> None:
        rows = self.rows
        del rows[bottom]
        rows.insert(top, self._blank_line())
        self.all_dirty = True

    def _remember(self, line: Line) -> None:
        self.history.append(pack(line, self.columns))
        self.pushed += 1

    def insert_lines(self, count: int | None = None) -> None:
        """IL."""
        top, bottom = self._region()
        if top <= self.cursor.y <= bottom:
            for _ in range(min(count or 1, self.lines)):
                self._scroll_back(self.cursor.y, bottom)
            self.cursor.x = 0

    def delete_lines(self, count: int | None = None) -> None:
        """DL."""
        top, bottom = self._region()
        if top <= self.cursor.y <= bottom:
            for _ in range(min(count or 1, self.lines)):
                self._scroll(self.cursor.y, bottom, keep=False)
            self.cursor.x = 0

    # -- erasing -----------------------------------------------------------------------

    def _blank(self) -> Char:
        """Return what erasing leaves: a blank in the background colour (xterm's bce)."""
        background = self.cursor.attrs.bg
        return DEFAULT if background == "default" else DEFAULT._replace(bg=background)

    def _blank_line(self) -> Line:
        return Line(self._blank())

    def _erase(self, y: int, start: int, stop: int) -> None:
        """Blank the cells ``start``..``stop`` of line ``y``."""
        rows = self.rows
        self.dirty.add(y)
        if start <= 0 and stop >= self.columns:
            rows[y] = self._blank_line()
            return
        line = rows[y]
        self._split_wide(line, start, stop)
        blank = self._blank()
        if blank == line.default:
            for x in range(start, stop):
                line.pop(x, None)
        else:
            for x in range(start, stop):
                line[x] = blank

    def erase_in_line(self, how: int = 0, *_: Any, **_ignored: Any) -> None:
        """EL."""
        x = min(self.cursor.x, self.columns - 1)
        spans = {0: (x, self.columns), 1: (0, x + 1), 2: (0, self.columns)}
        if how in spans:
            self._erase(self.cursor.y, *spans[how])

    def erase_in_display(self, how: int = 0, *_: Any, **_ignored: Any) -> None:
        """ED; 3 is the scroll-back alone, as in xterm."""
        y = self.cursor.y
        spans = {0: range(y + 1, self.lines), 1: range(y), 2: range(self.lines)}
        if how == 3:
            self.history.clear()
            self.all_dirty = True
        for row in spans.get(how, ()):
            self._erase(row, 0, self.columns)
        if how in (0, 1):
            self.erase_in_line(how)
        if (how == 2 or (how == 0 and not y and not self.cursor.x)) and not self.on_alternate:
            self.floor = self.pushed

    def erase_characters(self, count: int | None = None) -> None:
        """ECH."""
        x = min(self.cursor.x, self.columns - 1)
        self._erase(self.cursor.y, x, min(self.columns, x + (count or 1)))

    def insert_characters(self, count: int | None = None) -> None:
        """ICH."""
        x = min(self.cursor.x, self.columns - 1)
        self._shift(x, min(count or 1, self.columns - x))

    def delete_characters(self, count: int | None = None) -> None:
        """DCH."""
        x = min(self.cursor.x, self.columns - 1)
        self._shift(x, -min(count or 1, self.columns - x))

    def _shift(self, x: int, count: int) -> None:
        """Move the cells from column ``x`` on by ``count``; blanks fill the gap."""
        line = self.rows[self.cursor.y]
        # A wide character is blanked where it is cut: at x, behind what is deleted, and where
        # the line's end pushes out its second half.
        self._split_wide(line, x, x - min(count, 0))
        cells = [line[column] for column in range(x, self.columns)]
        blanks = [self._blank()] * abs(count)
        if count < 0:
            cells = cells[-count:] + blanks
        else:
            kept = cells[:-count]
            if kept and not cells[-count].data:
                kept[-1] = kept[-1]._replace(data=" ")
            cells = blanks + kept
        line.update(zip(range(x, self.columns), cells, strict=False))
        self.dirty.add(self.cursor.y)

    def alignment_display(self) -> None:
        """DECALN: a page full of E."""
        for y in range(self.lines):
            line = self.rows[y] = Line()
            line.update(dict.fromkeys(range(self.columns), DEFAULT._replace(data="E")))
        self.margins = None
        self.cursor.x = self.cursor.y = 0
        self.all_dirty = True
