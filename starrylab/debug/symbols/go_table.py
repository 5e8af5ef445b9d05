"""Go's own table of functions and lines, which stripped programs keep (``.gopclntab``).

The format is that of Go 1.18 and later, `internal/abi` and `debug/gosym` in Go's sources: a header,
a table of functions, and for each function runs of (value, bytes of code) for file and line. Which
functions were inlined where is not in it, so there is one frame for an address.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from .encoding import u32, uleb
from .errors import DwarfError, guarded
from .image import ElfImage, string_at

_SECTIONS: Final = (".gopclntab", ".data.rel.ro.gopclntab")
_HEADER: Final = struct.Struct("<IHBB8Q")
_GO_1_20: Final = 0xFFFFFFF1
_MAGICS: Final = frozenset({0xFFFFFFF0, _GO_1_20})  #: the other is Go 1.18's
_TOP_FRAME, _STACK_WRITTEN = 1, 2  #: abi.FuncFlag
_NO_FILE: Final = 0xFFFFFFFF
_MOST_FUNCTIONS: Final = 1 << 22


@dataclass(frozen=True, slots=True)
class GoFunction:
    """A function: its name as Go writes it, and its code."""

    name: str
    start: int
    end: int
    record: int  #: offset of what else is known of it


@dataclass(frozen=True, slots=True)
class GoFrame:
    """How Go's own traceback finds a caller: `runtime/traceback.go`.

    Where a call leaves the return address in a register, a frame begins with that address.
    """

    start: int  #: of the function
    size: int  #: bytes between the stack pointer and the caller's; 0: there is no frame yet
    is_first: bool  #: nobody called the function
    moves_stack: bool  #: it writes the stack pointer: its caller may be on another stack


class GoTable:
    """The table of one file; use `of`."""

    def __init__(self, data: bytes, text: int) -> None:
        self._data = data
        (magic, _, self._quantum, size, count, _, start, self._names, self._units, self._files,
         self._runs, self._functions) = _HEADER.unpack_from(data)  # fmt: skip
        if size != 8 or count > _MOST_FUNCTIONS or self._functions + 8 * count + 4 > len(data):
            raise DwarfError(".gopclntab is broken")
        self._text = start or text
        self._flags = 41 if magic == _GO_1_20 else 37  #: in a record; 1.20 has the first line, too
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
    def line_range(self, function: GoFunction, addr: int) -> tuple[int, int] | None:
        """Return the addresses around ``addr`` that are of the same line; raise `DwarfError`."""
        start = function.start
        for _, covered in self._steps(u32(self._data, function.record + 24)):
            end = function.start + covered
            if addr < end:
                return start, min(end, function.end)
            start = end
        return None

    @guarded
    def frame(self, function: GoFunction, addr: int) -> GoFrame | None:
        """Return the frame of ``function`` at ``addr``, if that is known; raise `DwarfError`."""
        size = self._value(u32(self._data, function.record + 16), addr - function.start)
        if size is None or size < 0:
            return None
        flags = self._data[function.record + self._flags]
        return GoFrame(function.start, size, bool(flags & _TOP_FRAME), bool(flags & _STACK_WRITTEN))

    @guarded
    def _function(self, index: int) -> GoFunction:
        record = self._functions + self._records[index]
        name = string_at(self._data, self._names + u32(self._data, record + 4))
        start, end = self._starts[index], self._starts[index + 1]
        return GoFunction(name, self._text + start, self._text + end, record)

    def _value(self, offset: int, distance: int) -> int | None:
        """Return the value that holds ``distance`` bytes into a function."""
        return next((v for v, covered in self._steps(offset) if distance < covered), None)

    def _steps(self, offset: int) -> Iterator[tuple[int, int]]:
        """Yield values, and how many bytes into the function each holds."""
        data, at = self._data, self._runs + offset
        value, covered, first = -1, 0, True
        while True:
            change, at = uleb(data, at)
            if change == 0 and not first:
                return
            first = False
            value += -(change >> 1) - 1 if change & 1 else change >> 1
            length, at = uleb(data, at)
            covered += length * self._quantum
            yield value, covered


@guarded
def _open(data: bytes, text: int) -> GoTable:
    return GoTable(data, text)
