"""Memory whose pages somebody else provides (design document 5.3; labs bind theirs).

A `FaultHandler` and a `ForkPolicy` serve private memory, a `FilePager` mapped files; what has
none of these stays the kernel's own business.  What a handler may do is `PageMemory`:
it cannot lose a frame, since references are counted for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from ...abi.errno import ENOMEM, LinuxError
from ...abi.signal import BUS_ADRERR, SEGV_ACCERR, SEGV_MAPERR, SIGBUS, SIGSEGV
from ...machine.api import EXEC, READ, WRITE
from .areas import ANON, SHARED, VM_GROWSDOWN, VM_SHARED, Area
from .backends import COW, FILE, BadAccess
from .frames import FrameAllocator
from .layout import Layout
from .pages import PageMap
from .source import Limits, PageSource
from .space import AddressSpace

_WRITE_SHARED: Final = WRITE | SHARED


class BadHandler(Exception):
    """A handler said that a page is there now, and it is not: a bug that ends the kernel."""


@dataclass(frozen=True, slots=True)
class Region:
    """Private memory that a program was promised."""

    start: int  #: byte address
    end: int  #: byte address, excluded
    readable: bool
    writable: bool
    executable: bool
    grows_down: bool  #: a stack


@dataclass(frozen=True, slots=True)
class Mapping:
    """Memory that shows a file."""

    start: int  #: byte address
    end: int  #: byte address, excluded
    offset: int  #: bytes: where ``start`` is in the file; a multiple of the page size
    shared: bool  #: whether writes are the file's (MAP_SHARED) or one's own (MAP_PRIVATE)
    source: PageSource  #: the file's pages


class PageMemory:
    """The pages of one address space, for a handler.  Pages are numbers: address >> 12."""

    def __init__(self, space: PagedSpace) -> None:
        self._space = space
        self._fresh: set[int] = set()  #: frames that were made and are mapped nowhere yet

    @property
    def zero_frame(self) -> int:
        """The frame of zeros that all may read and nobody may write."""
        return self._space.frames.zero

    def regions(self) -> list[Region]:
        """Return the private memory of the program, by address."""
        return [_region(area) for area in self._space.areas if area.simple]

    def pages(self) -> list[int]:
        """Return the pages of private memory that are there."""
        space = self._space
        return [vpn for vpn in space.table if _private(space.find(vpn << 12))]

    def frame(self, page: int) -> int | None:
        """Return the frame of a page, or ``None`` where there is none."""
        entry = self._space.table.get(page)
        return None if entry is None else entry >> 12 << 12

    def writable(self, page: int) -> bool:
        """Tell whether a page is there and may be written at once."""
        return bool(self._space.table.get(page, 0) & WRITE)

    def references(self, frame: int) -> int:
        """Return how many pages, in all address spaces, have this frame."""
        return self._space.frames.refs[frame >> 12]

    def new_frame(self) -> int:
        """Return a frame of zeros that is mapped nowhere."""
        frame = self._space.frames.alloc_zeroed()
        self._fresh.add(frame)
        return frame

    def copy_frame(self, frame: int) -> int:
        """Return a new frame with the content of ``frame``."""
        frames = self._space.frames
        new = frames.alloc()
        frames.view[new : new + 4096] = frames.view[frame : frame + 4096]
        self._fresh.add(new)
        return new

    def file_frame(self, mapping: Mapping, index: int, *, write: bool) -> int | None:
        """Return the frame that the page cache has for page ``index`` of the file.

        ``write`` says that the file is going to be changed through it; without, it must not be
        mapped writable.  ``None``: the file ends before.
        """
        try:
            return mapping.source.frame(index, write)
        except ENOMEM:
            raise
        except LinuxError:
            return None

    def map(self, page: int, frame: int, *, writable: bool) -> None:
        """Let ``page`` have ``frame``; what it had before is given back."""
        space = self._space
        frames = space.frames
        area = space.find(page << 12)
        if area is None:
            raise BadHandler(f"page {page:#x} is in no memory of the program")
        own = frame in self._fresh or (_private(area) and frame != frames.zero)
        if frame in self._fresh:
            self._fresh.remove(frame)
        else:
            frames.acquire(frame)
        old = space.table.get(page)
        if page >> 9 not in space.regions:
            space.add_region(page >> 9)
        entry = frame | (area.pte if writable else area.pte & ~WRITE)
        if own:
            entry |= ANON
        if entry & EXEC:
            frames.code[frame >> 12] = 1
        space.table[page] = entry
        if old is not None:
            space.flush_pages((page,))
            frames.release(old >> 12 << 12)

    def protect(self, page: int) -> None:
        """Let the next write to ``page`` be a fault."""
        self._space.write_protect((page,))

    def grow(self, region: Region, start: int) -> bool:
        """Extend a stack down to ``start``; ``False`` where limits or neighbours forbid it."""
        index = self._space.starts.index(region.start)
        return self._space.grow_stack(index, start)

    def settle(self) -> None:
        """Give back frames that were made for nothing."""
        while self._fresh:
            self._space.frames.release(self._fresh.pop())


class FaultHandler(Protocol):
    """Serves the page faults of private memory."""

    def fault(self, memory: PageMemory, addr: int, access: int) -> bool:
        """Make the page of ``addr`` permit ``access`` (READ, WRITE, EXEC); ``False``: SIGSEGV."""
        ...


class ForkPolicy(Protocol):
    """Says what fork(2) does with private pages."""

    def fork(self, parent: PageMemory, child: PageMemory) -> None:
        """Give the child the parent's pages."""
        ...

    def write(self, memory: PageMemory, page: int) -> None:
        """Serve a write to a page that is there, and protected."""
        ...


