"""On which line of a TOML file a key is; `tomllib` does not say.

It knows what descriptions of boards use: headers of tables and of arrays of tables, and one key
a line. Keys inside of inline tables, and lines inside of long arrays, belong to the key's line.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

_HEADER: Final = re.compile(r"\s*\[(\[?)\s*([\w.-]+)\s*\]")
_KEY: Final = re.compile(r"\s*([\w-]+)\s*=")
_LAST_STEP: Final = re.compile(r"(\.[\w-]+|\[\d+\])$")


def key_lines(text: str) -> dict[str, int]:
    """Return the line (from 1) of each key, by its path: ``uart.base``, ``memory[0].size``."""
    lines: dict[str, int] = {}
    seen: Counter[str] = Counter()
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            if header[1]:
                lines.setdefault(header[2], number)
                seen[header[2]] += 1
            table = _place(header[2], seen)
            lines[table] = number
        elif key := _KEY.match(line):
            lines.setdefault(f"{table}.{key[1]}".lstrip("."), number)
    return lines


def _place(table: str, seen: Counter[str]) -> str:
    """Return the path of a table: within an array, its newest item is meant (TOML 1.0)."""
    name, path = "", ""
    for step in table.split("."):
        name = f"{name}.{step}".lstrip(".")
        path = f"{path}.{step}".lstrip(".")
        if seen[name]:
            path += f"[{seen[name] - 1}]"
    return path


def line_of(lines: dict[str, int], path: str) -> int:
    """Return the line of `path`, or of what it is in; 1 for the whole file."""
    while path:
        if path in lines:
            return lines[path]
        shorter = _LAST_STEP.sub("", path)
        path = shorter if shorter != path else ""
    return 1
