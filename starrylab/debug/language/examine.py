"""The ``x`` command: memory as numbers, strings or instructions (gdb manual, 10.6)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from ..dwarf import scalars
from ..dwarf.errors import NoMemory
from ..dwarf.frame import Memory
from ..dwarf.text import LIMIT, string, terminated
from .errors import ExpressionError

_SIZES: Final = {"b": 1, "h": 2, "w": 4, "g": 8}
_COLUMNS: Final = {1: 8, 2: 8, 4: 4, 8: 2}
_FORMAT: Final = re.compile(r"(-?\d*)([a-z]*)")
_MOST: Final = 4096  #: units of one command


@dataclass(frozen=True, slots=True)
class Format:
    """``/4xw``: how many units, the letter, bytes of a unit."""

    count: int = 1
    letter: str = "x"
    size: int = 4

    @classmethod
    def parse(cls, text: str) -> Format:
        """Read what follows the slash; raise `ExpressionError`."""
        match = _FORMAT.fullmatch(text)
        if match is None:
            raise ExpressionError(f"invalid format '/{text}'")
        letter, size = "x", 0
        for char in match[2]:
            if char in _SIZES:
                size = _SIZES[char]
            elif char in scalars.LETTERS or char == "i":
                letter = char
            else:
                raise ExpressionError(f"undefined output format '{char}'")
        count = int(match[1] or 1)
        if not 0 < count <= _MOST:
            raise ExpressionError(f"between 1 and {_MOST} units can be examined")
        return cls(count, letter, size or {"a": 8, "c": 1, "f": 8}.get(letter, 4))


def examine(
    address: int, form: Format, memory: Memory, symbol: Callable[[int], str]
) -> Iterator[str]:
    """Yield lines; the last one tells where memory ends, should it."""
    if form.letter == "s":
        yield from _strings(address, form.count, memory, symbol)
        return
    columns, units = _COLUMNS[form.size], form.count
    try:
        while units > 0:
            here = min(columns, units)
            data = [memory.read(address + n * form.size, form.size) for n in range(here)]
            texts = [scalars.bits(d, _letter(form), None, symbol) for d in data]
            yield "\t".join([_place(address, symbol), *texts])
            address += here * form.size
            units -= here
    except NoMemory as error:
        yield f"{_place(address, symbol)}\tcannot access memory at address {error.address:#x}"


def _letter(form: Format) -> str:
    return "z" if form.letter == "x" else form.letter


def _place(address: int, symbol: Callable[[int], str]) -> str:
    return f"{address:#x} {symbol(address)}".rstrip() + ":"


def _strings(
    address: int, count: int, memory: Memory, symbol: Callable[[int], str]
) -> Iterator[str]:
    for _ in range(count):
        data, cut = b"", False
        while (end := terminated(data)) is None and not cut:
            try:
                data += memory.read(address + len(data), 1)
            except NoMemory as error:
                where = _place(address, symbol)
                yield f"{where}\tcannot access memory at address {error.address:#x}"
                return
            cut = len(data) >= LIMIT and data[-1] != 0
        text = data if end is None else end
        yield f"{_place(address, symbol)}\t{string(text, cut=cut)}"
        address += len(data)
