"""The heaps of a whole lab: one report for each program that ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .follower import HeapFollower
from .report import HeapReport, report

if TYPE_CHECKING:
    from ...kernel.kernel import Kernel
    from ...kernel.task.process import Process
    from ...kernel.thread import Thread


class HeapWatch:
    """Collects reports; a process that is killed counts as one that ends."""

    def __init__(self, kernel: Kernel) -> None:
        """Follow every program of ``kernel``; ``RuntimeError`` while a debugger is attached."""
        self.reports: list[HeapReport] = []
        kernel.events.subscribe("exit", self._exited)  # before the follower forgets the heap
        self._follower = HeapFollower(kernel)

    def look(self, process: Process) -> HeapReport | None:
        """Return the heap of a living process now."""
        return report(self._follower, process)

    def _exited(self, thread: Thread, _status: int) -> None:
        # What a vfork child does to its parent's memory is the parent's matter.
        if len(thread.process.threads) == 1 and thread.mm.users == 1:
            found = report(self._follower, thread.process)
            if found is not None:
                self.reports.append(found)
