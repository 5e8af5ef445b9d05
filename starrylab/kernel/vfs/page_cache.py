"""The page cache: file contents in RAM frames (design document 5.3.4, 7.1.8; mmap(2)).

A ``PageCache`` holds the pages of one file.  read(2) and write(2) copy once, between its
frames and the user's; mmap(2) shows the same frames, so both always agree.  A file of
tmpfs is nothing but its pages.  A file with a ``Backing`` (a host folder, later a disk)
reads pages in when they are first needed, and the pool may evict clean ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...abi.errno import EFAULT, EFBIG, ENOSPC, ENXIO, EOPNOTSUPP
from ...machine.api import PAGE_MASK, PAGE_SIZE, READ, WRITE
from ..mm.areas import VM_NOWRITE, VM_SHARED
from .page_content import ABSENT
from .page_store import MAX_SIZE, ZEROS, Account, Backing, PageStore

if TYPE_CHECKING:
    from ..mm.space import AddressSpace

__all__ = ["MAX_SIZE", "Account", "Backing", "PageCache"]


class PageCache(PageStore):
    """The pages of one file."""

    __slots__ = ()

    # What mmap(2) needs (the protocol `mm.source.PageSource`).

    @property
    def key(self) -> tuple[int, int]:
        """The identity of the file, for shared futexes and /proc/PID/maps."""
        return self.fs.dev, self.ino

    def cached(self, index: int) -> bool:
        """Tell whether a page is in RAM (mincore(2))."""
        return self.content.get(index) >= 0

    def punch(self, start: int, end: int) -> None:
        """Make bytes ``start`` up to ``end``, excluded, a hole (MADV_REMOVE)."""
        if self.through:
            raise EOPNOTSUPP
        self.clear(start, end)

    def frame(self, index: int, write: bool) -> int:
        """Return the frame of page ``index``, read in if need be.

        Raises ``ENXIO`` beyond the end of the file, ``ENOSPC``, ``EIO``.
        """
        if index << 12 >= self.size:
            raise ENXIO
        frame = self.content.get(index)
        if self.backing is not None:
            if write:
                self._soil(index, index + 1)
            self.recent.add(index)
            if frame >= 0:
                self.hits += 1
        if frame >= 0:
            return frame
        self.pinned = range(index, index + 1)  # reading ahead must not evict this very page
        return self._load(index)

    def map_added(self, space: Any, area: Any) -> None:
        """Note that an area of ``space`` shows this file."""
        key = (space, area)
        self.mappings[key] = self.mappings.get(key, 0) + 1

    def map_removed(self, space: Any, area: Any) -> None:
        """Undo `map_added`."""
        key = (space, area)
        left = self.mappings[key] - 1
        if left:
            self.mappings[key] = left
        else:
            del self.mappings[key]

    def shared_writable(self) -> bool:
        """Tell whether some address space may write to the file through a mapping."""
        return any(
            area.flags & VM_SHARED and not area.flags & VM_NOWRITE for _, area in self.mappings
        )

    def _spaces(self) -> set[Any]:
        """Return the address spaces that show this file."""
        return {space for space, _ in self.mappings}

    # Reading.

    def read_into(self, mm: AddressSpace, addr: int, size: int, offset: int) -> int:
        """Read into user memory with one copy; return the number of bytes.

        Raises ``EFAULT`` if not even the first byte could be stored.
        """
        size = min(size, self.size - offset)
        if size <= 0:
            return 0
        first = offset >> 12
        inner = offset & PAGE_MASK
        if inner + size <= PAGE_SIZE:
            frame = self._present(first)
            if frame < 0:
                mm.write(addr, ZEROS[:size])
            else:
                mm.write(addr, self.pool.view[frame + inner : frame + inner + size])
            return size
        # The pages of the file first: bringing them in may evict pages that `views` shows.
        frames = self._readable(first, offset + size)
        try:
            pieces = mm.views(addr, size, WRITE)
        except EFAULT:
            return self._read_partly(mm, addr, size, offset)
        for piece in pieces:
            self._gather(piece, offset, frames, first)
            offset += len(piece)
        return size

    def _read_partly(self, mm: AddressSpace, addr: int, size: int, offset: int) -> int:
        done = 0
        while done < size:
            step = min(size - done, PAGE_SIZE - (addr + done & PAGE_MASK))
            try:
                mm.write(addr + done, self.read(step, offset + done))
            except EFAULT:
                if not done:
                    raise
                break
            done += step
        return done

    # Writing.

    def write(self, data: bytes | memoryview, offset: int) -> int:
        """Write at ``offset``, growing the file; return the number of bytes taken.

        Raises ``ENOSPC`` if not even the first byte fits, ``EFBIG``.
        """
        if not data:
            return 0
        data = memoryview(data).cast("B")
        size = self._writable_size(len(data), offset)
        frames, size = self._prepare(offset, size)
        self._scatter(data[:size], offset, frames, offset >> 12)
        self._written(offset, size)
        return size

    def write_from(self, mm: AddressSpace, addr: int, size: int, offset: int) -> int:
        """Write from user memory with one copy; return the number of bytes.

        Raises ``EFAULT``, ``ENOSPC``, ``EFBIG`` if not even the first byte could be written.
        """
        if size <= 256 or (offset & PAGE_MASK) + size <= PAGE_SIZE:
            return self.write(mm.read(addr, size), offset)
        size = self._writable_size(size, offset)
        try:
            pieces = mm.views(addr, size, READ)
        except EFAULT:
            return self._write_partly(mm, addr, size, offset)
        frames, size = self._prepare(offset, size)
        first = offset >> 12
        position = offset
        left = size
        for piece in pieces:
            if len(piece) > left:
                piece = piece[:left]
            self._scatter(piece, position, frames, first)
            position += len(piece)
            left -= len(piece)
            if not left:
                break
        self._written(offset, size)
        return size

    def _write_partly(self, mm: AddressSpace, addr: int, size: int, offset: int) -> int:
        done = 0
        while done < size:
            step = min(size - done, PAGE_SIZE - (addr + done & PAGE_MASK))
            try:
                done += self.write(mm.read(addr + done, step), offset + done)
            except (EFAULT, ENOSPC):
                if not done:
                    raise
                break
        return done

    def _writable_size(self, size: int, offset: int) -> int:
        if offset + size > MAX_SIZE:
            if offset >= MAX_SIZE:
                raise EFBIG
            return MAX_SIZE - offset
        return size

    def _prepare(self, offset: int, size: int) -> tuple[list[int], int]:
        """Provide frames for a write; return them, and how much of ``size`` they hold.

        Pages that will be overwritten whole are not cleared or read in first.
        """
        first = offset >> 12
        end = offset + size
        last = end + PAGE_MASK >> 12
        frames = self.content.span(first, last)
        if self.backing is not None:
            self.pinned = range(first, last)
            if not self.through:
                self._soil(first, last)
        if ABSENT not in frames:
            return frames, size
        missing = frames.count(ABSENT)
        account = self.account if self.backing is None else None
        if account is not None and account.used + missing > account.limit:
            last, end = self._shorten(frames, first, end)
            size = end - offset
            missing = frames.count(ABSENT)
        if missing == len(frames) > 1 and not (offset | end) & PAGE_MASK:
            self._allocate_run(frames, first)
            return frames, size
        for i, frame in enumerate(frames):
            if frame < 0:
                index = first + i
                if (index << 12) < offset or (index + 1) << 12 > end:
                    frames[i] = self._load(index, index + 1)
                else:
                    frames[i] = self._add(index, self.pool.frame())
        return frames, size

    def _shorten(self, frames: list[int], first: int, end: int) -> tuple[int, int]:
        """Cut ``frames`` to what the file system has room for; raise ``ENOSPC`` for none."""
        assert self.account is not None
        room = self.account.limit - self.account.used
        for i, frame in enumerate(frames):
            if frame < 0:
                if not room:
                    if not i:
                        raise ENOSPC
                    del frames[i:]
                    return first + i, (first + i) << 12
                room -= 1
        return first + len(frames), end

    def _scatter(self, data: memoryview, offset: int, frames: list[int], first: int) -> None:
        """Copy all of ``data`` to ``frames``, whose first is page ``first``."""
        view = self.pool.view
        size = len(data)
        done = 0
        index = (offset >> 12) - first
        inner = offset & PAGE_MASK
        while done < size:
            frame = frames[index]
            run = PAGE_SIZE - inner
            rest = size - done
            index += 1
            following = frame + PAGE_SIZE
            while run < rest and frames[index] == following:
                run += PAGE_SIZE
                index += 1
                following += PAGE_SIZE
            frame += inner
            if run > rest:
                run = rest
            if run == size:
                view[frame : frame + run] = data
                return
            view[frame : frame + run] = data[done : done + run]
            inner = 0
            done += run

    def _written(self, offset: int, size: int) -> None:
        end = offset + size
        if end > self.size:
            self.size = end
        if self.mappings:
            for frame in self.content.span(offset >> 12, end + PAGE_MASK >> 12):
                self.pool.wrote(frame)
        if self.through:
            self._write_through(offset, end)

    def _write_through(self, offset: int, end: int) -> None:
        assert self.backing is not None
        self.backing.write(self.read(end - offset, offset), offset)
        self.backed = max(self.backed, end)
