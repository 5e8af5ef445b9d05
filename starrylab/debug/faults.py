"""Page faults by cause (design document 5.3): counted only while somebody wants to know."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from ..kernel.mm.areas import ANON
from ..machine.api import PAGE_SHIFT

if TYPE_CHECKING:
    from ..kernel.kernel import Kernel
    from ..kernel.mm.space import AddressSpace
    from ..kernel.thread import Thread

REFUSED: Final = "refused"  #: a segmentation fault, or a bus error
STORAGE: Final = "read from storage"  #: a major fault
FIRST_TOUCH: Final = "first touch"
ZERO_PAGE: Final = "read of untouched memory"
AFTER_READ: Final = "write after such a read"
COPY_ON_WRITE: Final = "copy on write"
FILE_COPY: Final = "private copy of a file"
CACHED: Final = "page of a cache"
KERNEL_PAGE: Final = "kernel's own page"
PERMISSION: Final = "permission only"


class FaultCounter:
    """Counts the page faults of user code from `start` to `stop`."""

    def __init__(self, kernel: Kernel) -> None:
        self.counts: Counter[str] = Counter()
        self.on = False
        self._kernel = kernel
        self._major: WeakKeyDictionary[AddressSpace, int] = WeakKeyDictionary()

    def start(self) -> None:
        """Count from now on, beginning at nothing."""
        if self.on:
            return
        self.on = True
        self.counts.clear()
        for thread in self._kernel.threads.values():
            self._major[thread.mm] = thread.mm.majflt
        self._kernel.events.subscribe("page_fault", self._count)

    def stop(self) -> None:
        """Count no more; the counts stay."""
        if self.on:
            self.on = False
            self._kernel.events.unsubscribe("page_fault", self._count)

    def _count(self, thread: Thread, addr: int, access: int, before: int, entry: int) -> None:
        space = thread.mm
        major = space.majflt
        if entry and major != self._major.get(space, 0):
            self._major[space] = major
            self.counts[STORAGE] += 1
        else:
            self.counts[cause(space, addr, before, entry)] += 1


def cause(space: AddressSpace, addr: int, before: int, entry: int) -> str:
    """Name why a minor fault happened; ``before`` and ``entry`` are page table entries, or 0."""
    if not entry:
        return REFUSED
    zero = space.frames.zero >> PAGE_SHIFT
    if before:
        if before >> PAGE_SHIFT == entry >> PAGE_SHIFT:
            return PERMISSION
        if before >> PAGE_SHIFT == zero:
            return AFTER_READ
        return COPY_ON_WRITE if before & ANON else FILE_COPY
    if entry >> PAGE_SHIFT == zero:
        return ZERO_PAGE
    area = space.find(addr)
    if entry & ANON:
        return FIRST_TOUCH if area is None or area.simple else FILE_COPY
    return KERNEL_PAGE if area is not None and area.backend.name == "linear" else CACHED
