"""The terminal's state: modes, alternate screen, saved cursor and reports over a `Page`.

What full-screen programs need and pyte lacks: alternate screen, DECSCUSR, DECSTR, DECRQM,
device reports, mouse and paste modes, origin mode that holds.  Sources: xterm's ctlseqs,
ECMA-48, the VT510 reference.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from pyte import charsets
from pyte import modes as mo
from pyte.screens import Cursor, Margins

from .cells import DEFAULT, Line
from .page import Page, Rows

# Private modes by their numbers (xterm ctlseqs, "DEC Private Mode Set").
CURSOR_KEYS: Final = 1
REVERSE_VIDEO: Final = 5
MOUSE_CLICKS: Final = 1000
MOUSE_DRAG: Final = 1002
MOUSE_MOVES: Final = 1003
FOCUS_EVENTS: Final = 1004
MOUSE_SGR: Final = 1006
BRACKETED_PASTE: Final = 2004
ORIGIN: Final = 6
_AUTOWRAP: Final = 7
_CURSOR_BLINK: Final = 12
_CURSOR_SHOWN: Final = 25
ALTERNATE: Final = (47, 1047, 1049)
_SAVE_CURSOR: Final = 1048
_SAVING: Final = (1048, 1049)
#: What DECRQM may be asked about: the modes that do something here.
_KNOWN: Final = frozenset(
    (CURSOR_KEYS, REVERSE_VIDEO, ORIGIN, _AUTOWRAP, _CURSOR_BLINK, _CURSOR_SHOWN, MOUSE_CLICKS,
     MOUSE_DRAG, MOUSE_MOVES, FOCUS_EVENTS, MOUSE_SGR, BRACKETED_PASTE, *ALTERNATE)
)  # fmt: skip


def private(mode: int) -> int:
    """Return the number under which pyte keeps private mode ``mode``."""
    return mode << 5


class _Saved(NamedTuple):
    """What DECSC keeps."""

    cursor: Cursor
    charset: int
    g0: str
    g1: str
    origin: bool


class TerminalScreen(Page):
    """A screen of cells that a `TerminalStream` writes to; ``reply`` types an answer."""

    def __init__(self, columns: int, lines: int, reply: Callable[[bytes], object]) -> None:
        self._reply = reply
        self.bells = 0
        self.cursor_style = 0  #: DECSCUSR: 0..2 block, 3..4 underline, 5..6 bar
        self.keypad_is_application = False
        self._main: tuple[Rows, Cursor] | None = None
        self._saved: dict[bool, _Saved] = {}
        super().__init__(columns, lines)

    def has_mode(self, mode: int) -> bool:
        """Tell whether private mode ``mode`` is set."""
        return private(mode) in self.mode

    @property
    def main(self) -> tuple[Rows, Cursor]:
        """The main screen's lines and its cursor, also while the alternate one is shown."""
        return (self.rows, self.cursor) if self._main is None else self._main

    def reset(self) -> None:
        """RIS: back to the state at power-on; the scroll-back stays."""
        super().reset()
        self.title = self.icon_name = ""
        self.cursor_style = 0
        self.keypad_is_application = False
        self.on_alternate = False
        self._main = None
        self._saved = {}

    def soft_reset(self) -> None:
        """DECSTR."""
        kept = {private(mode) for mode in ALTERNATE}
        self.mode = {mo.DECAWM, mo.DECTCEM} | (self.mode & kept)
        self.margins = None
        self.cursor.attrs = DEFAULT
        self.cursor.hidden = False
        self.charset = 0
        self.g0_charset = self.g1_charset = charsets.LAT1_MAP
        self.keypad_is_application = False
        self._saved = {}
        self.all_dirty = True

    def resize(self, lines: int | None = None, columns: int | None = None) -> None:
        """Change the size of both screens."""
        if self._main is not None:
            rows, cursor = self._main
            self.fit(rows, lines or self.lines, cursor, keep=True)
        super().resize(lines, columns)

    # -- modes ---------------------------------------------------------------------------

    def set_mode(self, *modes: int, **kwargs: Any) -> None:
        """SM, DECSET."""
        for mode in modes:
            if not kwargs.get("private"):
                self.mode.add(mode)
                continue
            if mode in _SAVING:
                self.save_cursor()
            if mode in ALTERNATE:
                self._enter_alternate()
            self.mode.add(private(mode))
            self._changed(mode)

    def reset_mode(self, *modes: int, **kwargs: Any) -> None:
        """RM, DECRST."""
        for mode in modes:
            if not kwargs.get("private"):
                self.mode.discard(mode)
                continue
            if mode in ALTERNATE:
                self._leave_alternate()
            self.mode.discard(private(mode))
            if mode in _SAVING:
                self.restore_cursor()
            self._changed(mode)

    def _changed(self, mode: int) -> None:
        if mode == REVERSE_VIDEO:
            self.all_dirty = True
        elif mode == ORIGIN:
            self.cursor_position()
        elif mode == _CURSOR_SHOWN:
            self.cursor.hidden = mo.DECTCEM not in self.mode

    def _enter_alternate(self) -> None:
        if self.on_alternate:
            return
        self._main = (self.rows, copy.copy(self.cursor))
        self.buffer = [Line() for _ in range(self.lines)]  # type: ignore[assignment]
        self.on_alternate = True
        self.all_dirty = True

    def _leave_alternate(self) -> None:
        if self._main is None:
            return
        rows, cursor = self._main
        self._main = None
        self.buffer = rows  # type: ignore[assignment]
        self.cursor.y = min(cursor.y, self.lines - 1)
        self.on_alternate = False
        self.all_dirty = True

    def save_cursor(self) -> None:
        """DECSC: one slot for each of the two screens."""
        self._saved[self.on_alternate] = _Saved(
            copy.copy(self.cursor),
            self.charset,
            self.g0_charset,
            self.g1_charset,
            mo.DECOM in self.mode,
        )

    def restore_cursor(self) -> None:
        """DECRC: what was saved, or home."""
        saved = self._saved.get(self.on_alternate)
        hidden = self.cursor.hidden
        if saved is None:
            saved = _Saved(Cursor(0, 0, DEFAULT), 0, charsets.LAT1_MAP, charsets.LAT1_MAP, False)
        self.cursor = copy.copy(saved.cursor)
        self.cursor.hidden = hidden
        self.charset = saved.charset
        self.g0_charset, self.g1_charset = saved.g0, saved.g1
        if saved.origin:
            self.mode.add(mo.DECOM)
        else:
            self.mode.discard(mo.DECOM)
        self.cursor.x = min(self.cursor.x, self.columns)
        self.ensure_vbounds()

    def keypad_application(self) -> None:
        """DECKPAM."""
        self.keypad_is_application = True

    def keypad_numeric(self) -> None:
        """DECKPNM."""
        self.keypad_is_application = False

    # -- the cursor ------------------------------------------------------------------------

    def set_margins(self, top: int | None = None, bottom: int | None = None, *_: int) -> None:
        """DECSTBM: also takes the cursor home."""
        first = max(1, top or 1) - 1
        last = min(self.lines, bottom or self.lines) - 1
        if first >= last:
            return
        whole = (first, last) == (0, self.lines - 1)
        self.margins = None if whole else Margins(first, last)
        self.cursor_position()

    def cursor_position(self, line: int | None = None, column: int | None = None, *_: int) -> None:
        """CUP: in origin mode lines count from the top margin and stop at the bottom one."""
        top, bottom = 0, self.lines - 1
        if self.margins is not None and mo.DECOM in self.mode:
            top, bottom = self.margins
        self.cursor.y = min(top + (line or 1) - 1, bottom)
        self.cursor.x = min((column or 1) - 1, self.columns - 1)

    def cursor_to_line(self, line: int | None = None) -> None:
        """VPA."""
        self.cursor_position(line, self.cursor.x + 1)

    def cursor_up(self, count: int | None = None) -> None:
        """CUU: stops at the top margin, unless the cursor is above it."""
        top = self.margins.top if self.margins else 0
        limit = top if self.cursor.y >= top else 0
        self.cursor.y = max(limit, self.cursor.y - (count or 1))
        self.ensure_hbounds()

    def cursor_down(self, count: int | None = None) -> None:
        """CUD: stops at the bottom margin, unless the cursor is below it."""
        bottom = self.margins.bottom if self.margins else self.lines - 1
        limit = bottom if self.cursor.y <= bottom else self.lines - 1
        self.cursor.y = min(limit, self.cursor.y + (count or 1))
        self.ensure_hbounds()

    def set_tab_stop(self) -> None:
        """HTS: behind the last column counts as the last."""
        self.tabstops.add(min(self.cursor.x, self.columns - 1))

    def tab_forward(self, count: int = 1, *_: int) -> None:
        """CHT."""
        for _step in range(min(count or 1, self.columns)):
            self.tab()

    def tab_back(self, count: int = 1, *_: int) -> None:
        """CBT."""
        for _step in range(min(count or 1, self.columns)):
            before = [stop for stop in self.tabstops if stop < self.cursor.x]
            self.cursor.x = max(before, default=0)

    # -- answers -------------------------------------------------------------------------------

    def bell(self, *args: Any) -> None:
        """BEL: counted; the widget rings."""
        self.bells += 1

    def answer_back(self) -> None:
        """ENQ: the answer-back message is empty."""

    def window_operation(self, operation: int = 0, *_: int) -> None:
        """XTWINOPS: only the report of the size in characters."""
        if operation == 18:
            self._reply(b"\x1b[8;%d;%dt" % (self.lines, self.columns))

    def set_cursor_style(self, style: int = 0, *_: int) -> None:
        """DECSCUSR."""
        if 0 <= style <= 6:
            self.cursor_style = style

    def report_device_attributes(self, mode: int = 0, **kwargs: Any) -> None:
        """DA1: a VT220 with ANSI colour."""
        if not mode:
            self._reply(b"\x1b[?62;22c")

    def report_secondary_attributes(self, mode: int = 0, *_: int) -> None:
        """DA2."""
        if not mode:
            self._reply(b"\x1b[>1;10;0c")

    def report_device_status(self, mode: int = 0, *_: int) -> None:
        """DSR: 5 all is well, 6 where the cursor is."""
        if mode == 5:
            self._reply(b"\x1b[0n")
        elif mode == 6:
            y = self.cursor.y
            if self.margins is not None and mo.DECOM in self.mode:
                y -= self.margins.top
            x = min(self.cursor.x, self.columns - 1)
            self._reply(b"\x1b[%d;%dR" % (y + 1, x + 1))

    def report_private_mode(self, mode: int = 0, *_: int) -> None:
        """DECRQM: 1 set, 2 reset, 0 not known."""
        state = (1 if self.has_mode(mode) else 2) if mode in _KNOWN else 0
        self._reply(b"\x1b[?%d;%d$y" % (mode, state))
