"""Where thread-local storage is (ELF Handling For Thread-Local Storage, variant I).

Sources: the processor supplements: RISC-V ELF psABI ("Thread Local Storage"), LoongArch ELF
psABI, ELF for the Arm 64-bit architecture (sysvabi64, 5.1.2); the C libraries' thread control
blocks: glibc ``sysdeps/*/nptl/tls.h``, musl ``arch/*/pthread_arch.h``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..numbers import Arch


@dataclass(frozen=True, slots=True)
class TlsLayout:
    """The program's own block begins ``gap`` bytes above the thread pointer."""

    pointer: int  #: DWARF number of the thread pointer
    gap: int  #: bytes; a program that asks for more alignment than this has a larger one
    module: int  #: relocation whose word becomes the module's number (``*_TLS_DTPMOD64``)
    offset: int  #: relocation whose word becomes a distance from the pointer (``*_TLS_TPREL64``)
    glibc_vector: int  #: where glibc keeps the address of the dynamic thread vector, from pointer
    musl_bias: int  #: what musl adds to the addresses in that vector (``DTP_OFFSET``)


#: musl keeps the address of the vector right below the thread pointer, everywhere.
MUSL_VECTOR: Final = -8

TLS: Final[dict[Arch, TlsLayout]] = {
    "riscv64": TlsLayout(4, 0, 7, 11, -16, 0x800),
    "loongarch64": TlsLayout(2, 0, 7, 11, -16, 0),
    "aarch64": TlsLayout(36, 16, 1028, 1030, 0, 0),  # tpidr_el0
}
