"""Physical memory: who has which frame (design document 5.2, the page allocator).

The map has one byte a frame, its `MemoryKind`, where the document has one bit: a search
for a run of free frames is as simple, and "how much is used for what" is a count over the
map, so it always adds up and costs nothing until somebody asks.  In front of the map is a
stack of frames freed last, which are likely to be in the host's cache; it holds hints, for
a run may have taken such a frame meanwhile.  Frames above `_fresh` were never given out,
and RAM starts out zero.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import Any, Final

from ...abi.errno import ENOMEM
from ...machine.api import PAGE_MASK, PAGE_SHIFT, PAGE_SIZE, Ram

ZERO_PAGE: Final = bytes(PAGE_SIZE)
_RECLAIM_BATCH: Final = 64  #: frames asked of a reclaimer at once


class MemoryKind(IntEnum):
    """What a frame is used for (design document 5.2)."""

    FREE = 0
    KERNEL_HEAP = 1
    USER = 2
    PAGE_CACHE = 3
    PAGE_TABLE = 4
    DMA = 5


# Plain integers for the paths where an IntEnum attribute costs too much.
FREE: Final = 0
KERNEL_HEAP: Final = 1
USER: Final = 2
PAGE_CACHE: Final = 3
PAGE_TABLE: Final = 4
DMA: Final = 5

Reclaimer = Callable[[int], int]  #: told how many frames are wanted; returns how many it freed
Hook = Callable[[int, int], object]  #: (frame, kind)


class OutOfMemory(ENOMEM):
    """No frame is free, and no reclaimer could free one."""


def _ignore(frame: int) -> None:
    """Stand in for `Hart.code_changed` where no code is executed."""


class FrameAllocator:
    """All frames of a RAM.  A frame is named by its byte offset."""

    def __init__(self, ram: Ram, code_changed: Callable[[int], object] = _ignore) -> None:
        self.ram = ram
        self.view = ram.view
        self.u32 = ram.view.cast("I")  #: little-endian words: so are hosts and guests alike
        self.u64 = ram.view.cast("Q")
        self.copy_page = ram.copy_page  #: see `Ram.copy_page`
        self.total = ram.size >> PAGE_SHIFT  #: frames
        self.refs = [0] * self.total  #: references by frame number
        self.kinds = bytearray(self.total)  #: `MemoryKind` by frame number
        self.code = bytearray(self.total)  #: 1 where code may have been executed from
        self.code_changed = code_changed
        self.reclaimers: list[Reclaimer] = []
        #: Asked when no reclaimer freed anything; returns 0 when that is the end.
        self.last_resort: Callable[[], int] | None = None
        self.reclaims = 0  #: how often the reclaimers were asked
        self.serial = itertools.count(1)  #: numbers for shared memory without a file
        self.on_alloc: Hook | None = None
        self.on_free: Hook | None = None
        #: told of page faults that the kernel has on behalf of programs: space, address, major
        self.on_kernel_fault: Callable[[Any, int, bool], object] | None = None
        self._free: list[int] = []
        self._fresh = 0
        self.zero = self.alloc(KERNEL_HEAP)  #: the frame that untouched memory reads as

    # -- allocating ---------------------------------------------------------------------

    def alloc(self, kind: int = USER) -> int:
        """Return a frame with one reference and any content; raise `OutOfMemory`."""
        free, kinds = self._free, self.kinds
        while free:
            number = free.pop()
            if not kinds[number]:
                break
        else:
            number = self._next_fresh()
        kinds[number] = kind
        self.refs[number] = 1
        if self.on_alloc is not None:
            self.on_alloc(number << 12, kind)
        return number << 12

    def alloc_zeroed(self, kind: int = USER) -> int:
        """Return a frame of zeros with one reference; raise `OutOfMemory`."""
        free, kinds = self._free, self.kinds
        while free:
            number = free.pop()
            if not kinds[number]:
                frame = number << 12
                self.view[frame : frame + 4096] = ZERO_PAGE
                break
        else:
            number = self._fresh
            if number < self.total:
                self._fresh = number + 1
                frame = number << 12
            else:
                number = self._next_fresh()
                frame = number << 12
                self.view[frame : frame + 4096] = ZERO_PAGE
        kinds[number] = kind
        self.refs[number] = 1
        if self.on_alloc is not None:
            self.on_alloc(frame, kind)
        return frame

    def alloc_run(self, count: int, kind: int = PAGE_CACHE) -> int:
        """Return the first of ``count`` adjacent frames, each with one reference, any content.

        Raises `OutOfMemory` when no such run is free, which may be while single frames are.
        """
        start = self._find_run(count)
        if start < 0 and self._reclaim(count):
            start = self._find_run(count)
        if start < 0:
            raise OutOfMemory
        self._fresh = max(self._fresh, start + count)
        self.kinds[start : start + count] = bytes((kind,)) * count
        self.refs[start : start + count] = [1] * count
        if len(self._free) > self.total:  # runs leave stale hints behind
            self._free = [n for n in range(self._fresh) if not self.kinds[n]]
        if self.on_alloc is not None:
            for number in range(start, start + count):
                self.on_alloc(number << 12, kind)
        return start << 12

    # -- references ------------------------------------------------------------------------

    def acquire(self, frame: int) -> None:
        """Count one more reference."""
        self.refs[frame >> 12] += 1

    def release(self, frame: int) -> None:
        """Count one reference less; the last one frees the frame."""
        number = frame >> 12
        refs = self.refs
        left = refs[number] - 1
        refs[number] = left
        if not left:
            self._free_frame(number)

    def release_all(self, entries: Iterable[int]) -> None:
        """Release the frame of each page table entry (or frame offset)."""
        refs, free, kinds, code = self.refs, self._free, self.kinds, self.code
        hook = self.on_free
        for entry in entries:
            number = entry >> 12
            left = refs[number] - 1
            refs[number] = left
            if not left:
                if hook is not None or code[number]:
                    self._free_frame(number)
                else:
                    kinds[number] = 0
                    free.append(number)

    def set_kind(self, frame: int, kind: int) -> None:
        """Count a frame as something else from now on."""
        number = frame >> 12
        if self.on_free is not None:
            self.on_free(frame, self.kinds[number])
        self.kinds[number] = kind
        if self.on_alloc is not None:
            self.on_alloc(frame, kind)

    def wrote(self, frame: int) -> None:
        """Drop code made from a frame whose content the kernel changed."""
        if self.code[frame >> 12]:
            self.code_changed(frame & ~PAGE_MASK)

    # -- figures ---------------------------------------------------------------------------

    def usage(self) -> dict[MemoryKind, int]:
        """Return live bytes by kind; with FREE they add up to the size of RAM."""
        return {kind: self.kinds.count(kind) << PAGE_SHIFT for kind in MemoryKind}

    def free_frames(self) -> int:
        """Return how many frames are free."""
        return self.kinds.count(0)

    # -- inside ------------------------------------------------------------------------------

    def _free_frame(self, number: int) -> None:
        if self.code[number]:
            self.code[number] = 0
            self.code_changed(number << 12)
        if self.on_free is not None:
            self.on_free(number << 12, self.kinds[number])
        self.kinds[number] = 0
        self._free.append(number)

    def _next_fresh(self) -> int:
        """Return a free frame number when the stack of hints is empty."""
        number = self._fresh
        if number < self.total:
            self._fresh = number + 1
            return number
        number = self.kinds.find(0)
        if number < 0 and self._reclaim(_RECLAIM_BATCH):
            number = self.kinds.find(0)
        if number < 0:
            raise OutOfMemory
        return number

    def _find_run(self, count: int) -> int:
        run = bytes(count)
        start = self.kinds.find(run, 0, self._fresh)
        if start >= 0:
            return start
        return self.kinds.find(run, max(0, self._fresh - count))

    def _reclaim(self, wanted: int) -> int:
        """Ask the reclaimers in turn until one freed something; return how much."""
        self.reclaims += 1
        freed = 0
        for reclaimer in self.reclaimers:
            freed += reclaimer(wanted - freed)
            if freed >= wanted:
                break
        if not freed and self.last_resort is not None:
            freed = self.last_resort()
        return freed


__all__ = [
    "DMA",
    "FREE",
    "KERNEL_HEAP",
    "PAGE_CACHE",
    "PAGE_TABLE",
    "USER",
    "ZERO_PAGE",
    "FrameAllocator",
    "MemoryKind",
    "OutOfMemory",
]
