"""The instructions of a function beside its source lines, as ``objdump -S`` shows them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .decoder import Disassembler
from .instruction import Instruction

#: address -> (file, line) of the statement that the address belongs to; None if unknown
Line = Callable[[int], tuple[str, int] | None]
Symbolize = Callable[[int], str]

#: Bytes that one listing decodes.
LARGEST = 1 << 18


@dataclass(frozen=True, slots=True)
class Row:
    """One instruction; ``file`` and ``line`` are set where another statement begins."""

    instruction: Instruction
    target: str  #: the name of what a branch leads to, or a reference means; "" if unknown
    file: str
    line: int  #: 1 up, 0 unknown
    starts_line: bool  #: whether the row before is of another line


def listing(
    decoder: Disassembler, code: bytes, address: int, line: Line, symbol: Symbolize
) -> Iterator[Row]:
    """Yield the instructions of ``code``, which starts at ``address``."""
    previous: tuple[str, int] | None = None
    for instruction in decoder.decode(code[:LARGEST], address):
        found = line(instruction.address)
        starts = found is not None and found != previous
        if found is not None:
            previous = found
        leads = instruction.target if instruction.target is not None else instruction.reference
        target = symbol(leads) if leads is not None else ""
        file, number = previous or ("", 0)
        yield Row(instruction, target, file, number, starts)


def as_text(rows: Iterator[Row], source: Callable[[str, int], str | None]) -> Iterator[str]:
    """Yield lines of text: source lines, then their instructions, indented.

    ``source`` returns a line of a file, ``None`` where the file is not at hand.
    """
    for row in rows:
        if row.starts_line:
            text = source(row.file, row.line)
            yield f"{row.line}\t{text}" if text is not None else f"{row.file}:{row.line}"
        instruction = row.instruction
        name = f" {row.target}" if row.target else ""
        yield f"  {instruction.address:#x}: {instruction.word:<8}  {instruction.text}{name}"
