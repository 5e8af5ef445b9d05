"""One sentence for each instruction, with the values that its operands have now."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from ...abi.numbers import Arch
from .instruction import Flow, Instruction
from .riscv64_words import CSRS, ORDERS, RISCV64_WORDS, ROUNDING

#: architecture -> mnemonic -> sentence; ``{0}`` is the first operand
_WORDS: Final[dict[Arch, Mapping[str, str]]] = {"riscv64": RISCV64_WORDS}

_ADDRESS: Final = re.compile(r"(-?\d*)\((\w+)\)")
_HOLE: Final = re.compile(r"\{(\d)\}")

Symbolize = Callable[[int], str]


def explain(
    arch: Arch,
    instruction: Instruction,
    values: Mapping[str, int] | None = None,
    symbol: Symbolize | None = None,
) -> str:
    """Return what an instruction does, "" where there are no words for it.

    ``values`` are registers by name, before the instruction; ``symbol`` names an address.
    """
    if instruction.flow is Flow.INVALID:
        return "Not an instruction that is known here: data, or a rare extension."
    sentence = _sentence(_WORDS.get(arch, {}), instruction)
    if not sentence:
        return ""
    text = _HOLE.sub(lambda match: _operand(instruction, int(match[1]), symbol), sentence)
    notes = _values(instruction, values or {}, symbol)
    return f"{text} {notes}".rstrip()


def _sentence(words: Mapping[str, str], instruction: Instruction) -> str:
    """Find the sentence: by mnemonic and operand count, by mnemonic, then without suffixes."""
    name, count = instruction.mnemonic, len(instruction.operands)
    ordering = ""
    for suffix, meaning in ORDERS.items():
        if name.endswith(suffix):
            name, ordering = name.removesuffix(suffix), meaning
            break
    sentence = words.get(f"{name}/{count}") or words.get(name, "")
    if not sentence:
        return ""
    mode = ROUNDING.get(instruction.operands[-1]) if count else None
    if mode is not None:
        sentence = f"{sentence} Rounds {mode}."
    return f"{sentence} {ordering}".rstrip()


def _operand(instruction: Instruction, index: int, symbol: Symbolize | None) -> str:
    if index >= len(instruction.operands):
        return "?"
    text = instruction.operands[index]
    if text.startswith("0x") and instruction.target is not None:
        name = symbol(instruction.target) if symbol is not None else ""
        return f"{text} {name}".rstrip()
    match = _ADDRESS.fullmatch(text)
    if match is not None:
        offset = int(match[1] or 0)
        if not offset:
            return match[2]
        return f"{match[2]} {'-' if offset < 0 else '+'} {abs(offset)}"
    return CSRS.get(text, text)


def _values(instruction: Instruction, values: Mapping[str, int], symbol: Symbolize | None) -> str:
    """Return what the registers among the operands hold, and the address of an access."""
    notes: list[str] = []
    known = instruction.reference or instruction.target
    if known is not None and not instruction.operands[-1].startswith("0x"):
        name = symbol(known) if symbol is not None else ""
        notes.append(f"with the auipc before it: {known:#x} {name}".rstrip())
    for operand in instruction.operands:
        match = _ADDRESS.fullmatch(operand)
        if match is not None and match[2] in values:
            address = values[match[2]] + int(match[1] or 0) & (1 << 64) - 1
            name = symbol(address) if symbol is not None else ""
            notes.append(f"the address is {address:#x} {name}".rstrip())
        elif operand in values and operand not in notes:
            notes.append(f"{operand} = {values[operand]:#x}")
    unique = list(dict.fromkeys(notes))
    return f"({', '.join(unique)})" if unique else ""
