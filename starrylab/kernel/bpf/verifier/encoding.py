"""Which instructions there are, and which of their fields have to be zero (RFC 9669)."""

from __future__ import annotations

from typing import Final

from ....abi import ebpf as e
from ..instructions import Code, Instruction
from .arithmetic import OPERATIONS
from .compare import JUMPS
from .refusal import malformed

_ATOMICS: Final = frozenset(
    {op | fetch for op in (e.ADD, e.AND, e.OR, e.XOR) for fetch in (0, e.FETCH)}
    | {e.XCHG, e.CMPXCHG}
)
_NO_OFFSET: Final = frozenset(set(OPERATIONS) - {e.DIV, e.MOD})


def check(code: Code) -> None:
    """Raise `Refused` for an instruction that does not exist, or uses reserved fields."""
    index = 0
    while index < len(code):
        i = code[index]
        if i.dst >= e.REGISTERS or (i.src >= e.REGISTERS and not i.is_wide):
            raise malformed(f"R{max(i.dst, i.src)} is invalid")
        _CHECKS[i.kind](i)
        if i.is_wide:
            _check_wide(code, index)
            index += 1
        index += 1


def _unknown(i: Instruction) -> None:
    raise malformed(f"unknown opcode {i.code:02x}")


def _check_wide(code: Code, index: int) -> None:
    i = code[index]
    if index + 1 == len(code) or code[index + 1][:4] != (0, 0, 0, 0):
        raise malformed("invalid bpf_ld_imm64 insn")
    if i.off or i.src > e.PSEUDO_MAP_IDX_VALUE:
        raise malformed("unrecognized bpf_ld_imm64 insn")
    value = i.src in (e.PSEUDO_MAP_VALUE, e.PSEUDO_MAP_IDX_VALUE)
    if i.src and not value and code[index + 1].imm:
        raise malformed("unrecognized bpf_ld_imm64 insn")


def _load(i: Instruction) -> None:
    mode = i.code & e.MODE
    if i.is_wide:
        return
    if mode not in (e.ABS, e.IND) or i.code & e.WIDTH == e.DW:
        _unknown(i)
    if i.dst or i.off or (mode == e.ABS and i.src):
        raise malformed("BPF_LD_[ABS|IND] uses reserved fields")


def _load_memory(i: Instruction) -> None:
    mode, width = i.code & e.MODE, i.code & e.WIDTH
    if mode != e.MEM and (mode != e.MEMSX or width == e.DW):
        _unknown(i)
    if i.imm:
        raise malformed("BPF_LDX uses reserved fields")


def _store(i: Instruction) -> None:
    if i.code & e.MODE != e.MEM:
        _unknown(i)
    if i.src:
        raise malformed("BPF_ST uses reserved fields")


def _store_register(i: Instruction) -> None:
    mode, width = i.code & e.MODE, i.code & e.WIDTH
    if mode == e.ATOMIC:
        if width not in (e.W, e.DW):
            raise malformed("invalid atomic operand size")
        if i.imm not in _ATOMICS:
            raise malformed(f"BPF_ATOMIC uses invalid atomic opcode {i.imm & 0xFFFFFFFF:02x}")
        return
    if mode != e.MEM:
        _unknown(i)
    if i.imm:
        raise malformed("BPF_STX uses reserved fields")


def _arithmetic(i: Instruction) -> None:
    operation = i.code & e.OPERATION
    if operation == e.END:
        swaps = i.kind == e.ALU64
        if i.src or i.off or i.imm not in (16, 32, 64) or (swaps and i.code & e.TO_BE):
            raise malformed("BPF_END uses reserved fields")
    elif operation == e.NEG:
        if i.code & e.X or i.src or i.off or i.imm:
            raise malformed("BPF_NEG uses reserved fields")
    elif operation == e.MOV:
        _move(i)
    elif operation not in OPERATIONS:
        raise malformed(f"invalid BPF_ALU opcode {operation:x}")
    else:
        _two_operands(i, operation)


def _move(i: Instruction) -> None:
    widths = (0, 8, 16, 32) if i.kind == e.ALU64 else (0, 8, 16)
    if i.code & e.X:
        if i.imm or i.off not in widths:
            raise malformed("BPF_MOV uses reserved fields")
    elif i.src or i.off:
        raise malformed("BPF_MOV uses reserved fields")


def _two_operands(i: Instruction, operation: int) -> None:
    reserved = i.imm if i.code & e.X else i.src
    if reserved or i.off not in ((0,) if operation in _NO_OFFSET else (0, 1)):
        raise malformed("BPF_ALU uses reserved fields")
    if i.code & e.X:
        return
    if operation in (e.DIV, e.MOD) and not i.imm:
        raise malformed("div by zero")
    width = 64 if i.kind == e.ALU64 else 32
    if operation in (e.LSH, e.RSH, e.ARSH) and not 0 <= i.imm < width:
        raise malformed(f"invalid shift {i.imm}")


def _jump(i: Instruction) -> None:
    operation = i.code & e.OPERATION
    if operation in JUMPS:
        if i.imm if i.code & e.X else i.src:
            raise malformed("BPF_JMP uses reserved fields")
    elif operation == e.CALL and i.code == e.CALL_INSN:
        if i.dst or i.off or i.src > e.PSEUDO_KFUNC_CALL:
            raise malformed("BPF_CALL uses reserved fields")
        if i.src == e.PSEUDO_KFUNC_CALL:
            raise malformed("calling kernel functions is not supported: the kernel has no BTF")
    elif i.code == e.EXIT_INSN:
        if i.dst or i.src or i.off or i.imm:
            raise malformed("BPF_EXIT uses reserved fields")
    elif i.code in (e.GOTO, e.GOTO_LONG):
        unused = i.off if i.code == e.GOTO_LONG else i.imm
        if i.dst or i.src or unused:
            raise malformed("BPF_JA uses reserved fields")
    else:
        _unknown(i)


_CHECKS: Final = {
    e.LD: _load, e.LDX: _load_memory, e.ST: _store, e.STX: _store_register, e.ALU: _arithmetic,
    e.ALU64: _arithmetic, e.JMP: _jump, e.JMP32: _jump,
}  # fmt: skip
