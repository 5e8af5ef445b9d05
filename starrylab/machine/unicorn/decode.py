"""The data address of a load or store (RISC-V volume I, chapters 2, 8, 12, 16).

The public way to the exact address of a page fault, where `layout` does not find
unicorn's own note of it: the program counter and the registers are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from ..api import READ, WRITE

_MASK: Final = (1 << 64) - 1
_LOADS: Final = (0x03, 0x07)  #: LOAD, LOAD-FP
_STORES: Final = (0x23, 0x27)  #: STORE, STORE-FP
_AMO: Final = 0x2F
_LR: Final = 2  #: the funct5 of lr, the one atomic instruction that counts as a load
_SC: Final = 3
_SP: Final = 2
_JUMPS: Final = (0x63, 0x67, 0x6F)  #: BRANCH, JALR, JAL

# Where the bits of a compressed instruction's offset go: (from, width, to).
_Bits = tuple[tuple[int, int, int], ...]
_WORD: Final[_Bits] = ((6, 1, 2), (10, 3, 3), (5, 1, 6))  #: c.lw, c.sw
_DOUBLE: Final[_Bits] = ((10, 3, 3), (5, 2, 6))  #: c.ld, c.sd, c.fld, c.fsd
_WORD_SP: Final[_Bits] = ((4, 3, 2), (12, 1, 5), (2, 2, 6))  #: c.lwsp
_DOUBLE_SP: Final[_Bits] = ((5, 2, 3), (12, 1, 5), (2, 3, 6))  #: c.ldsp, c.fldsp
_STORE_WORD_SP: Final[_Bits] = ((9, 4, 2), (7, 2, 6))  #: c.swsp
_STORE_DOUBLE_SP: Final[_Bits] = ((10, 3, 3), (7, 3, 6))  #: c.sdsp, c.fsdsp

_WORDS: Final = (_WORD, _WORD_SP, _STORE_WORD_SP)

#: quadrant and funct3 -> the offset's bits
_COMPRESSED: Final[dict[tuple[int, int], _Bits]] = {
    (0, 1): _DOUBLE,
    (0, 2): _WORD,
    (0, 3): _DOUBLE,
    (0, 5): _DOUBLE,
    (0, 6): _WORD,
    (0, 7): _DOUBLE,
    (2, 1): _DOUBLE_SP,
    (2, 2): _WORD_SP,
    (2, 3): _DOUBLE_SP,
    (2, 5): _STORE_DOUBLE_SP,
    (2, 6): _STORE_WORD_SP,
    (2, 7): _STORE_DOUBLE_SP,
}


def data_address(instruction: int, x: Sequence[int]) -> int | None:
    """Return the address that ``instruction`` accesses with registers ``x``, if it does."""
    decode: Callable[[int, Sequence[int]], int | None]
    decode = _full if instruction & 3 == 3 else _short
    address = decode(instruction, x)
    return None if address is None else address & _MASK


def is_atomic_store(instruction: int) -> bool:
    """Tell whether ``instruction`` is an AMO or sc, whose faults are those of a store."""
    return instruction & 0x7F == _AMO and instruction >> 27 != _LR


def length(instruction: int) -> int:
    """Return the size in bytes: 2 or 4."""
    return 4 if instruction & 3 == 3 else 2


def access(instruction: int) -> tuple[int, int]:
    """Return size in bytes and kinds (READ, WRITE) of the access that ``instruction`` makes."""
    if instruction & 3 == 3:
        opcode = instruction & 0x7F
        size = 1 << (instruction >> 12 & 3)
        if opcode == _AMO:
            return size, READ if instruction >> 27 == _LR else READ | WRITE
        return size, WRITE if opcode in _STORES else READ
    wide = _COMPRESSED.get((instruction & 3, instruction >> 13 & 7)) not in _WORDS
    return 8 if wide else 4, WRITE if instruction >> 15 & 1 else READ


def is_load_reserved(instruction: int) -> bool:
    """Tell whether ``instruction`` begins an LR/SC sequence."""
    return instruction & 0x7F == _AMO and instruction >> 27 == _LR


def is_store_conditional(instruction: int) -> bool:
    """Tell whether ``instruction`` ends an LR/SC sequence."""
    return instruction & 0x7F == _AMO and instruction >> 27 == _SC


def transfers_control(instruction: int) -> bool:
    """Tell whether ``instruction`` is a jump or a branch, which may go to itself."""
    if instruction & 3 == 3:
        return instruction & 0x7F in _JUMPS
    if instruction & 3 == 1:
        return instruction >> 13 & 7 in (5, 6, 7)
    return instruction & 0xE07F == 0x8002  # c.jr and c.jalr


def _full(word: int, x: Sequence[int]) -> int | None:
    opcode, base = word & 0x7F, x[word >> 15 & 31]
    if opcode in _LOADS:
        return base + _signed(word >> 20 & 0xFFF)
    if opcode in _STORES:
        return base + _signed(word >> 25 << 5 & 0xFE0 | word >> 7 & 31)
    return base if opcode == _AMO else None


def _short(half: int, x: Sequence[int]) -> int | None:
    bits = _COMPRESSED.get((half & 3, half >> 13 & 7))
    if bits is None:
        return None
    offset = sum((half >> at & (1 << width) - 1) << to for at, width, to in bits)
    return x[_SP if half & 3 == 2 else 8 + (half >> 7 & 7)] + offset


def _signed(value: int) -> int:
    return value - (value >> 11 << 12)
