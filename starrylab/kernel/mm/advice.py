"""madvise(2), mlock(2), msync(2), mincore(2): what a program says about its memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ...abi.errno import EACCES, EAGAIN, EBUSY, EFAULT, EINVAL, ENOMEM, EPERM, LinuxError
from ...abi.mman import (
    MADV_COLD,
    MADV_DODUMP,
    MADV_DOFORK,
    MADV_DONTDUMP,
    MADV_DONTFORK,
    MADV_DONTNEED,
    MADV_DONTNEED_LOCKED,
    MADV_FREE,
    MADV_HUGEPAGE,
    MADV_KEEPONFORK,
    MADV_NOHUGEPAGE,
    MADV_NORMAL,
    MADV_PAGEOUT,
    MADV_POPULATE_READ,
    MADV_POPULATE_WRITE,
    MADV_RANDOM,
    MADV_REMOVE,
    MADV_SEQUENTIAL,
    MADV_WILLNEED,
    MADV_WIPEONFORK,
    MS_INVALIDATE,
)
from ...abi.resource import RLIMIT_MEMLOCK
from ...machine.api import PAGE_MASK, READ, WRITE
from .areas import (
    ANON,
    VM_DONTDUMP,
    VM_DONTFORK,
    VM_HUGEPAGE,
    VM_LOCKED,
    VM_LOCKONFAULT,
    VM_NOHUGEPAGE,
    VM_NOWRITE,
    VM_RANDOM,
    VM_SEALED,
    VM_SEQUENTIAL,
    VM_SHARED,
    VM_WIPEONFORK,
    Area,
)
from .backends import LINEAR
from .growth import Growth
from .placement import page_up

_LOCK: Final = VM_LOCKED | VM_LOCKONFAULT

#: advice -> (area flags to clear, area flags to set)
_FLAG_ADVICE: Final[dict[int, tuple[int, int]]] = {
    MADV_NORMAL: (VM_RANDOM | VM_SEQUENTIAL, 0),
    MADV_RANDOM: (VM_SEQUENTIAL, VM_RANDOM),
    MADV_SEQUENTIAL: (VM_RANDOM, VM_SEQUENTIAL),
    MADV_DONTFORK: (0, VM_DONTFORK),
    MADV_DOFORK: (VM_DONTFORK, 0),
    MADV_WIPEONFORK: (0, VM_WIPEONFORK),
    MADV_KEEPONFORK: (VM_WIPEONFORK, 0),
    MADV_DONTDUMP: (0, VM_DONTDUMP),
    MADV_DODUMP: (VM_DONTDUMP, 0),
    MADV_HUGEPAGE: (VM_NOHUGEPAGE, VM_HUGEPAGE),
    MADV_NOHUGEPAGE: (VM_HUGEPAGE, VM_NOHUGEPAGE),
}
#: What would change the contents of sealed memory that cannot be written.
_DISCARDS: Final = (MADV_FREE, MADV_DONTNEED, MADV_DONTNEED_LOCKED, MADV_REMOVE)
_POPULATE: Final = {MADV_POPULATE_READ: READ, MADV_POPULATE_WRITE: WRITE}

Range = Callable[["Advice", Area, int, int], None]  #: acts on a page-aligned part of an area


class Advice(Growth):
    """Advice, locking, writing back."""

    def advise(self, addr: int, length: int, advice: int) -> None:
        """Follow madvise(2).

        Raises ``EINVAL`` (unknown advice, or not for this memory), ``ENOMEM`` (a hole; the
        rest was advised), ``EACCES``, ``EFAULT``.
        """
        known = advice in _FLAG_ADVICE or advice in _POPULATE or advice in _RANGE_ADVICE
        if not known or addr & PAGE_MASK:
            raise EINVAL
        end = addr + page_up(length)
        if length < 0 or end > self.user_top:
            raise EINVAL
        if end == addr:
            return
        if advice in _POPULATE:
            self._populate_advice(addr, end, _POPULATE[advice])
            return
        complete = self.covers(addr, end)
        if advice in _FLAG_ADVICE:
            self._advise_flags(addr, end, advice)
        else:
            action = _RANGE_ADVICE[advice]
            first, last = self.overlapping(addr, end)
            for area in self.areas[first:last]:
                if advice in _DISCARDS and area.flags & VM_SEALED and not area.prot & WRITE:
                    raise EPERM
                action(self, area, max(area.start, addr), min(area.end, end))
        if not complete:
            raise ENOMEM

    def _advise_flags(self, addr: int, end: int, advice: int) -> None:
        clear, put = _FLAG_ADVICE[advice]
        if put & VM_WIPEONFORK:
            first, last = self.overlapping(addr, end)
            if not all(map(_is_anonymous, self.areas[first:last])):
                raise EINVAL
        self.rewrite(addr, end, lambda area: area.changed(area.prot, area.flags & ~clear | put))

    def _populate_advice(self, addr: int, end: int, access: int) -> None:
        if not self.covers(addr, end):
            raise ENOMEM
        first, last = self.overlapping(addr, end)
        if not all(area.pte & access for area in self.areas[first:last]):
            raise EINVAL
        self.touch(addr, end, access)

    def covers(self, addr: int, end: int) -> bool:
        """Tell whether there is no hole between ``addr`` and ``end``."""
        first, last = self.overlapping(addr, end)
        cursor = addr
        for area in self.areas[first:last]:
            if area.start > cursor:
                return False
            cursor = area.end
        return cursor >= end

    # -- mseal ---------------------------------------------------------------------------------

    def seal(self, addr: int, end: int) -> None:
        """Make areas stay as they are (mseal(2)); ``ENOMEM`` for a hole."""
        if not self.covers(addr, end):
            raise ENOMEM
        self.sealed = True
        self.rewrite(addr, end, lambda area: area.changed(area.prot, area.flags | VM_SEALED))

    # -- mlock -------------------------------------------------------------------------------

    def lock(self, addr: int, length: int, *, on_fault: bool = False) -> None:
        """Keep pages in memory (mlock(2), mlock2(2)).

        Raises ``ENOMEM`` (a hole, or the limit), ``EAGAIN`` (not all could be brought in).
        """
        low, high = self._page_range(addr, length)
        first, last = self.overlapping(low, high)
        fresh = sum(
            min(area.end, high) - max(area.start, low)
            for area in self.areas[first:last]
            if not area.flags & VM_LOCKED
        )
        limit = self.limits.soft(RLIMIT_MEMLOCK)
        if not self.may_lock_all and self.locked_vm() + fresh > limit:
            raise ENOMEM
        flags = _LOCK if on_fault else VM_LOCKED
        complete = self.covers(low, high)
        self.rewrite(low, high, lambda a: a.changed(a.prot, a.flags & ~_LOCK | flags))
        if not complete:
            raise ENOMEM
        if not on_fault:
            self._bring_in(low, high)

    def _bring_in(self, low: int, high: int) -> None:
        try:
            self.touch(low, high)
        except EFAULT:
            raise ENOMEM from None
        except ENOMEM:
            raise EAGAIN from None

    def unlock(self, addr: int, length: int) -> None:
        """Undo `lock`; raise ``ENOMEM`` for a hole."""
        low, high = self._page_range(addr, length)
        complete = self.covers(low, high)
        self.rewrite(low, high, lambda a: a.changed(a.prot, a.flags & ~_LOCK))
        if not complete:
            raise ENOMEM

    def lock_all(self, *, current: bool, future: bool, on_fault: bool) -> None:
        """Follow mlockall(2); raise ``ENOMEM`` for the limit."""
        flags = _LOCK if on_fault else VM_LOCKED
        limited = current and not self.may_lock_all
        if limited and self.total_vm > self.limits.soft(RLIMIT_MEMLOCK):
            raise ENOMEM
        self.lock_future = flags if future else 0
        if current:
            top = self.user_top
            self.rewrite(0, top, lambda a: a.changed(a.prot, a.flags & ~_LOCK | flags))
            if not on_fault:
                for area in list(self.areas):
                    self.populate(area.start, area.end)

    def unlock_all(self) -> None:
        """Follow munlockall(2)."""
        self.lock_future = 0
        top = self.user_top
        self.rewrite(0, top, lambda a: a.changed(a.prot, a.flags & ~_LOCK))

    def _page_range(self, addr: int, length: int) -> tuple[int, int]:
        low, high = addr & ~PAGE_MASK, page_up(addr + length)
        if high > self.user_top or length < 0:
            raise ENOMEM
        return low, high

    # -- msync, mincore ----------------------------------------------------------------------

    def sync(self, addr: int, length: int, flags: int) -> None:
        """Write dirty pages of shared files back (msync(2)).

        Raises ``EINVAL``, ``ENOMEM`` (a hole), ``EBUSY`` (MS_INVALIDATE of locked memory), ``EIO``.
        """
        end = addr + page_up(length)
        if addr & PAGE_MASK:
            raise EINVAL
        if end > self.user_top:
            raise ENOMEM
        first, last = self.overlapping(addr, end)
        for area in self.areas[first:last]:
            if flags & MS_INVALIDATE and area.flags & VM_LOCKED:
                raise EBUSY
            if area.source is not None and area.flags & VM_SHARED:
                low = area.index(max(area.start, addr) >> 12)
                high = area.index(min(area.end, end) >> 12)
                area.source.write_back(low, high)
                # The next write has to mark its page dirty again.
                self.protect_pages(area.source, low, high)
        if not self.covers(addr, end):
            raise ENOMEM

    def mincore(self, addr: int, length: int) -> bytes:
        """Return one byte for each page: 1 if it is in memory.

        Raises ``EINVAL``, ``ENOMEM`` (a hole).
        """
        if addr & PAGE_MASK:
            raise EINVAL
        end = addr + page_up(length)
        if end > self.user_top or not self.covers(addr, end):
            raise ENOMEM
        return bytes(self._in_core(vpn) for vpn in range(addr >> 12, end >> 12))

    def _in_core(self, vpn: int) -> bool:
        if vpn in self.table:
            return True
        area = self.find(vpn << 12)
        return area is not None and area.source is not None and area.source.cached(area.index(vpn))

    # -- advice about pages --------------------------------------------------------------------

    def dont_need(self, area: Area, low: int, high: int) -> None:
        """MADV_DONTNEED: the next access finds zeros, or the file."""
        if area.flags & VM_LOCKED:
            raise EINVAL
        self.discard(area, low, high)

    def discard(self, area: Area, low: int, high: int) -> None:
        """Give up pages, locked or not."""
        if area.backend is LINEAR:
            raise EINVAL
        self.drop_pages(self.present(low >> 12, high >> 12))
        if self.watch is not None:
            self.watch.removing(area, low, high)

    def free(self, area: Area, low: int, high: int) -> None:
        """Linux frees such pages when it needs them; they may be gone at once."""
        if not _is_anonymous(area):
            raise EINVAL
        self.discard(area, low, high)

    def will_need(self, area: Area, low: int, high: int) -> None:
        """Read file pages ahead; the file may end before the area does."""
        source = area.source
        if source is None:
            return
        first, last = area.index(low >> 12), area.index(high >> 12)
        for index in range(first, min(last, (source.size + PAGE_MASK) >> 12)):
            if not source.cached(index):
                try:
                    source.frame(index, write=False)
                except LinuxError:
                    return

    def page_out(self, area: Area, low: int, high: int) -> None:
        """Give up file pages that can be had again; private pages have nowhere to go."""
        if area.flags & VM_LOCKED:
            raise EINVAL
        if area.source is not None:
            table = self.table
            pages = self.present(low >> 12, high >> 12)
            self.drop_pages([v for v in pages if not table[v] & ANON])

    def cold(self, area: Area, low: int, high: int) -> None:
        """Without swap and without ageing of private pages there is nothing to move."""
        if area.flags & VM_LOCKED:
            raise EINVAL

    def remove(self, area: Area, low: int, high: int) -> None:
        """MADV_REMOVE: make a hole in what lies behind the area."""
        if not area.flags & VM_SHARED or area.source is None or area.flags & VM_LOCKED:
            raise EINVAL
        if area.flags & VM_NOWRITE:
            raise EACCES
        start = area.offset + low - area.start
        area.source.punch(start, start + high - low)
        if self.watch is not None:
            self.watch.removing(area, low, high)


def _is_anonymous(area: Area) -> bool:
    return area.source is None and area.backend is not LINEAR


_RANGE_ADVICE: Final[dict[int, Range]] = {
    MADV_DONTNEED: Advice.dont_need,
    MADV_DONTNEED_LOCKED: Advice.discard,
    MADV_FREE: Advice.free,
    MADV_WILLNEED: Advice.will_need,
    MADV_PAGEOUT: Advice.page_out,
    MADV_COLD: Advice.cold,
    MADV_REMOVE: Advice.remove,
}
