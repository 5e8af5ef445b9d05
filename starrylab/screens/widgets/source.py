"""Highlighted source, line by line."""

from __future__ import annotations

from typing import Final

from rich.syntax import Syntax
from rich.text import Text

#: ANSI colours, which the front end maps to its theme, so that light and dark both read well
_THEME: Final = "ansi_dark"


def highlighted(text: str, language: str) -> list[Text]:
    """Return one `Text` a line; an unknown language is plain."""
    lines = list(Syntax("", language, theme=_THEME).highlight(text).split("\n"))
    if lines and not lines[-1].plain:
        lines.pop()
    for line in lines:
        line.no_wrap = True
    return lines


def numbered(text: str, first: int, language: str) -> list[Text]:
    """Return highlighted lines with their numbers, from ``first`` on."""
    return [
        Text.assemble((f"{number:>5}  ", "dim"), no_wrap=True).append_text(line)
        for number, line in enumerate(highlighted(text, language), first)
    ]
