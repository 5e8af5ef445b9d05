"""What the Labs view does with the package `labs`: plain values out, no Textual here.

Everything may take a while (a check runs the student's code in a process of its own), so the
view calls it in threads.  `labs` is imported at the first use: most consoles never open a lab.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ..labs.catalog import Lab
    from ..labs.checking import Check
    from ..labs.workspace import LabProgress, Workspace

HINT_AFTER: Final = 2  #: failures of a goal until its hint is shown
OPEN, TRYING, REACHED, FAILED, SKIPPED = "open", "trying", "reached", "failed", "skipped"


class LabProblem(Exception):
    """Something about a lab cannot be done: one line for the user."""


@dataclass(frozen=True, slots=True)
class LabRow:
    """A lab of the course, and how far the student is."""

    name: str
    title: str
    hours: float = 0.0
    started: bool = False
    points: int = 0
    of: int = 0
    problem: str = ""  #: why it cannot be shown


@dataclass(frozen=True, slots=True)
class Seen:
    """What was recorded of a goal that failed, as lines."""

    events: tuple[str, ...] = ()  #: oldest first
    stack: tuple[str, ...] = ()
    state: tuple[str, ...] = ()


NOTHING_SEEN: Final = Seen()


@dataclass(frozen=True, slots=True)
class GoalRow:
    """A goal, and what the last check said of it."""

    name: str
    text: str
    points: int
    state: str = OPEN
    failures: int = 0
    hint: str = ""
    told: bool = False  #: the hint is shown at once
    detail: str = ""  #: a traceback, or a compiler's words
    output: str = ""  #: what the student's code printed
    seen: Seen = NOTHING_SEEN

    @property
    def shown_hint(self) -> str:
        """The hint, as soon as the student tried often enough."""
        return self.hint if self.told or self.failures >= HINT_AFTER else ""


@dataclass(frozen=True, slots=True)
class OpenLab:
    """One lab as the view shows it."""

    row: LabRow
    text: str  #: Markdown
    learn: str
    folder: Path  #: where the student works
    files: tuple[str, ...]
    goals: tuple[GoalRow, ...] = ()


@dataclass(slots=True)
class LabWork:
    """The course, the student's folder and the language of the texts."""

    course: Path | None = None  #: another folder than the one that came along
    root: str | None = None  #: of the student's work, by default where the console was started
    language: str = ""
    _seen: dict[str, dict[str, float]] = field(default_factory=dict)
    _checks: dict[str, list[Check]] = field(default_factory=dict)  #: the last one of each lab

    def rows(self) -> list[LabRow]:
        """Return the course; raises `LabProblem`."""
        from ..labs.catalog import LabError, catalog

        try:
            return [self._row(lab) for lab in catalog(self.course)]
        except LabError as error:
            raise LabProblem(str(error)) from None

    def open(self, name: str) -> OpenLab:
        """Return a lab with its text and goals; raises `LabProblem`."""
        from ..labs.catalog import LabError
        from ..labs.checking import goals
        from ..labs.reflow import unbroken

        lab = self._find(name)
        try:
            progress = self._workspace().progress(lab).goals
            shown = []
            for goal in goals(lab):
                row = GoalRow(goal.name, goal.text.in_language(self._language()), goal.points)
                if (known := progress.get(goal.name)) is not None:
                    state = REACHED if known.reached else FAILED if known.failures else SKIPPED
                    row = replace(row, state=state, failures=known.failures)
                    row = replace(row, seen=self._seen_of(lab, goal.name))
                shown.append(row)
            opened = OpenLab(
                self._row(lab),
                unbroken(lab.text(self._language())),
                lab.description.learn.in_language(self._language()),
                self._workspace().folder(lab),
                lab.description.files,
                tuple(shown),
            )
            return self._as_checked(opened)
        except LabError as error:
            raise LabProblem(str(error)) from None

    def _as_checked(self, shown: OpenLab) -> OpenLab:
        """Return the lab with what the last check said of goals, in the present language."""
        checked = shown
        for event in self._checks.get(shown.row.name, ()):
            checked = self._after(checked, event)
        goals = []
        for row, last in zip(shown.goals, checked.goals, strict=True):
            same = last.state == row.state or (last.state, row.state) == (SKIPPED, FAILED)
            goals.append(replace(last, failures=row.failures, seen=row.seen) if same else row)
        return replace(shown, goals=tuple(goals))

    def start(self, name: str) -> list[str]:
        """Copy what the student begins with; return the files that were missing."""
        from ..labs.catalog import LabError

        try:
            return self._workspace().start(self._find(name))
        except LabError as error:
            raise LabProblem(str(error)) from None

    def check(self, shown: OpenLab, tell: Callable[[OpenLab], object]) -> None:
        """Try the goals; ``tell`` gets the lab after each.  Raises `LabProblem`."""
        from ..labs.catalog import LabError

        lab = self._find(shown.row.name)
        try:
            for latest in self._checked(lab, shown):
                tell(latest)
        except LabError as error:
            raise LabProblem(str(error)) from None

    def _checked(self, lab: Lab, shown: OpenLab) -> Iterator[OpenLab]:
        from ..labs.checking import check

        workspace = self._workspace()
        folder = workspace.require(lab)
        self.changed(shown)
        events: list[Check] = []
        for event in check(lab, folder, record=True):
            events.append(event)
            shown = self._after(shown, event)
            yield shown
        self._checks[lab.name] = events
        progress = workspace.note(lab, events)
        for goal in shown.goals:
            shown = _with(shown, goal.name, seen=self._seen_of(lab, goal.name))
        yield _with_progress(replace(shown, row=self._row(lab)), progress)

    def _seen_of(self, lab: Lab, goal: str) -> Seen:
        from ..labs.recording.text import event_lines, state_lines

        record = self._workspace().record(lab, goal)
        if record is None:
            return NOTHING_SEEN
        stack = tuple(record.stack.splitlines())
        return Seen(tuple(event_lines(record)), stack, tuple(state_lines(record)))

    def _after(self, shown: OpenLab, event: Check) -> OpenLab:
        """Return the lab as it is after one event of a check."""
        from ..labs.checking import GoalFailed, GoalReached, GoalSkipped, GoalStarted

        language = self._language()
        match event:
            case GoalStarted(goal=goal):
                return _with(shown, goal.name, state=TRYING, hint="", detail="", output="")
            case GoalReached(goal=goal):
                return _with(shown, goal.name, state=REACHED, failures=0)
            case GoalFailed(goal=goal, hint=hint, detail=detail, output=output, told=told):
                before = next(row.failures for row in shown.goals if row.name == goal.name)
                return _with(
                    shown, goal.name, state=FAILED, failures=before + 1,
                    hint=hint.in_language(language), told=told, detail=detail, output=output,
                )  # fmt: skip
            case GoalSkipped(goal=goal, needs=needs):
                text = needs.text.in_language(language)
                return _with(shown, goal.name, state=SKIPPED, hint="", detail=f"after: {text}")
        return shown

    def changed(self, shown: OpenLab) -> bool:
        """Tell whether a file of the student was saved since the last call."""
        now = {}
        for name in shown.files:
            try:
                now[name] = (shown.folder / name).stat().st_mtime
            except OSError:
                continue
        before = self._seen.get(shown.row.name)
        self._seen[shown.row.name] = now
        return before is not None and before != now

    def switch_language(self) -> str:
        """Use the other language from now on; return it."""
        self.language = "en" if self._language() == "zh" else "zh"
        return self.language

    def _language(self) -> str:
        from ..labs.texts import choose_language

        return choose_language(self.language or None)

    def _workspace(self) -> Workspace:
        from ..labs.workspace import workspace

        return workspace(self.root)

    def _find(self, name: str) -> Lab:
        from ..labs.catalog import LabError, find

        try:
            return find(name, self.course)
        except LabError as error:
            raise LabProblem(str(error)) from None

    def _row(self, lab: Lab) -> LabRow:
        from ..labs.catalog import LabError

        workspace = self._workspace()
        progress = workspace.progress(lab)
        try:
            description = lab.description
        except LabError as error:
            return LabRow(lab.name, lab.name, problem=str(error))
        return LabRow(
            lab.name,
            description.title.in_language(self._language()),
            description.hours,
            workspace.started(lab),
            progress.points,
            progress.of,
        )


def _with(shown: OpenLab, name: str, **changes: object) -> OpenLab:
    """Return the lab with another state of one goal."""
    goals = tuple(
        replace(row, **changes) if row.name == name else row  # type: ignore[arg-type]
        for row in shown.goals
    )
    return replace(shown, goals=goals)


def _with_progress(shown: OpenLab, progress: LabProgress) -> OpenLab:
    """Return the lab with the failures that are on disk."""
    for name, known in progress.goals.items():
        shown = _with(shown, name, failures=known.failures)
    return shown
