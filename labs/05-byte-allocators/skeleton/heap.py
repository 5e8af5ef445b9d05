"""Lab 5: allocators of bytes.  Offsets are numbers; nothing is stored at them."""

from __future__ import annotations

from starrylab.abi.errno import ENOMEM


class BumpAllocator:
    """Gives out the bytes from ``base`` to ``base + size`` one after the other."""

    def __init__(self, base: int, size: int) -> None:
        raise NotImplementedError("BumpAllocator")

    def alloc(self, size: int, align: int = 8) -> int:
        """Return the offset of ``size`` bytes, a multiple of ``align``; raise ENOMEM."""
        raise NotImplementedError("alloc")

    def free(self, offset: int) -> None:
        """Take back what alloc returned; KeyError for anything else.

        Space is not used again, until everything is free: then all of it is.
        """
        raise NotImplementedError("free")


class Allocator:
    """Gives out bytes and uses again what was freed; as well as you can."""

    def __init__(self, base: int, size: int) -> None:
        raise NotImplementedError("Allocator")

    def alloc(self, size: int, align: int = 8) -> int:
        """Return the offset of ``size`` bytes, a multiple of ``align``; raise ENOMEM."""
        raise NotImplementedError("alloc")

    def free(self, offset: int) -> None:
        """Take back what alloc returned; KeyError for anything else."""
        raise NotImplementedError("free")
