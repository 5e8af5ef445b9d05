"""The slab algorithm (Bonwick, USENIX 1994), with one cache for each power of two.

A slab is a page cut into objects of one size.  A cache keeps its slabs that have room; an
empty slab goes back to the pages.  What is larger than half a page gets whole pages.
"""

from __future__ import annotations

from typing import Final

from ...abi.errno import ENOMEM
from ...machine.api import PAGE_SHIFT, PAGE_SIZE

_MIN_SHIFT: Final = 3  #: the smallest object has 8 bytes
_MAX_SHIFT: Final = PAGE_SHIFT - 1


class _Slab:
    """One page of equal objects."""

    __slots__ = ("free", "shift", "used")

    def __init__(self, page: int, shift: int) -> None:
        self.shift = shift
        self.used: set[int] = set()
        self.free = list(range(page + PAGE_SIZE - (1 << shift), page - 1, -(1 << shift)))


class SlabAllocator:
    """Objects in the pages from ``base`` to ``base + size``."""

    def __init__(self, base: int, size: int) -> None:
        self._base = base
        self._pages = bytearray(size >> PAGE_SHIFT)  #: 1 for each page in use
        self._slabs: dict[int, _Slab] = {}  #: by page offset
        self._partial: dict[int, list[_Slab]] = {s: [] for s in range(_MIN_SHIFT, _MAX_SHIFT + 1)}
        self._runs: dict[int, int] = {}  #: large objects: offset -> pages
        self.free_bytes = len(self._pages) << PAGE_SHIFT

    def alloc(self, size: int, align: int = 8) -> int:
        """See `ByteAllocator.alloc`."""
        shift = max((max(size, align, 1) - 1).bit_length(), _MIN_SHIFT)
        if shift > _MAX_SHIFT:
            return self._alloc_pages(size, align)
        partial = self._partial[shift]
        if not partial:
            page = self._take_pages(1, PAGE_SIZE)
            slab = self._slabs[page] = _Slab(page, shift)
            partial.append(slab)
        slab = partial[-1]
        offset = slab.free.pop()
        slab.used.add(offset)
        if not slab.free:
            partial.pop()
        self.free_bytes -= 1 << shift
        return offset

    def free(self, offset: int) -> None:
        """See `ByteAllocator.free`."""
        if offset in self._runs:
            pages = self._runs.pop(offset)
            self._give_pages(offset, pages)
            self.free_bytes += pages << PAGE_SHIFT
            return
        page = offset - (offset - self._base) % PAGE_SIZE
        slab = self._slabs[page]
        slab.used.remove(offset)
        self.free_bytes += 1 << slab.shift
        partial = self._partial[slab.shift]
        if not slab.free:
            partial.append(slab)
        slab.free.append(offset)
        if not slab.used:
            partial.remove(slab)
            del self._slabs[page]
            self._give_pages(page, 1)

    def _alloc_pages(self, size: int, align: int) -> int:
        pages = (size + PAGE_SIZE - 1) >> PAGE_SHIFT
        offset = self._take_pages(pages, align)
        self._runs[offset] = pages
        self.free_bytes -= pages << PAGE_SHIFT
        return offset

    def _take_pages(self, count: int, align: int) -> int:
        step = max(align >> PAGE_SHIFT, 1)
        for first in range(0, len(self._pages) - count + 1, step):
            if not any(self._pages[first : first + count]):
                self._pages[first : first + count] = b"\1" * count
                return self._base + (first << PAGE_SHIFT)
        raise ENOMEM

    def _give_pages(self, offset: int, count: int) -> None:
        first = (offset - self._base) >> PAGE_SHIFT
        self._pages[first : first + count] = bytes(count)
