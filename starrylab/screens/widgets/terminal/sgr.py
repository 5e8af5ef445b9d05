"""Select Graphic Rendition: the colours and styles of ECMA-48 8.3.117 and xterm.

Written for what pyte's own method lacks: faint text, ``38:2::r:g:b`` with colons, and the
bright backgrounds.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from pyte.graphics import FG_BG_256
from pyte.screens import Char

from .cells import DEFAULT, DIM

NAMES: Final = ("black", "red", "green", "brown", "blue", "magenta", "cyan", "white")

_FLAGS: Final[dict[int, tuple[str, bool]]] = {
    1: ("bold", True),
    3: ("italics", True),
    4: ("underscore", True),
    5: ("blink", True),
    6: ("blink", True),
    7: ("reverse", True),
    9: ("strikethrough", True),
    21: ("underscore", True),
    23: ("italics", False),
    24: ("underscore", False),
    25: ("blink", False),
    27: ("reverse", False),
    29: ("strikethrough", False),
}


def _colours() -> dict[int, tuple[str, str]]:
    table = {39: ("fg", "default"), 49: ("bg", "default")}
    for index, name in enumerate(NAMES):
        table[30 + index] = ("fg", name)
        table[40 + index] = ("bg", name)
        table[90 + index] = ("fg", "bright" + name)
        table[100 + index] = ("bg", "bright" + name)
    return table


_COLOURS: Final = _colours()


def apply_sgr(style: Char, parameters: str) -> Char:
    """Return ``style`` changed by the parameters of one ``CSI ... m``; unknown ones are skipped."""
    if parameters in ("", "0"):
        return DEFAULT
    fields: dict[str, Any] = style._asdict()
    fields["dim"] = style.fg.startswith(DIM)
    fields["fg"] = style.fg.lstrip(DIM)
    items = iter(parameters.split(";"))
    for item in items:
        _apply(fields, item, items)
    if fields.pop("dim"):
        fields["fg"] = DIM + fields["fg"]
    return Char(**fields)


def _apply(fields: dict[str, Any], item: str, rest: Iterator[str]) -> None:
    head, _, tail = item.partition(":")
    code = int(head) if head.isdecimal() else 0
    if code in _COLOURS:
        key, value = _COLOURS[code]
        fields[key] = value
    elif code == 4 and tail == "0":
        fields["underscore"] = False
    elif code in _FLAGS:
        key, on = _FLAGS[code]
        fields[key] = on
    elif code in (38, 48):
        colour = _colour(iter(tail.split(":")) if tail else rest, colons=bool(tail))
        if colour is not None:
            fields["fg" if code == 38 else "bg"] = colour
    elif code == 0:
        fields.update(DEFAULT._asdict(), dim=False)
    elif code == 2:
        fields["dim"] = True
    elif code == 22:
        fields["bold"] = fields["dim"] = False


def _colour(items: Iterator[str], *, colons: bool) -> str | None:
    """Take ``5;n`` or ``2;r;g;b`` (with colons also ``2:space:r:g:b``) off ``items``."""
    kind = next(items, "")
    if kind == "5":
        number = next(items, None)
        if number is None:
            return None
        index = _byte(number)
        return NAMES[index] if index < 8 else FG_BG_256[index]
    if kind != "2":
        return None
    if colons:
        parts = list(items)
        parts = parts[1:4] if len(parts) > 3 else parts
    else:
        parts = list(islice(items, 3))
    if len(parts) < 3:
        return None
    return "".join(f"{_byte(part):02x}" for part in parts)


def _byte(text: str) -> int:
    return min(255, int(text)) if text.isdecimal() else 0
