"""The address space of a process (design document 5.3, ``AddrSpace``).

`AddressSpace` is put together from layers, each of which knows only those below it:
`pages` (table and frames), `faults` (areas, page faults), `user` (access by the kernel),
`placement` (free addresses), `mapping` (mmap, munmap, mprotect), `growth` (mremap, brk,
stack), `advice` (madvise, mlock, msync), `report` (figures).  They are base classes rather
than parts because a page fault and a read of user memory have no time for another indirection.
"""

from __future__ import annotations

from ...machine.api import PAGE_SHIFT
from .areas import VM_DONTFORK, VM_LOCKED, VM_LOCKONFAULT, VM_UFFD, VM_WIPEONFORK
from .backends import BadAccess
from .faults import NOWHERE
from .frames import PAGE_TABLE, FrameAllocator, OutOfMemory
from .layout import Layout
from .report import MapEntry, Pages, Report, Rss
from .source import Limits
from .userfault import forked

_SPECIAL_AT_FORK = VM_DONTFORK | VM_WIPEONFORK | VM_LOCKED | VM_LOCKONFAULT | VM_UFFD


class AddressSpace(Report):
    """Areas, page table and user access; shared by all that clone(2) with CLONE_VM."""

    def __init__(self, frames: FrameAllocator, layout: Layout, limits: Limits) -> None:
        super().__init__(frames, layout, limits)
        self.users = 1

    def acquire(self) -> AddressSpace:
        """Count one more user."""
        self.users += 1
        return self

    def release(self) -> None:
        """Count one user less; the last one gives everything back."""
        self.users -= 1
        if not self.users:
            self.clear()
            self.frames.release_all([self.regions.pop(-1)])

    def clear(self) -> None:
        """Unmap everything."""
        if self.watch is not None:
            self.watch.end()
            self.watch = None
        self.policies = None
        self.clear_pages()
        self.splice(0, len(self.areas), [])
        self.total_vm = 0
        self.brk_start = self.brk_end = self.stack_start = 0
        self.lock_future = 0
        self.sealed = False
        self._cursor, self._skipped = self.mmap_top, 0

    def fork(self) -> AddressSpace:
        """Return a copy: private pages are copied at the next write, shared ones stay shared.

        Raises `OutOfMemory`.  The caller gives the copy its process's limits.
        """
        child = self._sibling()
        try:
            child.copy_pages(self)
        except OutOfMemory:
            child.release()
            raise
        child.areas = areas = self.areas[:]
        child.starts = self.starts[:]
        flags = 0
        for area in areas:
            flags |= area.flags
            if area.source is not None:
                area.source.map_added(child, area)
        if flags & _SPECIAL_AT_FORK:
            child._settle_after_fork(self)  # noqa: SLF001  # a space of our own making
        return child

    def _sibling(self) -> AddressSpace:
        """Return a space without areas and pages that is else like this one.

        fork(2) is frequent, and seven constructors one above the other would cost as much
        as the copy of the areas; hence one list of all attributes, layer by layer.
        """
        new = object.__new__(type(self))
        frames = new.frames = self.frames
        new.mmu = self.mmu
        new.table = {}
        new.minflt = new.majflt = new.peak_pages = new.drops = 0
        new.regions = {-1: frames.alloc(PAGE_TABLE)}
        new.layout, new.user_top, new.limits = self.layout, self.user_top, self.limits
        new.starts, new.areas = [], []
        new.total_vm = new.peak_vm = self.total_vm
        new._last = NOWHERE
        new.watch = None
        new.policies = None if self.policies is None else self.policies.copy()
        new.view, new._u32, new._u64 = self.view, self._u32, self._u64
        new._grain = self._grain
        new.bottom_up, new.mmap_top = self.bottom_up, self.mmap_top
        new.sealed = self.sealed
        new.lock_future, new.may_lock_all = 0, self.may_lock_all
        new._cursor, new._skipped = self._cursor, self._skipped
        new.brk_start, new.brk_end = self.brk_start, self.brk_end
        new.stack_start = self.stack_start
        new.arguments, new.auxv = self.arguments, self.auxv
        new.membarriers, new.trampoline = 0, self.trampoline
        new.users = 1
        return new

    def _settle_after_fork(self, parent: AddressSpace) -> None:
        """Drop what a child does not inherit: areas, contents, locks (madvise(2), mlock(2))."""
        for area in list(self.areas):
            if area.flags & VM_DONTFORK:
                self.unmap_range(area.start, area.end)
            elif area.flags & VM_WIPEONFORK:
                self.drop_pages(self.present(area.start >> PAGE_SHIFT, area.end >> PAGE_SHIFT))
        self.unlock_all()
        forked(parent, self)


__all__ = ["AddressSpace", "BadAccess", "Layout", "MapEntry", "OutOfMemory", "Pages", "Rss"]
