"""The debug sections of one file, as they are named in an ordinary or in a split (.dwo) file."""

from __future__ import annotations

from functools import cached_property

from .abbrev import AbbreviationTable, Shape
from .encoding import Bytes
from .image import ElfImage, string_at

_NOTHING = memoryview(b"")


class Sections:
    """The debug sections of ``image``, each read when it is first used."""

    def __init__(self, image: ElfImage, *, split: bool = False) -> None:
        self.image = image
        self.split = split  #: whether the names end in ``.dwo``
        self._tables: dict[tuple[int, Shape], AbbreviationTable] = {}
        self._bytes: dict[str, bytes] = {}

    def view(self, name: str) -> memoryview:
        """Return ``.debug_<name>``, empty when it is absent; raise `ImageError`."""
        suffix = ".dwo" if self.split else ""
        found = self.image.section(f".debug_{name}{suffix}")
        return _NOTHING if found is None else found

    def copy(self, name: str) -> bytes:
        """Return a section as bytes, which are faster to search and to read byte by byte."""
        if name not in self._bytes:
            self._bytes[name] = bytes(self.view(name))
        return self._bytes[name]

    @cached_property
    def info(self) -> memoryview:
        """``.debug_info``."""
        return self.view("info")

    @cached_property
    def types(self) -> memoryview:
        """``.debug_types`` (DWARF 4)."""
        return self.view("types")

    @cached_property
    def abbrev(self) -> Bytes:
        """``.debug_abbrev``."""
        return self.copy("abbrev")

    @cached_property
    def strings(self) -> memoryview:
        """``.debug_str``."""
        return self.view("str")

    @cached_property
    def line_strings(self) -> memoryview:
        """``.debug_line_str``; a split file has none of its own."""
        return self.view("line_str")

    @cached_property
    def string_offsets(self) -> memoryview:
        """``.debug_str_offsets``."""
        return self.view("str_offsets")

    @cached_property
    def addresses(self) -> memoryview:
        """``.debug_addr``, which is never split."""
        return self.view("addr")

    @cached_property
    def ranges(self) -> memoryview:
        """``.debug_ranges`` (DWARF 2 to 4)."""
        return self.view("ranges")

    @cached_property
    def range_lists(self) -> memoryview:
        """``.debug_rnglists`` (DWARF 5)."""
        return self.view("rnglists")

    @cached_property
    def lines(self) -> memoryview:
        """``.debug_line``."""
        return self.view("line")

    def abbreviations(self, offset: int, shape: Shape) -> AbbreviationTable:
        """Return the abbreviations at ``offset``, which units may share."""
        table = self._tables.get((offset, shape))
        if table is None:
            table = self._tables[offset, shape] = AbbreviationTable(self.abbrev, offset, shape)
        return table

    def string(self, offset: int) -> str:
        """Return a string of ``.debug_str``."""
        return string_at(self.strings, offset)

    def line_string(self, offset: int) -> str:
        """Return a string of ``.debug_line_str``."""
        return string_at(self.line_strings, offset)
