"""Go's own table of functions and lines, which stripped programs keep (``.gopclntab``).

The format is that of Go 1.18 and later, `internal/abi` and `debug/gosym` in Go's sources: a header,
a table of functions, and for each function runs of (value, bytes of code) for file and line. Which
functions were inlined where is not in it, so there is one frame for an address.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from .encoding import u32, uleb
from .errors import DwarfError, guarded
from .image import ElfImage, string_at

_SECTIONS: Final = (".gopclntab", ".data.rel.ro.gopclntab")
_HEADER: Final = struct.Struct("<IHBB8Q")
_MAGICS: Final = frozenset({0xFFFFFFF0, 0xFFFFFFF1})  #: Go 1.18, 1.20
_NO_FILE: Final = 0xFFFFFFFF
_MOST_FUNCTIONS: Final = 1 << 22


@dataclass(frozen=True, slots=True)
class GoFunction:
    """A function: its name as Go writes it, and its code."""

    name: str
    start: int
    end: int
    record: int  #: offset of what else is known of it


class GoTable:
    """The table of one file; use `of`."""

    def __init__(self, data: bytes, text: int) -> None:
        self._data = data
        (_, _, self._quantum, size, count, _, start, self._names, self._units, self._files,
         self._runs, self._functions) = _HEADER.unpack_from(data)  # fmt: skip
        if size != 8 or count > _MOST_FUNCTIONS or self._functions + 8 * count + 4 > len(data):
            raise DwarfError(".gopclntab is broken")
        self._text = start or text
        words = memoryview(data)[self._functions : self._functions + 8 * count + 8]
        numbers = struct.unpack_from(f"<{2 * count + 1}I", words)
        self._starts = numbers[0::2]
        self._records = numbers[1::2]

    @classmethod
    def of(cls, image: ElfImage) -> GoTable | None:
        """Return the table of ``image``; None when it has none, or one of another version.

        Raises `ImageError` when it is broken.
        """
        for name in _SECTIONS:
            content = image.section(name)
            if content is not None and len(content) >= _HEADER.size and u32(content, 0) in _MAGICS:
                return _open(bytes(content), image.section_address(".text"))
        return None

    @cached_property
    def functions(self) -> list[GoFunction]:
        """All functions, by address."""
        return [self._function(index) for index in range(len(self._records))]

    def find(self, addr: int) -> GoFunction | None:
        """Return the function that covers ``addr``; raise `DwarfError`."""
        index = bisect_right(self._starts, addr - self._text) - 1
        return self._function(index) if 0 <= index < len(self._records) else None

    @guarded
    def line(self, function: GoFunction, addr: int) -> tuple[str, int]:
        """Return file and line of an address in ``function``; raise `DwarfError`."""
        data, at = self._data, function.record
        line = self._value(u32(data, at + 24), addr - function.start)
        number = self._value(u32(data, at + 20), addr - function.start)
        if number is None or number < 0:
            return "", line or 0
        offset = u32(data, self._units + 4 * (u32(data, at + 32) + number))
        file = "" if offset == _NO_FILE else string_at(data, self._files + offset)
        return file, max(line or 0, 0)

    @guarded
    def _function(self, index: int) -> GoFunction:
        record = self._functions + self._records[index]
        name = string_at(self._data, self._names + u32(self._data, record + 4))
        start, end = self._starts[index], self._starts[index + 1]
        return GoFunction(name, self._text + start, self._text + end, record)

    def _value(self, offset: int, distance: int) -> int | None:
        """Return the value that holds ``distance`` bytes into a function."""
        data, at = self._data, self._runs + offset
        value, covered, first = -1, 0, True
        while True:
            change, at = uleb(data, at)
            if change == 0 and not first:
                return None
            first = False
            value += -(change >> 1) - 1 if change & 1 else change >> 1
            length, at = uleb(data, at)
            covered += length * self._quantum
            if distance < covered:
                return value


@guarded
def _open(data: bytes, text: int) -> GoTable:
    return GoTable(data, text)
