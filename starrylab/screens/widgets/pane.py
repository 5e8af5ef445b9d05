"""A pane that draws snapshots line by line and can be scrolled."""

from __future__ import annotations

from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.strip import Strip
from textual.widget import Widget

from ...session.snapshot import EMPTY, Snapshot

_MARGIN: Final = 3  #: lines between a mark that was brought into view and the pane's edges


class Pane(Widget, can_focus=True):
    """Draws the lines that a subclass makes of a snapshot, and only those in sight."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"pane--cursor", "pane--heading"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", id="pane.up", tooltip="One line up", show=False),
        Binding("down", "move(1)", "Down", id="pane.down", tooltip="One line down", show=False),
        Binding("pageup", "move(-10)", "Page up", id="pane.page-up", tooltip="Ten lines up",
                show=False),
        Binding("pagedown", "move(10)", "Page down", id="pane.page-down",
                tooltip="Ten lines down", show=False),
        Binding("home", "move(-99999)", "First", id="pane.first", tooltip="First line",
                show=False),
        Binding("shift+left", "sideways(-8)", "Left", id="pane.left", show=False,
                tooltip="What is cut off at the left"),
        Binding("shift+right", "sideways(8)", "Right", id="pane.right", show=False,
                tooltip="What is cut off at the right"),
        Binding("end", "move(99999)", "Last", id="pane.last", tooltip="Last line", show=False),
    ]  # fmt: skip
    heading = 0  #: lines at the top that do not scroll
    has_cursor = False
    fixed = 0  #: lines of the heading that do not move sideways either

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.snapshot: Snapshot = EMPTY
        self.row = 0  #: the marked line below the heading, or the first one shown
        self._top = 0
        self._left = 0  #: cells that are out of sight at the left
        self._hovered: int | None = None  #: the line that the mouse is on
        self._laid_out = 0  #: columns that the lines were made for

    def show(self, snapshot: Snapshot) -> None:
        """Draw ``snapshot``."""
        self.snapshot = snapshot
        self.redraw()

    def redraw(self) -> None:
        """Draw the present snapshot again."""
        self._laid_out = max(1, self.content_size.width)
        self.lay_out(self._laid_out)
        if not self.is_mounted:
            return
        self._keep_in_view()
        self.refresh()
        self._show_hint()

    def lay_out(self, width: int) -> None:
        """Make the lines for a pane of ``width`` columns, unless `line` makes each by itself."""

    def line_count(self) -> int:
        """Return how many lines the present snapshot has, the heading included."""
        raise NotImplementedError

    def line(self, index: int, width: int) -> Text:
        """Return one of them."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Draw for the first time."""
        self.redraw()

    def on_resize(self, _: events.Resize) -> None:
        """Lay the lines out again."""
        self.redraw()

    def action_move(self, steps: int) -> None:
        """Move the mark, or scroll."""
        self.row += steps
        self.redraw()

    def action_sideways(self, cells: int) -> None:
        """Look at what is cut off, as far as there is anything."""
        width = max(1, self.content_size.width)
        shown = range(self._top, min(self.line_count(), self._top + self.content_size.height))
        widest = max((self.line(index, width).cell_len for index in shown), default=0)
        self._left = max(0, min(widest - width, self._left + cells))
        self.redraw()

    def on_mouse_scroll_left(self, event: events.MouseScrollLeft) -> None:
        """Scroll sideways."""
        event.stop()
        self.action_sideways(-8)

    def on_mouse_scroll_right(self, event: events.MouseScrollRight) -> None:
        """Scroll sideways."""
        event.stop()
        self.action_sideways(8)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll."""
        event.stop()
        self.action_move(-3)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll."""
        event.stop()
        self.action_move(3)

    def on_click(self, event: events.Click) -> None:
        """Mark the line under the mouse."""
        row = self._row_under(event)
        if self.has_cursor and row is not None:
            self.row = row
            self.redraw()

    def _row_under(self, event: events.MouseEvent) -> int | None:
        """Return the line below the heading that the mouse is on."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y < self.heading:
            return None
        row = self._top + offset.y - self.heading
        return row if row < self.line_count() - self.heading else None

    # -- words about the line under the mouse -------------------------------------------------

    def hint(self, row: int) -> str:
        """Return words about a line, shown while the mouse rests on it; "" if there are none."""
        return ""

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Have words ready for the line under the mouse."""
        self._hovered = self._row_under(event)
        self._show_hint()

    def on_leave(self) -> None:
        """Forget the line."""
        self._hovered = None

    def _show_hint(self) -> None:
        words = "" if self._hovered is None else self.hint(self._hovered)
        shown = self.tooltip.plain if isinstance(self.tooltip, Text) else ""
        if words != shown:
            self.tooltip = Text(words) if words else None

    def centre(self) -> None:
        """Put the mark into the middle, unless it is well inside already."""
        room = max(1, self.content_size.height - self.heading)
        if not self._top + _MARGIN <= self.row < self._top + room - _MARGIN:
            self._top = max(0, self.row - room // 2)

    def _keep_in_view(self) -> None:
        count = self.line_count() - self.heading
        room = max(1, self.content_size.height - self.heading)
        limit = max(0, count - 1 if self.has_cursor else count - room)
        self.row = min(max(0, self.row), limit)
        if not self.has_cursor or self.row < self._top:
            self._top = self.row
        elif self.row >= self._top + room:
            self._top = self.row - room + 1
        self._top = min(self._top, max(0, count - room))

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        index = y if y < self.heading else y + self._top
        width = self.size.width
        base = self.rich_style
        if not y and width != self._laid_out:  # a window that changes often may skip a message
            self._laid_out = width
            self.lay_out(width)
        if not 0 <= index < self.line_count():
            return Strip.blank(width, base)
        extra = Style.null()
        line = self.line(index, width)
        if y < self.heading:
            extra = self.get_component_rich_style("pane--heading", partial=True)
        elif self.has_cursor and self.has_focus and index - self.heading == self.row:
            extra = self.get_component_rich_style("pane--cursor", partial=True)
            line = Text(line.plain)  # colours that are reversed make it hard to read
        segments = list(line.render(self.app.console))
        styled = [
            Segment(text, base + (style or Style.null()) + extra) for text, style, _ in segments
        ]
        strip = Strip(styled)
        if self._left and y >= self.fixed:
            strip = strip.crop(self._left)
        return strip.adjust_cell_length(width, base + extra)
