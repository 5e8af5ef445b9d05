"""What capstone leaves to do for RISC-V: compressed forms, aliases, branch targets.

A compressed instruction is written as the one that it stands for (unprivileged spec, chapter
26), as assemblers and other disassemblers do; its size tells it from the long form.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from .instruction import Flow, Instruction

_BRANCHES: Final = frozenset({
    "beq", "bne", "blt", "bge", "bltu", "bgeu", "beqz", "bnez", "blez", "bgez", "bltz", "bgtz",
})  # fmt: skip
_TRAPS: Final = frozenset({"ecall", "ebreak", "unimp"})
#: compressed forms whose first operand is also their first source
_TWO_ADDRESS: Final = frozenset({
    "addi", "addiw", "slli", "srli", "srai", "andi", "and", "or", "xor", "sub", "add", "addw",
    "subw", "addi16sp", "mul",
})  # fmt: skip
_NAMES: Final = {"addi16sp": "addi", "addi4spn": "addi"}
_STACK: Final = re.compile(r"(?:f?[ls][wdq])sp")
_HEX: Final = re.compile(r"(?<![\w])(-?)0x([0-9a-f]+)")


def normal_riscv64(
    address: int, data: bytes, mnemonic: str, operands: tuple[str, ...]
) -> Instruction:
    """Return an instruction with full operands, numbers in decimal, and an absolute target."""
    if mnemonic.startswith("c."):
        mnemonic, operands = _expand(mnemonic[2:], operands)
    mnemonic, operands = _alias(mnemonic, operands)
    flow = _flow(mnemonic, operands)
    target = None
    if _is_direct(mnemonic, flow):
        target = address + int(operands[-1], 0) & (1 << 64) - 1
        operands = (*operands[:-1], f"{target:#x}")
    else:
        operands = tuple(_HEX.sub(_decimal, operand) for operand in operands)
    return Instruction(address, data, mnemonic, operands, flow, target)


def _decimal(match: re.Match[str]) -> str:
    return f"{match[1]}{int(match[2], 16)}"


def _expand(name: str, operands: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    if name in _TWO_ADDRESS and operands:
        operands = (operands[0], *operands) if name != "addi16sp" else ("sp", "sp", operands[-1])
    if _STACK.fullmatch(name):
        name = name[:-2]
    name = _NAMES.get(name, name)
    return name, operands


def _alias(name: str, operands: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Write the common special cases as the assembler's pseudo-instructions."""
    if name == "jr" and operands == ("ra",):
        return "ret", ()
    if name == "addiw" and operands[-1] == "0":
        return "sext.w", operands[:2]
    if name == "nop":
        return "nop", ()
    if name == "addi" and operands[1:2] == ("zero",):
        return "li", (operands[0], operands[2])
    if name == "jalr" and len(operands) == 3:
        return _indirect(*operands)
    return name, operands


def _indirect(link: str, base: str, offset: str) -> tuple[str, tuple[str, ...]]:
    place = base if int(offset, 0) == 0 else f"{int(offset, 0)}({base})"
    if link == "ra":
        return "jalr", (place,)
    if link == "zero":
        return ("ret", ()) if place == "ra" else ("jr", (place,))
    return "jalr", (link, base, offset)


def _flow(name: str, operands: tuple[str, ...]) -> Flow:
    if name in _BRANCHES:
        return Flow.BRANCH
    if name in _TRAPS:
        return Flow.TRAP
    if name in ("ret", "mret", "sret"):
        return Flow.RETURN
    if name in ("j", "jr"):
        return Flow.JUMP
    if name in ("jal", "jalr"):
        links = len(operands) == 1 or operands[0] in ("ra", "t0")
        return Flow.CALL if links else Flow.JUMP
    return Flow.NEXT


def _is_direct(name: str, flow: Flow) -> bool:
    return name in ("j", "jal") or flow is Flow.BRANCH


def paired_riscv64(previous: Instruction | None, instruction: Instruction) -> Instruction:
    """Return an instruction with the address that it makes together with an auipc before it."""
    if previous is None or previous.mnemonic != "auipc" or not instruction.operands:
        return instruction
    base, upper = previous.operands
    match = _BASED.fullmatch(f"{instruction.mnemonic} {', '.join(instruction.operands)}")
    if match is None or (match["register"] or match["source"]) != base:
        return instruction
    low = int(match["offset"] or match["immediate"] or 0)
    high = (int(upper) << 12 ^ 1 << 31) - (1 << 31)
    address = previous.address + high + low & (1 << 64) - 1
    if instruction.mnemonic in ("jalr", "jr"):
        return replace(instruction, target=address)
    return replace(instruction, reference=address)


#: ``ld a0, 8(a5)``, ``jalr 8(ra)``, ``addi a0, a0, 8``
_BASED: Final = re.compile(
    r"(?:[\w.]+ (?:\w+, )?(?P<offset>-?\d*)\((?P<register>\w+)\)"
    r"|addi \w+, (?P<source>\w+), (?P<immediate>-?\d+))"
)
