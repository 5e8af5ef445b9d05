"""Cell styles of the terminal as Rich styles.

The eight names and their bright forms stay ANSI colours, which the front end maps to
the theme, so that they can be read on light and dark backgrounds.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from pyte.screens import Char
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from .cells import DIM
from .sgr import NAMES

_ANSI: Final = {name: index for index, name in enumerate(NAMES)} | {
    "bright" + name: 8 + index for index, name in enumerate(NAMES)
}


@lru_cache(maxsize=1024)
def rich_style(style: Char, *, swapped: bool = False) -> Style:
    """Return how cells of ``style`` are drawn; ``swapped``: reverse video is on."""
    return Style(
        color=_colour(style.fg.lstrip(DIM)),
        bgcolor=_colour(style.bg),
        bold=style.bold or None,
        dim=style.fg.startswith(DIM) or None,
        italic=style.italics or None,
        underline=style.underscore or None,
        strike=style.strikethrough or None,
        blink=style.blink or None,
        reverse=(style.reverse != swapped) or None,
    )


def _colour(name: str) -> Color | None:
    if name == "default":
        return None
    if name in _ANSI:
        return Color.from_ansi(_ANSI[name])
    return Color.parse(f"#{name}")


def restyled(strip: Strip, start: int, stop: int, style: Style) -> Strip:
    """Return ``strip`` with ``style`` on top of the cells ``start``..``stop``."""
    width = strip.cell_length
    start, stop = min(start, width), min(stop, width)
    before, middle, after = strip.crop(0, start), strip.crop(start, stop), strip.crop(stop, width)
    painted = [Segment(text, (old or Style.null()) + style) for text, old, _ in middle]
    return Strip.join([before, Strip(painted), after])
