"""Wide characters in pictures: Rich says that each of a text's characters is one cell wide.

A browser then draws Chinese text in half its room.  Here such a text becomes several, one for
each run of characters of the same width.
"""

from __future__ import annotations

import html
import re
from typing import Final

from rich.cells import cell_len, get_character_cell_size

_TEXT: Final = re.compile(
    r'<text(?P<look>[^>]*?) x="(?P<x>[\d.]+)"(?P<y> y="[\d.]+") textLength="(?P<length>[\d.]+)"'
    r"(?P<rest>[^>]*)>(?P<text>[^<]*)</text>"
)


def aligned(svg: str) -> str:
    """Return one of Rich's pictures with each character in its cells."""
    return _TEXT.sub(_in_runs, svg)


def _in_runs(found: re.Match[str]) -> str:
    text = html.unescape(found["text"])
    if text.isascii() or len(text) == cell_len(text) == len(_runs(text)[0]):
        return found[0]
    cell = float(found["length"]) / len(text)
    x = float(found["x"])
    parts = []
    for run in _runs(text):
        length = cell * cell_len(run)
        if run.strip():
            words = html.escape(run).replace(" ", "\xa0").replace("\xa0", "&#160;")
            parts.append(
                f'<text{found["look"]} x="{x:g}"{found["y"]} textLength="{length:g}"'
                f"{found['rest']}>{words}</text>"
            )
        x += length
    return "".join(parts)


def _runs(text: str) -> list[str]:
    """Divide ``text`` where the width of its characters changes; marks follow their letter."""
    runs: list[str] = []
    before = 0
    for character in text:
        cells = get_character_cell_size(character)
        if runs and cells in (0, before):
            runs[-1] += character
        else:
            runs.append(character)
            before = cells
    return runs
