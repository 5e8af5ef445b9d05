"""Mapping, unmapping and protecting memory (mmap(2), munmap(2), mprotect(2))."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Any, Final

from ...abi.errno import EACCES, EAGAIN, EEXIST, EINVAL, ENOMEM, EPERM, LinuxError
from ...abi.mman import (
    MAP_FIXED,
    MAP_FIXED_NOREPLACE,
    MAP_GROWSDOWN,
    MAP_LOCKED,
    MAP_NORESERVE,
    MAP_POPULATE,
    MAP_SHARED,
    PROT_GROWSDOWN,
)
from ...abi.resource import RLIMIT_DATA, RLIMIT_MEMLOCK
from ...machine.api import EXEC, PAGE_MASK, PAGE_SIZE, READ, WRITE
from .areas import (
    VM_GROWSDOWN,
    VM_LOCKED,
    VM_LOCKONFAULT,
    VM_NOEXEC,
    VM_NORESERVE,
    VM_NOWRITE,
    VM_SEALED,
    VM_SHARED,
    Area,
    merged,
)
from .backends import COW, FILE, SHARED_MEMORY, Backend
from .faults import NOWHERE
from .frames import FrameAllocator
from .layout import INFINITY, MAX_MAP_COUNT, Layout
from .placement import Placement, page_up
from .shared import SharedPages
from .source import Limits, PageSource

_ANY_FIXED: Final = MAP_FIXED | MAP_FIXED_NOREPLACE
_REGION: Final = 21  #: bytes that one page of a page table maps, as a power of two


class Mapping(Placement):
    """Changes to the set of areas."""

    def __init__(self, frames: FrameAllocator, layout: Layout, limits: Limits) -> None:
        super().__init__(frames, layout, limits)
        self.lock_future = 0  #: VM_LOCKED and VM_LOCKONFAULT for new areas (mlockall(2))
        self.may_lock_all = False  #: the limit on locked memory does not apply (CAP_IPC_LOCK)

    # -- mmap ----------------------------------------------------------------------------

    def map(
        self,
        addr: int,
        length: int,
        prot: int,
        flags: int,
        *,
        source: PageSource | None = None,
        offset: int = 0,
        place: Any = None,
        vm_flags: int = 0,
    ) -> int:
        """Map ``length`` bytes and return where (mmap(2)).

        Without ``source`` the memory is anonymous; ``offset`` is in bytes, ``place`` is what
        /proc shows.  Raises ``EINVAL``, ``ENOMEM``, ``EEXIST``, ``EAGAIN`` (locked memory).
        """
        size = (length + PAGE_MASK) & ~PAGE_MASK
        if length <= 0:
            raise EINVAL
        top = self.user_top
        if size > top or len(self.areas) >= MAX_MAP_COUNT:
            raise ENOMEM
        if flags & _ANY_FIXED:
            self._make_room(addr, size, prot, flags)
        else:
            self.check_limits(size, prot & WRITE and not flags & MAP_SHARED)
            addr = self._place(addr, size) if addr else self.find_gap(size)
        special = flags & (MAP_NORESERVE | MAP_LOCKED | MAP_GROWSDOWN) or vm_flags & VM_LOCKED
        if special or self.lock_future:
            vm_flags |= self._vm_flags(flags)
            if vm_flags & VM_LOCKED:
                self.check_lock_limit(size)
        backend: Backend = COW
        if flags & MAP_SHARED:
            vm_flags |= VM_SHARED
            if source is None:
                source = SharedPages(self.frames, size, (1, next(self.frames.serial)))
                offset = 0
            backend = SHARED_MEMORY if isinstance(source, SharedPages) else FILE
        elif source is None:
            offset = 0
        self.insert(Area(addr, addr + size, prot, vm_flags, backend, source, offset, place))
        if flags & MAP_POPULATE or vm_flags & (VM_LOCKED | VM_LOCKONFAULT) == VM_LOCKED:
            self.populate(addr, addr + size)
        return addr

    def insert(self, area: Area) -> None:
        """Add an area where nothing is mapped, joined with its neighbours if of one piece."""
        areas = self.areas
        start, end = area.start, area.end
        self.total_vm += end - start
        if self.total_vm > self.peak_vm:
            self.peak_vm = self.total_vm
        first = last = bisect_left(self.starts, start)
        if last < len(areas) and areas[last].start == end and area.continues(areas[last]):
            area = area.part(start, areas[last].end)
            last += 1
        if first and areas[first - 1].end == start and areas[first - 1].continues(area):
            first -= 1
            area = areas[first].part(areas[first].start, area.end)
        if first != last:
            self.splice(first, last, [area])
            return
        self.starts.insert(first, start)
        areas.insert(first, area)
        if area.source is not None:
            area.source.map_added(self, area)

    def _make_room(self, addr: int, size: int, prot: int, flags: int) -> None:
        """Check a fixed address, and unmap what is there."""
        if addr & PAGE_MASK:
            raise EINVAL
        if addr > self.user_top - size:
            raise ENOMEM
        first, last = self.overlapping(addr, addr + size)
        if first < last and flags & MAP_FIXED_NOREPLACE:
            raise EEXIST
        replaced = sum(min(a.end, addr + size) - max(a.start, addr) for a in self.areas[first:last])
        self.check_limits(size - replaced, prot & WRITE and not flags & MAP_SHARED)
        if first < last:
            self.check_seals(addr, addr + size)
            self.unmap_range(addr, addr + size)

    def _vm_flags(self, flags: int) -> int:
        result = self.lock_future
        if flags & MAP_NORESERVE:
            result |= VM_NORESERVE
        if flags & MAP_LOCKED:
            result |= VM_LOCKED
        if flags & MAP_GROWSDOWN:
            result |= VM_GROWSDOWN
        return result

    # -- limits ----------------------------------------------------------------------------

    def check_limits(self, size: int, data: object) -> None:
        """Raise ``ENOMEM`` if ``size`` more bytes exceed RLIMIT_AS, or RLIMIT_DATA if ``data``."""
        if not self.room_for(size):
            raise ENOMEM
        if data:
            limit = self.limits.soft(RLIMIT_DATA)
            if limit != INFINITY and self.data_vm() + size > limit:
                raise ENOMEM

    def check_lock_limit(self, size: int) -> None:
        """Raise ``EAGAIN`` if ``size`` more locked bytes exceed RLIMIT_MEMLOCK."""
        if not self.may_lock_all and self.locked_vm() + size > self.limits.soft(RLIMIT_MEMLOCK):
            raise EAGAIN

    def data_vm(self) -> int:
        """Return the bytes of private writable memory, stacks excluded (VmData)."""
        return sum(
            a.end - a.start
            for a in self.areas
            if a.prot & WRITE and not a.flags & (VM_SHARED | VM_GROWSDOWN)
        )

    def locked_vm(self) -> int:
        """Return the bytes in locked areas (VmLck)."""
        return sum(a.end - a.start for a in self.areas if a.flags & VM_LOCKED)

    # -- munmap --------------------------------------------------------------------------------

    def unmap(self, addr: int, length: int) -> None:
        """Unmap what is mapped in ``length`` bytes from ``addr`` on (munmap(2)).

        Raises ``EINVAL``, ``EPERM`` (sealed), and ``ENOMEM`` if a split would make too many areas.
        """
        end = addr + ((length + PAGE_MASK) & ~PAGE_MASK)
        if addr & PAGE_MASK or length <= 0 or end > self.user_top:
            raise EINVAL
        self.check_seals(addr, end)
        self.unmap_range(addr, end)

    def unmap_range(self, low: int, high: int) -> None:
        """Unmap between two page addresses."""
        first, last = self.overlapping(low, high)
        if first >= last:
            return
        areas = self.areas
        if self.watch is not None:
            self.watch.unmapping(areas[first:last], low, high)
        if self.policies is not None:
            self.policies.put(low, high, None)
        pages = self.present(low >> 12, high >> 12)
        if areas[first].start >= low and areas[last - 1].end <= high:  # nothing to cut
            gone = areas[first:last]
            del areas[first:last], self.starts[first:last]
            self._last = NOWHERE
            if pages:
                self.drop_pages(pages)
            for area in gone:
                self.total_vm -= area.end - area.start
                if area.source is not None:
                    area.source.map_removed(self, area)
        else:
            first = self._cut(first, last, low, high, pages)
        if high > self._cursor:
            self._cursor = self.mmap_top
            if first < len(areas):
                self._cursor = min(self.mmap_top, self._floor(areas[first]))
        regions = self.regions
        if low >> _REGION in regions or high - 1 >> _REGION in regions or high - low > 1 << 21:
            self._drop_empty_regions(first, low, high)

    def _cut(self, first: int, last: int, low: int, high: int, pages: list[int]) -> int:
        """Unmap parts of areas ``first`` up to ``last``; return the index of what comes after."""
        areas = self.areas
        bottom, top = areas[first], areas[last - 1]
        size = sum(area.end - area.start for area in areas[first:last])
        rest = []
        after = first
        if bottom.start < low:
            rest.append(bottom.part(bottom.start, low))
            size -= low - bottom.start
            after += 1
        if top.end > high:
            rest.append(top.part(high, top.end))
            size -= top.end - high
        if len(rest) == 2 and len(areas) >= MAX_MAP_COUNT:
            raise ENOMEM
        if pages:
            self.drop_pages(pages)
        self.splice(first, last, rest)
        self.total_vm -= size
        return after

    def _drop_empty_regions(self, after: int, low: int, high: int) -> None:
        """Give back page table pages that no area needs any more, as free_pgtables() does."""
        areas = self.areas
        ceiling = areas[after].start if after < len(areas) else self.user_top
        last = min(ceiling >> _REGION, (high - 1 >> _REGION) + 1)
        if low >> _REGION < last:
            floor = areas[after - 1].end if after else 0
            first = max(floor + (1 << _REGION) - 1 >> _REGION, low >> _REGION)
            if first < last:
                self.drop_regions(first, last)

    # -- mprotect --------------------------------------------------------------------------------

    def protect(self, addr: int, length: int, prot: int) -> None:
        """Change the protection of ``length`` bytes from ``addr`` on (mprotect(2)).

        Raises ``EINVAL``, ``EACCES`` (the file's mode), ``EPERM`` (sealed), ``ENOMEM`` (a hole).
        As on Linux what lies before the reason of an error is changed.
        """
        if addr & PAGE_MASK:
            raise EINVAL
        if not length:
            return
        end = addr + page_up(length)
        if end > self.user_top:
            raise ENOMEM
        if prot & PROT_GROWSDOWN:
            area = self.find(addr)
            if area is None or not area.flags & VM_GROWSDOWN:
                raise EINVAL
            addr = area.start
        prot &= READ | WRITE | EXEC
        if self._protect_part(addr, end, prot):
            return
        refusal = self._protect_limit(addr, end, prot)
        stop = end if refusal is None else refusal[0]
        if stop > addr:
            self.rewrite(addr, stop, lambda area: area.changed(prot, area.flags))
            low, high = addr >> 12, stop >> 12
            self.restrict_pages(self.present(low, high), prot | (READ if prot & WRITE else 0))
        if refusal is not None:
            raise refusal[1]

    def _protect_part(self, addr: int, end: int, prot: int) -> bool:
        """Protect a part of one private area that no neighbour will join; False: it is not so.

        Every start of a thread opens the stack above its guard pages like this.
        """
        index = bisect_right(self.starts, addr) - 1
        areas = self.areas
        if index < 0:
            return False
        area = areas[index]
        if end > area.end or not area.simple or area.flags or len(areas) + 2 > MAX_MAP_COUNT:
            return False
        if prot == area.prot:
            return True
        if prot & WRITE and not area.prot & WRITE and self.limits.soft(RLIMIT_DATA) != INFINITY:
            return False
        backend = area.backend
        new = [Area(addr, end, prot, 0, backend)]
        if area.start < addr:
            new.insert(0, Area(area.start, addr, area.prot, 0, backend))
        elif index and areas[index - 1].end == addr:
            return False
        if end < area.end:
            new.append(Area(end, area.end, area.prot, 0, backend))
        elif index + 1 < len(areas) and areas[index + 1].start == end:
            return False
        areas[index : index + 1] = new
        self.starts[index : index + 1] = [part.start for part in new]
        self._last = NOWHERE
        pages = self.present(addr >> 12, end >> 12)
        if pages:
            self.restrict_pages(pages, prot | (READ if prot & WRITE else 0))
        return True

    def _protect_limit(self, addr: int, end: int, prot: int) -> tuple[int, type[LinuxError]] | None:
        """Return where a change of protection has to stop, and why; ``None`` if nowhere."""
        cursor = addr
        first, last = self.overlapping(addr, end)
        for area in self.areas[first:last]:
            if area.start > cursor:
                return cursor, ENOMEM
            refused = (VM_NOWRITE if prot & WRITE else 0) | (VM_NOEXEC if prot & EXEC else 0)
            if self.sealed and area.flags & VM_SEALED:
                return cursor, EPERM
            if area.flags & refused:
                return cursor, EACCES
            if prot & WRITE and not area.prot & WRITE and not area.flags & VM_SHARED:
                limit = self.limits.soft(RLIMIT_DATA)
                if limit != INFINITY and self.data_vm() + area.end - area.start > limit:
                    return cursor, ENOMEM
            cursor = area.end
        return (cursor, ENOMEM) if cursor < end else None

    def rewrite(self, low: int, high: int, change: Callable[[Area], Area]) -> bool:
        """Replace the parts of areas between ``low`` and ``high`` by ``change(part)``.

        Returns whether there was no hole.  Raises ``ENOMEM`` if there would be too many areas.
        """
        first, last = self.overlapping(low, high)
        if len(self.areas) + 2 > MAX_MAP_COUNT:
            raise ENOMEM
        pieces: list[Area] = []
        cursor, complete = low, True
        for area in self.areas[first:last]:
            complete = complete and area.start <= cursor
            start, end = max(area.start, low), min(area.end, high)
            if area.start < start:
                pieces.append(area.part(area.start, start))
            pieces.append(change(area.part(start, end)))
            if end < area.end:
                pieces.append(area.part(end, area.end))
            cursor = area.end
        if first:
            first -= 1
            pieces.insert(0, self.areas[first])
        if last < len(self.areas):
            pieces.append(self.areas[last])
            last += 1
        self.splice(first, last, merged(pieces))
        return complete and cursor >= high

    # -- populating ------------------------------------------------------------------------------

    def populate(self, low: int, high: int, access: int = 0) -> None:
        """Bring in every page from ``low`` to ``high`` that the areas permit (MAP_POPULATE)."""
        try:
            self.touch(low, high, access)
        except LinuxError:
            return  # as mmap(2) says, the mapping stands even if it could not be populated

    def touch(self, low: int, high: int, access: int = 0) -> None:
        """Fault pages in; ``access`` 0 means what the area permits at most.

        Raises `BadAccess`, `OutOfMemory`.
        """
        table = self.table
        for addr in range(low, high, PAGE_SIZE):
            want = access
            if not want:
                area = self.find(addr)
                if area is None or not area.prot:
                    continue
                private = not area.flags & VM_SHARED
                want = WRITE if area.prot & WRITE and private else area.prot & -area.prot
            if not table.get(addr >> 12, 0) & want:
                self.kernel_fault(addr, want)
