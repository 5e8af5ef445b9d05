"""The labs of the course: text beside the console, goals that turn green while one works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

from textual.message import Message
from textual.widget import Widget

from ...session.snapshot import Snapshot
from ..lab_work import LabProblem, LabRow, LabWork, OpenLab
from ..widgets.labs import LabsPane, LabTextPane
from ..widgets.split import Split
from .view import View

_ELSEWHERE: Final = "labs are worked on at a terminal of the host, not in a browser"
_WATCH_SECONDS: Final = 0.5  #: between two looks at the student's files


class LabsView(View):
    """Drives one `LabWork`, whose calls run in threads, one at a time."""

    NAME: ClassVar[str] = "Labs"
    SHARE: ClassVar[tuple[int, int]] = (42, 40)

    @dataclass
    class Course(Message):
        """The course was read."""

        rows: list[LabRow]
        problem: str = ""

    @dataclass
    class Changed(Message):
        """The open lab looks different."""

        lab: OpenLab
        fresh: bool = False  #: it was just opened

    @dataclass
    class Told(Message):
        """One line for the user."""

        text: str
        severe: bool = False

    def __init__(self, work: LabWork | None = None) -> None:
        super().__init__()
        self.work = work or LabWork()
        self.labs = LabsPane(id="labs")
        self.text = LabTextPane(id="lab-text")
        self._root = Split(self.labs, self.text, inner=True, percent=(34, 40), id="labs-split")
        self.watching = False
        self._asked = False
        self._busy = False

    @property
    def root(self) -> Split:
        """See `View.root`."""
        return self._root

    @property
    def panes(self) -> tuple[Widget, ...]:
        """See `View.panes`."""
        return (self.labs, self.text)

    def on_mount(self) -> None:
        """Look at files that are watched."""
        self.set_interval(_WATCH_SECONDS, self._watch)

    def show(self, snapshot: Snapshot) -> None:
        """See `View.show`; the course is read when the view is first in sight."""
        super().show(snapshot)
        if not self.at_host:
            self.labs.show_course([], _ELSEWHERE)
        elif not self._asked:
            self._asked = True
            self._in_thread(self._read)

    # -- in threads -----------------------------------------------------------------------

    def _in_thread(self, job: Callable[[], object]) -> bool:
        """Do something that takes a while; False while something else is being done."""
        if self._busy:
            return False
        self._busy = True
        self.run_worker(lambda: self._job(job), thread=True, group="labs", exit_on_error=True)
        return True

    def _job(self, job: Callable[[], object]) -> None:
        try:
            job()
        except LabProblem as problem:
            self.post_message(self.Told(str(problem), severe=True))
        finally:
            self._busy = False

    def _read(self) -> None:
        try:
            rows = self.work.rows()
        except LabProblem as problem:
            self.post_message(self.Course([], str(problem)))
        else:
            self.post_message(self.Course(rows, "" if rows else "the course has no labs yet"))

    def _open(self, name: str) -> None:
        self.post_message(self.Changed(self.work.open(name), fresh=True))

    def _start(self, name: str) -> None:
        made = self.work.start(name)
        lab = self.work.open(name)
        self.post_message(self.Changed(lab, fresh=True))
        words = f"in {lab.folder}: {', '.join(made)}" if made else "nothing was missing"
        self.post_message(self.Told(words))

    def _check(self, name: str) -> None:
        shown = self.labs.open
        if shown is None or shown.row.name != name:
            shown = self.work.open(name)
            self.post_message(self.Changed(shown, fresh=True))
        self.work.check(shown, lambda lab: self.post_message(self.Changed(lab)))

    def _switch_language(self, name: str) -> None:
        self.work.switch_language()
        self._read()
        if self.labs.open is not None:
            self.post_message(self.Changed(self.work.open(self.labs.open.row.name)))

    # -- what comes of it -----------------------------------------------------------------

    def on_labs_view_course(self, message: Course) -> None:
        """Draw the course."""
        message.stop()
        self.labs.show_course(message.rows, message.problem)

    def on_labs_view_changed(self, message: Changed) -> None:
        """Draw the open lab."""
        message.stop()
        self.labs.show_lab(message.lab)
        self.text.show_lab(message.lab)
        if message.fresh:
            self.labs.choose("goals")

    def on_labs_view_told(self, message: Told) -> None:
        """Say it."""
        message.stop()
        self.notify(message.text, severity="warning" if message.severe else "information")

    # -- what the user wants --------------------------------------------------------------

    def on_labs_pane_opened(self, message: LabsPane.Opened) -> None:
        """Open a lab."""
        message.stop()
        self._in_thread(lambda: self._open(message.name))

    def on_labs_pane_goal_marked(self, message: LabsPane.GoalMarked) -> None:
        """Show a goal."""
        message.stop()
        self.text.show_goal(message.goal.name)

    def on_labs_pane_wanted(self, message: LabsPane.Wanted) -> None:
        """Start, check, watch a lab, or change the language."""
        message.stop()
        if not self.at_host:
            self.notify(_ELSEWHERE, timeout=5)
        elif message.what == "watch":
            self._switch_watch()
        elif message.what == "boot":
            self._boot()
        elif message.what == "boot-plain":
            self.post_message(self.BootWanted({"lab": None}))
        else:
            self._do(message)

    def _do(self, message: LabsPane.Wanted) -> None:
        if not message.name and message.what != "language":
            self.notify("mark a lab first", timeout=3)
            return
        job = {
            "start": self._start,
            "check": self._check,
            "language": self._switch_language,
        }[message.what]
        if not self._in_thread(lambda: job(message.name)):
            self.notify("a check is still running", timeout=3)

    def _boot(self) -> None:
        lab = self.labs.open
        if lab is None or not lab.row.started:
            self.notify("open a lab with Enter and start it with s first", timeout=4)
        else:
            self.post_message(self.BootWanted({"lab": str(lab.folder)}))

    def _switch_watch(self) -> None:
        if self.labs.open is None:
            self.notify("open a lab first", timeout=3)
            return
        self.watching = not self.watching
        self.labs.border_subtitle = "checked at each save" if self.watching else ""

    def _watch(self) -> None:
        lab = self.labs.open
        if self.watching and lab is not None and not self._busy and self.work.changed(lab):
            self._in_thread(lambda: self._check(lab.row.name))
