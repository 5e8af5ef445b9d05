"""Frames that another page allocator chooses (design document 5.2; labs bind theirs).

The kernel keeps what it needs of a frame (references, kind, code) as always; which frame is
given out next is the page allocator's decision, and each of its answers is verified.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from ...abi.errno import ENOMEM
from ...machine.api import Ram
from .frames import PAGE_CACHE, USER, ZERO_PAGE, FrameAllocator, OutOfMemory

_RECLAIM_BATCH = 64  #: frames asked of a reclaimer at once


class PageAllocator(Protocol):
    """Says which pages of a memory are given out.  Pages are numbered from 0."""

    def alloc(self, count: int = 1, align: int = 1) -> int | None:
        """Return the first of ``count`` adjacent pages, a multiple of ``align``; ``None``: full."""
        ...

    def free(self, page: int, count: int = 1) -> None:
        """Take back ``count`` pages from ``page`` on."""
        ...

    def free_pages(self) -> int:
        """Return how many pages are free."""
        ...


class BadPage(Exception):
    """The page allocator gave out what it must not: a bug that ends the kernel."""


class ChosenFrames(FrameAllocator):
    """A `FrameAllocator` that asks a `PageAllocator` for each frame."""

    def __init__(
        self,
        ram: Ram,
        code_changed: Callable[[int], object],
        make: Callable[[int], PageAllocator],
    ) -> None:
        self.pages = make(ram.size >> 12)
        super().__init__(ram, code_changed)

    def alloc(self, kind: int = USER) -> int:
        """See `FrameAllocator.alloc`; `BadPage` where the choice is impossible."""
        number = self._choose(1)
        self._take(number, 1, kind)
        return number << 12

    def alloc_zeroed(self, kind: int = USER) -> int:
        """See `FrameAllocator.alloc_zeroed`."""
        frame = self.alloc(kind)
        self.view[frame : frame + 4096] = ZERO_PAGE
        return frame

    def alloc_run(self, count: int, kind: int = PAGE_CACHE) -> int:
        """See `FrameAllocator.alloc_run`."""
        number = self._choose(count)
        self._take(number, count, kind)
        return number << 12

    def release_all(self, entries: Iterable[int]) -> None:
        """See `FrameAllocator.release_all`."""
        for entry in entries:
            self.release(entry)

    def _choose(self, count: int) -> int:
        number = self._ask(count)
        if number is None and self._reclaim(max(count, _RECLAIM_BATCH)):
            number = self._ask(count)
        if number is None:
            raise OutOfMemory
        return number

    def _ask(self, count: int) -> int | None:
        try:
            return self.pages.alloc(count)
        except ENOMEM:
            return None

    def _take(self, number: int, count: int, kind: int) -> None:
        if not isinstance(number, int) or not 0 <= number <= self.total - count:
            raise BadPage(f"the page allocator gave out page {number!r} of {self.total}")
        if any(self.kinds[number : number + count]):
            raise BadPage(f"the page allocator gave out page {number}, which is in use")
        self.kinds[number : number + count] = bytes((kind,)) * count
        self.refs[number : number + count] = [1] * count
        if self.on_alloc is not None:
            for frame in range(number << 12, number + count << 12, 4096):
                self.on_alloc(frame, kind)

    def _free_frame(self, number: int) -> None:
        super()._free_frame(number)
        self._free.clear()  # the hints of the kernel's own allocator
        self.pages.free(number, 1)
