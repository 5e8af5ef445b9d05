"""Cells and lines of the terminal's screen, on top of pyte's ``Char``.

A line on the screen is sparse: column -> cell, with a default for the rest.  A line that
has left the screen is packed into runs of equal style, 20 times smaller.
"""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import Final, NamedTuple

from pyte.screens import Char, StaticDefaultDict
from rich.cells import get_character_cell_size

DEFAULT: Final = Char(" ")
DIM: Final = "-"  #: first letter of a colour drawn faint, for which `Char` has no field
_MAX_PENS: Final = 512

_style_of: Final = itemgetter(slice(1, None))


class Run(NamedTuple):
    """Neighbouring cells of one style."""

    text: str
    style: Char  #: its ``data`` has no meaning


Runs = tuple[Run, ...]


class Line(StaticDefaultDict[int, Char]):
    """One line of the screen."""

    __slots__ = ("wrapped",)

    def __init__(self, default: Char = DEFAULT) -> None:
        super().__init__(default)
        self.wrapped = False  #: the next line goes on without a line break

    @property
    def is_blank(self) -> bool:
        """Whether nothing is written there, whatever its background."""
        return not any(cell.data.strip() for cell in self.values())


class PastLine(NamedTuple):
    """One line of the scroll-back."""

    runs: Runs
    wrapped: bool

    @property
    def text(self) -> str:
        """The characters, without trailing blanks."""
        return "".join(run.text for run in self.runs).rstrip()


class Pen(dict[str, Char]):
    """Character -> cell in one style; cells are shared, so that drawing makes no objects."""

    __slots__ = ("style",)

    def __init__(self, style: Char) -> None:
        super().__init__()
        self.style = style[1:]

    def __missing__(self, char: str) -> Char:
        cell = self[char] = Char(char, *self.style)
        return cell


class Pens:
    """The pens in use."""

    def __init__(self) -> None:
        self._pens: dict[Char, Pen] = {}

    def get(self, style: Char) -> Pen:
        """Return the pen that draws in ``style``."""
        pen = self._pens.get(style)
        if pen is None:
            if len(self._pens) >= _MAX_PENS:  # a true-colour gradient
                self._pens.clear()
            pen = self._pens[style] = Pen(style)
        return pen


def line_runs(line: Line, columns: int) -> Runs:
    """Return the first ``columns`` cells of ``line``; trailing default cells are left out."""
    if line.default != DEFAULT:
        width = columns
    else:
        width = min(columns, max(line, default=-1) + 1)
    cells = map(line.__getitem__, range(width))
    runs = []
    for _, group in groupby(cells, key=_style_of):
        same = list(group)
        runs.append(Run("".join([cell.data for cell in same]), same[0]))
    return tuple(runs)


def pack(line: Line, columns: int) -> PastLine:
    """Return ``line`` as the scroll-back keeps it."""
    return PastLine(line_runs(line, columns), line.wrapped)


def unpack(past: PastLine) -> Line:
    """Return a line of the scroll-back as one of the screen."""
    line = Line()
    line.wrapped = past.wrapped
    x = 0
    for run in past.runs:
        style = run.style[1:]
        for char in run.text:
            width = get_character_cell_size(char)
            if not width and x:  # an accent
                at = x - 1 if line[x - 1].data else x - 2
                line[at] = line[at]._replace(data=line[at].data + char)
                continue
            line[x] = Char(char, *style)
            if width == 2:
                line[x + 1] = Char("", *style)
            x += width
    return line
