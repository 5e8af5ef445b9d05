"""Symbols and lines: what an address of an ELF file stands for, and where a name's code is."""

from __future__ import annotations

from .image import ElfImage, ImageError, Section, Segment
from .location import UNKNOWN, FunctionMatch, Location
from .symbols import Symbols

__all__ = [
    "UNKNOWN",
    "ElfImage",
    "FunctionMatch",
    "ImageError",
    "Location",
    "Section",
    "Segment",
    "Symbols",
]
