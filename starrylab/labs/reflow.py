"""Set a lab's Markdown for a terminal: paragraphs to its width, all else as it is.

Chinese is written without spaces: a line may break before any character, but not before
punctuation, and two lines of the source are joined without a space.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

_ITEM: Final = re.compile(r"( *)((?:[-*]|\d+\.) +)")
_WIDE: Final = ("W", "F")  #: characters of two columns (UAX #11)
#: a run without spaces, a wide character with what must stay behind it, or spaces
_TOKEN: Final = re.compile(
    r"\s+|[（“《]*(?:[^\s\u2e80-\uffef]+|[\u2e80-\uffef])[，。：；、）”》？！]*|[（“《]+"
)
_CODE: Final = 4  #: columns by which code is indented more than the text around it


def reflow(markdown: str, width: int) -> str:
    """Return ``markdown`` with its paragraphs and list items set to ``width`` columns."""
    lines: list[str] = []
    for kind, indent, text in _blocks(markdown.splitlines()):
        lines += _wrapped(text, indent, width) if kind else [text]
    return "\n".join(lines)


def unbroken(markdown: str) -> str:
    """Return ``markdown`` with each paragraph on one line, for who sets it by himself."""
    return "\n".join(text for _, _, text in _blocks(markdown.splitlines()))


def columns(text: str) -> int:
    """Return how many columns of a terminal ``text`` takes."""
    return sum(1 + (unicodedata.east_asian_width(char) in _WIDE) for char in text)


def _blocks(lines: list[str]) -> Iterator[tuple[bool, int, str]]:
    """Yield whether a block is a paragraph, its hanging indent, and its text on one line."""
    inside = 0  # where the text of the list item begins that we are in
    text = ""
    for line in lines:
        indent = len(line) - len(line.lstrip())
        item = _ITEM.match(line)
        if item and indent < inside + _CODE:
            if text:
                yield True, inside, text
            inside, text = len(item[0]), line
        elif text and line.strip():
            text = _joined(text, line.strip())
        else:
            if text:
                yield True, inside, text
                text = ""
            if line.strip() and not indent:
                inside = 0
            if _is_prose(line, indent, inside):
                text = line
            else:
                yield False, 0, line
    if text:
        yield True, inside, text


def _is_prose(line: str, indent: int, inside: int) -> bool:
    return bool(line.strip()) and indent < inside + _CODE and line.lstrip()[0] not in "#|"


def _joined(first: str, second: str) -> str:
    wide = columns(first[-1]) == columns(second[0]) == 2
    return first + ("" if wide else " ") + second


def _wrapped(text: str, indent: int, width: int) -> Iterator[str]:
    line = ""
    for token in _TOKEN.findall(text):
        if line.strip() and columns((line + token).rstrip()) > width:
            yield line.rstrip()
            line = " " * indent + token.lstrip()
        else:
            line += token
    if line.strip():
        yield line.rstrip()
