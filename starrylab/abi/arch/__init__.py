"""What differs from one processor architecture to the next, as data."""

from __future__ import annotations

from typing import Final

from ..numbers import Arch
from .aarch64 import AARCH64
from .layout import ArchLayout, BadRegisters
from .loongarch64 import LOONGARCH64
from .riscv64 import RISCV64

ARCHES: Final[dict[Arch, ArchLayout]] = {
    "riscv64": RISCV64,
    "loongarch64": LOONGARCH64,
    "aarch64": AARCH64,
}

__all__ = ["ARCHES", "ArchLayout", "BadRegisters"]
