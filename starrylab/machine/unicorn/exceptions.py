"""What an exception of the CPU means (RISC-V volume II, table "mcause")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..api import PAGE_MASK, PAGE_SHIFT, PTE_FRAME, WRITE, Fault, PageFault, PageTable
from ..ram import HostRam
from . import decode
from .context import PC
from .selftest import SCRATCH

ECALL_FROM_USER: Final = 8
ILLEGAL_INSTRUCTION: Final = 2
_MISALIGNED: Final = (0, 4, 6)  #: fetch, load, store
_EBREAK: Final = 0x0010_0073
_C_EBREAK: Final = 0x9002
_RDTIME: Final = 0xC010_2073  #: csrrs rd, time, x0, which unicorn does not know
_RDTIME_MASK: Final = 0xFFFF_F07F


def reads_time(number: int, instruction: int) -> bool:
    """Tell whether the exception is only that unicorn has no ``time`` register."""
    return number == ILLEGAL_INSTRUCTION and instruction & _RDTIME_MASK == _RDTIME


def name(number: int, instruction: int, words: Sequence[int]) -> Fault:
    """Name exception ``number`` of ``instruction``; ``words`` are the registers of the bank."""
    if number in _MISALIGNED:
        address = decode.data_address(instruction, words)
        return Fault("misaligned", words[PC] if address is None else address)
    if instruction == _EBREAK or instruction & 0xFFFF == _C_EBREAK:
        return Fault("breakpoint")
    return Fault("illegal instruction")


def refused(
    instruction: int, words: Sequence[int], access: int, page: int, exact: int | None
) -> PageFault:
    """Say what ``instruction`` was refused in ``page``; ``exact`` is unicorn's own note of it."""
    if decode.is_atomic_store(instruction):
        access = WRITE  # unicorn loads first, for what counts as a store
    if exact is not None:
        return PageFault(exact, access)
    address = decode.data_address(instruction, words)
    # An access may reach into the page behind its address.
    return PageFault(page if address is None or address < page else address, access)


def fetch(pc: int, table: PageTable, ram: HostRam, scratch: HostRam) -> int:
    """Return the instruction at ``pc``: 32 bits, or 16 if it is a compressed one."""

    def halfword(addr: int) -> int:
        at = (table.get(addr >> PAGE_SHIFT, 0) & PTE_FRAME) + (addr & PAGE_MASK)
        memory, at = (ram, at) if at < SCRATCH else (scratch, at - SCRATCH)
        return int.from_bytes(memory.view[at : at + 2], "little")

    low = halfword(pc)
    return low if low & 3 != 3 else low | halfword(pc + 2) << 16
