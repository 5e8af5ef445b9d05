"""The header of a line number program: how to decode it, and the files it speaks of.

DWARF 5, 6.2.4 (version 5) and DWARF 4, 6.2.4 (versions 2 to 4).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final, NamedTuple

from . import dw
from .abbrev import Shape, form_size
from .encoding import UNSIGNED, initial_length, u16, uleb
from .errors import DwarfError, guarded
from .forms import read
from .sections import Sections

_LNCT_PATH: Final = 1
_LNCT_DIRECTORY_INDEX: Final = 2
_MOST_FILES: Final = 1 << 20


class LineHeader(NamedTuple):
    """What a line number program needs before its first instruction."""

    version: int
    start: int  #: of the program, in ``data``
    end: int
    data: bytes  #: header and program
    address_size: int
    min_length: int  #: bytes of the shortest instruction
    default_is_stmt: bool
    line_base: int
    line_range: int
    opcode_base: int
    lengths: tuple[int, ...]  #: operands of the standard opcodes, from opcode 1 on
    files: tuple[str, ...]  #: by the number that the program uses; "" where there is none


@guarded
def line_header(sections: Sections, offset: int, folder: str, address_size: int = 8) -> LineHeader:
    """Read the header at ``offset``; ``folder`` is the unit's. Raises `DwarfError`."""
    section = sections.lines
    length, offset_size, at = initial_length(section, offset)
    if at + length > len(section):
        raise DwarfError(f"the line table at {offset:#x} is cut short")
    data = bytes(section[at : at + length])
    version = u16(data, 0)
    if not 2 <= version <= 5:
        raise DwarfError(f"version {version} of the line table at {offset:#x} is unknown")
    at = 2
    if version >= 5:
        address_size = data[at]
        at += 2
    start = UNSIGNED[offset_size](data, at)
    at += offset_size
    start += at
    min_length = data[at]
    at += 1 if version < 4 else 2
    default_is_stmt = data[at] != 0
    line_base = data[at + 1] - 256 if data[at + 1] > 127 else data[at + 1]
    line_range, opcode_base = data[at + 2], data[at + 3]
    at += 4
    lengths = tuple(data[at : at + opcode_base - 1])
    at += max(opcode_base - 1, 0)
    if version >= 5:
        names = _Tables(sections, Shape(version, address_size, offset_size), data)
        files = names.files(at, folder)
    else:
        files = _old_files(data, at, folder)
    return LineHeader(
        version, start, len(data), data, address_size, min_length, default_is_stmt,
        line_base, line_range, opcode_base, lengths, files,
    )  # fmt: skip


def _old_files(data: bytes, at: int, folder: str) -> tuple[str, ...]:
    """Folders, then files; folder 0 is the unit's, and files count from 1."""
    folders = [folder]
    while data[at]:
        name, at = _string(data, at)
        folders.append(os.path.join(folder, name))
    at += 1
    files = [""]
    while data[at]:
        name, at = _string(data, at)
        index, at = uleb(data, at)
        _, at = uleb(data, at)
        _, at = uleb(data, at)
        files.append(_joined(folders, index, name))
    return tuple(files)


def _string(data: bytes, at: int) -> tuple[str, int]:
    end = data.index(0, at)
    return data[at:end].decode("utf-8", "replace"), end + 1


def _joined(folders: list[str], index: int, name: str) -> str:
    return os.path.join(folders[index], name) if index < len(folders) else name


class _Tables:
    """Folders and files of version 5: each table begins with the form of its columns."""

    def __init__(self, sections: Sections, shape: Shape, data: bytes) -> None:
        self._sections = sections
        self._shape = shape
        self._data = data
        self._at = 0

    def files(self, at: int, folder: str) -> tuple[str, ...]:
        """Return the paths of all files."""
        self._at = at
        folders = [os.path.join(folder, name) for name, _ in self._table()]
        return tuple(_joined(folders, index, name) for name, index in self._table())

    def _table(self) -> Iterator[tuple[str, int]]:
        data = self._data
        columns = []
        width = data[self._at]
        at = self._at + 1
        for _ in range(width):
            kind, at = uleb(data, at)
            form, at = uleb(data, at)
            columns.append((kind, form, form_size(form, self._shape)))
        count, at = uleb(data, at)
        if count > _MOST_FILES:
            raise DwarfError(f"a line table of {count} files")
        for _ in range(count):
            name, index = "", 0
            for kind, form, size in columns:
                form, raw, at = read(form, size, self._shape, data, at)
                if kind == _LNCT_PATH:
                    name = self._text(form, raw)
                elif kind == _LNCT_DIRECTORY_INDEX and isinstance(raw, int):
                    index = raw
            yield name, index
        self._at = at

    def _text(self, form: int, raw: int | bytes) -> str:
        if isinstance(raw, bytes):
            return raw.decode("utf-8", "replace")
        if form == dw.FORM_LINE_STRP:
            return self._sections.line_string(raw)
        return self._sections.string(raw) if form == dw.FORM_STRP else ""
