"""The form in which an architecture states its facts (arch/*/include/uapi/asm of Linux)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


class BadRegisters(ValueError):
    """A machine context that no kernel can have written (rt_sigreturn(2) ends in SIGSEGV)."""


@dataclass(frozen=True, slots=True)
class ArchLayout:
    """Registers, signal context and ELF identity of one architecture.

    ``encode_context`` makes the pieces of a signal frame's ``mcontext_t`` from the general
    registers (NT_PRSTATUS order) and the floating-point state (NT_PRFPREG).
    ``decode_context`` finds both in a frame whose ``mcontext_t`` begins at a given offset; it
    raises `BadRegisters` for what it must not trust.  ``enter_handler`` returns general
    registers with which a handler begins: its address, stack pointer, return address, and
    three arguments.
    """

    name: str
    elf_machine: int
    hwcap: int  #: AT_HWCAP
    platform: bytes | None  #: AT_PLATFORM; None where Linux gives none
    general: tuple[str, ...]  #: names of the 64-bit words of NT_PRSTATUS' pr_reg, in order
    general_size: int  #: bytes of pr_reg
    floating: tuple[str, ...]  #: names of the floating-point registers, in order
    floating_size: int  #: bytes of NT_PRFPREG
    context_size: int  #: bytes of mcontext_t, what follows it in the frame included
    result_offset: int  #: where pr_reg has the register of results
    encode_context: Callable[[bytes, bytes], tuple[bytes, ...]]
    decode_context: Callable[[bytes, int], tuple[bytes, bytes]]
    enter_handler: Callable[[bytes, int, int, int, int, int, int], bytes]
    trampoline: bytes  #: the instructions that call rt_sigreturn(2)
    trampoline_symbol: str  #: what Linux's vDSO calls them
    sigaction_restorer: bool  #: struct sigaction has an sa_restorer word
    syscall_size: int = 4  #: bytes of the system call instruction
    min_signal_stack: int = 2048  #: MINSIGSTKSZ
