"""Machine instructions as text: decoded, named, beside their source lines, explained in words."""

from __future__ import annotations

from .decoder import Disassembler
from .explain import explain
from .instruction import Flow, Instruction
from .listing import Row, listing

__all__ = [
    "Disassembler",
    "Flow",
    "Instruction",
    "Row",
    "explain",
    "listing",
]
