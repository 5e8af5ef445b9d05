"""riscv64: registers, signal context, trampoline (arch/riscv/include/uapi/asm of Linux).

Sources: <asm/ptrace.h> for register order, <asm/ucontext.h> and <asm/sigcontext.h> for the
signal context, <asm/hwcap.h>, and the RISC-V ELF psABI for register names.
"""

from __future__ import annotations

from typing import Final

from ..elf import EM_RISCV
from .layout import ArchLayout, BadRegisters, frame_struct

GENERAL: Final = (
    "pc", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4",
    "a5", "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4",
    "t5", "t6",
)  # fmt: skip
FLOATING: Final = (
    "ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6", "ft7", "fs0", "fs1", "fa0", "fa1", "fa2",
    "fa3", "fa4", "fa5", "fa6", "fa7", "fs2", "fs3", "fs4", "fs5", "fs6", "fs7", "fs8", "fs9",
    "fs10", "fs11", "ft8", "ft9", "ft10", "ft11",
)  # fmt: skip

GENERAL_SIZE: Final = 256  #: struct user_regs_struct
FLOATING_SIZE: Final = 264  #: struct __riscv_d_ext_state: f[32], fcsr, padding
#: union __riscv_fp_state is as large as the state of the Q extension, 528 bytes.  Its last 12
#: are `reserved`, and since 6.5 the END header of extension records: zero.
_CONTEXT: Final = "256s 264s 252x 12s"
_ZERO12: Final = bytes(12)
_FCSR_HIGH: Final = 257  #: fcsr has 8 bits, at byte 256 of the floating-point state
_ZERO7: Final = bytes(7)


def encode_context(general: bytes, floating: bytes) -> tuple[bytes, ...]:
    """Return the fields of ``struct sigcontext``."""
    return general, floating, _ZERO12


def decode_context(general: bytes, floating: bytes, reserved: bytes) -> tuple[bytes, bytes]:
    """Return general and floating-point registers; what hardware keeps zero is zeroed."""
    if reserved != _ZERO12:
        raise BadRegisters("reserved words of the signal context are in use")
    if general[0] & 1:  # sepc[0] reads as zero (privileged spec, 4.1.7)
        general = bytes((general[0] & ~1,)) + general[1:]
    if floating[_FCSR_HIGH:] != _ZERO7:
        floating = floating[:_FCSR_HIGH] + _ZERO7
    return general, floating


def _extensions(letters: str) -> int:
    return sum(1 << ord(letter) - ord("a") for letter in letters)


RISCV64: Final = ArchLayout(
    name="riscv64",
    elf_machine=EM_RISCV,
    hwcap=_extensions("imafdc"),
    platform=None,
    general=GENERAL,
    general_size=GENERAL_SIZE,
    floating=FLOATING,
    floating_size=FLOATING_SIZE,
    result_offset=8 * GENERAL.index("a0"),
    frame=frame_struct(_CONTEXT),
    encode_context=encode_context,
    decode_context=decode_context,
    # li a7, 139; ecall.  Unwinders know a signal frame by exactly these two instructions.
    trampoline=bytes.fromhex("9308b008 73000000"),
    trampoline_symbol="__vdso_rt_sigreturn",
    sigaction_restorer=False,
)
