"""Instructions as text, in the shape of Linux's verifier log (``kernel/bpf/disasm.c``)."""

from __future__ import annotations

from typing import Final

from ...abi import ebpf as e
from ...abi.bpf_helpers import HELPERS
from .instructions import Code, Instruction, immediate

_ALU: Final = {
    e.ADD: "+=", e.SUB: "-=", e.MUL: "*=", e.DIV: "/=", e.OR: "|=", e.AND: "&=", e.LSH: "<<=",
    e.RSH: ">>=", e.MOD: "%=", e.XOR: "^=", e.MOV: "=", e.ARSH: "s>>=",
}  # fmt: skip
_JUMPS: Final = {
    e.JEQ: "==", e.JGT: ">", e.JGE: ">=", e.JSET: "&", e.JNE: "!=", e.JSGT: "s>", e.JSGE: "s>=",
    e.JLT: "<", e.JLE: "<=", e.JSLT: "s<", e.JSLE: "s<=",
}  # fmt: skip
_SIGNED: Final = {e.DIV: "s/=", e.MOD: "s%="}
_WIDTHS: Final = {e.W: "u32", e.H: "u16", e.B: "u8", e.DW: "u64"}
_ATOMIC: Final = {e.ADD: "add", e.AND: "and", e.OR: "or", e.XOR: "xor"}


def text(code: Code, index: int) -> str:
    """Return the instruction at ``index`` as ``(07) r1 += 8``."""
    i = code[index]
    kind = i.kind
    if i.is_wide:
        body = _wide(code, index)
    elif kind in (e.ALU, e.ALU64):
        body = _alu(i)
    elif kind in (e.JMP, e.JMP32):
        body = _jump(i)
    elif kind == e.LDX:
        signed = "s" if i.code & e.MODE == e.MEMSX else "u"
        body = f"r{i.dst} = *({signed}{_WIDTHS[i.code & e.WIDTH][1:]} *)(r{i.src} {i.off:+d})"
    elif kind in (e.ST, e.STX):
        body = _store(i)
    else:
        body = _load_packet(i)
    return f"({i.code:02x}) {body}"


def _wide(code: Code, index: int) -> str:
    value = immediate(code, index)
    if code[index].src in (e.PSEUDO_MAP_FD, e.PSEUDO_MAP_VALUE):
        value = 0  # addresses are nobody's business
    return f"r{code[index].dst} = 0x{value:x}"


def _alu(i: Instruction) -> str:
    letter = "w" if i.kind == e.ALU else "r"
    operation = i.code & e.OPERATION
    dst = f"{letter}{i.dst}"
    if operation == e.END:
        if i.kind == e.ALU64:
            return f"r{i.dst} = bswap{i.imm} r{i.dst}"
        return f"r{i.dst} = {'be' if i.code & e.TO_BE else 'le'}{i.imm} r{i.dst}"
    if operation == e.NEG:
        return f"{dst} = -{dst}"
    sign = _SIGNED[operation] if operation in _SIGNED and i.off == 1 else _ALU.get(operation, "?")
    if not i.code & e.X:
        return f"{dst} {sign} {i.imm}"
    if operation == e.MOV and i.off:
        return f"{dst} {sign} (s{i.off}){letter}{i.src}"
    return f"{dst} {sign} {letter}{i.src}"


def _jump(i: Instruction) -> str:
    operation = i.code & e.OPERATION
    if operation == e.CALL:
        if i.src == e.PSEUDO_CALL:
            return f"call pc{i.imm:+d}"
        name = HELPERS[i.imm] if 0 <= i.imm < len(HELPERS) else "unknown"
        return f"call bpf_{name}#{i.imm}" if name != "unknown" else f"call unknown#{i.imm}"
    if operation == e.EXIT:
        return "exit"
    if operation == e.JA:
        return f"gotol pc{i.imm:+d}" if i.kind == e.JMP32 else f"goto pc{i.off:+d}"
    letter = "w" if i.kind == e.JMP32 else "r"
    right = f"{letter}{i.src}" if i.code & e.X else f"0x{i.imm & 0xFFFFFFFF:x}"
    return f"if {letter}{i.dst} {_JUMPS.get(operation, '?')} {right} goto pc{i.off:+d}"


def _store(i: Instruction) -> str:
    width = _WIDTHS[i.code & e.WIDTH]
    place = f"*({width} *)(r{i.dst} {i.off:+d})"
    if i.kind == e.ST:
        return f"{place} = {i.imm}"
    if i.code & e.MODE != e.ATOMIC:
        return f"{place} = r{i.src}"
    bits = "64" if i.code & e.WIDTH == e.DW else ""
    if i.imm == e.CMPXCHG:
        return f"r0 = atomic{bits}_cmpxchg((r{i.dst} {i.off:+d}), r0, r{i.src})"
    if i.imm == e.XCHG:
        return f"r{i.src} = atomic{bits}_xchg((r{i.dst} {i.off:+d}), r{i.src})"
    name = _ATOMIC.get(i.imm & ~e.FETCH, "?")
    if i.imm & e.FETCH:
        return f"r{i.src} = atomic{bits}_fetch_{name}((r{i.dst} {i.off:+d}), r{i.src})"
    sign = _ALU.get(i.imm & e.OPERATION, "?")
    return f"lock {place} {sign} r{i.src}"


def _load_packet(i: Instruction) -> str:
    where = f"r{i.src} + {i.imm}" if i.code & e.MODE == e.IND else str(i.imm)
    return f"r0 = *({_WIDTHS[i.code & e.WIDTH]} *)skb[{where}]"
