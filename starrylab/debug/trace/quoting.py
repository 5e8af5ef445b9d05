"""Strings as strace(1) prints them."""

from __future__ import annotations

from typing import Final

_ESCAPES: Final = {
    0x09: "\\t", 0x0A: "\\n", 0x0B: "\\v", 0x0C: "\\f", 0x0D: "\\r", 0x22: '\\"', 0x5C: "\\\\",
}  # fmt: skip
_DIGITS: Final = frozenset(b"01234567")


def quoted(data: bytes) -> str:
    """Return ``data`` in double quotes; other bytes than ASCII are short octal escapes."""
    parts = []
    for index, byte in enumerate(data):
        if byte in _ESCAPES:
            parts.append(_ESCAPES[byte])
        elif 0x20 <= byte < 0x7F:
            parts.append(chr(byte))
        else:
            digit_follows = index + 1 < len(data) and data[index + 1] in _DIGITS
            parts.append(f"\\{byte:03o}" if digit_follows else f"\\{byte:o}")
    return '"' + "".join(parts) + '"'


def shortened(data: bytes, limit: int, *, more: bool = False) -> str:
    """Return at most ``limit`` bytes, with "..." behind if there are ``more``, or too many."""
    return quoted(data[:limit]) + ("..." if more or len(data) > limit else "")
