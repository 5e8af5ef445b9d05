"""The kernel's RAM where a board runs user code: the host's memory, kept true on demand."""

from __future__ import annotations

from typing import Final, Literal

from ..api import RamWords
from ..ram import HostRam
from .copies import Copies
from .follow import STRING_GRAIN

_WORD_SIZES: Final = {"I": 4, "Q": 8}


class BoardView:
    """See `RamView`."""

    def __init__(self, ram: memoryview, copies: Copies) -> None:
        self._ram = ram
        self._copies = copies

    def __len__(self) -> int:
        return len(self._ram)

    def __getitem__(self, part: slice, /) -> memoryview:
        start, end, _ = part.indices(len(self._ram))
        self._copies.fetch(start, end)
        self._copies.lend(start, end)
        return self._ram[part]

    def __setitem__(self, part: slice, data: bytes | bytearray | memoryview, /) -> None:
        start, end, _ = part.indices(len(self._ram))
        self._ram[part] = data
        self._copies.wrote(start, end)

    def cast(self, form: Literal["I", "Q"], /) -> RamWords:
        """See `RamView.cast`."""
        return BoardWords(self._ram.cast(form), _WORD_SIZES[form], self._copies)


class BoardWords:
    """See `RamWords`."""

    def __init__(self, words: memoryview, size: int, copies: Copies) -> None:
        self._words = words
        self._size = size
        self._copies = copies

    def __getitem__(self, index: int, /) -> int:
        at = index * self._size
        self._copies.fetch(at, at + self._size)
        value: int = self._words[index]
        return value

    def __setitem__(self, index: int, value: int, /) -> None:
        self._words[index] = value
        at = index * self._size
        self._copies.wrote(at, at + self._size)


class BoardRam:
    """See `Ram`."""

    def __init__(self, host: HostRam, copies: Copies) -> None:
        self._host = host
        self.size = host.size
        self.view = BoardView(host.view, copies)
        self.grain = STRING_GRAIN
        self.copy_page = copies.duplicate
