"""The pool that the page caches of all files share: frames, and which page to evict.

Only pages that can be read in again are candidates.  The order is the clock algorithm's, an
approximation of least recently used as in real kernels: a page used since the hand came by
gets a second chance, so a read costs one set update and no list surgery.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final
from weakref import ref

from ...abi.errno import ENOMEM
from ..mm.frames import PAGE_CACHE, FrameAllocator
from .page_content import ABSENT

if TYPE_CHECKING:
    from .page_store import PageStore

DEFAULT_LIMIT: Final = 16384  #: pages that can be read in again: 64 MiB,
_LIMIT_SHARE: Final = 8  #: or this part of RAM, where it is more
_BATCH: Final = 64  #: pages that one eviction frees
_STALE: Final = 1024  #: entries of pages that are gone, before the clock is swept
_KEPT_SHARE: Final = 32  #: mapped pages are kept when the cache is down to this part of RAM,
_KEPT_MOST: Final = 1024  #: or to this many pages


class PagePool:
    """Frames for page caches, and their eviction."""

    def __init__(
        self, frames: FrameAllocator, kind: int = PAGE_CACHE, limit: int | None = None
    ) -> None:
        """Take pages from ``frames``; ``limit`` is how many may be evictable at a time."""
        if limit is None:
            limit = max(DEFAULT_LIMIT, frames.total // _LIMIT_SHARE)
        self.kind = int(kind)
        self.frames = frames
        self.limit = limit
        self._try_above = limit  #: how many evictable pages make the next attempt worth while
        self.view = frames.view
        self.evictable = 0  #: pages in RAM that have a backing store
        self.evictions = 0
        # Below that, programs would do nothing but wait for each other's code to be read in
        # again; so RAM counts as used up, and the out-of-memory killer makes room.
        self._kept = min(frames.total // _KEPT_SHARE, _KEPT_MOST)
        self.wrote: Callable[[int], object] = frames.wrote
        self.release: Callable[[int], object] = frames.release
        frames.reclaimers.append(lambda count: self.shrink(count, self._kept))
        self._clock: deque[tuple[ref[PageStore], int]] = deque()

    def frame(self) -> int:
        """Return a frame with arbitrary contents; raise ``ENOMEM``."""
        return self.frames.alloc(self.kind)

    def zeroed(self) -> int:
        """Return a frame of zeros; raise ``ENOMEM``."""
        return self.frames.alloc_zeroed(self.kind)

    def run(self, count: int) -> list[int]:
        """Return ``count`` frames with arbitrary contents; raise ``ENOMEM`` for less."""
        alloc, kind = self.frames.alloc, self.kind
        frames: list[int] = []
        try:
            for _ in range(count):
                frames.append(alloc(kind))  # noqa: PERF401  # what was taken must not be lost
        except ENOMEM:
            self.release_all(frames)
            raise
        return frames

    def release_all(self, frames: list[int]) -> None:
        """Drop the cache's reference to each frame."""
        # The allocator hands out first what was freed last: backwards, so that frames which
        # were neighbours come back as neighbours, in order, and a copy spans many.
        self.frames.release_all(reversed(frames))

    def added(self, cache: PageStore, indexes: Iterable[int]) -> None:
        """Note pages that can be evicted, and evict others above the limit."""
        handle = ref(cache)
        clock = self._clock
        before = len(clock)
        clock.extend([(handle, index) for index in indexes])
        self.evictable += len(clock) - before
        if self.evictable > self._try_above:
            self.shrink(self.evictable - self.limit + _BATCH)
            # Pages that were written, or are in use, stay.  Where most are such pages, to look
            # at all of them for every page that is added would be all that the lab does.
            above = self.evictable > self.limit
            self._try_above = self.evictable + self.limit // 8 if above else self.limit
        if len(clock) > 2 * self.evictable + _STALE:
            self._clock = deque(dict.fromkeys(entry for entry in clock if _is_present(*entry)))

    def removed(self, count: int) -> None:
        """Note pages that were given up; their entries leave the clock when it comes by."""
        self.evictable -= count

    def shrink(self, count: int, kept: int = 0) -> int:
        """Evict up to ``count`` pages that no transfer is using; return how many it were.

        Mapped ones go only while there are more than ``kept`` pages.
        """
        clock = self._clock
        refs = self.frames.refs
        freed = 0
        for _ in range(2 * len(clock)):
            if freed >= count or not clock:
                break
            handle, index = clock.popleft()
            cache = handle()
            frame = ABSENT if cache is None else cache.content.get(index)
            if cache is None or frame < 0:
                continue
            if index in cache.recent:
                cache.recent.discard(index)
                clock.append((handle, index))
            elif refs[frame >> 12] > 1 and self.evictable <= kept:
                clock.append((handle, index))
            elif cache.evict(index):
                freed += 1
            else:
                clock.append((handle, index))
        self.evictions += freed
        return freed


def _is_present(handle: ref[PageStore], index: int) -> bool:
    cache = handle()
    return cache is not None and cache.content.get(index) >= 0
