"""What views have in common that ask for a line of text."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widget import Widget
from textual.widgets import Input

from .view import View


class AskingView(View):
    """A view with a line below its panes, which is in sight while it asks for something.

    A subclass makes ``entry``, and answers ``Input.Submitted``.
    """

    entry: Input

    def compose(self) -> ComposeResult:
        """Lay out the panes, and the line."""
        yield self.root
        yield self.entry

    @property
    def asking(self) -> Widget:
        """The pane that has the focus again when the line is closed."""
        return self.panes[0]

    def open_line(self, value: str = "", prompt: str | None = None) -> None:
        """Show the line; without a ``prompt`` it says what it always says."""
        self.entry.value = value
        if prompt is not None:
            self.entry.placeholder = self.entry.border_title = prompt
        self.entry.display = True
        self.entry.focus()

    def close_line(self) -> None:
        """Hide the line."""
        self.entry.display = False
        self.asking.focus()

    def key_escape(self) -> None:
        """Close the line."""
        if self.entry.has_focus:
            self.close_line()