class FilePager(Protocol):
    """Serves the page faults of mapped files."""

    def fault(self, memory: PageMemory, mapping: Mapping, page: int, access: int) -> bool:
        """Make ``page`` permit ``access``, which the mapping permits; ``False``: SIGBUS."""
        ...


class PagedSpace(AddressSpace):
    """An `AddressSpace` that asks others for its private pages."""

    def __init__(
        self,
        frames: FrameAllocator,
        layout: Layout,
        limits: Limits,
        *,
        handler: Callable[[], FaultHandler] | None = None,
        policy: Callable[[], ForkPolicy] | None = None,
        pager: Callable[[], FilePager] | None = None,
    ) -> None:
        super().__init__(frames, layout, limits)
        self.handler = None if handler is None else handler()
        self.policy = None if policy is None else policy()
        self.pager = None if pager is None else pager()
        self.memory = PageMemory(self)

    def fault(self, addr: int, access: int) -> int:
        """See `Faults.fault`; `BadHandler` where the page is not there afterwards."""
        area = self.find(addr)
        entry = self.table.get(addr >> 12, 0)
        if entry & access:
            return entry
        if area is not None and not _private(area):
            if self.pager is None or entry & ANON or not area.pte & access or not _file(area):
                return super().fault(addr, access)
            return self._page_in(self.pager, area, addr, access)
        if self.handler is not None and not entry & ANON:  # what is shared after a fork is not its
            if not self.handler.fault(self.memory, addr, access):
                code = SEGV_MAPERR if area is None else SEGV_ACCERR
                raise BadAccess(SIGSEGV, code, addr)
        elif entry and self.policy is not None and access == WRITE and _permits(area, WRITE):
            self.policy.write(self.memory, addr >> 12)
        else:
            return super().fault(addr, access)
        return self._verified(addr, access)

    def _page_in(self, pager: FilePager, area: Area, addr: int, access: int) -> int:
        assert area.source is not None
        shared = bool(area.flags & VM_SHARED)
        mapping = Mapping(area.start, area.end, area.offset, shared, area.source)
        if not pager.fault(self.memory, mapping, addr >> 12, access):
            raise BadAccess(SIGBUS, BUS_ADRERR, addr)
        return self._verified(addr, access)

    def _verified(self, addr: int, access: int) -> int:
        """Return the entry that a handler made."""
        self.memory.settle()
        entry = self.table.get(addr >> 12, 0)
        if not entry & access:
            raise BadHandler(f"the page of {addr:#x} still does not permit the access")
        self.minflt += 1
        return entry

    def copy_pages(self, other: PageMap) -> None:
        """See `PageMap.copy_pages`."""
        writable = [vpn for vpn, entry in other.table.items() if entry & _WRITE_SHARED == WRITE]
        super().copy_pages(other)
        if self.policy is None or not isinstance(other, PagedSpace):
            return
        for vpn in writable:  # as it was before: the policy says what becomes of it
            other.table[vpn] |= WRITE
        pages = other.memory.pages()
        self.frames.release_all([self.table.pop(vpn) for vpn in pages])
        self.areas, self.starts = other.areas[:], other.starts[:]
        self.policy.fork(other.memory, self.memory)
        self.memory.settle()

    def grow_stack(self, index: int, start: int) -> bool:
        """Extend the stack that is area ``index`` down to ``start``, if that is permitted."""
        area = self.areas[index]
        return bool(area.flags & VM_GROWSDOWN) and self._grow_down(index, start) is not None

    def _sibling(self) -> PagedSpace:
        new = super()._sibling()
        assert isinstance(new, PagedSpace)
        new.handler, new.policy, new.pager = self.handler, self.policy, self.pager
        new.memory = PageMemory(new)
        return new


def _private(area: Area | None) -> bool:
    return area is not None and area.simple and not area.flags & VM_SHARED


def _file(area: Area) -> bool:
    return area.source is not None and area.backend in (FILE, COW)


def _permits(area: Area | None, access: int) -> bool:
    return area is not None and bool(area.pte & access)


def _region(area: Area) -> Region:
    bits = area.pte
    return Region(
        area.start, area.end, bool(bits & READ), bool(bits & WRITE), bool(bits & EXEC),
        bool(area.flags & VM_GROWSDOWN),
    )  # fmt: skip
