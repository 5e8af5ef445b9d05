"""The little that a debugger of a board has to read of instructions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ..api import READ, WRITE
from ..unicorn import decode


@dataclass(frozen=True, slots=True)
class Instructions:
    """What there is to know of one instruction, given as a number."""

    smallest: int  #: bytes of the shortest instruction
    length: Callable[[int], int]
    is_load_reserved: Callable[[int], bool]
    is_store_conditional: Callable[[int], bool]
    access: Callable[[int], tuple[int, int]]  #: size in bytes and kinds of what it accesses
    data_address: Callable[[int, Sequence[int]], int | None]


_RISCV64: Final = Instructions(
    2,
    decode.length,
    decode.is_load_reserved,
    decode.is_store_conditional,
    decode.access,
    decode.data_address,
)

# LoongArch Reference Manual volume 1, appendix "table of instruction encoding".
_LL_SC: Final = 0xFD000000
_LOAD_LINKED: Final = 0x20000000  #: ll.w, ll.d
_STORE_CONDITIONAL: Final = 0x21000000
_M64: Final = (1 << 64) - 1

#: the upper 10 bits of instructions with a 12-bit offset: size, kinds
_OFFSET12: Final[dict[int, tuple[int, int]]] = {
    0x0A0: (1, READ), 0x0A1: (2, READ), 0x0A2: (4, READ), 0x0A3: (8, READ),
    0x0A4: (1, WRITE), 0x0A5: (2, WRITE), 0x0A6: (4, WRITE), 0x0A7: (8, WRITE),
    0x0A8: (1, READ), 0x0A9: (2, READ), 0x0AA: (4, READ),
    0x0AC: (4, READ), 0x0AD: (4, WRITE), 0x0AE: (8, READ), 0x0AF: (8, WRITE),
}  # fmt: skip
#: the upper 8 bits of instructions with a 14-bit offset in words: ll, sc, ldptr, stptr
_OFFSET14: Final[dict[int, tuple[int, int]]] = {
    0x20: (4, READ), 0x21: (4, READ | WRITE), 0x22: (8, READ), 0x23: (8, READ | WRITE),
    0x24: (4, READ), 0x25: (4, WRITE), 0x26: (8, READ), 0x27: (8, WRITE),
}  # fmt: skip
#: the upper 17 bits of instructions with an index register
_INDEXED: Final[dict[int, tuple[int, int]]] = {
    0x7000: (1, READ), 0x7008: (2, READ), 0x7010: (4, READ), 0x7018: (8, READ),
    0x7020: (1, WRITE), 0x7028: (2, WRITE), 0x7030: (4, WRITE), 0x7038: (8, WRITE),
    0x7040: (1, READ), 0x7048: (2, READ), 0x7050: (4, READ),
    0x7060: (4, READ), 0x7068: (8, READ), 0x7070: (4, WRITE), 0x7078: (8, WRITE),
}  # fmt: skip
_ATOMIC: Final = range(0x70C0, 0x70E4)  #: am*.w and am*.d in turn
_UNKNOWN: Final = (8, READ | WRITE)


def _loongarch_access(word: int) -> tuple[int, int]:
    if word >> 15 in _ATOMIC:
        return 8 if word >> 15 & 1 else 4, READ | WRITE
    found = _OFFSET12.get(word >> 22) or _OFFSET14.get(word >> 24) or _INDEXED.get(word >> 15)
    return found or _UNKNOWN


def _loongarch_address(word: int, r: Sequence[int]) -> int | None:
    base = r[word >> 5 & 31]
    if word >> 22 in _OFFSET12:
        return base + _signed(word >> 10, 12) & _M64
    if word >> 24 in _OFFSET14:
        return base + 4 * _signed(word >> 10, 14) & _M64
    if word >> 15 in _INDEXED:
        return base + r[word >> 10 & 31] & _M64
    return base if word >> 15 in _ATOMIC else None


def _signed(value: int, bits: int) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> bits - 1 else value


_LOONGARCH64: Final = Instructions(
    4,
    lambda _: 4,
    lambda word: word & _LL_SC == _LOAD_LINKED,
    lambda word: word & _LL_SC == _STORE_CONDITIONAL,
    _loongarch_access,
    _loongarch_address,
)

BY_ARCH: Final = {"riscv64": _RISCV64, "loongarch64": _LOONGARCH64}
