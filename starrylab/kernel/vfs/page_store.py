"""The pages of one file: which are in RAM, how they come and go (design document 5.3.4).

``PageStore`` knows frames, room, dirtiness and eviction; what reads, writes and maps the
pages is ``page_cache.PageCache`` on top of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from ...abi.errno import EFBIG, ENOSPC, ENXIO
from ...machine.api import PAGE_MASK, PAGE_SIZE
from .page_content import ABSENT, Content, Dense
from .page_pool import PagePool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .node import FilesystemOps

MAX_SIZE: Final = (1 << 63) - 1
EVERYTHING: Final = 1 << 52  #: above every page index
ZEROS: Final = memoryview(bytes(PAGE_SIZE))
_READAHEAD: Final = 32  #: pages read from a backing store at once


class Backing(Protocol):
    """Where the pages of a cache come from and go to."""

    def read_into(self, buffers: Sequence[memoryview], offset: int) -> int:
        """Fill ``buffers`` from ``offset`` on; return the number of bytes."""
        ...

    def write(self, data: bytes | memoryview, offset: int) -> None:
        """Write at ``offset``."""
        ...


class Account:
    """Pages that a file system's files may take together."""

    __slots__ = ("limit", "used")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0


class PageStore:
    """The pages of one file, without what reads and writes them."""

    __slots__ = ("__weakref__", "account", "backed", "backing", "content", "dirty", "fs", "hits",
                 "ino", "mappings", "misses", "nr_pages", "pinned", "pool", "recent",
                 "size", "through")  # fmt: skip

    def __init__(
        self,
        pool: PagePool,
        fs: FilesystemOps,
        ino: int,
        account: Account | None = None,
        backing: Backing | None = None,
        size: int = 0,
        *,
        through: bool = False,
    ) -> None:
        self.pool = pool
        self.fs = fs
        self.ino = ino
        self.account = account
        self.backing = backing
        self.size = size  #: bytes; the file's size is kept here and nowhere else
        self.backed = size if backing is not None else 0  #: bytes of `backing` that count
        self.through = through  #: every write goes to `backing` at once
        self.content: Content = Dense()
        self.nr_pages = 0
        #: Pages that differ from `backing`; without `through` they stay in RAM for good.
        self.dirty: set[int] = set()
        self.recent: set[int] = set()  #: pages used since the eviction clock passed them
        self.pinned = range(0)  #: pages of the latest transfer, which eviction must not touch
        self.mappings: dict[tuple[Any, Any], int] = {}
        self.hits = 0  #: pages found in RAM; counted for files with a backing store
        self.misses = 0

    def __del__(self) -> None:
        # The inode is gone: CPython runs this at once when the last name, open file and
        # mapping are gone, and neither nodes nor caches are part of a reference cycle.
        if self.nr_pages:
            self._release(self.content.take(0, EVERYTHING))
        if self.dirty and self.account is not None and not self.through:
            self.account.used -= len(self.dirty)

    def _spaces(self) -> set[Any]:
        """Return the address spaces that show this file."""
        return {space for space, _ in self.mappings}

    def read(self, size: int, offset: int) -> bytes:
        """Return at most ``size`` bytes from ``offset`` on."""
        size = min(size, self.size - offset)
        if size <= 0:
            return b""
        view = self.pool.view
        first = offset >> 12
        inner = offset & PAGE_MASK
        if inner + size <= PAGE_SIZE:
            frame = self._present(first)
            if frame < 0:
                return bytes(size)
            return bytes(view[frame + inner : frame + inner + size])
        result = bytearray(size)
        self._gather(memoryview(result), offset, self._readable(first, offset + size), first)
        return bytes(result)

    def _present(self, index: int) -> int:
        """Return a page's frame for reading, ``ABSENT`` for a hole."""
        frame = self.content.get(index)
        if self.backing is not None:
            self.recent.add(index)
            self.pinned = range(index, index + 1)
            if frame >= 0:
                self.hits += 1
            elif index << 12 < self.backed:
                return self._load(index)
        return frame

    def _readable(self, first: int, end: int) -> list[int]:
        """Return the frames from page ``first`` to byte ``end``, holes as ``ABSENT``."""
        last = end + PAGE_MASK >> 12
        frames = self.content.span(first, last)
        if self.backing is None:
            return frames
        self.pinned = range(first, last)
        self.recent.update(self.pinned)
        if ABSENT not in frames:
            self.hits += len(frames)
            return frames
        for i, frame in enumerate(frames):
            if frame >= 0:
                self.hits += 1
            elif (first + i) << 12 < self.backed:
                frames[i] = self.content.get(first + i)  # an earlier read-ahead may have it
                if frames[i] < 0:
                    frames[i] = self._load(first + i, last)
        return frames

    def _gather(self, target: memoryview, offset: int, frames: list[int], first: int) -> None:
        """Copy from ``frames``, whose first is page ``first``, into all of ``target``."""
        view = self.pool.view
        size = len(target)
        done = 0
        index = (offset >> 12) - first
        inner = offset & PAGE_MASK
        while done < size:
            frame = frames[index]
            run = PAGE_SIZE - inner
            rest = size - done
            index += 1
            if frame < 0:
                run = min(run, rest)
                target[done : done + run] = ZEROS[:run]
            else:
                following = frame + PAGE_SIZE
                while run < rest and frames[index] == following:
                    run += PAGE_SIZE
                    index += 1
                    following += PAGE_SIZE
                frame += inner
                if run > rest:
                    run = rest
                if run == size:
                    target[:] = view[frame : frame + run]
                    return
                target[done : done + run] = view[frame : frame + run]
            inner = 0
            done += run

    def _soil(self, first: int, last: int) -> None:
        """Mark pages dirty; without `through` that takes room, so it may raise ``ENOSPC``."""
        dirty = self.dirty
        account = self.account
        if account is None or self.through:
            dirty.update(range(first, last))
            return
        fresh = [index for index in range(first, last) if index not in dirty]
        if account.used + len(fresh) > account.limit:
            raise ENOSPC
        account.used += len(fresh)
        dirty.update(fresh)

    def _allocate_run(self, frames: list[int], first: int) -> None:
        """Fill ``frames`` with new ones, side by side in RAM where possible."""
        count = len(frames)
        frames[:] = self.pool.run(count)
        if self.account is not None and self.backing is None:
            self.account.used += count
        content = self.content
        if type(content) is Dense and first == len(content.frames):
            content.frames.extend(frames)
        else:
            for i, frame in enumerate(frames):
                self.content = self.content.put(first + i, frame)
        self.nr_pages += count
        if self.backing is not None:
            self.pool.added(self, range(first, first + count))

    def write_back(self, first: int = 0, last: int = EVERYTHING) -> None:
        """Write dirty pages ``first`` up to ``last``, excluded, to the backing store."""
        if not self.through or self.backing is None:
            return
        for index in sorted(i for i in self.dirty if first <= i < last):
            for space in self._spaces():
                space.protect_pages(self, index, index + 1)
            data = self.read(PAGE_SIZE, index << 12)
            if data:
                self.backing.write(data, index << 12)
            self.dirty.discard(index)

    # Pages coming and going.

    def _load(self, index: int, last: int = 0) -> int:
        """Bring in page ``index``, from the backing store or as zeros; return its frame.

        With a backing store, absent pages after it are read along, up to ``last`` at least.
        """
        start = index << 12
        if self.backing is None or start >= self.backed:
            return self._add(index, self.pool.zeroed())
        limit = min(
            self.backed + PAGE_MASK >> 12, max(last, index + 1 if last else index + _READAHEAD)
        )
        indexes = [index]
        get = self.content.get
        while indexes[-1] + 1 < limit and get(indexes[-1] + 1) < 0:
            indexes.append(indexes[-1] + 1)
        self.misses += len(indexes)
        frames = self.pool.run(len(indexes))
        view = self.pool.view
        wanted = min(len(frames) << 12, self.backed - start)
        buffers = [view[f : f + PAGE_SIZE] for f in frames]
        buffers[-1] = buffers[-1][: wanted - (len(frames) - 1 << 12)]
        try:
            done = self.backing.read_into(buffers, start)
        except BaseException:
            for frame in frames:
                self.pool.release(frame)
            raise
        for i, frame in enumerate(frames):
            filled = min(max(done - (i << 12), 0), PAGE_SIZE)
            if filled < PAGE_SIZE:
                view[frame + filled : frame + PAGE_SIZE] = ZEROS[filled:]
            self._add(indexes[i], frame)
        return frames[0]

    def _add(self, index: int, frame: int) -> int:
        account = self.account
        if account is not None and self.backing is None:
            if account.used >= account.limit:
                self.pool.release(frame)
                raise ENOSPC
            account.used += 1
        self.content = self.content.put(index, frame)
        self.nr_pages += 1
        if self.backing is not None:
            self.recent.add(index)
            self.pool.added(self, (index,))
        return frame

    def _release(self, taken: list[tuple[int, int]]) -> None:
        count = len(taken)
        self.nr_pages -= count
        if self.account is not None and self.backing is None:
            self.account.used -= count
        self.pool.release_all([frame for _, frame in taken])
        if self.backing is not None:
            self.pool.removed(count)

    def drop(self, first: int, last: int) -> None:
        """Forget the pages ``first`` up to ``last``, excluded, mapped or not."""
        if self.mappings:  # the document's evict listeners
            for space in self._spaces():
                space.evict_pages(self, first, last)
        taken = self.content.take(first, last)
        if taken:
            self._release(taken)
            if self.dirty:
                before = len(self.dirty)
                self.dirty.difference_update([i for i, _ in taken])
                if self.account is not None and not self.through:
                    self.account.used -= before - len(self.dirty)

    def evict(self, index: int) -> bool:
        """Give up a clean page to make room; tell whether it was possible."""
        if index in self.pinned:
            return False
        if index in self.dirty:
            if not self.through:
                return False
            self.write_back(index, index + 1)
        self.drop(index, index + 1)
        return True

    def read_ahead(self, first: int, last: int) -> None:
        """Read pages ``first`` up to ``last``, excluded, in (readahead(2)), within reason."""
        last = min(last, self.backed + PAGE_MASK >> 12, first + self.pool.limit // 4)
        if first < last:
            self._readable(first, last << 12)

    def give_back(self, first: int, last: int) -> None:
        """Drop clean, unmapped pages that can be read in again (POSIX_FADV_DONTNEED)."""
        if self.backing is None or self.mappings:
            return
        self.pinned = range(0)
        for index in range(first, min(last, self.size + PAGE_MASK >> 12)):
            if self.content.get(index) >= 0 and index << 12 < self.backed:
                self.evict(index)

    def truncate(self, size: int) -> None:
        """Set the size in bytes; what is cut off reads as zeros if the file grows again."""
        if size > MAX_SIZE:
            raise EFBIG
        if size < self.size:
            first = size + PAGE_MASK >> 12
            if self.mappings:
                for space in self._spaces():
                    space.truncate_pages(self, first, EVERYTHING)
            self.drop(first, EVERYTHING)
            if size & PAGE_MASK and self.content.get(size >> 12) >= 0:
                self._clear(size, (size | PAGE_MASK) + 1)
            self.backed = min(self.backed, size)
        self.size = size

    def _clear(self, start: int, end: int) -> None:
        """Zero part of one page, if it is there or in the backing store."""
        index = start >> 12
        frame = self.content.get(index)
        if frame < 0:
            if start >= self.backed:
                return
            frame = self._load(index, index + 1)
        base = frame - (index << 12)
        self.pool.view[base + start : base + end] = ZEROS[: end - start]
        if self.backing is not None and not self.through:
            self._soil(index, index + 1)

    def clear(self, start: int, end: int) -> None:
        """Make the bytes ``start`` up to ``end`` zero, giving up whole pages."""
        end = min(end, self.size + PAGE_MASK & ~PAGE_MASK)
        if start >= end:
            return
        first, last = start + PAGE_MASK >> 12, end >> 12
        if first > last:
            self._clear(start, end)
            return
        if start & PAGE_MASK:
            self._clear(start, first << 12)
        if end & PAGE_MASK:
            self._clear(last << 12, end)
        self.drop(first, last)
        # A page of the backing store must not come back: it needs a frame of zeros.
        for index in range(first, min(last, self.backed + PAGE_MASK >> 12)):
            self._soil(index, index + 1)
            self._add(index, self.pool.zeroed())

    def allocate(self, first: int, last: int) -> None:
        """Provide zeroed pages ``first`` up to ``last`` where there are none; all or nothing."""
        missing = [first + i for i, f in enumerate(self.content.span(first, last)) if f < 0]
        account = self.account
        if self.backing is not None:
            self._soil(first, last)
        elif account is not None and account.used + len(missing) > account.limit:
            raise ENOSPC
        for index in missing:
            if self.content.get(index) < 0:
                self._load(index, index + 1)

    def next_data(self, offset: int) -> int:
        """See ``FileNodeOps.next_data``."""
        if offset < self.backed:
            return offset
        index = self.content.following(offset >> 12)
        if index < 0 or index << 12 >= self.size:
            raise ENXIO
        return max(offset, index << 12)

    def next_hole(self, offset: int) -> int:
        """See ``FileNodeOps.next_hole``."""
        index = max(offset, self.backed) >> 12
        get = self.content.get
        while get(index) >= 0:
            index += 1
        return min(max(offset, self.backed, index << 12), self.size)
