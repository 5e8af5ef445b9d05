"""Addresses to functions and lines, and back, for one ELF file."""

from __future__ import annotations

from functools import cached_property

from .demangle import demangle
from .image import ElfImage
from .location import UNKNOWN, FunctionMatch, Location
from .symtab import SymbolTable


class Symbols:
    """What is known about the code of one ELF file; addresses are the file's virtual ones."""

    def __init__(self, image: ElfImage) -> None:
        self.image = image

    @classmethod
    def of(cls, image: ElfImage) -> Symbols:
        """Return the symbols of ``image``; nothing is read before the first question."""
        return cls(image)

    def lookup(self, addr: int) -> list[Location]:
        """Return what is at ``addr``: innermost inlined frame first, at least one entry."""
        symbol = self._table.find(addr)
        if symbol is None:
            return [UNKNOWN]
        name = demangle(symbol.name)
        return [Location(name, "", 0, 0, False, addr - symbol.address, symbol.name)]

    def function_range(self, addr: int) -> tuple[int, int] | None:
        """Return start and end of the function that covers ``addr``."""
        symbol = self._table.find(addr)
        return (symbol.address, symbol.address + symbol.size) if symbol else None

    def find_function(self, name: str) -> list[FunctionMatch]:
        """Return where the code of the function ``name`` begins."""
        return [
            FunctionMatch(symbol.address, demangle(symbol.name), "", 0, symbol.address)
            for symbol in self._table.named(name)
        ]

    @cached_property
    def _table(self) -> SymbolTable:
        return SymbolTable(self.image)
