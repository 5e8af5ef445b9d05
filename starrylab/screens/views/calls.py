"""System calls: counts, the support table, handlers."""

from __future__ import annotations

from typing import ClassVar

from textual.message import Message
from textual.widget import Widget

from ...session.inspection.model import AboutCall, AboutCalls, Answer, CallsDetails, CallSource
from ...session.snapshot import Snapshot
from ..widgets.call_table import CallsPane
from .view import View


class CallsView(View):
    """One pane with sections."""

    NAME: ClassVar[str] = "Calls"
    SHARE: ClassVar[tuple[int, int]] = (46, 50)

    class CountSwitched(Message):
        """The user wants calls counted by name, or no more."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = CallsPane(id="calls")

    @property
    def root(self) -> Widget:
        """See `View.root`."""
        return self.calls

    @property
    def panes(self) -> tuple[Widget, ...]:
        """See `View.panes`."""
        return (self.calls,)

    def show(self, snapshot: Snapshot) -> None:
        """See `View.show`."""
        super().show(snapshot)
        self.calls.show(snapshot)
        if not self.calls.calls:
            self.ask(AboutCalls())

    def answered(self, answer: Answer) -> None:
        """See `View.answered`."""
        if isinstance(answer, CallsDetails):
            self.calls.show_calls(answer)
        elif isinstance(answer, CallSource):
            self.calls.show_source(answer)

    def on_calls_pane_source_wanted(self, message: CallsPane.SourceWanted) -> None:
        """Ask for a handler's source."""
        message.stop()
        self.ask(AboutCall(message.name))

    def on_calls_pane_count_switched(self, message: CallsPane.CountSwitched) -> None:
        """Have calls counted."""
        message.stop()
        self.post_message(self.CountSwitched())
