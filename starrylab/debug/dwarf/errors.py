"""What can be wrong with debug information, or missing from a process; each is one line."""

from __future__ import annotations

from typing import Final

from ..symbols.image import ImageError


class DebugDataError(Exception):
    """The base of all errors of this package."""


class BadDwarf(DebugDataError):
    """Debug information that contradicts itself, or ends in the middle."""


class Unavailable(DebugDataError):
    """A value that exists nowhere (any more): optimized out, an unknown register, no memory."""


class NoMemory(Unavailable):
    """An address that nothing is mapped at."""

    def __init__(self, address: int) -> None:
        super().__init__(f"cannot access memory at address {address:#x}")
        self.address = address


class OptimizedOut(Unavailable):
    """The compiler kept no place for a value at this program counter."""


#: What reading debug information and a process can raise; types that contain themselves recur.
PROBLEMS: Final = (DebugDataError, ImageError, RecursionError)
