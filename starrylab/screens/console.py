"""The first screen: the console of the lab, and a view beside it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from ..session.debugging.model import Resumed, Stopped
from ..session.front_end import LabState
from ..session.inspection.model import Answer, Question
from ..session.snapshot import EMPTY, Snapshot
from .settings import Settings
from .views.boards import BoardsView
from .views.calls import CallsView
from .views.debugger import DebuggerView
from .views.files import FilesView
from .views.labs import LabsView
from .views.leaks import LeaksView
from .views.memory import MemoryView
from .views.overview import Overview
from .views.processes import ProcessesView
from .views.view import View
from .widgets.key_line import KeyLine
from .widgets.line_tabs import Lines, LineStrip
from .widgets.split import STACK_BELOW, Split
from .widgets.status import Banner, TitleBar
from .widgets.tabs import ViewTabs
from .widgets.terminal import Terminal

VIEWS: Final[tuple[type[View], ...]] = (
    Overview, ProcessesView, MemoryView, DebuggerView, LeaksView, CallsView, FilesView, LabsView,
    BoardsView,
)  # fmt: skip

_TOO_LOW: Final = 18  #: lines of a narrow window in which panes above each other show too little


class ConsoleScreen(Screen[None]):
    """A terminal beside one of the views; each pane can fill the window."""

    TITLE = "Console"
    ESCAPE_TO_MINIMIZE = False  # Escape belongs to the guest

    @dataclass
    class Asked(Message):
        """A question for the lab."""

        question: Question

    class Rearranged(Message):
        """The layout is another one."""

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__()
        self.settings = Settings() if settings is None else settings
        self.console = Terminal(id="terminal")
        self.lines = Lines(self.console)
        self.views = tuple(view() for view in VIEWS)
        self.tabs = ViewTabs(tuple(view.NAME for view in self.views), id="tabs")
        self.view = self._remembered_view()
        self.area = Vertical(self.tabs, self.view, id="area")
        self.split = Split(self.lines, self.area, percent=self.view.SHARE, id="split")
        self.banner = Banner(id="banner")
        self.title_bar = TitleBar("title")
        self.search = Input(placeholder="Find in the scroll-back (Enter: next, Escape: close)",
                            id="search")  # fmt: skip
        self.zoomed: Widget | None = None
        self._cramped = False  #: a pane fills the window because there is no room for two
        self.console.border_title = "Console"
        self._snapshot = EMPTY
        self._lab_runs = False
        self._open_questions: deque[Question] = deque()

    def compose(self) -> ComposeResult:
        """Lay out the screen."""
        yield self.title_bar
        yield self.split
        yield self.banner
        yield self.search
        yield KeyLine()

    def on_mount(self) -> None:
        """Begin at the console, with the layout of last time."""
        self.tabs.choose(self.views.index(self.view))
        self._restore_splits()
        self.set_focus(self.terminal)

    # -- serial lines ----------------------------------------------------------------------

    @property
    def terminal(self) -> Terminal:
        """The terminal of the line in sight."""
        return self.lines.terminal

    def on_line_strip_chosen(self, message: LineStrip.Chosen) -> None:
        """Show the line whose name was clicked."""
        message.stop()
        self.lines.show(message.line)

    # -- the lab ---------------------------------------------------------------------------

    def show_lab(
        self, title: str, state: LabState, snapshot: Snapshot, *, paused: bool = False
    ) -> None:
        """Draw what is known of the lab; ``paused``: a debugger holds it."""
        self.title_bar.display_lab(title, state, snapshot, paused=paused)
        self._lab_runs = state is LabState.RUNNING
        if not self._lab_runs or snapshot.sequence < self._snapshot.sequence:
            self._open_questions.clear()  # whoever was asked is gone
        self._snapshot = snapshot
        self.view.show(snapshot)

    def on_view_asked(self, message: View.Asked) -> None:
        """Pass a question on, unless nobody is there or the same one waits for its answer."""
        message.stop()
        if self._lab_runs and message.question not in self._open_questions:
            self._open_questions.append(message.question)
            self.post_message(self.Asked(message.question))

    @property
    def debugger(self) -> DebuggerView:
        """The debugger's view, whether it is in sight or not."""
        return next(view for view in self.views if isinstance(view, DebuggerView))

    @property
    def calls(self) -> CallsView:
        """The view of system calls, whether it is in sight or not."""
        return next(view for view in self.views if isinstance(view, CallsView))

    async def trace_process(self, pid: int) -> None:
        """Show the system calls of a process."""
        await self.show_view(self.views.index(self.calls))
        self.calls.trace(pid)

    async def debug_event(self, event: Stopped | Resumed) -> None:
        """Tell the debugger's view; a stop brings it into sight, but takes no key away."""
        self.debugger.debug_event(event)
        if isinstance(event, Stopped) and self.view is not self.debugger:
            typing = self.focused is self.terminal
            await self.show_view(self.views.index(self.debugger), focus=not typing)

    def answered(self, answer: Answer) -> None:
        """Give the view in sight what it asked for."""
        if self._open_questions:
            self._open_questions.popleft()
        self.view.answered(answer)

    # -- views -----------------------------------------------------------------------------

    def _remembered_view(self) -> View:
        found = [view for view in self.views if self.settings.view == view.NAME]
        return found[0] if found else self.views[0]

    async def show_view(self, index: int, *, focus: bool = True) -> None:
        """Put view ``index`` beside the console, and move the focus into it."""
        if not 0 <= index < len(self.views):
            return
        was_zoomed = self.zoomed is not None
        self._zoom(None)
        view = self.views[index]
        if view is not self.view:
            self.view.display = False
            self.view = view
            if view.parent is None:
                await self.area.mount(view)
            view.display = True
            self._restore_splits()
            self.settings.view = view.NAME
            self.post_message(self.Rearranged())
            self.tabs.choose(index)
        view.show(self._snapshot)
        if focus:
            self.set_focus(view.panes[0])
        if was_zoomed:
            self._zoom(view.panes[0])

    async def on_view_tabs_chosen(self, message: ViewTabs.Chosen) -> None:
        """Show the view whose name was clicked."""
        message.stop()
        await self.show_view(message.index)

    def _restore_splits(self) -> None:
        splits = self.settings.splits
        self.split.percent = splits.get(f"console {self.view.NAME}", self.view.SHARE)
        for split in self.view.query(Split):
            if split.id in splits:
                split.percent = splits[split.id]

    def on_split_moved(self, message: Split.Moved) -> None:
        """Remember the sizes; the console's share is remembered for each view."""
        message.stop()
        split = message.split
        name = f"console {self.view.NAME}" if split is self.split else split.id
        if name is not None:
            self.settings.splits[name] = split.percent
            self.post_message(self.Rearranged())

    # -- panes -----------------------------------------------------------------------------

    @property
    def panes(self) -> tuple[Widget, ...]:
        """The panes in the order the focus goes round."""
        return (self.terminal, *self.view.panes)

    def next_pane(self) -> None:
        """Move the focus to the next pane; a pane that fills the window gives way to it."""
        panes = self.panes
        here = next((index for index, pane in enumerate(panes) if pane is self.focused), -1)
        self._go_to(panes[(here + 1) % len(panes)])

    def focus_console(self) -> None:
        """Move the focus to the guest's terminal; a pane that fills the window gives way to it."""
        self._go_to(self.terminal)

    def _go_to(self, target: Widget) -> None:
        if self.zoomed is not None:
            self._zoom(None)
            self._zoom(target)
        self.set_focus(target)

    def on_resize(self, event: events.Resize) -> None:
        """Show one pane at a time in a window that has no room for two."""
        width, height = event.size
        cramped = width < STACK_BELOW and height < _TOO_LOW
        if cramped and self.zoomed is None:
            self.toggle_zoom()
        elif self._cramped and not cramped:
            self._zoom(None)
        self._cramped = cramped and self.zoomed is not None

    def toggle_zoom(self) -> None:
        """Let the focused pane fill the window, or give it its place back."""
        self._cramped = False
        target = self.focused if self.focused in self.panes else self.terminal
        self._zoom(None if self.zoomed is not None else target)

    def _zoom(self, target: Widget | None) -> None:
        """Let every split around ``target`` show only the area that ``target`` is in."""
        self.zoomed = target
        for split in (self.split, *self.view.query(Split)):
            split.show_only(None)
        part = target
        while part is not None and part is not self:
            parent = part.parent
            if isinstance(parent, Split):
                parent.show_only(part)
            part = parent if isinstance(parent, Widget) else None
        self.set_class(target is not None, "-zoomed")

    def move_split(self, steps: int) -> None:
        """Make the focused pane larger or smaller, at the cost of the one beside it."""
        part: Widget | None = self.focused
        while part is not None and part is not self:
            parent = part.parent
            if isinstance(parent, Split):
                parent.move(steps if part is parent.first else -steps)
                return
            part = parent if isinstance(parent, Widget) else None
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
