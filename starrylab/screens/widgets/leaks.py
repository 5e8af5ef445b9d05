"""What the kernel allocated and did not give back: groups, their stacks, who holds them, stamps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath
from typing import ClassVar, Final

from rich.text import Text
from textual.binding import Binding, BindingType

from ...session.leaks import (
    CallView,
    CompareStamps,
    EndTracking,
    FindGrowth,
    GrowthFound,
    LeakAnswer,
    LeakReply,
    LeakRequest,
    LeaksFound,
    LeakView,
    ReportLeaks,
    StampsCompared,
    StampTaken,
    StartTracking,
    TakeStamp,
    Tracking,
)
from .sections import SectionPane, table
from .units import size_text, uptime_text

Tell = Callable[[LeakReply], object]
Send = Callable[[LeakRequest, Tell], object]

#: how a group is held -> style; the word carries the meaning
_HOW: Final = {"nobody": "bold red", "cycle": "magenta"}


class LeaksPane(SectionPane):
    """A measurement, and what was found."""

    SECTIONS: ClassVar[tuple[str, ...]] = (
        "leaks", "detail", "stamps", "difference", "growth",
    )  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "begin", "Start", id="leaks.start", tooltip="Record allocations from now on"),
        Binding("r", "report", "Report", id="leaks.report",
                tooltip="Show what was allocated since the start and is still there"),
        Binding("e", "end", "End", id="leaks.end", tooltip="Report, and record no more"),
        Binding("t", "stamp", "Stamp", id="leaks.stamp", tooltip="Count everything now"),
        Binding("g", "growth", "Growth", id="leaks.growth",
                tooltip="Show what grows from stamp to stamp"),
        Binding("enter", "look", "Look", id="leaks.look",
                tooltip="Show the marked group's stack and holder, or compare with a stamp"),
    ]  # fmt: skip
    has_cursor = True

    def __init__(self, send: Send, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.border_title = "Leaks"
        self.found: LeaksFound | None = None
        self.recording = False
        self.stamps: list[StampTaken] = []
        self.compared: StampsCompared | None = None
        self.grown: GrowthFound | None = None
        self._pair = ("", "")
        self._detail: LeakView | None = None
        self._send = send

    def forget(self) -> None:
        """Begin anew with another machine."""
        self.found = self.compared = self.grown = self._detail = None
        self.recording = False
        self.stamps.clear()
        self.border_subtitle = ""
        self.redraw()

    # -- actions ------------------------------------------------------------------------------

    def action_begin(self) -> None:
        """Start a measurement."""
        self._ask(StartTracking())

    def action_report(self) -> None:
        """Look at what was found so far."""
        self._ask(ReportLeaks())

    def action_end(self) -> None:
        """End the measurement."""
        self._ask(EndTracking())

    def action_stamp(self) -> None:
        """Count everything."""
        self._ask(TakeStamp())

    def action_growth(self) -> None:
        """Ask what grows."""
        self._ask(FindGrowth())

    def action_look(self) -> None:
        """Look closer at what is marked."""
        if self.section == "leaks" and self.found is not None and self.row < len(self.found.leaks):
            self._detail = self.found.leaks[self.row]
            self.choose("detail")
        elif self.section == "stamps" and self.row < len(self.stamps):
            first, last = self.stamps[self.row], self.stamps[-1]
            if first is last and len(self.stamps) > 1:
                first = self.stamps[-2]
            self._pair = (first.name or str(first.number), last.name or str(last.number))
            self._ask(CompareStamps(first.number, last.number))

    def _ask(self, request: LeakRequest) -> None:
        def tell(reply: LeakReply) -> None:
            if reply.answer is None:
                self.notify(reply.error, severity="warning", timeout=6)
            else:
                self._take(request, reply.answer)
            self.redraw()

        self._send(request, tell)

    def _take(self, request: LeakRequest, answer: LeakAnswer) -> None:
        match answer:
            case Tracking(generation=generation):
                self.recording = True
                self.found = self._detail = None
                self.border_subtitle = f"recording since allocation {generation}"
            case LeaksFound():
                self.found = answer
                self.choose("leaks")
                if isinstance(request, EndTracking):
                    self.recording = False
                    self.border_subtitle = "recording ended"
            case StampTaken():
                self.stamps.append(answer)
                self.choose("stamps")
                self.row = len(self.stamps) - 1
            case StampsCompared():
                self.compared = answer
                self.choose("difference")
            case GrowthFound():
                self.grown = answer
                self.choose("growth")

    # -- lines ----------------------------------------------------------------------------------

    def section_lines(self, section: str, width: int) -> list[Text]:
        """See `SectionPane.section_lines`."""
        return {
            "leaks": self._groups,
            "detail": self._one,
            "stamps": self._stamps,
            "difference": self._difference,
            "growth": self._growth,
        }[section]()

    def column_names(self, section: str) -> list[Text]:
        """See `SectionPane.column_names`."""
        if section != "leaks" or self.found is None or not self.found.leaks:
            return []
        return [Text(f"{'SIZE':>5} {'COUNT':>5}  {'KIND':<16} HOW AND BY WHOM", no_wrap=True)]

    def _groups(self) -> list[Text]:
        found = self.found
        if found is None:
            advice = (
                "recording; run something, then r for a report or e to end"
                if self.recording
                else "s starts a measurement: what is allocated from then on and stays"
            )
            return [Text(advice, "dim")]
        if not found.leaks and not found.frames and not found.cycles:
            return [Text("nothing stays: no leak since the start", "green")]
        lines = [_group_line(leak) for leak in found.leaks]
        lines += [
            Text(f"{wrong.count:>5} frames  {wrong.text}", "red", no_wrap=True)
            for wrong in found.frames
        ]
        for cycle in found.cycles:
            kinds = ", ".join(f"{count} {kind}" for kind, count in cycle.kinds)
            lines.append(Text(f"      cycle   {kinds}, held only by each other", "magenta"))
        left = sum(count for _, count in found.left_out)
        if left:
            what = ", ".join(f"{count} {name}" for name, count in found.left_out)
            lines.append(Text(f"not counted: {what}", "dim", no_wrap=True))
        return lines

    def _one(self) -> list[Text]:
        """Show where a group was allocated, and the path from a root of the kernel to it."""
        leak = self._detail
        if leak is None:
            return [Text("mark a group under leaks and press Enter", "dim")]
        lines = [_group_line(leak), Text(""), Text("held by", "bold")]
        if not leak.holder:
            lines.append(Text(f"  {leak.how or 'nobody'}", "red"))
        for depth, step in enumerate(leak.holder):
            lines.append(Text("  " * depth + ("└ " if depth else "  ") + step, no_wrap=True))
        lines += [Text(""), Text("allocated in", "bold")]
        lines += [_call_line(call) for call in leak.stack]
        if leak.syscall:
            lines.append(Text.assemble("  ", (f"» {leak.syscall}", "cyan"), no_wrap=True))
        return lines + [_call_line(call) for call in leak.program]

    def _stamps(self) -> list[Text]:
        if not self.stamps:
            return [Text("t takes a stamp; Enter on one compares it with the latest", "dim")]
        return [
            Text.assemble(
                f"{stamp.number:>3} {stamp.name:<12} ",
                (f"{uptime_text(stamp.time_ns)}  ", "dim"),
                f"{sum(count for count, _ in stamp.amounts.values())} objects, ",
                f"{size_text(sum(size for _, size in stamp.amounts.values()))}",
                no_wrap=True,
            )
            for stamp in self.stamps
        ]

    def _difference(self) -> list[Text]:
        if self.compared is None:
            return [Text("compare two stamps first", "dim")]
        heading = Text(f"from stamp {self._pair[0]} to {self._pair[1]}", "dim")
        if not self.compared.changes:
            return [heading, Text("nothing changed", "green")]
        rows = [
            (f"{change.bytes:+}", f"{change.after - change.before:+}", str(change.before),
             str(change.after), change.what)
            for change in self.compared.changes
        ]  # fmt: skip
        names = ("BYTES", "MORE", "BEFORE", "AFTER", "WHAT")
        return [heading, *table(names, rows, frozenset(range(4)))]

    def _growth(self) -> list[Text]:
        """Show what there is more of at each stamp, by the least-squares line through them."""
        if self.grown is None:
            return [Text("t after each iteration of something, then g: what grows with it", "dim")]
        if not self.grown.rows:
            return [Text("nothing grows from stamp to stamp", "green")]
        rows = [
            (f"{row.slope:+.2f}", f"{row.bytes_slope:+.0f}", str(row.first), str(row.last),
             row.what + ("" if row.exact else "  (not by the same number each time)"))
            for row in self.grown.rows
        ]  # fmt: skip
        return table(("A STAMP", "BYTES", "FIRST", "LAST", "WHAT"), rows, frozenset(range(4)))


def _call_line(call: CallView) -> Text:
    place = f"{PurePath(call.file).name}:{call.line}" if call.file else f"{call.address:#x}"
    return Text.assemble(f"  {call.function or '?'}", (f"  {place}", "dim"), no_wrap=True)


def _group_line(leak: LeakView) -> Text:
    line = Text(f"{size_text(leak.bytes):>5} {leak.count:>5}  ", no_wrap=True)
    line.append(f"{leak.kind.lower().replace('_', ' '):<16} ", "bold")
    line.append(f"{leak.how}  ", _HOW.get(leak.how, "yellow"))
    line.append(leak.holder[-1] if leak.holder else leak.category)
    if leak.pids:
        line.append("  pid " + ", ".join(map(str, leak.pids[:4])), "dim")
    return line
