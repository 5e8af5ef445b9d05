"""The terminal as a widget: output in, keys out, drawing at a bounded rate.

Output is parsed in slices of a few milliseconds between other messages, and drawn at most
30 times a second, so a flood neither freezes the screen nor delays a key.  Each slice is
reported with `Terminal.Drawn`, which is what gives the lab credit to print more.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Offset, Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from ..later import later
from . import keys
from .redraw import redraw
from .screen import (
    BRACKETED_PASTE,
    CURSOR_KEYS,
    FOCUS_EVENTS,
    MOUSE_CLICKS,
    MOUSE_DRAG,
    MOUSE_MOVES,
    MOUSE_SGR,
    REVERSE_VIDEO,
    TerminalScreen,
)
from .stream import TerminalStream
from .style import restyled, rich_style
from .view import Point, View

_SLICE_SECONDS: Final = 0.008  #: of parsing before other messages get their turn
_PAUSE_SECONDS: Final = 0.002  #: for the other messages
_FRAME_SECONDS: Final = 1 / 30
_CHUNK: Final = 2048  #: bytes between two looks at the clock
_WHEEL_LINES: Final = 3
_MOTION: Final = 32
_WHEEL_UP, _WHEEL_DOWN = 64, 65


class Terminal(Widget, can_focus=True):
    """A terminal; feed it with `feed`, listen to its messages."""

    ALLOW_SELECT = False  # it has its own selection, of cells and with scroll-back
    COMPONENT_CLASSES: ClassVar[set[str]] = {"terminal--cursor", "terminal--selection"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("shift+pageup", "scroll_back(1)", "Scroll back", id="terminal.page-up",
                tooltip="Look at earlier output", show=False),
        Binding("shift+pagedown", "scroll_back(-1)", "Scroll on", id="terminal.page-down",
                tooltip="Look at later output", show=False),
        Binding("ctrl+shift+c", "copy_selection", "Copy", id="terminal.copy",
                tooltip="Copy the selected text", show=False),
    ]  # fmt: skip

    @dataclass
    class Typed(Message):
        """Bytes for the program: keys, pasted text, mouse reports, answers."""

        data: bytes

    @dataclass
    class Resized(Message):
        """The terminal has a new size, in cells."""

        rows: int
        columns: int

    @dataclass
    class Drawn(Message):
        """So many bytes of output were dealt with."""

        size: int

    @dataclass
    class Copied(Message):
        """Text was selected to be copied."""

        text: str

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.terminal = TerminalScreen(80, 24, self._type)
        self.view = View(self.terminal)
        self._stream = TerminalStream(self.terminal)
        self._pending: deque[bytes] = deque()
        self._pumping = False
        self._drawn_at = 0.0
        self._draw_is_due = False
        self._cursor_row = 0
        self._hidden_rows = 0  #: see `_rows_above`
        self._bells = 0
        self._selecting = False
        self.tap: Callable[[bytes], object] | None = None  #: told output once it is on the screen
        self._fixed = False  #: the size is not the widget's own

    # -- output --------------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """Take output of the program; it is parsed and drawn soon."""
        self._pending.append(data)
        if not self._pumping:
            self._pumping = True
            self.call_later(self._pump)

    def clear(self) -> None:
        """Forget everything, for a new program: also output that was not drawn yet."""
        self._pending.clear()
        self.terminal = TerminalScreen(self.terminal.columns, self.terminal.lines, self._type)
        self.view = View(self.terminal)
        self._stream = TerminalStream(self.terminal)
        self._bells = 0
        self.refresh()

    def redraw(self) -> bytes:
        """Return what brings an empty terminal of the same size into the present state."""
        return redraw(self.terminal) + self._stream.unfinished

    @property
    def window(self) -> tuple[int, int]:
        """Rows and columns, as the program knows them."""
        return self.terminal.lines, self.terminal.columns

    def fix_size(self, rows: int, columns: int) -> None:
        """Show a terminal of this size from now on, whatever room there is for it."""
        self._fixed = True
        self.terminal.resize(rows, columns)
        self.view.output_came()
        self.refresh()

    def _pump(self) -> None:
        """Parse for one slice."""
        pending = self._pending
        feed = self._stream.feed
        deadline = time.monotonic() + _SLICE_SECONDS
        done = 0
        while pending and time.monotonic() < deadline:
            data = pending.popleft()
            if len(data) > _CHUNK:
                pending.appendleft(data[_CHUNK:])
                data = data[:_CHUNK]
            feed(data)
            if self.tap is not None:
                self.tap(data)
            done += len(data)
        if done:
            self.post_message(self.Drawn(done).set_sender(self))
        self._pumping = bool(pending)
        if pending:  # a timer, because a message to oneself never lets the event loop turn
            later(self, _PAUSE_SECONDS, self._pump)
        self._draw_soon()

    def _draw_soon(self) -> None:
        if self._draw_is_due:
            return
        wait = self._drawn_at + _FRAME_SECONDS - time.monotonic()
        if wait <= 0:
            self._draw()
        else:
            self._draw_is_due = True
            later(self, wait, self._draw)

    def _draw(self) -> None:
        self._draw_is_due = False
        self._drawn_at = time.monotonic()
        screen = self.terminal
        self.view.output_came()
        hidden = self._hidden_rows
        self._hidden_rows = self._rows_above()
        if screen.all_dirty or self.view.back or hidden != self._hidden_rows:
            self.refresh()
        else:
            for y in screen.dirty | {self._cursor_row, screen.cursor.y}:
                self.refresh(Region(0, y - self._hidden_rows, self.size.width, 1))
        screen.dirty.clear()
        screen.all_dirty = False
        self._cursor_row = screen.cursor.y
        self._show_position()
        if screen.bells != self._bells:
            self._bells = screen.bells
            self.app.bell()

    def _rows_above(self) -> int:
        """Return how many rows of a screen that is too high are left out above the cursor."""
        room = max(1, self.content_size.height)
        return max(0, min(self.terminal.cursor.y - room + 1, self.terminal.lines - room))

    def _show_position(self) -> None:
        screen = self.terminal
        self.border_subtitle = f"{self.view.back} lines back" if self.view.back else ""
        if self.has_focus and not self.view.back:
            x = min(screen.cursor.x, screen.columns - 1)
            y = screen.cursor.y - self._hidden_rows
            self.app.cursor_position = self.content_region.offset + Offset(x, y)

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        screen, view = self.terminal, self.view
        number = view.top + y + self._hidden_rows
        base = self.rich_style
        swapped = screen.has_mode(REVERSE_VIDEO)
        runs = view.runs(number)
        parts = [Segment(run.text, base + rich_style(run.style, swapped=swapped)) for run in runs]
        rest = base + Style(reverse=swapped or None)
        strip = Strip(parts).adjust_cell_length(self.size.width, rest)
        if (span := view.span(number)) is not None:
            strip = restyled(strip, *span, self.get_component_rich_style("terminal--selection"))
        if number == screen.pushed + screen.cursor.y and not screen.cursor.hidden:
            strip = self._with_cursor(strip)
        return strip

    def _with_cursor(self, strip: Strip) -> Strip:
        screen = self.terminal
        x = min(screen.cursor.x, screen.columns - 1)
        line = screen.rows[screen.cursor.y]
        width = 2 if x + 1 < screen.columns and not line[x + 1].data else 1
        if not self.has_focus:
            style = Style(underline=True)
        elif screen.cursor_style > 2:  # a bar cannot be drawn inside a cell
            style = Style(underline=True, bold=True)
        else:
            style = self.get_component_rich_style("terminal--cursor")
        return restyled(strip, x, x + width, style)

    # -- size and focus --------------------------------------------------------------------

    def on_resize(self, _: events.Resize) -> None:
        """Give the program the size of the content area."""
        columns, rows = self.content_size
        if columns < 2 or rows < 1:
            return
        if not self._fixed and (rows, columns) != (self.terminal.lines, self.terminal.columns):
            self.terminal.resize(rows, columns)
            self.view.output_came()
            self.refresh()
        self.post_message(self.Resized(rows, columns).set_sender(self))

    def on_focus(self) -> None:
        """Tell programs that asked (mode 1004)."""
        if self.terminal.has_mode(FOCUS_EVENTS):
            self._type(b"\x1b[I")
        self._show_position()

    def on_blur(self) -> None:
        """Tell programs that asked (mode 1004)."""
        if self.terminal.has_mode(FOCUS_EVENTS):
            self._type(b"\x1b[O")

    # -- keys ----------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        """Type the key."""
        if event.key in ("shift+pageup", "shift+pagedown", "ctrl+shift+c"):
            return
        self.type_key(event.key, event.character)
        event.stop()
        event.prevent_default()

    def type_key(self, key: str, character: str | None) -> None:
        """Type a key by its Textual name, and look at the end of the output again."""
        application = self.terminal.has_mode(CURSOR_KEYS)
        if data := keys.encode_key(key, character, application=application):
            self._follow()
            self._type(data)

    def on_paste(self, event: events.Paste) -> None:
        """Type pasted text."""
        event.stop()
        self._follow()
        self._type(keys.encode_paste(event.text, bracketed=self.terminal.has_mode(BRACKETED_PASTE)))

    def _type(self, data: bytes) -> None:
        self.post_message(self.Typed(data).set_sender(self))

    def _follow(self) -> None:
        had_selection = self.view.anchor is not None
        self.view.select(None)
        if self.view.scroll(-self.view.back) or had_selection:
            self._show_position()
            self.refresh()

    # -- scroll-back, selection, search -----------------------------------------------------------

    def action_scroll_back(self, pages: int) -> None:
        """Scroll by pages; positive is back."""
        self._scroll(pages * max(1, self.terminal.lines - 1))

    def _scroll(self, lines: int) -> None:
        if self.view.scroll(lines):
            self._show_position()
            self.refresh()

    def action_copy_selection(self) -> None:
        """Copy what is selected."""
        if text := self.view.selected_text():
            self.post_message(self.Copied(text))

    def find(self, needle: str, *, backward: bool = True) -> bool:
        """Select and show the next occurrence of ``needle``; False if there is none."""
        found = self.view.find(needle, backward=backward)
        self._show_position()
        self.refresh()
        return found

    # -- the mouse ----------------------------------------------------------------------

    @property
    def _mouse_is_wanted(self) -> bool:
        screen = self.terminal
        return any(screen.has_mode(mode) for mode in (MOUSE_CLICKS, MOUSE_DRAG, MOUSE_MOVES))

    def _report(self, event: events.MouseEvent, button: int, *, pressed: bool = True) -> bool:
        """Send a mouse report if the program wants it; shift keeps the event for us."""
        if not self._mouse_is_wanted or event.shift:
            return False
        position = event.get_content_offset(self)
        if position is None:
            return False
        held = keys.mouse_modifiers(shift=False, meta=event.meta, ctrl=event.ctrl)
        sgr = self.terminal.has_mode(MOUSE_SGR)
        data = keys.encode_mouse(button, *position, pressed=pressed, sgr=sgr, modifiers=held)
        if data:
            self._type(data)
        event.stop()
        event.prevent_default()
        return True

    def _point(self, event: events.MouseEvent) -> Point:
        offset = event.get_content_offset_capture(self)
        x = min(max(0, offset.x), self.terminal.columns - 1)
        y = min(max(0, offset.y), self.terminal.lines - 1)
        return Point(self.view.top + y, x)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Report the button, or begin a selection."""
        if event.button and self._report(event, event.button - 1):
            self.capture_mouse()
        elif event.button == 1:
            self._selecting = True
            self.view.select(self._point(event))
            self.capture_mouse()
            self.refresh()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Report motion, or stretch the selection."""
        if self._selecting:
            self.view.head = self._point(event)
            self.refresh()
            return
        screen = self.terminal
        if screen.has_mode(MOUSE_MOVES) or (screen.has_mode(MOUSE_DRAG) and event.button):
            self._report(event, _MOTION + (event.button - 1 if event.button else 3))

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Report the button, or end the selection and copy it."""
        self.release_mouse()
        if self._selecting:
            self._selecting = False
            self.action_copy_selection()
        elif event.button:
            self._report(event, event.button - 1, pressed=False)

    def on_click(self, event: events.Click) -> None:
        """Select the word under a double click."""
        if event.chain == 2 and not (self._mouse_is_wanted and not event.shift):
            self.view.select_word(self._point(event))
            self.action_copy_selection()
            self.refresh()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """See `_wheel`."""
        self._wheel(event, _WHEEL_UP)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """See `_wheel`."""
        self._wheel(event, _WHEEL_DOWN)

    def _wheel(self, event: events.MouseEvent, button: int) -> None:
        """Report the wheel; else arrow keys for full-screen programs, else scroll back."""
        event.stop()
        event.prevent_default()
        if self._report(event, button):
            return
        up = button == _WHEEL_UP
        if self.terminal.on_alternate:
            application = self.terminal.has_mode(CURSOR_KEYS)
            arrow = keys.encode_key("up" if up else "down", None, application=application)
            self._type(arrow * _WHEEL_LINES)
        else:
            self._scroll(_WHEEL_LINES if up else -_WHEEL_LINES)
