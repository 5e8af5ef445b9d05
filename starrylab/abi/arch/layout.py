"""The form in which an architecture states its facts (arch/*/include/uapi/asm of Linux)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from struct import Struct
from typing import Any, Final

SIGINFO_SIZE: Final = 128  #: sizeof(siginfo_t)
MCONTEXT_OFFSET: Final = SIGINFO_SIZE + 176  #: of the registers in a frame

#: uc_flags, uc_link, uc_stack (sp, flags, size), uc_sigmask, room for 1024 signals, alignment.
_UCONTEXT: Final = "QQ QI4xQ Q120x 8x"


def frame_struct(context: str) -> Struct:
    """Return ``struct rt_sigframe`` for an ``mcontext_t`` given as a struct format."""
    return Struct(f"<{SIGINFO_SIZE}s {_UCONTEXT} {context}")


class BadRegisters(ValueError):
    """A machine context that no kernel can have written (rt_sigreturn(2) ends in SIGSEGV)."""


@dataclass(frozen=True, slots=True)
class ArchLayout:
    """Registers, signal context and ELF identity of one architecture.

    ``frame`` is the whole ``struct rt_sigframe``: siginfo_t, the fields of ucontext_t, then
    what ``encode_context`` makes of the general registers (NT_PRSTATUS order) and the
    floating-point state (NT_PRFPREG, and what `UserContext.save` has behind it).
    ``decode_context`` takes these last fields and returns both; it raises `BadRegisters` for
    what it must not trust.
    """

    name: str
    elf_machine: int
    hwcap: int  #: AT_HWCAP
    platform: bytes | None  #: AT_PLATFORM; None where Linux gives none
    general: tuple[str, ...]  #: names of the 64-bit words of NT_PRSTATUS' pr_reg, in order
    general_size: int  #: bytes of pr_reg
    floating: tuple[str, ...]  #: names of the floating-point registers, in order
    floating_size: int  #: bytes of NT_PRFPREG
    result_offset: int  #: where pr_reg has the register of results
    frame: Struct
    encode_context: Callable[[bytes, bytes], tuple[Any, ...]]
    decode_context: Callable[..., tuple[bytes, bytes]]
    trampoline: bytes  #: the instructions that call rt_sigreturn(2)
    trampoline_symbol: str  #: what Linux's vDSO calls them
    sigaction_restorer: bool  #: struct sigaction has an sa_restorer word
    clone_backwards: bool = True  #: clone(2) takes tls before child_tid (CONFIG_CLONE_BACKWARDS)
    syscall_size: int = 4  #: bytes of the system call instruction
    min_signal_stack: int = 2048  #: MINSIGSTKSZ
