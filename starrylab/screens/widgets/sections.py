"""A pane with several pages of lines, one shown at a time, chosen by ← and → or the mouse."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from typing import ClassVar, Final

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType

from .pane import Pane

_NOTHING: Final = Text("nothing here", "dim italic")


class SectionPane(Pane):
    """The first line names the sections; the rest is the lines of the chosen one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "section(-1)", "Section", id="sections.previous", show=False,
                tooltip="The section to the left"),
        Binding("right", "section(1)", "Section", id="sections.next",
                tooltip="The section to the right"),
    ]  # fmt: skip
    SECTIONS: ClassVar[tuple[str, ...]] = ()
    heading = 1
    fixed = 1

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.section = self.SECTIONS[0]
        self._lines: list[Text] = []
        self._columns: list[Text] = []
        self._rows: dict[str, int] = {}

    def section_lines(self, section: str, width: int) -> list[Text]:
        """Return the lines of ``section``, none of which need be wider than ``width``."""
        raise NotImplementedError

    def column_names(self, section: str) -> list[Text]:
        """Return lines of ``section`` that do not scroll."""
        return []

    def section_changed(self) -> None:
        """Do what a newly shown section needs."""

    def choose(self, section: str) -> None:
        """Show ``section``; each keeps its own place."""
        self._rows[self.section] = self.row
        self.section = section
        self._left = 0
        self.row = self._rows.get(section, 0)
        self.section_changed()
        self.redraw()

    def line_count(self) -> int:
        """Return how many lines there are, the heading included."""
        return self.heading + len(self._lines)

    def line(self, index: int, width: int) -> Text:
        """Return a line of the heading or of the chosen section."""
        if index >= self.heading:
            return self._lines[index - self.heading]
        return self._columns[index - 1] if index else self._names(width)

    def lay_out(self, width: int) -> None:
        """See `Pane.lay_out`; a hint that stands alone is broken between words."""
        lines = self.section_lines(self.section, width) or [_NOTHING]
        self._columns = self.column_names(self.section)
        self.heading = 1 + len(self._columns)
        alone = len(lines) == 1 and not lines[0].no_wrap
        self._lines = wrapped(lines[0], width) if alone else lines

    def action_section(self, steps: int) -> None:
        """Show the next section, round and round."""
        names = self.SECTIONS
        self.choose(names[(names.index(self.section) + steps) % len(names)])

    def on_click(self, event: events.Click) -> None:
        """Choose a section by its name, or mark a line."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y:
            super().on_click(event)
            return
        start = 0
        for name in self._in_sight(self.content_size.width):
            start += len(name) + 2
            if offset.x < start:
                self.choose(name)
                break

    def _in_sight(self, width: int) -> tuple[str, ...]:
        """Return the sections whose names are drawn; the chosen one is always among them."""
        names = self.SECTIONS
        chosen = names.index(self.section)
        first = 0
        while first < chosen and sum(len(name) + 2 for name in names[first : chosen + 1]) > width:
            first += 1
        return names[first:]

    def _names(self, width: int) -> Text:
        """Draw the names; arrows say that there are more."""
        text = Text(no_wrap=True)
        shown = self._in_sight(width)
        for name in shown:
            mark = "‹" if name is shown[0] is not self.SECTIONS[0] else " "
            text.append(f"{mark}{name} ", "reverse not underline" if name == self.section else "")
        if len(text) > width:
            text.truncate(width - 1)
            text.append("›")
        return text


def table(
    heading: tuple[str, ...], rows: Sequence[tuple[str, ...]], right: frozenset[int] = frozenset()
) -> list[Text]:
    """Return aligned lines; the last column is as wide as it likes, ``right`` are numbers."""
    widths = [max(map(cell_len, column)) for column in zip(heading, *rows, strict=True)]
    lines = []
    for index, row in enumerate([heading, *rows]):
        cells = [
            _aligned(cell, width, right=number in right)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(Text("  ".join(cells).rstrip(), "" if index else "bold", no_wrap=True))
    return lines


def _aligned(cell: str, width: int, *, right: bool) -> str:
    space = " " * (width - cell_len(cell))
    return space + cell if right else cell + space


def wrapped(text: Text, width: int) -> list[Text]:
    """Return ``text`` in lines of at most ``width`` cells, broken between words."""
    return list(text.wrap(Console(width=width, file=StringIO()), width)) or [Text()]


def facts(pairs: list[tuple[str, str]]) -> list[Text]:
    """Return one line a pair: a name and what there is to say."""
    width = max((len(name) for name, _ in pairs), default=0)
    return [
        Text.assemble((name.ljust(width), "dim"), "  ", value, no_wrap=True)
        for name, value in pairs
    ]
