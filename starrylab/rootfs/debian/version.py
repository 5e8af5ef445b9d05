"""The order of package versions (deb-version(7))."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

_PARTS: Final = re.compile(r"([^0-9]*)([0-9]*)")
_END: Final = 0  # of a part: after "~", before every other character

Key = tuple[int, tuple[object, ...], tuple[object, ...]]

#: relation -> does it hold for two keys (deb-control(5); "<" and ">" are the old names)
RELATIONS: Final[dict[str, Callable[[Key, Key], bool]]] = {
    "<<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    "<": lambda a, b: a <= b,
    "=": lambda a, b: a == b,
    ">=": lambda a, b: a >= b,
    ">": lambda a, b: a >= b,
    ">>": lambda a, b: a > b,
}


@lru_cache(maxsize=4096)
def version_key(version: str) -> Key:
    """Return what sorts as dpkg sorts versions."""
    epoch, colon, rest = version.strip().partition(":")
    if not colon:
        epoch, rest = "0", epoch
    upstream, dash, revision = rest.rpartition("-")
    if not dash:
        upstream, revision = rest, ""
    return int(epoch) if epoch.isdecimal() else 0, _key(upstream), _key(revision)


def satisfies(version: str, relation: str, wanted: str) -> bool:
    """Tell whether `version` `relation` `wanted` holds; an empty relation always does."""
    return not relation or RELATIONS[relation](version_key(version), version_key(wanted))


def _key(text: str) -> tuple[object, ...]:
    parts = [pair for pair in _PARTS.findall(text) if pair != ("", "")] or [("", "")]
    # A part without letters compares as one whose letters end at once; so does the end itself.
    parts.append(("", ""))
    return tuple(
        item
        for letters, digits in parts
        for item in ((*map(_weight, letters), _END), int(digits or 0))
    )


def _weight(character: str) -> int:
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 0x100
