"""Symbol tables: which function's code an address lies in (elf(5), ``Elf64_Sym``)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from functools import cached_property
from typing import Final, NamedTuple

from ...abi import elf
from .image import ElfImage, Section, string_at

_ENTRY: Final = 24  #: bytes of an Elf64_Sym
_STT_NOTYPE: Final = 0
_STT_FUNC: Final = 2
_STT_GNU_IFUNC: Final = 10
_CODE: Final = frozenset({_STT_FUNC, _STT_GNU_IFUNC})
_SHN_LORESERVE: Final = 0xFF00
#: Of several names at one address: global before weak before local.
_RANK: Final = {1: 0, 10: 0, 2: 1, 0: 2}


class Symbol(NamedTuple):
    """A function's name and its code, as the linker placed it."""

    name: str
    address: int
    size: int  #: bytes; 0 when unknown


class SymbolTable:
    """The functions of ``.symtab``, or of ``.dynsym`` in a stripped file, by address."""

    def __init__(self) -> None:
        self._strings = memoryview(b"")
        #: (address, rank, size, name offset), ascending
        self._rows: list[tuple[int, int, int, int]] = []
        self._starts: list[int] = []

    @classmethod
    def of(cls, image: ElfImage) -> SymbolTable:
        """Read the table of ``image``, empty when it has none; raise `ImageError`."""
        table = cls()
        for wanted in (elf.SHT_SYMTAB, elf.SHT_DYNSYM):
            for section in image.sections:
                if section.type == wanted and not table._rows:
                    table._read(image, section)
        table._starts = [row[0] for row in table._rows]
        return table

    @classmethod
    def from_symbols(cls, symbols: Iterable[Symbol]) -> SymbolTable:
        """Make a table of functions that are known otherwise."""
        table = cls()
        strings = bytearray(b"\0")
        for symbol in symbols:
            table._rows.append((symbol.address, 0, symbol.size, len(strings)))
            strings += symbol.name.encode() + b"\0"
        table._rows.sort()
        table._strings = memoryview(bytes(strings))
        table._starts = [row[0] for row in table._rows]
        return table

    def __len__(self) -> int:
        return len(self._rows)

    def find(self, addr: int) -> Symbol | None:
        """Return the function that covers ``addr``.

        A symbol without a size (written in assembly) reaches to the next one.
        """
        at = bisect_right(self._starts, addr) - 1
        if at < 0:
            return None
        found = []
        start = self._starts[at]
        while at >= 0 and self._starts[at] == start:
            row = self._rows[at]
            if row[2] == 0 or addr < start + row[2]:
                found.append(row)
            at -= 1
        if len(found) > 1:
            found.sort(key=self._order)
        return self._symbol(found[0]) if found else None

    def _order(self, row: tuple[int, int, int, int]) -> tuple[int, bool, int, int]:
        """Return what sorts the names of one address: ``malloc`` before ``__libc_malloc``."""
        name = string_at(self._strings, row[3])
        return row[1], row[2] == 0, len(name) - len(name.lstrip("_")), row[3]

    def named(self, name: str) -> list[Symbol]:
        """Return the functions with exactly this linker name."""
        return [self.at(index) for index in self._by_name.get(name, ())]

    @cached_property
    def names(self) -> list[str]:
        """The linker names of all functions, in the order of addresses."""
        strings = bytes(self._strings)
        return [string_at(strings, row[3]) for row in self._rows]

    @cached_property
    def _by_name(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for index, name in enumerate(self.names):
            found.setdefault(name, []).append(index)
        return found

    def at(self, index: int) -> Symbol:
        """Return the function at a position in the order of addresses."""
        return self._symbol(self._rows[index])

    def _symbol(self, row: tuple[int, int, int, int]) -> Symbol:
        return Symbol(string_at(self._strings, row[3]), row[0], row[2])

    def _read(self, image: ElfImage, section: Section) -> None:
        content = image.content(section)
        if section.link >= len(image.sections):
            raise image.error(f"{section.name} names no string table")
        self._strings = image.content(image.sections[section.link])
        count = len(content) // _ENTRY
        words = content[: count * _ENTRY].cast("Q")
        typeless = _untyped_is_code(image)
        rows = []
        for head, address, size in zip(
            words[0::3].tolist(), words[1::3].tolist(), words[2::3].tolist(), strict=True
        ):
            kind = head >> 32 & 0xF
            place = head >> 48
            if kind not in _CODE and not (kind == _STT_NOTYPE and place in typeless):
                continue
            if place == 0 or place >= _SHN_LORESERVE or head & 0xFFFFFFFF == 0:
                continue
            if kind == _STT_NOTYPE and _is_mapping_symbol(self._strings, head & 0xFFFFFFFF):
                continue
            rank = _RANK.get(head >> 36 & 0xF, 3) + (4 if kind == _STT_NOTYPE else 0)
            rows.append((address, rank, size, head & 0xFFFFFFFF))
        rows.sort()
        self._rows = rows


def _untyped_is_code(image: ElfImage) -> frozenset[int]:
    """Return the executable sections: labels of assembly there have no type."""
    executable = 1 << 2  # SHF_EXECINSTR
    return frozenset(i for i, section in enumerate(image.sections) if section.flags & executable)


def _is_mapping_symbol(strings: memoryview, offset: int) -> bool:
    """Tell compilers' local labels and ``$x``, ``$d`` (psABI: where code and data begin)."""
    return (
        bytes(strings[offset : offset + 1]) == b"$" or bytes(strings[offset : offset + 2]) == b".L"
    )
