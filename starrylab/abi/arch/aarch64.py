"""aarch64: registers, signal context, trampoline (arch/arm64/include/uapi/asm of Linux).

Sources: <asm/ptrace.h>, <asm/sigcontext.h>, <asm/hwcap.h>, and AAPCS64 for register names.
The frame has no ``struct frame_record`` above it, so only unwinders that read the context,
not those that follow frame pointers, see through a handler.
"""

from __future__ import annotations

from typing import Any, Final

from ..elf import EM_AARCH64
from .layout import ArchLayout, BadRegisters, frame_struct

GENERAL: Final = (*(f"x{n}" for n in range(31)), "sp", "pc", "pstate")
FLOATING: Final = tuple(f"v{n}" for n in range(32))

GENERAL_SIZE: Final = 272  #: struct user_pt_regs
FLOATING_SIZE: Final = 528  #: struct user_fpsimd_state: v[32], fpsr, fpcr, padding
#: fault_address, registers, alignment; then 4096 bytes of records: one for the vector
#: registers, and one of zeros that ends the list.
_CONTEXT: Final = "Q 272s 8x II II 512s II 3560x"
_FPSIMD_MAGIC: Final = 0x46508001
_FPSIMD_SIZE: Final = 528
_PSTATE: Final = 264  #: offset of pstate in the general registers
_MODE: Final = 0x1F  #: PSR_MODE32_BIT and PSR_MODE_MASK: zero for EL0 in AArch64 state

_HWCAP_FP: Final = 1 << 0
_HWCAP_ASIMD: Final = 1 << 1


def encode_context(general: bytes, floating: bytes) -> tuple[Any, ...]:
    """Return the fields of ``struct sigcontext``."""
    fpsr = int.from_bytes(floating[512:516], "little")
    fpcr = int.from_bytes(floating[516:520], "little")
    return 0, general, _FPSIMD_MAGIC, _FPSIMD_SIZE, fpsr, fpcr, floating[:512], 0, 0


def decode_context(
    _address: int,
    general: bytes,
    magic: int,
    size: int,
    fpsr: int,
    fpcr: int,
    vectors: bytes,
    next_magic: int,
    next_size: int,
) -> tuple[bytes, bytes]:
    """Return general and floating-point registers."""
    if (magic, size, next_magic, next_size) != (_FPSIMD_MAGIC, _FPSIMD_SIZE, 0, 0):
        raise BadRegisters("the records of the signal context are not those of the kernel")
    if general[_PSTATE] & _MODE:
        raise BadRegisters("pstate asks for another mode than that of user programs")
    control = fpsr.to_bytes(4, "little") + fpcr.to_bytes(4, "little")
    return general, vectors + control + bytes(8)


AARCH64: Final = ArchLayout(
    name="aarch64",
    elf_machine=EM_AARCH64,
    hwcap=_HWCAP_FP | _HWCAP_ASIMD,
    platform=b"aarch64",
    general=GENERAL,
    general_size=GENERAL_SIZE,
    floating=FLOATING,
    floating_size=FLOATING_SIZE,
    result_offset=8 * GENERAL.index("x0"),
    frame=frame_struct(_CONTEXT),
    encode_context=encode_context,
    decode_context=decode_context,
    # mov x8, #139; svc #0
    trampoline=bytes.fromhex("681180d2 010000d4"),
    trampoline_symbol="__kernel_rt_sigreturn",
    sigaction_restorer=True,
    min_signal_stack=5120,
)
