"""Decoding LoongArch64, which capstone 5 does not know: every instruction is 32 bits.

Text is as the GNU assembler takes it, but for the target of a branch, which is an address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from ...abi.arch.loongarch64 import FLOATING, GENERAL
from .instruction import Flow, Instruction, invalid
from .loongarch64_table import ROWS, Operand, Row

_M64: Final = (1 << 64) - 1
_GENERAL: Final = tuple(f"${'r21' if name == 'u0' else name}" for name in GENERAL[:32])
_FLOATING: Final = tuple(f"${name}" for name in FLOATING)
_SIZE: Final = 4

_FLOWS: Final = {
    "b": Flow.JUMP, "bl": Flow.CALL, "break": Flow.TRAP, "dbcl": Flow.TRAP, "syscall": Flow.TRAP,
    "jr": Flow.JUMP, "ret": Flow.RETURN, "jirl": Flow.CALL,
    **dict.fromkeys(("beq", "bne", "blt", "bge", "bltu", "bgeu"), Flow.BRANCH),
    **dict.fromkeys(("beqz", "bnez", "bceqz", "bcnez"), Flow.BRANCH),
    **dict.fromkeys(("bltz", "bgez", "bgtz", "blez"), Flow.BRANCH),
}  # fmt: skip
#: base -> what to do with the upper 20 bits of an address
_UPPER: Final[dict[str, Callable[[int, int], int]]] = {
    "pcaddi": lambda pc, number: pc + (number << 2),
    "pcaddu12i": lambda pc, number: pc + (number << 12),
    "pcalau12i": lambda pc, number: pc + (number << 12) & ~0xFFF,
    "pcaddu18i": lambda pc, number: pc + (number << 18),
}


def decode_loongarch64(code: bytes, address: int) -> Iterator[Instruction]:
    """Yield the instructions of ``code``, which starts at ``address``."""
    for at in range(0, len(code), _SIZE):
        data = code[at : at + _SIZE]
        row = _find(int.from_bytes(data, "little")) if len(data) == _SIZE else None
        yield invalid(address + at, data) if row is None else _decoded(address + at, data, row)


def _find(word: int) -> Row | None:
    for mask, rows in ROWS.items():
        row = rows.get(word & mask)
        if row is not None:
            return row
    return None


def _decoded(address: int, data: bytes, row: Row) -> Instruction:
    mnemonic, wanted = row
    word = int.from_bytes(data, "little")
    offset = next((_number(word, o) for o in wanted if o.kind == "offset"), None)
    target = None if offset is None else address + offset & _M64
    texts = tuple(f"{target:#x}" if o.kind == "offset" else _text(word, o) for o in wanted)
    mnemonic, operands = _alias(mnemonic, texts)
    flow = _FLOWS.get(mnemonic, Flow.NEXT)
    reference = None
    if mnemonic == "pcaddi":
        reference = _UPPER[mnemonic](address, int(operands[1])) & _M64
    return Instruction(address, data, mnemonic, operands, flow, target, reference)


def _text(word: int, operand: Operand) -> str:
    number = _number(word, operand)
    match operand.kind:
        case "general":
            return _GENERAL[number]
        case "floating":
            return _FLOATING[number]
        case "flag":
            return f"$fcc{number}"
        case "control":
            return f"$fcsr{number}"
    return f"{number:#x}" if operand.kind == "unsigned" else str(number)


def _number(word: int, operand: Operand) -> int:
    number = size = 0
    for low, bits in operand.places:
        number = number << bits | word >> low & (1 << bits) - 1
        size += bits
    if operand.kind in ("signed", "offset"):
        number -= (number >> size - 1) << size
    return (number << operand.shift) + (operand.kind == "plus one")


def _alias(name: str, operands: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Write the common special cases as the assembler's own names for them."""
    match name, operands:
        case "andi", ("$zero", "$zero", "0x0"):
            return "nop", ()
        case "or", (target, source, "$zero"):
            return "move", (target, source)
        case ("addi.w", (target, "$zero", number)) | ("ori", (target, "$zero", number)):
            return "li.w", (target, number)
        case "addi.d", (target, "$zero", number):
            return "li.d", (target, number)
        case "jirl", ("$zero", "$ra", "0"):
            return "ret", ()
        case "jirl", ("$zero", base, "0"):
            return "jr", (base,)
        case ("blt" | "bge") as name, (first, "$zero", target):
            return f"{name}z", (first, target)
        case "blt", ("$zero", second, target):
            return "bgtz", (second, target)
        case "bge", ("$zero", second, target):
            return "blez", (second, target)
    return name, operands


def paired_loongarch64(previous: Instruction | None, instruction: Instruction) -> Instruction:
    """Return an instruction with the address that it makes together with the one before it."""
    upper = _UPPER.get(previous.mnemonic) if previous is not None else None
    if previous is None or upper is None or previous.mnemonic == "pcaddi":
        return instruction
    base, number = previous.operands
    if len(instruction.operands) != 3 or instruction.operands[1] != base:
        return instruction
    try:
        low = int(instruction.operands[2])
    except ValueError:  # a register
        return instruction
    made = upper(previous.address, int(number)) + low & _M64
    if instruction.mnemonic == "jirl":
        return replace(instruction, target=made)
    return replace(instruction, reference=made)
