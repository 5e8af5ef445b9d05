"""The first view: who runs, and where the memory is."""

from __future__ import annotations

from typing import ClassVar

from textual.widget import Widget

from ...session.snapshot import Snapshot
from ..widgets.memory import MemoryPane
from ..widgets.processes import ProcessPane
from ..widgets.split import Split
from .view import View


class Overview(View):
    """Process tree and memory by kind."""

    NAME: ClassVar[str] = "Overview"
    SHARE: ClassVar[tuple[int, int]] = (64, 68)

    def __init__(self) -> None:
        super().__init__()
        self.processes = ProcessPane(id="processes")
        self.memory = MemoryPane(id="memory")
        self._root = Split(self.processes, self.memory, inner=True, percent=(60, 56), id="side")

    @property
    def root(self) -> Split:
        """See `View.root`."""
        return self._root

    @property
    def panes(self) -> tuple[Widget, ...]:
        """See `View.panes`."""
        return (self.processes, self.memory)

    def show(self, snapshot: Snapshot) -> None:
        """See `View.show`."""
        super().show(snapshot)
        self.processes.show(snapshot)
        self.memory.show(snapshot)
