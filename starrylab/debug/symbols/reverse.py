"""From names and lines to addresses: where breakpoints belong.

A name is looked for as bytes first: only units that mention it are read.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from . import dw
from .bodies import subprograms
from .demangle import demangle
from .image import ImageError
from .line_header import line_header
from .location import FunctionMatch
from .packing import pack_words, unpack_words
from .ranges import Range
from .unit_index import IS_STMT, PROLOGUE_END, UnitIndex

if TYPE_CHECKING:
    from .symbols import Symbols
    from .unit import Unit

_MOST_MENTIONS: Final = 256  #: of a name among the strings; with more, every unit is read
_ARGUMENTS: Final = re.compile(r"<[^<>]*>")
_OPERATOR: Final = re.compile(r"operator\s*(<=>|<<=?|>>=?|->\*?|[<>]=?)")


class Files(NamedTuple):
    """All source files of all units."""

    paths: list[str]
    units: list[tuple[int, list[int]]]  #: unit's offset, its files by number, as indexes of paths


class Finder:
    """Answers for one file; see `Symbols` for the questions."""

    def __init__(self, symbols: Symbols) -> None:
        self._symbols = symbols

    # Functions.

    def functions(self, name: str) -> list[FunctionMatch]:
        """See `Symbols.find_function`."""
        found: dict[int, FunctionMatch] = {}
        for offset in self._units_mentioning(name):
            index = self._symbols.unit_index(offset)
            if index is not None:
                for match in _bodies(index, name):
                    found.setdefault(match.address, match)
        for match in self._from_table(name):
            found.setdefault(match.address, match)
        return sorted(found.values(), key=lambda match: (match.inlined, match.address))

    def _from_table(self, name: str) -> Iterator[FunctionMatch]:
        base = _base(name)
        table = self._symbols.table
        for position, linkage in enumerate(table.names):
            if base not in linkage:
                continue
            symbol = table.at(position)
            if symbol.size == 0 and linkage != name:
                continue  # a label within a function
            full = demangle(symbol.name)
            if matches(name, "", symbol.name, full):
                index = self._symbols.unit_at(symbol.address)
                if index is None:
                    at = self._symbols.lookup(symbol.address)[0]
                    yield FunctionMatch(symbol.address, full, at.file, at.line, symbol.address)
                else:
                    part = symbol.address, symbol.address + max(symbol.size, 1)
                    yield _match(index, symbol.address, part, full)

    def _units_mentioning(self, name: str) -> list[int]:
        """Return the units that may have bodies of this name."""
        info = self._symbols.info
        try:
            mentions = self._mentions(_base(name).encode())
            if mentions is None:
                return [unit.start for unit in info.units()]
            chosen = {unit.start for at in mentions if (unit := info.unit_of(at))}
            return sorted(self._declaring(name, chosen) | self._split())
        except ImageError:
            return []

    def _mentions(self, base: bytes) -> list[int] | None:
        """Return offsets in ``.debug_info`` of what may be this name; None for far too many."""
        sections = self._symbols.info.sections
        info, strings = sections.copy("info"), sections.copy("str")
        whole = re.compile(re.escape(base) + rb"[\0<]")
        found = [match.start() for match in whole.finditer(info)]
        offsets = [match.start() for match in whole.finditer(strings)]
        if len(offsets) > _MOST_MENTIONS:
            return None
        if len(sections.string_offsets) or self._symbols.info.alternate:
            return None  # indirect names: not found as bytes
        for offset in offsets:
            found += _occurrences(offset.to_bytes(4, "little"), info)
        return found

    def _split(self) -> set[int]:
        """Return the units whose names are in other files."""
        info = self._symbols.info
        if not info.sections.addresses:
            return set()
        return {unit.start for unit in info.units() if unit.is_skeleton}

    def _declaring(self, name: str, mentioning: set[int]) -> set[int]:
        """Return the units that have a function of this name, or refer to one of another unit.

        The latter is what link-time optimisation leaves behind.
        """
        info = self._symbols.info
        data = info.sections.copy("info")
        found = set()
        for unit in filter(None, map(info.unit_of_start, mentioning)):
            for entry in _subprograms(unit, name):
                found.add(unit.start)
                for at in _occurrences(entry.to_bytes(4, "little"), data):
                    if not unit.start <= at < unit.end and (other := info.unit_of(at)):
                        found.add(other.start)
        return found

    # Lines.

    def line(self, file: str, line: int) -> list[int]:
        """See `Symbols.find_line`."""
        best = 0
        rows: list[tuple[UnitIndex, int]] = []
        for index, numbers in self._units_with(file):
            for number, row in _rows_of(index, numbers, line):
                if best and number > best:
                    continue
                if number != best:
                    best, rows = number, []
                rows.append((index, row))
        return sorted(set(_one_a_function(rows)))

    def files(self) -> list[str]:
        """See `Symbols.source_files`."""
        return sorted({path for path in self._files.paths if path})

    def _units_with(self, file: str) -> Iterator[tuple[UnitIndex, frozenset[int]]]:
        wanted = {
            number for number, path in enumerate(self._files.paths) if _path_matches(path, file)
        }
        if not wanted:
            return
        for offset, files in self._files.units:
            numbers = frozenset(i for i, path in enumerate(files) if path in wanted)
            index = self._symbols.unit_index(offset) if numbers else None
            if index is not None:
                yield index, numbers

    @cached_property
    def _files(self) -> Files:
        columns = self._symbols.cached("files", 3)
        found = _unpacked(*columns) if columns else None
        if found is None:
            found = self._read_files()
            counts = [number for unit in found.units for number in (unit[0], len(unit[1]))]
            numbers = [number for unit in found.units for number in unit[1]]
            columns = [array("Q", counts).tobytes(), array("I", numbers).tobytes()]
            self._symbols.keep("files", [pack_words(found.paths), *columns])
        return found

    def _read_files(self) -> Files:
        paths: dict[str, int] = {}
        units = []
        try:
            all_units = self._symbols.info.units()
        except ImageError:
            all_units = []
        for unit in all_units:
            try:
                offset = unit.line_offset
                if offset is None or unit.unit_type not in (dw.UT_COMPILE, dw.UT_SKELETON):
                    continue
                header = line_header(unit.sections, offset, unit.folder, unit.address_size)
            except ImageError:
                continue
            units.append((unit.start, [paths.setdefault(p, len(paths)) for p in header.files]))
        return Files(list(paths), units)


def _unpacked(words: bytes, counts: bytes, numbers: bytes) -> Files | None:
    """Return what is on disk; None when its parts do not fit each other."""
    if len(counts) % 16 or len(numbers) % 4:
        return None
    paths, pairs, indexes = unpack_words(words), array("Q", counts), array("I", numbers)
    if sum(pairs[1::2]) != len(indexes) or max(indexes, default=0) >= max(len(paths), 1):
        return None
    units, at = [], 0
    for offset, count in zip(pairs[0::2], pairs[1::2], strict=True):
        units.append((offset, list(indexes[at : at + count])))
        at += count
    return Files(paths, units)


def _subprograms(unit: Unit, name: str) -> list[int]:
    try:
        return subprograms(unit, lambda text: matches_base(name, text))
    except ImageError:
        return []


def _occurrences(pattern: bytes, data: bytes) -> Iterator[int]:
    at = data.find(pattern)
    while at >= 0:
        yield at
        at = data.find(pattern, at + 1)


# Matching.


def matches(wanted: str, name: str, linkage_name: str, full: str) -> bool:
    """Tell whether ``wanted`` means the function with these names."""
    if wanted in (name, linkage_name, full):
        return bool(wanted)
    plain = plain_name(full) if full else name
    return plain == wanted or plain.endswith(f"::{wanted}") or full.endswith(f".{wanted}")  # Go


def matches_base(wanted: str, name: str) -> bool:
    """Tell whether ``name``, without namespaces, may be the last part of ``wanted``."""
    return wanted == name or _base(wanted) == plain_name(name)


def plain_name(full: str) -> str:
    """Cut return type, parameters and template arguments off a demangled name."""
    operator = _OPERATOR.search(full)
    head, tail = (full[: operator.start()], operator[0]) if operator else (full, "")
    while (shorter := _ARGUMENTS.sub("", head)) != head:
        head = shorter
    if not tail:
        head = head.replace("(anonymous namespace)", "{anonymous}").partition("(")[0]
        head = head.replace("{anonymous}", "(anonymous namespace)")
        head = head.rpartition(" ")[2] if "operator" not in head else head
    return head + tail


def _base(name: str) -> str:
    return plain_name(name).rpartition("::")[2] or name


def _path_matches(path: str, wanted: str) -> bool:
    return path == wanted or path.endswith("/" + wanted.removeprefix("./").lstrip("/"))


# Places.


def _bodies(index: UnitIndex, name: str) -> Iterator[FunctionMatch]:
    chosen = {}
    for number, (plain, linkage) in enumerate(index.names):
        if plain and linkage != name and not matches_base(name, plain):
            continue
        full = demangle(linkage) if linkage else plain
        if matches(name, plain, linkage, full):
            chosen[number] = full
    for address, inlined, number in index.bodies_named(chosen):
        full = chosen[number]
        if inlined:
            row = index.row(address)
            file, line = (row.file, row.line) if row else ("", 0)
            yield FunctionMatch(address, full, file, line, address, inlined=True)
        else:
            yield _match(index, address, index.part(address) or (address, address + 1), full)


def _match(index: UnitIndex, address: int, part: Range, full: str) -> FunctionMatch:
    behind = prologue_end(index, address, part[1])
    row = index.row(behind)
    file, line = (row.file, row.line) if row else ("", 0)
    return FunctionMatch(address, full, file, line, behind)


def prologue_end(index: UnitIndex, start: int, end: int) -> int:
    """Return where the body of a function begins.

    As gdb has it: where the compiler says so, or else at the second row of the line table.
    """
    second = start
    for row in index.rows_between(start, end):
        if row.flags & PROLOGUE_END:
            return row.start
        if second == start and row.start > start and row.flags & IS_STMT and row.line:
            second = row.start
    return second


def _rows_of(index: UnitIndex, files: frozenset[int], line: int) -> list[tuple[int, int]]:
    """Return line and row of the statements on ``line``, or on the next one that has any."""
    flags, numbers = index.flags, index.row_files
    rows = [
        (number, row)
        for row, number in enumerate(index.lines)
        if number >= line and flags[row] & IS_STMT and numbers[row] in files and number
    ]
    best = min(rows, default=(0, 0))[0]
    return [found for found in rows if found[0] == best]


def _one_a_function(rows: list[tuple[UnitIndex, int]]) -> Iterator[int]:
    """Yield the first address in each body; at the start of a function, behind its prologue."""
    seen: set[tuple[int, int, int]] = set()
    for index, row in sorted(rows, key=lambda item: item[0].addresses[item[1]]):
        address = index.addresses[row]
        part = index.part(address)
        key = id(index), index.body_at(address), part[0] if part else 0
        if key in seen:
            continue
        seen.add(key)
        at_entry = part is not None and part[0] == address
        yield prologue_end(index, address, part[1]) if part and at_entry else address
