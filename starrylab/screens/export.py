"""A pane as a file: what is in sight as SVG, everything that it holds as text."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.segment import Segment
from textual.widget import Widget

from .wide_svg import aligned
from .widgets.pane import Pane
from .widgets.terminal import Terminal

FORMATS: Final = ("svg", "text")
_SUFFIXES: Final = {"svg": ".svg", "text": ".txt"}


def export(widget: Widget, kind: str, folder: Path) -> Path:
    """Write ``widget`` into a new file in ``folder`` and return its path; raises ``OSError``."""
    path = _unused(folder / file_name(widget, kind))
    path.write_text(content(widget, kind), encoding="utf-8")
    return path


def file_name(widget: Widget, kind: str) -> str:
    """Return a name for a pane's file: what it shows, and the time."""
    name = re.sub(r"\W+", "-", str(widget.border_title or widget.id or "pane")).strip("-").lower()
    return f"starrylab-{name}-{time.strftime('%Y%m%d-%H%M%S')}{_SUFFIXES[kind]}"


def content(widget: Widget, kind: str) -> str:
    """Return a pane as text of one of the `FORMATS`."""
    return pane_svg(widget) if kind == "svg" else pane_text(widget)


def pane_text(widget: Widget) -> str:
    """Return all lines of a pane, also those out of sight, without their styles."""
    if isinstance(widget, Pane):
        width = max(1, widget.content_size.width)
        lines = [widget.line(index, width).plain for index in range(widget.line_count())]
    elif isinstance(widget, Terminal):
        view = widget.view
        lines = [view.text(number) for number in range(view.first, view.bottom)]
    else:
        lines = ["".join(segment.text for segment in line) for line in _strips(widget)]
    return "\n".join(line.rstrip() for line in lines).rstrip() + "\n"


def pane_svg(widget: Widget) -> str:
    """Return what is in sight of a pane as an SVG picture."""
    lines = _strips(widget)
    width = max(1, widget.size.width)
    console = Console(
        record=True, width=width, file=io.StringIO(), color_system="truecolor", force_terminal=True
    )
    console.print(_Lines(lines), end="")
    title = str(widget.border_title or "StarryLab")
    return aligned(console.export_svg(title=title, theme=widget.app.ansi_theme))


class _Lines:
    """Drawn lines, as something that Rich prints."""

    def __init__(self, lines: list[list[Segment]]) -> None:
        self._lines = lines

    def __rich_console__(self, *_: object) -> Iterator[Segment]:
        for line in self._lines:
            yield from line
            yield Segment.line()


def _strips(widget: Widget) -> list[list[Segment]]:
    return [list(widget.render_line(y)) for y in range(widget.size.height)]


def _unused(path: Path) -> Path:
    number = 2
    found = path
    while found.exists():
        found = path.with_stem(f"{path.stem}-{number}")
        number += 1
    return found
