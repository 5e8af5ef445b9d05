"""What an unwinder must know of an architecture: DWARF register numbers and frame records.

Sources: RISC-V ELF psABI ("DWARF register numbers", "Frame pointer convention"), LoongArch ELF
psABI, DWARF for the Arm 64-bit architecture (aadwarf64) and AAPCS64.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ..numbers import Arch
from . import aarch64, loongarch64, riscv64
from .riscv64_prologue import Recovery, is_call, recover

#: (code from the start of a function, its address, the program counter) -> how to get to the
#: caller; None where instructions are not analysed.
Scanner = Callable[[bytes, int, int], Recovery]


@dataclass(frozen=True, slots=True)
class UnwindLayout:
    """Registers by their DWARF numbers, and where a frame record lies."""

    names: tuple[str, ...]  #: index: DWARF number
    general: tuple[int, ...]  #: DWARF number of each word of NT_PRSTATUS; -1: none
    pc_word: int  #: index of the program counter in NT_PRSTATUS
    stack_pointer: int
    return_address: int
    frame_pointer: int
    #: Bytes from the frame pointer to the pair (caller's frame pointer, return address).
    record_offset: int
    pc_align: int  #: bytes; a program counter is a multiple of it
    floating: int = 0  #: DWARF number of the first floating-point register; 0: not followed
    floating_size: int = 8  #: bytes of each in NT_PRFPREG
    scan: Scanner | None = None
    #: (the bytes before a return address) -> whether a call ends there
    is_call: Callable[[bytes], bool] | None = None


def _numbers(general: tuple[str, ...], names: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(names.index(name) if name in names else -1 for name in general)


_RISCV_NAMES: Final = (
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4",
    "a5", "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4",
    "t5", "t6", *riscv64.FLOATING,
)  # fmt: skip
_LOONGARCH_NAMES: Final = (*loongarch64.GENERAL[:32], *loongarch64.FLOATING)
_AARCH64_NAMES: Final = (*(f"x{n}" for n in range(31)), "sp")

UNWINDING: Final[dict[Arch, UnwindLayout]] = {
    "riscv64": UnwindLayout(
        names=_RISCV_NAMES,
        general=_numbers(riscv64.GENERAL, _RISCV_NAMES),
        pc_word=0,
        stack_pointer=2,
        return_address=1,
        frame_pointer=8,
        record_offset=-16,
        pc_align=2,
        floating=32,
        scan=recover,
        is_call=is_call,
    ),
    "loongarch64": UnwindLayout(
        names=_LOONGARCH_NAMES,
        general=_numbers(loongarch64.GENERAL, _LOONGARCH_NAMES),
        pc_word=loongarch64.GENERAL.index("pc"),
        stack_pointer=3,
        return_address=1,
        frame_pointer=22,
        record_offset=-16,
        pc_align=4,
        floating=32,
    ),
    "aarch64": UnwindLayout(
        names=_AARCH64_NAMES,
        general=_numbers(aarch64.GENERAL, _AARCH64_NAMES),
        pc_word=aarch64.GENERAL.index("pc"),
        stack_pointer=31,
        return_address=30,
        frame_pointer=29,
        record_offset=0,
        pc_align=4,
    ),
}
