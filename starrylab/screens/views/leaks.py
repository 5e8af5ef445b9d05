"""Leaks of the kernel: start and end a measurement, who holds what, compare two stamps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.message import Message
from textual.widget import Widget

from ...session.leaks import LeakRequest
from ...session.snapshot import Snapshot
from ..widgets.leaks import LeaksPane, Tell
from .view import View


class LeaksView(View):
    """One pane with sections."""

    NAME: ClassVar[str] = "Leaks"
    SHARE: ClassVar[tuple[int, int]] = (46, 50)

    @dataclass
    class Requested(Message):
        """A request to the leak tracker; `tell` takes the reply."""

        request: LeakRequest
        tell: Tell

    def __init__(self) -> None:
        super().__init__()
        self.leaks = LeaksPane(
            lambda request, tell: self.post_message(self.Requested(request, tell)), id="leaks"
        )

    @property
    def root(self) -> Widget:
        """See `View.root`."""
        return self.leaks

    @property
    def panes(self) -> tuple[Widget, ...]:
        """See `View.panes`."""
        return (self.leaks,)

    def show(self, snapshot: Snapshot) -> None:
        """See `View.show`; another machine knows nothing of the measurements of the last one."""
        if snapshot.sequence < self.snapshot.sequence:
            self.leaks.forget()
        super().show(snapshot)
