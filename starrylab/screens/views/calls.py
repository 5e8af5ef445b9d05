"""System calls: a live trace, who waits for what, counts, the support table, handlers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from ...session.inspection.model import AboutCall, AboutCalls, Answer, CallsDetails, CallSource
from ...session.snapshot import Snapshot
from ...session.tracing import AskWaits, Trace, TraceCommand, Traced, TraceRefused, WaitsFound
from ..widgets.call_table import CallsPane
from .asking import AskingView

_HINT: Final = "Trace: all, names, file, desc, network ..., !NAME, /REGEX (Enter: trace)"


class CallsView(AskingView):
    """One pane with sections, and the line that asks for a filter."""

    NAME: ClassVar[str] = "Calls"
    SHARE: ClassVar[tuple[int, int]] = (46, 50)

    class CountSwitched(Message):
        """The user wants calls counted by name, or no more."""

    @dataclass
    class Commanded(Message):
        """A command about the trace."""

        command: TraceCommand

    def __init__(self) -> None:
        super().__init__()
        self.calls = CallsPane(id="calls")
        self.entry = Input(placeholder=_HINT, id="trace-filter")
        self.tracing = 0  #: the traced process, -1 for all, 0 for none
        self.filter = "all"
        self._waiting = False  #: for an answer about who waits

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
        if snapshot.sequence < self.snapshot.sequence:  # another machine
            self.tracing = 0
            self._waiting = False
            self._draw_state()
        super().show(snapshot)
        self.calls.show(snapshot)
        if not self.calls.calls:
            self.ask(AboutCalls())
        self._ask_waits()

    def on_calls_pane_shown(self, message: CallsPane.Shown) -> None:
        """Ask at once: a lab in which all wait sends no snapshots."""
        message.stop()
        self._ask_waits()

    def _ask_waits(self) -> None:
        if self.calls.section == "waits" and not self._waiting:
            self._waiting = True
            self.post_message(self.Commanded(AskWaits()))

    def answered(self, answer: Answer) -> None:
        """See `View.answered`."""
        if isinstance(answer, CallsDetails):
            self.calls.show_calls(answer)
        elif isinstance(answer, CallSource):
            self.calls.show_source(answer)

    # -- the trace --------------------------------------------------------------------------

    def trace_event(self, event: Traced | TraceRefused | WaitsFound) -> None:
        """Draw what the lab tells of traces and waits."""
        match event:
            case Traced():
                self.calls.show_trace(event)
            case WaitsFound():
                self._waiting = False
                self.calls.show_waits(event)
            case TraceRefused(text=text):
                self.tracing = 0
                self._draw_state()
                self.notify(text, severity="warning", timeout=6)

    def trace(self, pid: int) -> None:
        """Trace a process and its children from now on; -1: all of them."""
        self.tracing = pid
        self.calls.choose("trace")
        self._send()

    def _send(self) -> None:
        on = self.tracing != 0
        pid = max(0, self.tracing)
        self.post_message(self.Commanded(Trace(on, pid, self.filter, strings=40)))
        self._draw_state()

    def _draw_state(self) -> None:
        who = "all" if self.tracing < 0 else f"process {self.tracing} and its children"
        chosen = "" if self.filter == "all" else f" ({self.filter})"
        self.calls.border_title = (
            f"System calls of {who}{chosen}" if self.tracing else "System calls"
        )

    def on_calls_pane_trace_switched(self, message: CallsPane.TraceSwitched) -> None:
        """Begin to trace everything, or end."""
        message.stop()
        if self.tracing:
            self.post_message(self.Commanded(Trace(on=False)))
            self.tracing = 0
            self._draw_state()
        else:
            self.trace(-1)

    def on_calls_pane_filter_wanted(self, message: CallsPane.FilterWanted) -> None:
        """Ask for a filter."""
        message.stop()
        self.open_line("" if self.filter == "all" else self.filter)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Trace what was asked for."""
        event.stop()
        self.filter = event.value.strip() or "all"
        self.close_line()
        self.trace(self.tracing or -1)

    # -- the rest ----------------------------------------------------------------------------

    def on_calls_pane_source_wanted(self, message: CallsPane.SourceWanted) -> None:
        """Ask for a handler's source."""
        message.stop()
        self.ask(AboutCall(message.name))

    def on_calls_pane_count_switched(self, message: CallsPane.CountSwitched) -> None:
        """Have calls counted."""
        message.stop()
        self.post_message(self.CountSwitched())
