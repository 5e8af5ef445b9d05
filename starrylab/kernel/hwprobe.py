"""What a RISC-V processor can do, by the keys of riscv_hwprobe(2).

Source: Documentation/arch/riscv/hwprobe.rst and <asm/hwprobe.h> of Linux.
"""

from __future__ import annotations

from typing import Final

from ..abi.arch import ARCHES
from ..abi.numbers import Arch
from .clock import COUNTER_HZ

_VENDOR, _ARCHITECTURE, _IMPLEMENTATION, _BASE, _EXTENSIONS, _MISALIGNED = range(6)
_HIGHEST_ADDRESS, _TIME_FREQUENCY, _MISALIGNED_SCALAR = 7, 8, 9
_BASE_IMA: Final = 1
_EXT_FD: Final = 1
_EXT_C: Final = 2

#: keys whose values are sets of bits
MASKS: Final = frozenset((_BASE, _EXTENSIONS))


def _hwcap(letter: str) -> int:
    return 1 << ord(letter) - ord("A")


def probe(arch: Arch, user_top: int) -> dict[int, int]:
    """Return what is known, by key; how fast misaligned accesses are is not (0)."""
    hwcap = ARCHES[arch].hwcap
    ima = all(hwcap & _hwcap(letter) for letter in "IMA")
    fd = all(hwcap & _hwcap(letter) for letter in "FD")
    return {
        _VENDOR: 0,
        _ARCHITECTURE: 0,
        _IMPLEMENTATION: 0,
        _BASE: _BASE_IMA if ima else 0,
        _EXTENSIONS: (_EXT_FD if fd else 0) | (_EXT_C if hwcap & _hwcap("C") else 0),
        _MISALIGNED: 0,
        _HIGHEST_ADDRESS: user_top - 1,
        _TIME_FREQUENCY: COUNTER_HZ,
        _MISALIGNED_SCALAR: 0,
    }
