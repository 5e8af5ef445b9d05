"""Page faults, and the areas that say what a fault means (design document 5.3).

`Faults.fault` is the hottest code of this package: the first touch of private memory and
the copy of a page at a write are in line, whatever concerns files is in the backends.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Final

from ...abi.resource import RLIMIT_AS, RLIMIT_STACK
from ...abi.signal import SEGV_ACCERR, SEGV_MAPERR, SIGSEGV
from ...machine.api import EXEC, PAGE_MASK, WRITE
from .areas import ANON, VM_GROWSDOWN, VM_LOCKED, Area
from .backends import COW, BadAccess
from .frames import FrameAllocator
from .layout import INFINITY, STACK_GUARD_GAP, Layout
from .pages import PageMap

if TYPE_CHECKING:
    from .policies import Policies
    from .source import Limits
    from .userfault import SpaceWatch

NOWHERE: Final = Area(0, 0, 0, 0, COW)


class Faults(PageMap):
    """Areas by address, and the service of page faults in them."""

    def __init__(self, frames: FrameAllocator, layout: Layout, limits: Limits) -> None:
        super().__init__(frames)
        self.layout = layout
        self.user_top = layout.user_top
        self.limits = limits  #: of the process; the owner replaces it for a child
        self.starts: list[int] = []  #: start of each of `areas`, ascending
        self.areas: list[Area] = []
        self.total_vm = 0  #: bytes mapped
        self.peak_vm = 0
        self._last = NOWHERE  #: the area of the latest fault
        self.policies: Policies | None = None  #: of memory, once there is one (mbind(2))
        self.watch: SpaceWatch | None = None  #: of userfaultfds, once there is one

    # -- faults --------------------------------------------------------------------------

    def fault(self, addr: int, access: int) -> int:
        """Return an entry that permits ``access`` (READ, WRITE or EXEC) at ``addr``.

        The entry is in the table.  Raises `BadAccess` or `OutOfMemory`.
        """
        area = self._last
        if not area.start <= addr < area.end:
            area = self._last = self._area_at(addr)
        pte = area.pte
        if not pte & access:
            raise BadAccess(SIGSEGV, SEGV_ACCERR, addr)
        vpn = addr >> 12
        table = self.table
        entry = table.get(vpn)
        frames = self.frames
        if entry is None:
            if vpn >> 9 not in self.regions:
                self.add_region(vpn >> 9)
            if not area.simple:
                return area.backend.fault(self, area, vpn, access)
            if access == WRITE or pte & EXEC:
                entry = frames.alloc_zeroed() | pte | ANON
                if pte & EXEC:
                    frames.code[entry >> 12] = 1
            else:
                entry = frames.zero | pte & ~WRITE
                frames.refs[entry >> 12] += 1
            table[vpn] = entry
            self.minflt += 1
            return entry
        if entry & access:
            return entry
        if not area.simple or access != WRITE:
            return area.backend.upgrade(self, area, vpn, access, entry)
        if entry & ANON:
            if frames.refs[entry >> 12] == 1:
                entry |= WRITE
            else:
                new = frames.alloc()
                old = entry >> 12 << 12
                if frames.copy_page is None:
                    view = frames.view
                    view[new : new + 4096] = view[old : old + 4096]
                else:
                    frames.copy_page(new, old)
                frames.refs[old >> 12] -= 1
                entry = new | pte | ANON
        else:  # the frame of zeros
            frames.refs[entry >> 12] -= 1
            entry = frames.alloc_zeroed() | pte | ANON
        if pte & EXEC:
            frames.code[entry >> 12] = 1
            self.flush_pages((vpn,))  # code that ran from the former frame is known by its address
        table[vpn] = entry
        self.minflt += 1
        return entry

    def kernel_fault(self, addr: int, access: int) -> int:
        """Serve a fault on the kernel's own behalf; see `fault`.

        The hart does not hear of it, so a page that moved has to be flushed.
        """
        if not 0 <= addr < self.user_top:
            raise BadAccess(SIGSEGV, SEGV_MAPERR, addr)
        old = self.table.get(addr >> 12)
        told, major = self.frames.on_kernel_fault, self.majflt
        try:
            entry = self.fault(addr, access)
            if told is not None:
                told(self, addr, self.majflt != major)
        except BadAccess as bad:
            bad.addr = addr
            raise bad.by_kernel() from None
        if old is not None and old ^ entry > PAGE_MASK:
            self.flush_pages((addr >> 12,))
        return entry

    def _area_at(self, addr: int) -> Area:
        """Return the area of ``addr``, growing the stack if it is just below one."""
        index = bisect_right(self.starts, addr)
        areas = self.areas
        if index and addr < areas[index - 1].end:
            return areas[index - 1]
        if index < len(areas) and areas[index].flags & VM_GROWSDOWN:
            grown = self._grow_down(index, addr & ~PAGE_MASK)
            if grown is not None:
                return grown
        raise BadAccess(SIGSEGV, SEGV_MAPERR, addr)

    def _grow_down(self, index: int, start: int) -> Area | None:
        """Extend area ``index`` down to ``start`` if its limits and neighbours permit."""
        area = self.areas[index]
        if area.end - start > self.limits.soft(RLIMIT_STACK):
            return None
        below = self.areas[index - 1] if index else None
        gap = start - (below.end if below is not None else 0)
        if below is not None and below.prot and not below.flags & VM_GROWSDOWN:
            gap -= STACK_GUARD_GAP
        growth = area.start - start
        if gap < 0 or not self.room_for(growth):
            return None
        grown = area.part(start, area.end)
        self.areas[index] = grown
        self.starts[index] = start
        self.total_vm += growth
        self.peak_vm = max(self.peak_vm, self.total_vm)
        return grown

    # -- areas ---------------------------------------------------------------------------

    def find(self, addr: int) -> Area | None:
        """Return the area that contains ``addr``."""
        index = bisect_right(self.starts, addr) - 1
        if index >= 0 and addr < self.areas[index].end:
            return self.areas[index]
        return None

    def overlapping(self, start: int, end: int) -> tuple[int, int]:
        """Return the index range of the areas that have a part between ``start`` and ``end``."""
        first = bisect_right(self.starts, start) - 1
        if first < 0 or self.areas[first].end <= start:
            first += 1
        return first, bisect_left(self.starts, end)

    def splice(self, first: int, last: int, new: list[Area]) -> None:
        """Replace areas ``first`` up to ``last``, excluded, and tell their sources."""
        old = self.areas[first:last]
        self.areas[first:last] = new
        self.starts[first:last] = [area.start for area in new]
        self._last = NOWHERE
        for area in new:
            if area.source is not None:
                area.source.map_added(self, area)
        for area in old:
            if area.source is not None:
                area.source.map_removed(self, area)

    def room_for(self, size: int) -> bool:
        """Tell whether ``size`` more bytes fit RLIMIT_AS."""
        limit = self.limits.soft(RLIMIT_AS)
        return limit == INFINITY or self.total_vm + size <= limit

    # -- what page sources ask (`source.Mapper`) ---------------------------------------------

    def evict_pages(self, source: object, first: int, last: int) -> None:
        """See `source.Mapper.evict_pages`."""
        table = self.table
        for low, high in self._windows(source, first, last):
            self.drop_pages([v for v in self.present(low, high) if not table[v] & ANON])

    def truncate_pages(self, source: object, first: int, last: int) -> None:
        """See `source.Mapper.truncate_pages`."""
        for low, high in self._windows(source, first, last):
            self.drop_pages(self.present(low, high))

    def protect_pages(self, source: object, first: int, last: int) -> None:
        """See `source.Mapper.protect_pages`."""
        table = self.table
        for low, high in self._windows(source, first, last):
            self.write_protect([v for v in self.present(low, high) if not table[v] & ANON])

    def locks_page(self, source: object, index: int) -> bool:
        """See `source.Mapper.locks_page`."""
        return any(
            area.flags & VM_LOCKED
            and area.source is source
            and area.offset >> 12 <= index < area.offset + area.end - area.start >> 12
            for area in self.areas
        )

    def _windows(self, source: object, first: int, last: int) -> list[tuple[int, int]]:
        """Return the page ranges where ``source``'s pages ``first`` to ``last`` are mapped."""
        found = []
        for area in self.areas:
            if area.source is source:
                shift = (area.start >> 12) - (area.offset >> 12)
                low = max(first + shift, area.start >> 12)
                high = min(last + shift, area.end >> 12)
                if low < high:
                    found.append((low, high))
        return found
