"""One line with the names of all views; the current one stands out."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text
from textual import events
from textual.message import Message
from textual.widget import Widget

_SHORT = (4, 3, 2, 0)  #: letters of names that must be short


class ViewTabs(Widget):
    """Names with their numbers; a click chooses one."""

    @dataclass
    class Chosen(Message):
        """The user clicked the name of view ``index``."""

        index: int

    def __init__(self, names: tuple[str, ...], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.names = names
        self.current = 0

    def choose(self, index: int) -> None:
        """Mark view ``index`` as the current one."""
        self.current = index
        self.refresh()

    def render(self) -> Text:
        """Draw the names, as long as the width permits."""
        text = Text(no_wrap=True)
        for index, label in enumerate(self._labels()):
            text.append(label, "reverse bold" if index == self.current else "")
        return text

    def on_click(self, event: events.Click) -> None:
        """Choose a view."""
        event.stop()
        end = 0
        for index, label in enumerate(self._labels()):
            end += len(label)
            if event.x < end:
                self.post_message(self.Chosen(index))
                break

    def _labels(self) -> list[str]:
        """Return the longest labels that fit: whole names, short ones, numbers alone."""
        numbers = range(1, len(self.names) + 1)
        whole = [f" {n} {name} " for n, name in zip(numbers, self.names, strict=True)]
        labels = whole
        for letters in _SHORT:
            if sum(map(len, labels)) <= self.size.width:
                break
            labels = [
                label if index == self.current else f" {n} {name[:letters]}".rstrip() + " "
                for index, (n, name, label) in enumerate(
                    zip(numbers, self.names, whole, strict=True)
                )
            ]
        return labels
