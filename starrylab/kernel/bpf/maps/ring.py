"""RINGBUF: records that programs write and one process reads (``kernel/bpf/ringbuf.c``).

The process maps three parts: a page with its own position, one with the position of the
programs, and the data, twice, so that a record that runs over the end lies in one piece.
"""

from __future__ import annotations

from struct import Struct
from typing import ClassVar, Final

from ....abi import bpf as b
from ....abi.errno import EAGAIN, EINVAL, ENOTSUPP
from ....machine.api import PAGE_SHIFT, PAGE_SIZE
from ...mm.frames import KERNEL_HEAP, FrameAllocator
from ...mm.shared import SharedPages
from .array import check_shared
from .base import Map, Shape, round_up

_HEADER: Final = Struct("<II")  #: length and flags, pages from the start
_BUSY: Final = b.BPF_RINGBUF_BUSY_BIT
_DISCARD: Final = b.BPF_RINGBUF_DISCARD_BIT
_HEAD: Final = b.BPF_RINGBUF_HDR_SZ
_POSITIONS: Final = 2  #: pages before the data


class RingPages(SharedPages):
    """The pages as a process maps them: those of the data come twice."""

    __slots__ = ("_data_pages",)

    def __init__(self, frames: FrameAllocator, size: int) -> None:
        count = size >> PAGE_SHIFT
        whole = _POSITIONS + count
        check_shared(frames)
        start = frames.alloc_run(whole, KERNEL_HEAP)
        frames.view[start : start + (whole << PAGE_SHIFT)] = bytes(whole << PAGE_SHIFT)
        super().__init__(frames, (whole + count) << PAGE_SHIFT, name=b"anon_inode:bpf-map")
        self._data_pages = count
        self.pages = {index: start + (index << PAGE_SHIFT) for index in range(whole)}
        self.hold()

    def frame(self, index: int, write: bool) -> int:
        """See `PageSource.frame`."""
        if index >= _POSITIONS + self._data_pages:
            index -= self._data_pages
        return super().frame(index, write)

    def cached(self, index: int) -> bool:
        """See `PageSource.cached`."""
        return index << PAGE_SHIFT < self.size

    def punch(self, start: int, end: int) -> None:
        """See `PageSource.punch`: the pages stay."""


class RingBuffer(Map):
    """One ring.  The positions lie in the pages, where the process sees them."""

    __slots__ = ("_mask", "_pages", "_u64")

    known_flags: ClassVar[int] = b.BPF_F_NUMA_NODE

    @classmethod
    def check(cls, shape: Shape) -> None:
        """See `Map.check`: the size is a power of two, and whole pages."""
        super().check(shape)
        size = shape.max_entries
        if shape.key_size or shape.value_size or size & (size - 1) or size < PAGE_SIZE:
            raise EINVAL

    def setup(self) -> None:
        """See `Map.setup`."""
        frames = self.room.frames
        if frames is None:
            raise ENOTSUPP
        size = self.shape.max_entries
        self._mask = size - 1
        self._pages = RingPages(frames, size)
        start = self._pages.pages[_POSITIONS]
        #: The data, and once more what a record at its end needs: see `_read_back`.
        self.store = frames.view[start : start + size]
        self.base = self.room.memory.add(self.store)
        self._u64 = (self._pages.pages[0] >> 3, self._pages.pages[1] >> 3)

    def freed(self) -> None:
        """See `BpfObject.freed`."""
        super().freed()
        self._pages.drop()

    def pages(self) -> SharedPages | None:
        """See `Map.pages`."""
        return self._pages

    @property
    def consumed(self) -> int:
        """How far the process has read."""
        return self._pages.frames.u64[self._u64[0]]

    @property
    def produced(self) -> int:
        """How far programs have written."""
        return self._pages.frames.u64[self._u64[1]]

    def available(self) -> int:
        """Return bytes that wait to be read."""
        return self.produced - self.consumed & (1 << 64) - 1

    def reserve(self, size: int) -> int:
        """Begin a record; return its place in the ring, ``EAGAIN`` if there is no room."""
        whole = round_up(size + _HEAD, 8)
        produced = self.produced
        if whole > self.shape.max_entries or size >= _DISCARD:
            raise EAGAIN
        if produced + whole - self.consumed > self._mask:
            raise EAGAIN
        place = produced & self._mask
        page = _POSITIONS + (place >> PAGE_SHIFT)
        _HEADER.pack_into(self.store, place, size | _BUSY, page)
        self._pages.frames.u64[self._u64[1]] = produced + whole
        return place

    def fill(self, place: int, data: bytes) -> None:
        """Write the data of a record, which may run over the end of the ring."""
        start = place + _HEAD & self._mask
        first = data[: self.shape.max_entries - start]
        self.store[start : start + len(first)] = first
        rest = data[len(first) :]
        self.store[: len(rest)] = rest

    def finish(self, place: int, flags: int, *, discard: bool = False) -> None:
        """End a record: it can be read, or is to be skipped."""
        length, page = _HEADER.unpack_from(self.store, place)
        length &= ~_BUSY
        _HEADER.pack_into(self.store, place, length | _DISCARD * discard, page)
        caught_up = self.consumed & self._mask == place
        if flags & b.BPF_RB_FORCE_WAKEUP or (caught_up and not flags & b.BPF_RB_NO_WAKEUP):
            self.readers.wake()

    def query(self, what: int) -> int:
        """bpf_ringbuf_query()."""
        answers = {
            b.BPF_RB_AVAIL_DATA: self.available(),
            b.BPF_RB_RING_SIZE: self.shape.max_entries,
            b.BPF_RB_CONS_POS: self.consumed,
            b.BPF_RB_PROD_POS: self.produced,
        }
        return answers.get(what, 0)
