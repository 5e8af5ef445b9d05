"""The buffer that a program maps to read records: one page of control data, then a ring.

The memory is pages that the program and the kernel share; the program moves `data_tail`, the
kernel `data_head` (perf_event_open(2), "MMAP layout"; kernel/events/ring_buffer.c).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ...abi import perf
from ..mm.shared import SharedPages

if TYPE_CHECKING:
    from ..mm.areas import Area
    from ..mm.frames import FrameAllocator
    from ..mm.source import Mapper
    from .counter import Counter

_PAGE: Final = 4096
_M64: Final = (1 << 64) - 1
_NAME: Final = b"anon_inode:[perf_event]"
_KEY: Final = (0, 0)
_MULT: Final = 1  #: nanoseconds of each unit of the time counter


class Ring(SharedPages):
    """The buffer of one event, or of several (PERF_EVENT_IOC_SET_OUTPUT)."""

    __slots__ = ("_added", "_data", "_removed", "_wakeup_at", "events", "head", "lost",
                 "overwrite", "paused", "poll", "refs", "watermark")  # fmt: skip

    def __init__(
        self,
        frames: FrameAllocator,
        data_pages: int,
        *,
        watermark: int,
        overwrite: bool,
        added: Callable[[Ring], object],
        removed: Callable[[Ring], object],
    ) -> None:
        """``data_pages`` is 0 or a power of two; ``watermark`` bytes, 0: half of the ring."""
        super().__init__(frames, _PAGE * (1 + data_pages), _KEY, _NAME)
        self._data = _PAGE * data_pages
        self.watermark = min(watermark, self._data) or self._data // 2
        self.overwrite = overwrite  #: nobody moves `data_tail`: the oldest records go
        self._added = added  #: is told of each mapping
        self._removed = removed
        self.head = 0
        self._wakeup_at = 0
        self.lost = 0  #: records since the last that fitted
        self.paused = False
        self.poll = 0  #: readiness since somebody asked last
        self.events = 0  #: samples since the last wake-up
        self.refs: set[Counter] = set()  #: who writes here

    @property
    def data_pages(self) -> int:
        """How many pages the ring itself has."""
        return self._data // _PAGE

    # -- memory

    def _set_word(self, offset: int, value: int) -> None:
        at = self.frame(0, True) + offset
        self.frames.view[at : at + 8] = (value & _M64).to_bytes(8, "little")

    def _word(self, offset: int) -> int:
        at = self.frame(0, False) + offset
        return int.from_bytes(self.frames.view[at : at + 8], "little")

    def _store(self, position: int, data: bytes) -> None:
        """Copy ``data`` into the ring, from ``position`` on."""
        done = 0
        while done < len(data):
            at = (position + done) & (self._data - 1)
            page, offset = divmod(at, _PAGE)
            size = min(_PAGE - offset, len(data) - done)
            start = self.frame(1 + page, True) + offset
            self.frames.view[start : start + size] = data[done : done + size]
            done += size

    # -- records

    def write(
        self, counter: Counter, record: bytes, *, backward: bool, lost: Callable[[int], bytes]
    ) -> bool:
        """Append a record; tell whether it fitted.

        ``lost`` makes the record that says how many did not, before the next one that does.
        """
        if self.paused or not self._data:
            if self._data:
                self._lose(counter)
            return False
        if self.lost:
            record = lost(self.lost) + record
        size = len(record)
        if not self.overwrite:
            # One byte stays free, so that full and empty differ (CIRC_SPACE).
            if (self._word(perf.DATA_TAIL) - self.head - 1) & (self._data - 1) < size:
                self._lose(counter)
                return False
        elif size > self._data:
            return False
        self.lost = 0
        if backward:
            self.head -= size
            self._store(self.head, record)
        else:
            self._store(self.head, record)
            self.head += size
        self._set_word(perf.DATA_HEAD, self.head)
        if abs(self.head) - self._wakeup_at > self.watermark:
            self._wakeup_at += self.watermark
            counter.woken()
        return True

    def _lose(self, counter: Counter) -> None:
        self.lost += 1
        counter.lost += 1

    # -- the control page

    def show(
        self, count: int, enabled_ns: int, running_ns: int, now: int, ahead_ns: int | None
    ) -> None:
        """Update count and times; ``ahead_ns``: the monotonic clock ``now`` minus the counter."""
        at = self.frame(0, True)
        lock = int.from_bytes(self.frames.view[at + 8 : at + 12], "little")
        capabilities = perf.CAP_BIT0_IS_DEPRECATED
        offset = zero = 0
        if ahead_ns is not None:
            capabilities |= perf.CAP_USER_TIME | perf.CAP_USER_TIME_ZERO
            zero, offset = ahead_ns & _M64, (ahead_ns - now) & _M64
        page = perf.PAGE.pack(
            0, 0, lock + 2 & 0xFFFFFFFF, 0, count, enabled_ns, running_ns, capabilities,
            0, 0, _MULT, offset, zero, perf.PAGE_SIZE_FIELD,
        )  # fmt: skip
        self.frames.view[at : at + len(page)] = page

    # -- mappings

    def map_added(self, space: Mapper, area: Area) -> None:
        """See `PageSource.map_added`."""
        if not self.pages:
            self._set_word(perf.DATA_OFFSET, _PAGE)
            self._set_word(perf.DATA_OFFSET + 8, self._data)
        super().map_added(space, area)
        self._added(self)

    def map_removed(self, space: Mapper, area: Area) -> None:
        """See `PageSource.map_removed`."""
        super().map_removed(space, area)
        self._removed(self)
