"""What a riscv64 function has done to its frame so far, read from its instructions.

For code without call frame information (assembly, C libraries built without unwind tables).
The prologue is followed from the function's start: changes of the stack pointer, registers
saved on the stack, a frame pointer.  Close before a return the epilogue is followed forward
instead, because there the prologue's picture no longer holds.

Source: The RISC-V Instruction Set Manual, volume I, chapters 2 and 16 (C extension), and the
psABI's calling convention.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

RA: Final = 1
SP: Final = 2
S0: Final = 8
_SAVED: Final = frozenset({RA, 8, 9, *range(18, 28)})  #: ra, s0..s11
_EPILOGUE: Final = 24  #: instructions between the first restore and the return, at most


class Step(NamedTuple):
    """One instruction, as far as a frame is concerned."""

    what: str  #: "add" (rd = rs + value), "load", "store" (rd at rs + value), "ret", "jump", ""
    rd: int = 0
    rs: int = 0
    value: int = 0


@dataclass(slots=True)
class Recovery:
    """How to find the caller: CFA = register + offset, and what is saved where."""

    register: int = SP
    offset: int = 0  #: bytes
    saved: dict[int, int] = field(default_factory=dict)  #: register -> offset from the CFA


_OTHER: Final = Step("")


def recover(code: bytes, start: int, pc: int) -> Recovery:
    """Return how to get from ``pc`` to the caller of the function at ``start``.

    ``code`` are the bytes from ``start`` on, beyond ``pc`` if they can be had.
    """
    at_end = _epilogue(code, pc - start)
    return at_end if at_end is not None else _prologue(code, pc - start)


def is_call(before: bytes) -> bool:
    """Tell whether the instruction that ends at a return address is a call (rd is ra or t0)."""
    if len(before) >= 4:
        word = int.from_bytes(before[-4:], "little")
        if word & 0x7F in (0x6F, 0x67) and word >> 7 & 31 in (1, 5):
            return True
    half = int.from_bytes(before[-2:], "little")
    return half & 0xF07F == 0x9002 and bool(half >> 7 & 31)  # c.jalr


def _prologue(code: bytes, end: int) -> Recovery:
    found = Recovery()
    pushed = 0  #: bytes by which sp is below the CFA
    pointer: int | None = None  #: bytes by which the frame pointer is below the CFA
    at = 0
    while at < end:
        step, size = decode(code, at)
        at += size
        if step.what == "add" and step.rd == SP and step.rs == SP:
            if step.value >= 0:
                break  # an epilogue in the middle: what follows has the frame again
            pushed -= step.value
        elif step.what == "add" and step.rd == S0 and step.rs == SP:
            pointer = pushed - step.value
        elif step.what == "store" and step.rd in _SAVED and step.rs in (SP, S0):
            base = pushed if step.rs == SP else pointer
            if base is not None:
                found.saved.setdefault(step.rd, step.value - base)
        elif step.what in ("ret", "jump") or (step.what == "load" and step.rd == RA):
            break
    if pointer is not None:
        found.register, found.offset = S0, pointer
    else:
        found.offset = pushed
    return found


def _epilogue(code: bytes, at: int) -> Recovery | None:
    """Follow straight code from ``at`` to a return; None where there is none close by."""
    popped = 0
    restored: dict[int, int] = {}
    for _ in range(_EPILOGUE):
        step, size = decode(code, at)
        at += size
        if step.what == "ret":
            saved = {register: slot - popped for register, slot in restored.items()}
            return Recovery(SP, popped, saved)
        if step.what == "jump" or at > len(code):
            return None
        if step.rd == SP and step.what in ("add", "load"):
            if step.what == "load" or step.rs != SP:
                return None
            popped += step.value
        elif step.what == "load" and step.rd in _SAVED:
            if step.rs == SP:
                restored.setdefault(step.rd, popped + step.value)
            elif step.rd == RA:
                return None
    return None


def decode(code: bytes, at: int) -> tuple[Step, int]:
    """Return the instruction at offset ``at`` and its size in bytes."""
    half = int.from_bytes(code[at : at + 2], "little")
    if half & 3 != 3:
        return _compressed(half), 2
    return _full(int.from_bytes(code[at : at + 4], "little")), 4


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> bits - 1 else value


def _full(word: int) -> Step:
    opcode, rd, funct3, rs = word & 0x7F, word >> 7 & 31, word >> 12 & 7, word >> 15 & 31
    immediate = _signed(word >> 20, 12)
    if opcode == 0x13 and funct3 == 0:
        return Step("add", rd, rs, immediate)
    if opcode == 0x03 and funct3 == 3:
        return Step("load", rd, rs, immediate)
    if opcode == 0x23 and funct3 == 3:
        return Step("store", word >> 20 & 31, rs, _signed(word >> 25 << 5 | rd, 12))
    if opcode == 0x67:
        return Step("ret") if (rd, rs) == (0, RA) else Step("jump")
    return Step("jump") if opcode in (0x6F, 0x63) else _OTHER


def _compressed(half: int) -> Step:
    kind = half & 3, half >> 13
    read = _COMPRESSED.get(kind)
    return read(half) if read is not None else _OTHER


def _c_addi(half: int) -> Step:
    value = _signed(half >> 7 & 32 | half >> 2 & 31, 6)
    return Step("add", half >> 7 & 31, half >> 7 & 31, value)


def _c_addi16sp(half: int) -> Step:
    if half >> 7 & 31 != SP:
        return _OTHER  # c.lui
    value = half >> 3 & 0x200 | half >> 2 & 0x10 | half << 1 & 0x40 | half << 4 & 0x180
    return Step("add", SP, SP, _signed(value | half << 3 & 0x20, 10))


def _c_addi4spn(half: int) -> Step:
    value = half >> 7 & 0x30 | half >> 1 & 0x3C0 | half >> 4 & 4 | half >> 2 & 8
    return Step("add", 8 + (half >> 2 & 7), SP, value)


def _c_ldsp(half: int) -> Step:
    value = half >> 7 & 0x20 | half >> 2 & 0x18 | half << 4 & 0x1C0
    return Step("load", half >> 7 & 31, SP, value)


def _c_sdsp(half: int) -> Step:
    return Step("store", half >> 2 & 31, SP, half >> 7 & 0x38 | half >> 1 & 0x1C0)


def _c_ld_sd(half: int) -> Step:
    value = half >> 7 & 0x38 | half << 1 & 0xC0
    what = "store" if half >> 15 else "load"
    return Step(what, 8 + (half >> 2 & 7), 8 + (half >> 7 & 7), value)


def _c_jumps(half: int) -> Step:
    rs1, rs2, link = half >> 7 & 31, half >> 2 & 31, half >> 12 & 1
    if rs2:
        return _OTHER if link else Step("add", rs1, rs2)  # c.add, c.mv
    return Step("ret") if (rs1, link) == (RA, 0) else Step("jump")


_COMPRESSED: Final = {
    (0, 0): _c_addi4spn,
    (0, 3): _c_ld_sd,
    (0, 7): _c_ld_sd,
    (1, 0): _c_addi,
    (1, 3): _c_addi16sp,
    (1, 5): lambda _half: Step("jump"),
    (1, 6): lambda _half: Step("jump"),
    (1, 7): lambda _half: Step("jump"),
    (2, 3): _c_ldsp,
    (2, 4): _c_jumps,
    (2, 7): _c_sdsp,
}
