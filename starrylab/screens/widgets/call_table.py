"""System calls: a live trace, who waits for what, counts, the support table, handlers' source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message

from ...session.inspection.model import CallsDetails, CallSource, CallView
from ...session.snapshot import Snapshot
from ...session.tracing import Traced, WaitsFound
from .call_trace import TraceLog, latency_lines, wait_lines
from .sections import SectionPane
from .source import numbered
from .units import count_text

#: state -> sign and style; the word beside it carries the meaning
_STATES: Final = {
    "full": ("●", "green"),
    "partial": ("◐", "yellow"),
    "absent": ("○", "dim"),
}
_NAME: Final = 24  #: columns


class CallsPane(SectionPane):
    """Trace, waits, counts, support table and source."""

    SECTIONS: ClassVar[tuple[str, ...]] = (
        "trace", "waits", "times", "counts", "support", "source",
    )  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "source", "Source", id="calls.source",
                tooltip="Show the source of the marked call's handler"),
        Binding("t", "trace", "Trace", id="calls.trace",
                tooltip="Show system calls as they are made, or stop"),
        Binding("slash", "filter", "Filter", id="calls.filter", key_display="/",
                tooltip="Choose the calls that are traced"),
        Binding("c", "count", "Count", id="calls.count",
                tooltip="Count system calls by name, or stop"),
    ]  # fmt: skip
    has_cursor = True

    @dataclass
    class SourceWanted(Message):
        """The user wants to see a handler."""

        name: str

    class TraceSwitched(Message):
        """The user wants a trace, or no more."""

    class FilterWanted(Message):
        """The user wants to choose what is traced."""

    class Shown(Message):
        """Another section is shown, which may need an answer."""

    class CountSwitched(Message):
        """The user wants calls counted, or no more."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.border_title = "System calls"
        self.calls: tuple[CallView, ...] = ()
        self.source: CallSource | None = None
        self.traced = TraceLog()
        self.waits: WaitsFound | None = None
        self._shown: list[str] = []  #: the calls of the shown lines

    def show(self, snapshot: Snapshot) -> None:
        """Draw ``snapshot``."""
        self.border_subtitle = f"{count_text(snapshot.syscalls)} since boot"
        super().show(snapshot)

    def show_calls(self, details: CallsDetails) -> None:
        """Draw the support table."""
        self.calls = details.calls
        self.redraw()

    def show_source(self, source: CallSource) -> None:
        """Draw a handler."""
        self.source = source
        self.choose("source")
        self.row = 0
        self.redraw()

    def action_source(self) -> None:
        """Ask for the handler of the marked call."""
        if self.section != "source" and self.row < len(self._shown) and self._shown[self.row]:
            self.post_message(self.SourceWanted(self._shown[self.row]))

    def action_trace(self) -> None:
        """Trace, or stop."""
        self.choose("trace")
        self.post_message(self.TraceSwitched())

    def action_filter(self) -> None:
        """Ask what to trace."""
        self.post_message(self.FilterWanted())

    def show_trace(self, batch: Traced) -> None:
        """Draw what was traced; at the end of the list the mark follows."""
        following = self.row >= len(self.traced.lines) - 1
        self.traced.add(batch)
        if self.section == "trace" and following:
            self.row = len(self.traced.lines)
        if self.section in ("trace", "times"):
            self.redraw()

    def show_waits(self, found: WaitsFound) -> None:
        """Draw the wait graph."""
        self.waits = found
        self.redraw()

    def section_changed(self) -> None:
        """See `SectionPane.section_changed`."""
        self.post_message(self.Shown())

    def action_count(self) -> None:
        """Count, or stop."""
        self.post_message(self.CountSwitched())

    def section_lines(self, section: str, width: int) -> list[Text]:
        """See `SectionPane.section_lines`."""
        self._shown = []
        if section == "trace":
            return list(self.traced.lines) or [Text("t traces; / chooses what", "dim")]
        if section == "times":
            return self._times()
        if section == "waits":
            return wait_lines(self.waits)
        if section == "source":
            return self._source()
        return self._counts(width) if section == "counts" else self._support()

    def _times(self) -> list[Text]:
        if not self.traced.latencies:
            return [Text("t traces, in the section trace; here is how long the calls took", "dim")]
        self._shown, lines = latency_lines(self.traced)
        return lines

    def _counts(self, width: int) -> list[Text]:
        calls = self.snapshot.top_calls
        self._shown = [call.name for call in calls]
        if not calls:
            return [Text("press c to count system calls by name; counting costs a little", "dim")]
        most = max(call.count for call in calls) or 1
        room = max(4, width - _NAME - 8)
        return [
            Text.assemble(
                f"{call.name:<{_NAME}}",
                f"{count_text(call.count):>6} ",
                ("█" * max(1, room * call.count // most), "cyan"),
                no_wrap=True,
            )
            for call in calls
        ]

    def _support(self) -> list[Text]:
        self._shown = [call.name for call in self.calls]
        lines = []
        for call in self.calls:
            sign, style = _STATES[call.state]
            line = Text(f"{call.number:>4} ", no_wrap=True)
            line.append(f"{sign} {call.state:<8}", style)
            line.append(f"{call.name:<{_NAME}}", "" if call.where else "dim")
            line.append(call.missing, "yellow")
            lines.append(line)
        return lines

    def _source(self) -> list[Text]:
        source = self.source
        if source is None:
            return [Text("mark a call in another section and press Enter", "dim")]
        if not source.where:
            return [Text(f"{source.name} has no handler: it answers ENOSYS", "dim")]
        heading = Text(f"{source.name}: {source.where}", "bold", no_wrap=True)
        return [heading, *numbered(source.text, source.first, "python")]
