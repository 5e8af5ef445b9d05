"""The process tree, and everything that the marked process has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from ...session.inspection.model import AboutProcess, Answer, ProcessDetails
from ...session.snapshot import Snapshot
from ..widgets.process_details import ProcessDetailsPane, limit_text, parse_limit
from ..widgets.processes import ProcessPane
from ..widgets.split import Split
from .asking import AskingView

_HINT = "SOFT HARD, numbers (K, M, G) or unlimited (Enter: set, Escape: close)"


class ProcessesView(AskingView):
    """A tree and the details of one process."""

    NAME: ClassVar[str] = "Processes"
    SHARE: ClassVar[tuple[int, int]] = (46, 50)

    @dataclass
    class LimitChosen(Message):
        """A process shall have another limit; -1 is infinity."""

        pid: int
        name: str
        soft: int
        hard: int

    def __init__(self) -> None:
        super().__init__()
        self.processes = ProcessPane(id="process-tree")
        self.details = ProcessDetailsPane(id="process-details")
        self._root = Split(
            self.processes, self.details, inner=True, percent=(40, 46), id="processes-split"
        )
        self.entry = Input(id="limit-entry")
        self._wanted: ProcessDetailsPane.LimitWanted | None = None

    @property
    def root(self) -> Split:
        """See `View.root`."""
        return self._root

    @property
    def panes(self) -> tuple[Widget, ...]:
        """See `View.panes`."""
        return (self.processes, self.details)

    @property
    def asking(self) -> Widget:
        """See `AskingView.asking`."""
        return self.details

    def show(self, snapshot: Snapshot) -> None:
        """See `View.show`."""
        super().show(snapshot)
        self.processes.show(snapshot)
        self._ask_again()

    def on_process_pane_marked(self, message: ProcessPane.Marked) -> None:
        """Show another process."""
        message.stop()
        self._ask_again()

    def answered(self, answer: Answer) -> None:
        """See `View.answered`."""
        if isinstance(answer, ProcessDetails) and answer.pid == self.processes.marked:
            self.details.show_process(answer)

    # -- limits ---------------------------------------------------------------------------

    def on_process_details_pane_limit_wanted(self, message: ProcessDetailsPane.LimitWanted) -> None:
        """Ask for the new limit."""
        message.stop()
        self._wanted, limit = message, message.limit
        self.open_line(
            f"{limit_text(limit.soft)} {limit_text(limit.hard)}",
            f"{limit.name} of process {message.pid}: {_HINT}",
        )

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Change the limit."""
        event.stop()
        values = [parse_limit(word) for word in event.value.split()]
        soft, hard = values if len(values) == 2 else (None, None)
        if soft is None or hard is None or self._wanted is None:
            self.notify(f"not a soft and a hard limit: {event.value}; {_HINT}", timeout=4)
            return
        name = self._wanted.limit.name
        self.post_message(self.LimitChosen(self._wanted.pid, name, soft, hard))
        self.close_line()
        self._ask_again()

    def _ask_again(self) -> None:
        if self.processes.marked:
            self.ask(AboutProcess(self.processes.marked))
        else:
            self.details.show_process(None)
