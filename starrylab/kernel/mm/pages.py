"""The pages of an address space: its page table, and the frames that the table itself takes.

A hart reads `PageMap.table` directly, so the dict object never changes once the map is in
use.  An entry is a frame's byte offset, permissions, and the bits `ANON` and `SHARED`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from ...machine.api import EXEC, PAGE_MASK, WRITE, Hart, PageTable
from .areas import SHARED
from .frames import PAGE_TABLE, FrameAllocator

_WRITE_SHARED: Final = WRITE | SHARED


class Mmu:
    """Which page table a hart uses, so that only its own changes empty the hart's TLB."""

    __slots__ = ("current", "hart")

    def __init__(self, hart: Hart) -> None:
        self.hart = hart
        self.current: PageMap | None = None

    def use(self, pages: PageMap) -> None:
        """Run in another address space from now on."""
        self.current = pages
        self.hart.use(pages.table)


class PageMap:
    """Page table and its accounting."""

    def __init__(self, frames: FrameAllocator) -> None:
        self.frames = frames
        self.mmu: Mmu | None = None  #: the owner of the space sets it
        self.table: PageTable = {}
        self.minflt = 0  #: faults served without reading from a device
        self.majflt = 0
        self.peak_pages = 0  #: see `note_peak`
        self.drops = 0  #: how often present pages were removed
        #: Frames of the page table: vpn >> 9 -> frame, and the root under key -1.
        self.regions: dict[int, int] = {-1: frames.alloc(PAGE_TABLE)}

    def flush(self) -> None:
        """Empty the TLB if it holds translations of this map."""
        mmu = self.mmu
        if mmu is not None and mmu.current is self:
            mmu.hart.flush_tlb()

    def flush_pages(self, pages: Sequence[int]) -> None:
        """Forget translations of these pages if the TLB holds any of this map."""
        mmu = self.mmu
        if mmu is not None and mmu.current is self:
            mmu.hart.flush_pages(pages)

    def add_region(self, region: int) -> None:
        """Take a frame for the page table page of ``region``; raise `OutOfMemory`."""
        self.regions[region] = self.frames.alloc(PAGE_TABLE)

    def drop_regions(self, first: int, last: int) -> None:
        """Give back page table pages ``first`` up to ``last``, excluded; no area is left there."""
        regions = self.regions
        if last - first <= len(regions):
            found = [r for r in range(first, last) if r in regions]
        else:
            found = [r for r in regions if first <= r < last]
        self.frames.release_all([regions.pop(r) for r in found])

    def note_peak(self) -> None:
        """Remember the most pages ever present; called before pages go (VmHWM)."""
        pages = len(self.table)
        if pages > self.peak_pages:
            self.peak_pages = pages

    def present(self, first: int, last: int) -> list[int]:
        """Return the pages from ``first`` up to ``last``, excluded, that have an entry."""
        table, regions = self.table, self.regions
        low_region, high_region = first >> 9, last - 1 >> 9
        if low_region == high_region:
            if low_region not in regions:
                return []
        else:
            for region in regions:
                if low_region <= region <= high_region:
                    break
            else:
                return []
        if last - first > len(table):
            return sorted([v for v in table if first <= v < last])
        if low_region == high_region:
            return [v for v in range(first, last) if v in table]
        found: list[int] = []
        for region in range(low_region, high_region + 1):
            if region in regions:
                low, high = max(first, region << 9), min(last, (region + 1) << 9)
                found += [v for v in range(low, high) if v in table]
        return found

    def drop_pages(self, pages: Sequence[int]) -> None:
        """Remove present pages, and forget their translations."""
        pop = self.table.pop
        self.note_peak()
        gone = [pop(v) for v in pages]
        if gone:
            self.drops += 1
            self.flush_pages(pages)
            # Backwards, so that the next pages get ascending frames: neighbours in RAM are
            # one piece for I/O.
            self.frames.release_all(reversed(gone))

    def restrict_pages(self, pages: Sequence[int], permissions: int) -> None:
        """Give present pages ``permissions``, but leave granting WRITE to the next fault.

        The fault decides whether a page is copied first.
        """
        table = self.table
        code = self.frames.code
        lost = 0
        for vpn in pages:
            entry = table[vpn]
            new = entry & ~7 | permissions & (entry | ~WRITE)
            if new != entry:
                lost |= entry & ~new
                table[vpn] = new
                if new & EXEC:
                    code[new >> 12] = 1
        if lost & 7:
            self.flush_pages(pages)

    def write_protect(self, pages: Iterable[int]) -> None:
        """Take WRITE away from present pages."""
        table = self.table
        changed = [v for v in pages if table[v] & WRITE]
        for vpn in changed:
            table[vpn] &= ~WRITE
        if changed:
            self.flush_pages(changed)

    def copy_pages(self, other: PageMap) -> None:
        """Share every page of ``other``, private ones copy-on-write (fork(2)).

        Raises `OutOfMemory`; then this map has no pages.
        """
        alloc, regions = self.frames.alloc, self.regions
        for region in other.regions:
            if region >= 0:
                regions[region] = alloc(PAGE_TABLE)
        table = other.table
        # Few pages are writable: those written since the last fork.  The rest is as it was.
        writable = [v for v, e in table.items() if e & _WRITE_SHARED == WRITE]
        if writable:
            for vpn in writable:
                table[vpn] -= WRITE
            other.flush_pages(writable)
        self.table = table.copy()
        refs = self.frames.refs
        for entry in table.values():
            refs[entry >> 12] += 1

    def clear_pages(self) -> None:
        """Give back every page and the page table, but for its root."""
        self.note_peak()
        entries = list(self.table.values())
        root = self.regions.pop(-1)
        entries += self.regions.values()
        self.table.clear()
        self.regions.clear()
        self.regions[-1] = root
        self.flush()
        self.frames.release_all(reversed(entries))

    def code_changed(self, first: int, last: int) -> None:
        """Drop what was made from code in pages ``first`` up to ``last`` (riscv_flush_icache)."""
        code_changed = self.frames.code_changed
        for vpn in self.present(first, last):
            entry = self.table[vpn]
            if self.frames.code[entry >> 12]:
                code_changed(entry & ~PAGE_MASK)
