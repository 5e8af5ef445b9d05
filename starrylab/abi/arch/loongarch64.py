"""loongarch64: registers, signal context, trampoline (arch/loongarch/include/uapi/asm of Linux).

Sources: <asm/ptrace.h>, <asm/sigcontext.h>, <asm/hwcap.h>, setup_extcontext() of
arch/loongarch/kernel/signal.c, and the LoongArch ELF psABI for register names.
"""

from __future__ import annotations

from struct import Struct
from typing import Any, Final

from ..elf import EM_LOONGARCH
from .layout import ArchLayout, BadRegisters, frame_struct

GENERAL: Final = (
    "zero", "ra", "tp", "sp", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "t0", "t1", "t2",
    "t3", "t4", "t5", "t6", "t7", "t8", "u0", "fp", "s0", "s1", "s2", "s3", "s4", "s5", "s6",
    "s7", "s8", "orig_a0", "pc", "badv",
)  # fmt: skip
FLOATING: Final = (
    *(f"fa{n}" for n in range(8)), *(f"ft{n}" for n in range(16)), *(f"fs{n}" for n in range(8)),
)  # fmt: skip

GENERAL_SIZE: Final = 360  #: struct user_pt_regs
FLOATING_SIZE: Final = 272  #: struct user_fp_state: f[32], fcc, fcsr, padding
#: What follows where the CPU has LSX and the thread uses it: the upper halves of 32 registers.
UPPER_SIZE: Final = 256
#: sc_pc, sc_regs, sc_flags; then records of a magic number and a size each, the last without
#: content.  There is room for the largest: `struct lsx_context`, 128-bit registers, fcc, fcsr.
_RECORD: Final = Struct("<II8x")
_LSX_SIZE: Final = 528
_ROOM: Final = _RECORD.size + _LSX_SIZE + _RECORD.size
_CONTEXT: Final = f"Q 256s I4x {_ROOM}s"
_USED_FP: Final = 1  #: SC_USED_FP
_FPU_MAGIC: Final = 0x46505501
_LSX_MAGIC: Final = 0x53580001
_RECORDS: Final = {_FPU_MAGIC: FLOATING_SIZE, _LSX_MAGIC: _LSX_SIZE}  #: bytes of content
_FLAGS: Final = slice(256, FLOATING_SIZE)  #: fcc and fcsr in the floating-point state
_PAIR: Final = Struct("<2Q")
_PC: Final = 8 * GENERAL.index("pc")
_BEFORE_PC: Final = bytes(8)  # orig_a0
_AFTER_PC: Final = bytes(GENERAL_SIZE - _PC - 8)

_HWCAP_CPUCFG: Final = 1 << 0
_HWCAP_LAM: Final = 1 << 1
_HWCAP_UAL: Final = 1 << 2
_HWCAP_FPU: Final = 1 << 3


def encode_context(general: bytes, floating: bytes) -> tuple[Any, ...]:
    """Return the fields of ``struct sigcontext``, its extension records as one of them."""
    pc = int.from_bytes(general[_PC : _PC + 8], "little")
    magic, content = _FPU_MAGIC, floating
    if len(floating) > FLOATING_SIZE:
        magic, content = _LSX_MAGIC, _interleaved(floating)
    record = _RECORD.pack(magic, _RECORD.size + len(content)) + content
    return pc, general[:256], _USED_FP, record.ljust(_ROOM, b"\0")


def decode_context(pc: int, registers: bytes, _flags: int, records: bytes) -> tuple[bytes, bytes]:
    """Return general registers, and floating-point state with the upper halves that there are."""
    magic, size = _RECORD.unpack_from(records)
    length = _RECORDS.get(magic)
    if length is None or size != _RECORD.size + length or any(_RECORD.unpack_from(records, size)):
        raise BadRegisters("the records of the signal context are not those of the kernel")
    content = records[_RECORD.size : size]
    head = bytes(8) + registers[8:]  # register 0 is always zero
    general = b"".join((head, _BEFORE_PC, pc.to_bytes(8, "little"), _AFTER_PC))
    return general, content if magic == _FPU_MAGIC else _separated(content)


def _interleaved(floating: bytes) -> bytes:
    """Make a ``struct lsx_context`` of lower halves, flags and upper halves."""
    words = memoryview(floating).cast("Q")
    lower, upper = words[:32], words[FLOATING_SIZE // 8 :]
    registers = b"".join(_PAIR.pack(*pair) for pair in zip(lower, upper, strict=True))
    return registers + floating[_FLAGS]


def _separated(content: bytes) -> bytes:
    """Undo `_interleaved`."""
    words = memoryview(content).cast("Q")
    lower, upper = words[:64:2].tobytes(), words[1:64:2].tobytes()
    return lower + content[2 * UPPER_SIZE :] + upper


LOONGARCH64: Final = ArchLayout(
    name="loongarch64",
    elf_machine=EM_LOONGARCH,
    hwcap=_HWCAP_CPUCFG | _HWCAP_LAM | _HWCAP_UAL | _HWCAP_FPU,
    platform=b"loongarch",
    general=GENERAL,
    general_size=GENERAL_SIZE,
    floating=FLOATING,
    floating_size=FLOATING_SIZE,
    result_offset=8 * GENERAL.index("a0"),
    frame=frame_struct(_CONTEXT),
    encode_context=encode_context,
    decode_context=decode_context,
    # ori a7, zero, 139; syscall 0.  Unwinders know a signal frame by these two.
    trampoline=bytes.fromhex("0b2c8203 00002b00"),
    trampoline_symbol="__vdso_rt_sigreturn",
    sigaction_restorer=False,
    clone_backwards=False,
    min_signal_stack=4096,
)
