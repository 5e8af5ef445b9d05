"""Addresses to functions and lines, and back, for one ELF file.

What reads debug information is imported when it is needed: an answer from the index on disk is out
before that would be loaded.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Final

from ...abi import elf
from . import address_map, unit_index
from .address_map import AddressMap
from .cache import IndexCache, key_of
from .debug_files import SYSTEM_FOLDERS, find_alternate, find_debug_file, has_debug_info
from .demangle import demangle
from .image import ElfImage, ImageError
from .location import UNKNOWN, FunctionMatch, Location
from .packing import pack, unpack
from .unit_index import Call, LineRow, Packed, UnitIndex

if TYPE_CHECKING:
    from _typeshed import StrPath

    from .go_table import GoFrame, GoFunction, GoTable
    from .info import Info
    from .reverse import Finder
    from .symtab import SymbolTable

_GLANCES: Final = 1  #: answers of a unit before all of it is read
_MOST_UNITS: Final = 256  #: indexes held in memory


class Symbols:
    """What is known about the code of one ELF file; addresses are the file's virtual ones.

    Nothing is read before the first question, and then no more than the units that it touches.
    Broken debug information is as good as none: nothing here raises.
    """

    def __init__(
        self,
        image: ElfImage,
        search: Sequence[StrPath] = SYSTEM_FOLDERS,
        cache: IndexCache | None = None,
    ) -> None:
        self.image = image
        self._search = search
        self._cache = cache
        self._indexes: OrderedDict[int, UnitIndex | None] = OrderedDict()
        self._glanced: Counter[int] = Counter()  #: answers of units without an index

    @classmethod
    def of(
        cls,
        image: ElfImage,
        search: Sequence[StrPath] = SYSTEM_FOLDERS,
        cache: IndexCache | None = None,
    ) -> Symbols:
        """Return the symbols of ``image``.

        ``search`` are folders of separate debug files; ``cache`` keeps indexes between processes.
        """
        return cls(image, search, cache)

    # From an address.

    def lookup(self, addr: int) -> list[Location]:
        """Return what is at ``addr``: innermost inlined frame first, at least one entry."""
        index, calls = self._at(addr)
        row = index.row(addr) if index else None
        if not calls:
            return [self._from_table(addr, row)]
        return _locations(calls, row, addr - self._start(addr, index))

    def function_range(self, addr: int) -> tuple[int, int] | None:
        """Return start and end of the contiguous code of the function that covers ``addr``."""
        index, _ = self._at(addr)
        part = index.part(addr) if index else None
        if part is not None:
            return part
        symbol = self.table.find(addr)
        return (symbol.address, symbol.address + symbol.size) if symbol else None

    def go_frame(self, addr: int) -> GoFrame | None:
        """Return what Go's own table says of the frame at ``addr``."""
        try:
            table, function = self._go_function(addr)
            return table.frame(function, addr) if table and function else None
        except ImageError:
            return None

    def line_range(self, addr: int) -> tuple[int, int] | None:
        """Return the addresses around ``addr`` whose code belongs to the same line.

        Rows for the same line that follow each other count as one; None without a line.
        """
        index, _ = self._at(addr)
        row = index.row(addr) if index else None
        if index is None or row is None:
            return self._go_line_range(addr)
        start, end, here = row.start, row.end, (row.file, row.line)
        while (behind := index.row(end)) and (behind.file, behind.line) == here:
            end = behind.end
        while (before := index.row(start - 1)) and (before.file, before.line) == here:
            start = before.start
        return start, end

    # To an address.

    def find_function(self, name: str) -> list[FunctionMatch]:
        """Return where the code of functions of this name begins, inlined places included.

        ``name`` may be a linkage name, the plain name, or the name with any number of its
        namespaces; parameters and template arguments may be left out.
        """
        return self._finder.functions(name)

    def find_line(self, file: str, line: int) -> list[int]:
        """Return where the code of a line begins; of the next line with code if it has none.

        ``file`` matches by the end of its path, whole parts of it. One address for each function
        (or inlined place) that the line has code in.
        """
        return self._finder.line(file, line)

    def source_files(self) -> list[str]:
        """Return the paths of all source files, as the compiler recorded them."""
        return self._finder.files()

    def settle(self, seconds: float = 0.3) -> None:
        """Index units that were only glanced at, so that the next process finds them.

        For idle moments, and before the end; stops before the first unit for which the time is up.
        Does nothing without a cache.
        """
        if self._cache is not None:
            end = time.monotonic() + seconds
            for offset, _ in self._glanced.most_common():
                self.unit_index(offset)
                if time.monotonic() >= end:
                    break
        self._glanced.clear()

    # Where the information comes from.

    @cached_property
    def debug_image(self) -> ElfImage:
        """The file that the debug information is in: the image, or its separate debug file."""
        try:
            if has_debug_info(self.image):
                return self.image
            return find_debug_file(self.image, self._search) or self.image
        except ImageError:
            return self.image

    @cached_property
    def info(self) -> Info:
        """The debug information, entry by entry."""
        from .info import Info

        try:
            alternate = find_alternate(self.debug_image, self._search)
        except ImageError:
            alternate = None
        return Info.of(self.debug_image, alternate, self.image.path)

    @cached_property
    def table(self) -> SymbolTable:
        """The symbol table; that of the separate debug file when the image has been stripped."""
        from .symtab import SymbolTable

        images = [self.image]
        if ".symtab" not in _section_names(self.image):
            images.insert(0, self.debug_image)
            if self._go_table and ".symtab" not in _section_names(self.debug_image):
                return self._go_functions()
        for image in images:
            try:
                table = SymbolTable.of(image)
            except ImageError:
                continue
            if len(table):
                return table
        return self._go_functions()

    def unit_at(self, addr: int) -> UnitIndex | None:
        """Return the index of the unit whose code is at ``addr``."""
        return self._at(addr)[0]

    def unit_index(self, offset: int) -> UnitIndex | None:
        """Return the index of the unit at ``offset`` of ``.debug_info``; None when it is broken."""
        if offset in self._indexes:
            self._indexes.move_to_end(offset)
            return self._indexes[offset]
        found = self._load_unit(offset)
        self._indexes[offset] = found
        if len(self._indexes) > _MOST_UNITS:
            self._indexes.popitem(last=False)
        return found

    # Inside.

    def _at(self, addr: int) -> tuple[UnitIndex | None, list[Call]]:
        """Return the unit of ``addr`` and the functions there."""
        first = None
        for offset in self._map.find(addr):
            index = self._index_around(offset, addr)
            if index is None:
                continue
            calls = index.chain(addr)
            if calls:
                return index, calls
            first = first or index
        return first, []

    def _index_around(self, offset: int, addr: int) -> UnitIndex | None:
        """Return an index that is good for ``addr``; a unit is read whole when it is used again."""
        if offset in self._indexes or self._glanced[offset] >= _GLANCES:
            return self.unit_index(offset)
        packed = self._stored(offset)
        if packed is not None:
            self._indexes[offset] = index = UnitIndex(packed)
            return index
        self._glanced[offset] += 1
        return self._build(offset, addr)

    def _start(self, addr: int, index: UnitIndex | None) -> int:
        part = index.part(addr) if index else None
        return part[0] if part else addr

    @cached_property
    def _go_table(self) -> GoTable | None:
        from .go_table import GoTable

        try:
            return GoTable.of(self.image)
        except ImageError:
            return None

    def _go_function(self, addr: int) -> tuple[GoTable | None, GoFunction | None]:
        """Return the function of Go's own table that covers ``addr``; raise `ImageError`."""
        table = self._go_table
        return table, table.find(addr) if table else None

    def _go_line_range(self, addr: int) -> tuple[int, int] | None:
        try:
            table, function = self._go_function(addr)
            return table.line_range(function, addr) if table and function else None
        except ImageError:
            return None

    def _go_functions(self) -> SymbolTable:
        from .symtab import Symbol, SymbolTable

        try:
            functions = self._go_table.functions if self._go_table else []
        except ImageError:
            functions = []
        return SymbolTable.from_symbols(
            Symbol(function.name, function.start, function.end - function.start)
            for function in functions
        )

    def _from_go(self, addr: int) -> Location | None:
        """Return what Go's own table says of ``addr``."""
        try:
            table, function = self._go_function(addr)
            if function is None or table is None:
                return None
            file, line = table.line(function, addr)
        except ImageError:
            return None
        return Location(function.name, file, line, 0, False, addr - function.start, "")

    def _from_table(self, addr: int, row: LineRow | None) -> Location:
        found = self._from_go(addr) if row is None else None
        if found is not None:
            return found
        symbol = self.table.find(addr)
        if symbol is None and row is None:
            return UNKNOWN
        file, line, column = (row.file, row.line, row.column) if row else ("", 0, 0)
        if symbol is None:
            return Location("", file, line, column, False, -1, "")
        offset = addr - symbol.address
        return Location(demangle(symbol.name), file, line, column, False, offset, symbol.name)

    @cached_property
    def _finder(self) -> Finder:
        from .reverse import Finder

        return Finder(self)

    @cached_property
    def _key(self) -> str | None:
        return key_of(self.debug_image) if self._cache else None

    @cached_property
    def _map(self) -> AddressMap:
        columns = self.cached("map", len(address_map.Packed._fields))
        packed = address_map.Packed(*columns) if columns else None
        if packed is not None and address_map.consistent(packed):
            return AddressMap(packed)
        from . import address_build

        try:
            built = address_build.build(self.info)
        except ImageError:
            built = AddressMap(address_map.Packed(b"", b"", b""))
        self.keep("map", built.packed)
        return built

    def _load_unit(self, offset: int) -> UnitIndex | None:
        packed = self._stored(offset)
        if packed is not None:
            return UnitIndex(packed)
        built = self._build(offset)
        if built is not None:
            self.keep(f"unit-{offset:x}", built.packed)
        return built

    def _stored(self, offset: int) -> Packed | None:
        columns = self.cached(f"unit-{offset:x}", len(Packed._fields))
        packed = Packed(*columns) if columns else None
        return packed if packed is not None and unit_index.consistent(packed) else None

    def _build(self, offset: int, around: int | None = None) -> UnitIndex | None:
        from . import unit_build

        try:
            unit = self.info.unit_of_start(offset)
            return unit_build.build(unit, self._code, around) if unit else None
        except ImageError:
            return None

    @cached_property
    def _code(self) -> list[tuple[int, int]]:
        try:
            return [
                (segment.vaddr, segment.vaddr + segment.memsz)
                for segment in self.debug_image.segments()
                if segment.flags & elf.PF_X
            ]
        except ImageError:
            return []

    def cached(self, part: str, count: int) -> list[bytes] | None:
        """Return the columns of a part of this file's index, None when it has to be made."""
        if self._cache is None or self._key is None:
            return None
        content = self._cache.get(self._key, part)
        return None if content is None else unpack(content, count)

    def keep(self, part: str, columns: Sequence[bytes]) -> None:
        """Keep a part of this file's index on disk."""
        if self._cache is not None and self._key is not None:
            self._cache.put(self._key, part, pack(columns))


def _locations(calls: list[Call], row: LineRow | None, offset: int) -> list[Location]:
    """Go outwards: a frame's line is the call of the one inside it."""
    found = []
    file, line, column = (row.file, row.line, row.column) if row else ("", 0, 0)
    for call in calls:
        name, linkage = function_name(call.name, call.linkage_name), call.linkage_name
        found.append(Location(name, file, line, column, call.inlined, offset, linkage))
        file, line, column = call.file, call.line, call.column
    return found


def function_name(name: str, linkage_name: str) -> str:
    """Return the demangled linkage name, or the plain one where that cannot be had."""
    full = demangle(linkage_name) if linkage_name else ""
    return name if name and full == linkage_name else full


def _section_names(image: ElfImage) -> frozenset[str]:
    try:
        return frozenset(image.section_table)
    except ImageError:
        return frozenset()
