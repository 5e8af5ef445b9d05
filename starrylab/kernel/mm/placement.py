"""Where a new mapping goes: as high as possible below the stack, as on Linux (mmap(2)).

The search remembers where it got to: above `_cursor` there is no gap larger than `_skipped`.
That is a hint only; whether a gap is free is always read from the areas.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from ...abi.errno import ENOMEM, EPERM
from ...abi.resource import RLIMIT_STACK
from ...machine.api import PAGE_MASK
from .areas import VM_GROWSDOWN, VM_SEALED, Area
from .frames import FrameAllocator
from .layout import INFINITY, MMAP_MIN_ADDR, STACK_GUARD_GAP, Layout
from .source import Limits
from .user import UserAccess


def page_up(value: int) -> int:
    """Round up to a multiple of the page size."""
    return (value + PAGE_MASK) & ~PAGE_MASK


class Placement(UserAccess):
    """The search for free addresses."""

    def __init__(self, frames: FrameAllocator, layout: Layout, limits: Limits) -> None:
        super().__init__(frames, layout, limits)
        stack_limit = limits.soft(RLIMIT_STACK)
        self.bottom_up = stack_limit == INFINITY  #: search from below (legacy layout)
        self.mmap_top = layout.mmap_top(stack_limit)
        self._cursor = self.mmap_top
        self._skipped = 0
        self.sealed = False  #: some area has VM_SEALED

    def check_seals(self, low: int, high: int) -> None:
        """Raise ``EPERM`` if an area between two addresses must stay as it is (mseal(2))."""
        if self.sealed:
            first, last = self.overlapping(low, high)
            if any(area.flags & VM_SEALED for area in self.areas[first:last]):
                raise EPERM

    def _place(self, hint: int, size: int) -> int:
        """Return the address for a new mapping: ``hint`` if possible; raise ``ENOMEM``."""
        if hint:
            addr = max(page_up(hint), MMAP_MIN_ADDR)
            if addr <= self.user_top - size and self.is_free(addr, addr + size):
                return addr
        return self.find_gap(size)

    def is_free(self, start: int, end: int) -> bool:
        """Tell whether nothing is mapped there, nor right below is a stack that grows into it."""
        index = bisect_right(self.starts, start)
        areas = self.areas
        if index and areas[index - 1].end > start:
            return False
        return index == len(areas) or end <= self._floor(areas[index])

    def find_gap(self, size: int) -> int:
        """Return where mmap(2) would put ``size`` bytes; raise ``ENOMEM``."""
        if not self.bottom_up:
            cursor = self._cursor if size > self._skipped else self.mmap_top
            addr = self._search_down(cursor, size)
            if addr < 0 and cursor != self.mmap_top:
                addr = self._search_down(self.mmap_top, size)
            if addr >= 0:
                return addr
        return self._search_up(self.layout.bottom_up_base, size)

    def _search_down(self, cursor: int, size: int) -> int:
        areas = self.areas
        index = bisect_left(self.starts, cursor)
        skipped = self._skipped if cursor == self._cursor else 0
        while index:
            below = areas[index - 1]
            gap = cursor - below.end
            if gap >= size:
                break
            if gap > skipped:
                skipped = gap
            index -= 1
            cursor = min(cursor, self._floor(below))
        else:
            if cursor - MMAP_MIN_ADDR < size:
                return -1
        self._skipped = skipped
        self._cursor = cursor - size
        return self._cursor

    def _search_up(self, cursor: int, size: int) -> int:
        index = bisect_right(self.starts, cursor) - 1
        if index >= 0:
            cursor = max(cursor, self.areas[index].end)
        for area in self.areas[index + 1 :]:
            if self._floor(area) - cursor >= size:
                return cursor
            cursor = max(cursor, area.end)
        if self.layout.stack_top - cursor < size:
            raise ENOMEM
        return cursor

    def _floor(self, area: Area) -> int:
        """Return how far up another area may reach below ``area``."""
        return area.start - STACK_GUARD_GAP if area.flags & VM_GROWSDOWN else area.start
