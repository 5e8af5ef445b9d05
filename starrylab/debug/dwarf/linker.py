"""What the linker's symbol table knows: names of code and data without debug information."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Final, NamedTuple

from ...abi import elf
from ..symbols.demangle import demangle
from ..symbols.image import ElfImage, ImageError, string_at

_ENTRY: Final = 24  #: bytes of an Elf64_Sym
_OBJECT: Final = 1  #: STT_OBJECT
_CODE: Final = frozenset({2, 10})  #: STT_FUNC, STT_GNU_IFUNC
_SHN_LORESERVE: Final = 0xFF00


class LinkerSymbol(NamedTuple):
    """A symbol; the address is the file's."""

    address: int
    size: int  #: bytes
    name: str
    is_code: bool


class LinkerSymbols:
    """The functions and objects of one file."""

    def __init__(self, image: ElfImage) -> None:
        try:
            found = list(_symbols(image))
        except ImageError:
            found = []
        self._named = {symbol.name: symbol for symbol in reversed(found)}
        self._objects = sorted(symbol for symbol in found if not symbol.is_code)
        self._starts = [symbol.address for symbol in self._objects]

    def find(self, name: str) -> LinkerSymbol | None:
        """Return the symbol of this name."""
        return self._named.get(name)

    def data_at(self, address: int) -> str:
        """Return ``name+offset`` for an address of an object, "" for others."""
        index = bisect_right(self._starts, address) - 1
        if index < 0:
            return ""
        symbol = self._objects[index]
        offset = address - symbol.address
        if offset >= symbol.size:
            return ""
        name = demangle(symbol.name)
        return f"{name}+{offset}" if offset else name


def _symbols(image: ElfImage) -> Iterator[LinkerSymbol]:
    """Yield the symbols of ``.symtab``, or of ``.dynsym`` in a stripped file."""
    for wanted in (elf.SHT_SYMTAB, elf.SHT_DYNSYM):
        sections = [section for section in image.sections if section.type == wanted]
        for section in sections:
            if section.link >= len(image.sections):
                continue
            strings = bytes(image.content(image.sections[section.link]))
            content = image.content(section)
            words = content[: len(content) // _ENTRY * _ENTRY].cast("Q")
            rows = zip(words[0::3], words[1::3], words[2::3], strict=True)
            for head, address, size in rows:
                kind, place = head >> 32 & 0xF, head >> 48
                is_code = kind in _CODE
                if (is_code or kind == _OBJECT) and 0 < place < _SHN_LORESERVE:
                    name = string_at(strings, head & 0xFFFFFFFF)
                    yield LinkerSymbol(address, size, name, is_code)
        if sections:
            return
