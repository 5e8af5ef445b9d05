"""What all views have in common: panes, snapshots in, questions out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Container
from textual.message import Message
from textual.widget import Widget

from ...session.inspection.model import Answer, Question
from ...session.snapshot import EMPTY, Snapshot


class View(Container):
    """An arrangement of panes.

    A view that is in sight gets each snapshot by `show`, and may then ask for more by `ask`;
    the answer comes to `answered`.
    """

    NAME: ClassVar[str]  #: as the tabs show it
    SHARE: ClassVar[tuple[int, int]]  #: the console's percent, beside and above the view

    @dataclass
    class Asked(Message):
        """The view wants to know something of the lab."""

        question: Question

    @dataclass
    class BootWanted(Message):
        """The user wants another machine; these fields of its `LabConfig` are other ones."""

        changes: dict[str, object]

    def __init__(self) -> None:
        """Make the panes; they are mounted when the view is shown for the first time."""
        super().__init__(id=f"view-{self.NAME.lower().replace(' ', '-')}")
        self.snapshot: Snapshot = EMPTY

    @property
    def root(self) -> Widget:
        """The pane, or the outermost split."""
        raise NotImplementedError

    @property
    def panes(self) -> tuple[Widget, ...]:
        """The panes in the order the focus goes round."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """Lay out the panes."""
        yield self.root

    def show(self, snapshot: Snapshot) -> None:
        """Draw ``snapshot``."""
        self.snapshot = snapshot

    def answered(self, answer: Answer) -> None:
        """Draw what was asked for; an answer to another view's question is passed over."""

    @property
    def at_host(self) -> bool:
        """Whether the user sits at this host: who comes by a browser gets at nothing of it."""
        return not self.app.is_web

    def ask(self, question: Question) -> None:
        """Ask the lab."""
        self.post_message(self.Asked(question))
