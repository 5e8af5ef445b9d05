"""The first screen: the console of the lab, its process tree and its memory."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer, Input

from ..session.client import LabState
from ..session.snapshot import Snapshot
from .widgets.memory import MemoryPane
from .widgets.processes import ProcessPane
from .widgets.split import Split
from .widgets.status import Banner, TitleBar
from .widgets.terminal import Terminal


class ConsoleScreen(Screen[None]):
    """A terminal beside two panes; each can fill the window."""

    TITLE = "Console"
    ESCAPE_TO_MINIMIZE = False  # Escape belongs to the guest

    def __init__(self) -> None:
        super().__init__()
        self.terminal = Terminal(id="terminal")
        self.processes = ProcessPane(id="processes")
        self.memory = MemoryPane(id="memory")
        self.side = Split(self.processes, self.memory, inner=True, percent=(60, 56), id="side")
        self.split = Split(self.terminal, self.side, id="split")
        self.banner = Banner(id="banner")
        self.title_bar = TitleBar(id="title")
        self.search = Input(placeholder="Find in the scroll-back (Enter: next, Escape: close)",
                            id="search")  # fmt: skip
        self.zoomed: Widget | None = None
        self.terminal.border_title = "Console"

    def compose(self) -> ComposeResult:
        """Lay out the screen."""
        yield self.title_bar
        yield self.split
        yield self.banner
        yield self.search
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Begin at the console."""
        self.set_focus(self.terminal)

    @property
    def panes(self) -> tuple[Widget, ...]:
        """The panes in the order the focus goes round."""
        return (self.terminal, self.processes, self.memory)

    def show_lab(self, title: str, state: LabState, snapshot: Snapshot) -> None:
        """Draw what is known of the lab."""
        self.title_bar.display_lab(title, state, snapshot)
        self.processes.show(snapshot)
        self.memory.show(snapshot)

    # -- panes -----------------------------------------------------------------------------

    def next_pane(self) -> None:
        """Move the focus to the next pane; a pane that fills the window gives way to it."""
        panes = self.panes
        here = next((index for index, pane in enumerate(panes) if pane is self.focused), -1)
        target = panes[(here + 1) % len(panes)]
        if self.zoomed is not None:
            self._zoom(target)
        self.set_focus(target)

    def toggle_zoom(self) -> None:
        """Let the focused pane fill the window, or give it its place back."""
        target = self.focused if self.focused in self.panes else self.terminal
        self._zoom(None if self.zoomed is not None else target)

    def _zoom(self, target: Widget | None) -> None:
        self.zoomed = target
        for pane in self.panes:
            pane.display = target is None or pane is target
        self.side.display = target is not self.terminal
        self.split.bar.display = self.side.bar.display = target is None
        self.set_class(target is not None, "-zoomed")

    def move_split(self, steps: int) -> None:
        """Make the focused pane larger or smaller."""
        if self.focused is self.processes:
            self.side.move(steps)
        elif self.focused is self.memory:
            self.side.move(-steps)
        else:
            self.split.move(steps)

    # -- search --------------------------------------------------------------------------------

    def open_search(self) -> None:
        """Ask what to look for in the scroll-back."""
        self.search.display = True
        self.set_focus(self.search)

    def close_search(self) -> None:
        """Go back to the console."""
        self.search.display = False
        self.set_focus(self.terminal)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Show the next place further up."""
        event.stop()
        if not self.terminal.find(event.value):
            self.notify(f"no more “{event.value}” further up", timeout=2)

    def key_escape(self) -> None:
        """Close the search."""
        if self.search.has_focus:
            self.close_search()
