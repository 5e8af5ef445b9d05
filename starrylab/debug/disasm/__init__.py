"""Machine instructions as text: decoded, named, beside their source lines, explained in words."""

from __future__ import annotations

from .decoder import Disassembler, DisassemblyError
from .explain import explain
from .instruction import Flow, Instruction
from .listing import Row, listing

__all__ = [
    "Disassembler",
    "DisassemblyError",
    "Flow",
    "Instruction",
    "Row",
    "explain",
    "listing",
]
