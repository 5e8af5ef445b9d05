"""Packages of split files (``.dwp``; DWARF 5, 7.3.5, and GCC's version 2 of them for DWARF 4).

A package is many split files in one: an index says which part of each section is whose.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Final

from .encoding import UNSIGNED, u32
from .errors import DwarfError, guarded
from .image import ElfImage, ImageError
from .sections import Sections

if TYPE_CHECKING:
    from .info import Info
    from .unit import Unit

_HEADER: Final = struct.Struct("<IIII")  #: version, sections, units, slots of the hash table
_MOST_UNITS: Final = 1 << 22
#: version -> number of a section in the index -> its name
_NAMES: Final = {
    2: {1: "info", 2: "types", 3: "abbrev", 4: "line", 5: "loc", 6: "str_offsets"},
    5: {1: "info", 3: "abbrev", 4: "line", 5: "loclists", 6: "str_offsets", 8: "rnglists"},
}
_SUFFIX: Final = ".dwp"

#: section -> where a unit's part of it is, and its size
Parts = dict[str, tuple[int, int]]


class PartSections(Sections):
    """The debug sections of one unit of a package; its strings belong to all."""

    def __init__(self, image: ElfImage, parts: Parts) -> None:
        super().__init__(image, split=True)
        self._parts = parts

    def view(self, name: str) -> memoryview:
        """See `Sections.view`."""
        whole = super().view(name)
        if name == "str":
            return whole
        offset, size = self._parts.get(name, (0, 0))
        return whole[offset : offset + size]


class Package:
    """The units of a package; ``main`` is the file that it belongs to."""

    def __init__(self, image: ElfImage, main: Info) -> None:
        self._image = image
        self._main = main
        self._infos: dict[int, Info | None] = {}

    def unit(self, identity: int) -> Unit | None:
        """Return the split unit with this identity; raise `ImageError`."""
        parts = self._units.get(identity)
        info = self._info(parts) if parts else None
        return next(iter(info.units()), None) if info else None

    def type_unit(self, signature: int) -> tuple[Unit, int] | None:
        """Return the type unit of this signature, and where the type's own entry is."""
        parts = self._types.get(signature)
        info = self._info(parts) if parts else None
        return info.own_type_unit(signature) if info else None

    def _info(self, parts: Parts) -> Info | None:
        from .info import Info

        start = parts.get("info", parts.get("types", (-1, 0)))[0]
        key = start << 1 | ("info" not in parts)
        if key not in self._infos:
            sections = PartSections(self._image, parts)
            self._infos[key] = Info(sections, main=self._main, package=self)
        return self._infos[key]

    @cached_property
    def _units(self) -> dict[int, Parts]:
        return dict(_index(self._image, ".debug_cu_index"))

    @cached_property
    def _types(self) -> dict[int, Parts]:
        return dict(_index(self._image, ".debug_tu_index"))


@guarded
def _index(image: ElfImage, name: str) -> Iterator[tuple[int, Parts]]:
    """Return identities and parts of all units of an index; raise `DwarfError`."""
    data = image.section(name)
    if data is None or len(data) < _HEADER.size:
        return iter(())
    version, columns, units, slots = _HEADER.unpack_from(data)
    names = _NAMES.get(version & 0xFFFF)  # 16 bits and padding, since version 5
    if names is None:
        raise DwarfError(f"{image.path}: {name} has the unknown version {version}")
    hashes = _HEADER.size
    rows = hashes + 8 * slots
    table = rows + 4 * slots
    if units > _MOST_UNITS or table + 4 * columns * (2 * units + 1) > len(data):
        raise DwarfError(f"{image.path}: {name} is cut short")
    found = []
    for slot in range(slots):
        row = u32(data, rows + 4 * slot)
        if 0 < row <= units:
            identity = UNSIGNED[8](data, hashes + 8 * slot)
            parts = {}
            for column in range(columns):
                section = names.get(u32(data, table + 4 * column))
                at = table + 4 * (columns * row + column)
                if section is not None:
                    parts[section] = u32(data, at), u32(data, at + 4 * columns * units)
            found.append((identity, parts))
    return iter(found)


def find_package(paths: list[str]) -> ElfImage | None:
    """Return the package beside a file that is known by these paths; None when there is none.

    As gdb and LLVM look for it: ``.dwp`` behind the file's name, or behind that of the program
    where the file is its separate ``.debug`` file.
    """
    for path in paths:
        for name in (path, path.removesuffix(".debug")):
            try:
                found = ElfImage.open(name + _SUFFIX)
            except ImageError:
                continue
            if found.section_table.keys() & {".debug_cu_index", ".debug_tu_index"}:
                return found
    return None
