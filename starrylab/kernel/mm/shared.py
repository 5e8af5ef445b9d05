"""Memory that processes share without a file (design document 5.3.3, ``SharedPages``).

`mmap(MAP_SHARED | MAP_ANONYMOUS)` and System V segments map the same object.  Pages come
into being at the first touch.  The object lives as long as a mapping, or a key that holds it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...abi.errno import ENXIO
from ...machine.api import PAGE_MASK, PAGE_SHIFT
from .frames import USER, FrameAllocator

if TYPE_CHECKING:
    from .areas import Area
    from .source import Mapper


class SharedPages:
    """A `PageSource` of pages that start as zeros."""

    __slots__ = ("__weakref__", "frames", "holders", "key", "mappers", "misses", "name", "pages",
                 "size")  # fmt: skip

    def __init__(
        self,
        frames: FrameAllocator,
        size: int,
        key: tuple[int, int] = (1, 0),
        name: bytes = b"/dev/zero (deleted)",
    ) -> None:
        self.frames = frames
        self.size = size  #: bytes
        self.key = key  #: device and inode, as /proc/PID/maps shows them
        self.name = name
        self.misses = 0  #: nothing is ever read in
        self.pages: dict[int, int] = {}  #: page index -> frame
        self.mappers: dict[Mapper, int] = {}  #: address space -> how many areas it has
        self.holders = 0

    def hold(self) -> None:
        """Keep the pages even while nobody maps them (a System V segment)."""
        self.holders += 1

    def drop(self) -> None:
        """Undo `hold`; without a mapping the pages are given back."""
        self.holders -= 1
        self._release_if_unused()

    def frame(self, index: int, write: bool) -> int:
        """See `PageSource.frame`."""
        frame = self.pages.get(index)
        if frame is None:
            if index << PAGE_SHIFT >= self.size:
                raise ENXIO
            frame = self.pages[index] = self.frames.alloc_zeroed(USER)
        return frame

    def cached(self, index: int) -> bool:
        """See `PageSource.cached`."""
        return index in self.pages

    def write_back(self, first: int, last: int) -> None:
        """See `PageSource.write_back`; there is nothing to write to."""

    def punch(self, start: int, end: int) -> None:
        """See `PageSource.punch`; the range is whole pages."""
        first, last = (start + PAGE_MASK) >> PAGE_SHIFT, end >> PAGE_SHIFT
        for mapper in list(self.mappers):
            mapper.evict_pages(self, first, last)
        gone = [i for i in self.pages if first <= i < last]
        self.frames.release_all([self.pages.pop(i) for i in gone])

    def map_added(self, space: Mapper, area: Area) -> None:
        """See `PageSource.map_added`."""
        self.mappers[space] = self.mappers.get(space, 0) + 1

    def map_removed(self, space: Mapper, area: Area) -> None:
        """See `PageSource.map_removed`."""
        left = self.mappers[space] - 1
        if left:
            self.mappers[space] = left
        else:
            del self.mappers[space]
            self._release_if_unused()

    def _release_if_unused(self) -> None:
        if not self.mappers and not self.holders:
            pages, self.pages = self.pages, {}
            self.frames.release_all(pages.values())
