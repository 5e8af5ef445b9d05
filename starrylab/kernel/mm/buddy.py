"""The buddy algorithm (Knowlton 1965; Knuth, The Art of Computer Programming 2.5).

Every block is a power of two long and lies at a multiple of its length.  Splitting a block
makes two buddies, whose addresses differ in one bit; when both are free they join again.
"""

from __future__ import annotations

from typing import Final

from ...abi.errno import ENOMEM

_MIN_ORDER: Final = 5  #: the smallest block has 32 bytes


class BuddyAllocator:
    """Power-of-two blocks of the bytes from ``base`` to ``base + size``."""

    def __init__(self, base: int, size: int) -> None:
        self._base = base
        self._free: list[set[int]] = [set() for _ in range(size.bit_length())]
        self._used: dict[int, int] = {}  #: offset within the range -> order
        self.free_bytes = 0
        at = 0
        while size - at >= 1 << _MIN_ORDER:  # the largest aligned blocks that fit
            order = (size - at).bit_length() - 1
            if at:
                order = min(order, (at & -at).bit_length() - 1)
            self._free[order].add(at)
            self.free_bytes += 1 << order
            at += 1 << order

    def alloc(self, size: int, align: int = 8) -> int:
        """See `ByteAllocator.alloc`; alignment is within the range."""
        order = max((max(size, align, 1) - 1).bit_length(), _MIN_ORDER)
        found = next((o for o in range(order, len(self._free)) if self._free[o]), -1)
        if found < 0:
            raise ENOMEM
        at = min(self._free[found])
        self._free[found].remove(at)
        while found > order:  # give back the upper half
            found -= 1
            self._free[found].add(at + (1 << found))
        self._used[at] = order
        self.free_bytes -= 1 << order
        return self._base + at

    def free(self, offset: int) -> None:
        """See `ByteAllocator.free`."""
        at = offset - self._base
        order = self._used.pop(at)
        self.free_bytes += 1 << order
        while order + 1 < len(self._free) and at ^ 1 << order in self._free[order]:
            self._free[order].remove(at ^ 1 << order)
            at &= ~(1 << order)
            order += 1
        self._free[order].add(at)
