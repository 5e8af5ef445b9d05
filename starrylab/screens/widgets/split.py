"""Two areas and the bar between them, which keys and the mouse move.

A split lies across the window when that is wide (its areas beside each other) and along it
when it is narrow; a split inside one of the areas does the opposite.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from textual import events
from textual.app import ComposeResult, RenderResult
from textual.containers import Container
from textual.message import Message
from textual.widget import Widget

STACK_BELOW: Final = 100  #: columns; a narrower window has its areas above each other
LEAST: Final = 20  #: percent that an area keeps
MOST: Final = 80
_STEP: Final = 4


class SplitBar(Widget):
    """The bar; drag it."""

    @dataclass
    class Dragged(Message):
        """The mouse pulled the bar to a place on the screen."""

        x: int
        y: int

    def render(self) -> RenderResult:
        """Draw the bar."""
        return "─" * self.size.width if self.size.width > 1 else "│\n" * self.size.height

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begin to drag."""
        self.capture_mouse()
        self.add_class("-dragged")
        event.stop()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Follow the mouse."""
        if self.has_class("-dragged"):
            self.post_message(self.Dragged(event.screen_x, event.screen_y))
            event.stop()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let go."""
        self.release_mouse()
        self.remove_class("-dragged")
        event.stop()


class Split(Container):
    """Holds two widgets with a `SplitBar` between them.

    ``inner``: above each other when the window is wide.  ``percent``: the first area's share
    when the areas are beside and above each other.
    """

    @dataclass
    class Moved(Message):
        """The user gave the areas other sizes."""

        split: Split

    def __init__(
        self,
        first: Widget,
        second: Widget,
        *,
        inner: bool = False,
        percent: tuple[int, int] = (64, 68),
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self.first = first
        self.second = second
        self.bar = SplitBar()
        self.stacked = False
        self._inner = inner
        self._percent = list(percent)

    def compose(self) -> ComposeResult:
        """Lay out the three."""
        yield self.first
        yield self.bar
        yield self.second

    def on_mount(self) -> None:
        """Give the areas their sizes, so that the first layout is the right one."""
        self._arrange()

    def on_resize(self, _: events.Resize) -> None:
        """Turn when the window became narrow or wide."""
        if self.stacked != self._should_stack():
            self._arrange()

    @property
    def percent(self) -> tuple[int, int]:
        """The first area's share when the areas are beside and above each other."""
        return self._percent[0], self._percent[1]

    @percent.setter
    def percent(self, percent: tuple[int, int]) -> None:
        self._percent = list(percent)
        if self.is_mounted:
            self._arrange()

    def show_only(self, part: Widget | None) -> None:
        """Give all the room to one of the areas; ``None``: show both again."""
        self.first.display = part is None or part is self.first
        self.second.display = part is None or part is self.second
        self.bar.set_class(part is not None, "-gone")  # whether it is seen else, the style says

    def move(self, steps: int) -> None:
        """Make the first area larger (positive) or smaller."""
        self._set(self._percent[self.stacked] + steps * _STEP)

    def on_split_bar_dragged(self, message: SplitBar.Dragged) -> None:
        """Put the bar under the mouse."""
        message.stop()
        region = self.region
        if self.stacked:
            self._set(round(100 * (message.y - region.y) / max(1, region.height)))
        else:
            self._set(round(100 * (message.x - region.x) / max(1, region.width)))

    def _set(self, percent: int) -> None:
        self._percent[self.stacked] = min(MOST, max(LEAST, percent))
        self._arrange()
        self.post_message(self.Moved(self))

    def _should_stack(self) -> bool:
        return (self.app.size.width < STACK_BELOW) != self._inner

    def _arrange(self) -> None:
        self.stacked = self._should_stack()
        self.set_class(self.stacked, "-stacked")
        percent = self._percent[self.stacked]
        for widget, share in ((self.first, percent), (self.second, 100 - percent)):
            widget.styles.width = "1fr" if self.stacked else f"{share}fr"
            widget.styles.height = f"{share}fr" if self.stacked else "1fr"
