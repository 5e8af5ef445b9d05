"""What differs from one processor architecture to the next, as data."""

from __future__ import annotations

from typing import Final

from ..numbers import Arch
from .layout import ArchLayout, BadRegisters
from .riscv64 import RISCV64

ARCHES: Final[dict[Arch, ArchLayout]] = {"riscv64": RISCV64}

__all__ = ["ARCHES", "ArchLayout", "BadRegisters"]
