"""Which system calls a thread may make (seccomp(2)): strict mode, and filters.

A thread that gave up calls has a `Guard`.  Filters are inherited and never removed; the newest
is asked first, and of all answers the strictest counts.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final

from ...abi import seccomp as sc
from ...abi.arch import ARCHES

if TYPE_CHECKING:
    from ...machine.api import SyscallRegisters
    from ..thread import Thread
    from .bpf import Program

_DATA: Final = Struct("<iIQ6Q")  #: struct seccomp_data: number, AUDIT_ARCH, address, arguments
_AUDIT_64BIT_LE: Final = 3 << 30


class Guard:
    """What a thread may still call; never altered, so that threads can share one."""

    __slots__ = ("filters", "mode")

    def __init__(self, mode: int, filters: tuple[Program, ...] = ()) -> None:
        self.mode = mode  #: SECCOMP_MODE_*
        self.filters = filters  #: the oldest first

    def with_filter(self, program: Program) -> Guard:
        """Return a guard that asks one filter more."""
        return Guard(sc.SECCOMP_MODE_FILTER, (*self.filters, program))

    def verdict(self, thread: Thread, registers: SyscallRegisters) -> int:
        """Return the strictest answer of the filters: an action and its 16 bits of data."""
        call = registers[7]
        number = (call & 0xFFFF_FFFF ^ 1 << 31) - (1 << 31)
        data = _DATA.pack(number, audit_arch(thread), thread.context.pc, *registers[:6])
        answers = [program.run(data) for program in reversed(self.filters)]
        return min(answers, key=_strictness)


def _strictness(answer: int) -> int:
    """Order answers as Linux does: as signed numbers, KILL_PROCESS is the lowest."""
    action = answer & sc.SECCOMP_RET_ACTION_FULL
    return action - (1 << 32) if action >> 31 else action


def audit_arch(thread: Thread) -> int:
    """Return AUDIT_ARCH_* of a thread's instruction set (<linux/audit.h>)."""
    return _AUDIT_64BIT_LE | ARCHES[thread.kernel.arch].elf_machine
