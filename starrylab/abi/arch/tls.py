"""Where a program's thread-local storage is (ELF Handling For Thread-Local Storage, variant I).

Sources: the processor supplements: RISC-V ELF psABI ("Thread Local Storage"), LoongArch ELF
psABI, ELF for the Arm 64-bit architecture (sysvabi64, 5.1.2).
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


TLS: Final[dict[Arch, TlsLayout]] = {
    "riscv64": TlsLayout(4, 0),
    "loongarch64": TlsLayout(2, 0),
    "aarch64": TlsLayout(36, 16),  # tpidr_el0
}
