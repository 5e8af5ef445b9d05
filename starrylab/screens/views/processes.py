"""The process tree, and everything that the marked process has."""

from __future__ import annotations

from typing import ClassVar

from textual.widget import Widget

from ...session.inspection.model import AboutProcess, Answer, ProcessDetails
from ...session.snapshot import Snapshot
from ..widgets.process_details import ProcessDetailsPane
from ..widgets.processes import ProcessPane
from ..widgets.split import Split
from .view import View


class ProcessesView(View):
    """A tree and the details of one process."""

    NAME: ClassVar[str] = "Processes"
    SHARE: ClassVar[tuple[int, int]] = (46, 50)

    def __init__(self) -> None:
        super().__init__()
        self.processes = ProcessPane(id="process-tree")
        self.details = ProcessDetailsPane(id="process-details")
        self._root = Split(
            self.processes, self.details, inner=True, percent=(40, 46), id="processes-split"
        )

    @property
    def root(self) -> Split:
        """See `View.root`."""
        return self._root

    @property
    def panes(self) -> tuple[Widget, ...]:
        """See `View.panes`."""
        return (self.processes, self.details)

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

    def _ask_again(self) -> None:
        if self.processes.marked:
            self.ask(AboutProcess(self.processes.marked))
        else:
            self.details.show_process(None)
