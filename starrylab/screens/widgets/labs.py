"""The labs of the course and the goals of one; its text, and what a check said of a goal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import CodeBlock, Markdown
from rich.segment import Segment
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message

from ..lab_work import FAILED, HINT_AFTER, OPEN, REACHED, SKIPPED, TRYING, GoalRow, LabRow, OpenLab
from .sections import SectionPane, wrapped

#: state of a goal -> sign and style; the sign carries the meaning
_STATES: Final = {
    OPEN: ("○", "dim"),
    TRYING: ("…", "yellow"),
    REACHED: ("✓", "bold green"),
    FAILED: ("✗", "bold red"),
    SKIPPED: ("-", "dim"),
}
#: how a line of a record begins -> style
_EVENT_STYLES: Final = {"===": "bold", "   ": "cyan", "...": "yellow"}


class LabsPane(SectionPane):
    """The course, and the goals of the lab that is open."""

    SECTIONS: ClassVar[tuple[str, ...]] = ("labs", "goals")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "look", "Open", id="labs.open",
                tooltip="Open the marked lab, or show what the check said of the marked goal"),
        Binding("s", "wanted('start')", "Start", id="labs.start",
                tooltip="Copy the files to begin with; yours are never overwritten"),
        Binding("c", "wanted('check')", "Check", id="labs.check", tooltip="Try all goals"),
        Binding("w", "wanted('watch')", "Watch", id="labs.watch",
                tooltip="Check whenever a file of the lab is saved, or no longer"),
        Binding("b", "wanted('boot')", "Boot", id="labs.boot",
                tooltip="Boot a machine that has your files in its kernel"),
        Binding("B", "wanted('boot-plain')", "Boot plain", id="labs.boot-plain", show=False,
                tooltip="Boot a machine without your files"),
        Binding("l", "wanted('language')", "Language", id="labs.language",
                tooltip="Show texts in English or Chinese"),
    ]  # fmt: skip
    has_cursor = True

    @dataclass
    class Opened(Message):
        """The user wants to see a lab."""

        name: str

    @dataclass
    class GoalMarked(Message):
        """The user wants to see what is known of a goal."""

        goal: GoalRow

    @dataclass
    class Wanted(Message):
        """The user wants something done with a lab."""

        what: str
        name: str

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.border_title = "Labs"
        self.rows: list[LabRow] = []
        self.problem = "the course has not been read yet"
        self.open: OpenLab | None = None

    def show_course(self, rows: list[LabRow], problem: str = "") -> None:
        """Draw the course."""
        self.rows, self.problem = rows, problem
        self.redraw()

    def show_lab(self, lab: OpenLab) -> None:
        """Draw a lab; the course has its progress."""
        self.open = lab
        self.rows = [lab.row if row.name == lab.row.name else row for row in self.rows]
        self.border_title = lab.row.title
        self.redraw()

    @property
    def chosen(self) -> str:
        """The lab that keys are about: the marked one, else the open one."""
        if self.section == "labs" and self.row < len(self.rows):
            return self.rows[self.row].name
        return self.open.row.name if self.open is not None else ""

    def action_look(self) -> None:
        """Look at what is marked."""
        if self.section == "labs" and self.chosen:
            self.post_message(self.Opened(self.chosen))
        elif self.section == "goals" and self.open and self.row < len(self.open.goals):
            self.post_message(self.GoalMarked(self.open.goals[self.row]))

    def action_wanted(self, what: str) -> None:
        """Ask for something to be done."""
        self.post_message(self.Wanted(what, self.chosen))

    def section_lines(self, section: str, width: int) -> list[Text]:
        """See `SectionPane.section_lines`."""
        if section == "labs":
            return [_lab_line(row) for row in self.rows] or [Text(self.problem, "dim")]
        if self.open is None:
            return [Text("open a lab with Enter", "dim")]
        return [_goal_line(goal) for goal in self.open.goals]


def _lab_line(row: LabRow) -> Text:
    if row.problem:
        return Text.assemble("✗ ", (row.name, "bold"), ("  " + row.problem, "red"), no_wrap=True)
    done = bool(row.of) and row.points == row.of
    sign = ("✓", "bold green") if done else ("◐", "yellow") if row.started else ("○", "dim")
    line = Text.assemble(sign, f" {row.name[:2]} ", (row.title, "bold"), no_wrap=True)
    if row.of:
        line.append(f"  {row.points}/{row.of}", "green" if done else "yellow")
    elif row.started:
        line.append("  started", "yellow")
    return line.append(f"  {row.hours:g} h", "dim")


def _goal_line(goal: GoalRow) -> Text:
    sign, style = _STATES[goal.state]
    line = Text.assemble((f"{sign} ", style), f"{goal.points:>3}  ", no_wrap=True)
    line.append(goal.text, "green" if goal.state == REACHED else "")
    if goal.shown_hint:
        line.append(f"  {goal.shown_hint}", "yellow")
    return line


class LabTextPane(SectionPane):
    """The text of a lab, and what a check said of one goal."""

    SECTIONS: ClassVar[tuple[str, ...]] = ("text", "goal", "events", "stack", "state", "files")

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.border_title = "Text"
        self.open: OpenLab | None = None
        self.goal = ""  #: name of the goal that is shown
        self._drawn: tuple[str, int, list[Text]] = ("", 0, [])

    def show_lab(self, lab: OpenLab) -> None:
        """Draw a lab."""
        if self.open is None or self.open.row.name != lab.row.name:
            self.goal = ""
            self.choose("text")
            self.row = 0
        self.open = lab
        self.border_subtitle = str(lab.folder) if lab.row.started else "not started: s"
        self.redraw()

    def show_goal(self, name: str) -> None:
        """Draw what is known of a goal; asked again, what was recorded when it failed."""
        again = self.goal == name and self.section == "goal"
        self.goal = name
        goal = self._goal()
        recorded = goal is not None and goal.seen.events
        self.choose("events" if again and recorded else "goal")

    def section_changed(self) -> None:
        """Show the latest events first."""
        goal = self._goal()
        if self.section == "events" and goal is not None:
            self.row = max(0, len(goal.seen.events) - self.content_size.height + self.heading)

    def _goal(self) -> GoalRow | None:
        goals = self.open.goals if self.open is not None else ()
        return next((goal for goal in goals if goal.name == self.goal), None)

    def section_lines(self, section: str, width: int) -> list[Text]:
        """See `SectionPane.section_lines`."""
        lab = self.open
        if lab is None:
            return [Text("Enter on a lab shows its text; s starts it, c checks it", "dim")]
        if section == "text":
            return self._text(lab.text, width)
        if section == "files":
            return [Text(str(lab.folder / name), no_wrap=True) for name in lab.files]
        goal = self._goal()
        if goal is None:
            return [Text("Enter on a goal shows what the last check said of it", "dim")]
        if section != "goal":
            return _seen_lines(goal, section)
        return [line for part in goal_lines(goal) for line in wrapped(part, width)]

    def _text(self, text: str, width: int) -> list[Text]:
        if self._drawn[:2] != (text, width):
            self._drawn = (text, width, markdown_lines(text, width))
        return self._drawn[2]


def goal_lines(goal: GoalRow) -> list[Text]:
    """Draw all that is known of a goal."""
    sign, style = _STATES[goal.state]
    lines = [Text.assemble((f"{sign} ", style), (goal.text, "bold"))]
    if goal.state == FAILED:
        left = HINT_AFTER - goal.failures
        words = goal.shown_hint or goal.hint
        if goal.shown_hint:
            lines.append(Text(goal.shown_hint, "yellow"))
        elif left > 0:
            lines.append(Text("a hint comes after the next failure", "dim"))
        elif not words:
            lines.append(Text("check again to see the hint", "dim"))
    for title, text in (("where it failed", goal.detail), ("what your code printed", goal.output)):
        if text.strip():
            lines += [Text(""), Text(title, "bold")]
            lines += [Text(line) for line in text.rstrip().splitlines()]
    if goal.seen.events:
        words = f"{len(goal.seen.events)} events were recorded: Enter again, or →"
        lines += [Text(""), Text(words, "dim")]
    return lines


def _seen_lines(goal: GoalRow, section: str) -> list[Text]:
    """Draw one part of what was recorded when a goal failed."""
    lines: tuple[str, ...] = getattr(goal.seen, section)
    if not lines:
        return [Text(f"no {section} recorded: a check records what it saw of a failure", "dim")]
    return [Text(line, _EVENT_STYLES.get(line[:3], ""), no_wrap=True) for line in lines]


class _Figure(CodeBlock):
    """Code and figures, cut at the edge: a broken line would spoil a figure."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in str(self.text).rstrip().splitlines():
            yield Text(f"  {line}", "cyan", no_wrap=True, overflow="crop")


class _Document(Markdown):
    elements: ClassVar = {**Markdown.elements, "fence": _Figure, "code_block": _Figure}


def markdown_lines(text: str, width: int) -> list[Text]:
    """Return Markdown as lines of at most ``width`` cells; code and figures stay as they are."""
    console = Console(
        width=width, color_system="truecolor", force_terminal=True, legacy_windows=False
    )
    rendered = console.render_lines(_Document(text, hyperlinks=False), pad=False)
    return [_line_of(segments) for segments in rendered]


def _line_of(segments: list[Segment]) -> Text:
    line = Text(no_wrap=True)
    for segment in segments:
        line.append(segment.text, segment.style)
    return line
