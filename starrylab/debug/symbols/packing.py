"""How indexes are written: columns of bytes and lists of words, one behind the other.

A list of words is their UTF-8 with NULs between them, which no name in an ELF file contains.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

_LENGTH: Final = struct.Struct("<Q")


def pack(columns: Sequence[bytes]) -> bytes:
    """Return the columns in one piece."""
    parts = []
    for column in columns:
        parts.append(_LENGTH.pack(len(column)))
        parts.append(column)
    return b"".join(parts)


def unpack(content: bytes, count: int) -> list[bytes] | None:
    """Return ``count`` columns, None when there are not exactly that many."""
    found = []
    at = 0
    while at + _LENGTH.size <= len(content):
        (length,) = _LENGTH.unpack_from(content, at)
        at += _LENGTH.size
        if length > len(content) - at:
            return None
        found.append(content[at : at + length])
        at += length
    return found if at == len(content) and len(found) == count else None


def pack_words(words: Sequence[str]) -> bytes:
    """Return a list of words as one column."""
    return "".join(f"{word}\0" for word in words).encode("utf-8", "replace")


def unpack_words(column: bytes) -> list[str]:
    """Return the words of a column."""
    return column.decode("utf-8", "replace").split("\0")[:-1]
