"""The auxiliary vector: what execve(2) tells a program about itself (getauxval(3))."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi import elf as elf_abi
from ...abi.arch import ARCHES
from ...machine.api import PAGE_SIZE

if TYPE_CHECKING:
    from ..kernel import Kernel
    from ..thread import Thread
    from .cred import Credentials

_M64: Final = (1 << 64) - 1
_CLOCK_TICKS: Final = 100  #: AT_CLKTCK: the unit of times(2)


def auxv_of(
    kernel: Kernel, vdso: int, headers_at: int, header_count: int, base: int, entry: int
) -> list[tuple[int, int]]:
    """Return what a program is told, but for who it is and what lies on its stack."""
    return [
        (elf_abi.AT_SYSINFO_EHDR, vdso),
        (elf_abi.AT_HWCAP, ARCHES[kernel.arch].hwcap),
        (elf_abi.AT_PAGESZ, PAGE_SIZE),
        (elf_abi.AT_CLKTCK, _CLOCK_TICKS),
        (elf_abi.AT_PHDR, headers_at & _M64),  # headers may lie, and the sum wraps, as on Linux
        (elf_abi.AT_PHENT, 56),
        (elf_abi.AT_PHNUM, header_count),
        (elf_abi.AT_BASE, base),
        (elf_abi.AT_FLAGS, 0),
        (elf_abi.AT_ENTRY, entry & _M64),
    ]


def identity(thread: Thread, new: Credentials) -> list[tuple[int, int]]:
    """Return who a program is: the part of the auxv that its credentials decide."""
    cred = thread.cred
    return [
        (elf_abi.AT_UID, new.uid),
        (elf_abi.AT_EUID, new.euid),
        (elf_abi.AT_GID, new.gid),
        (elf_abi.AT_EGID, new.egid),
        (elf_abi.AT_SECURE, int(new.euid != cred.uid or new.egid != cred.gid)),
    ]
