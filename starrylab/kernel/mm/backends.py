"""The four ways to back an area: Linear, Cow, Shared, File (design document 5.3.1 to 5.3.4).

``fault`` serves a page without an entry, ``upgrade`` one whose entry lacks a permission.
The area permits the access in both cases.  Private memory without a file is served by
`Faults.fault` itself, the rest of it here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from ...abi.errno import EFAULT, ENOMEM, LinuxError
from ...abi.signal import BUS_ADRERR, SIGBUS
from ...machine.api import EXEC, PAGE_SIZE, WRITE
from .areas import ANON

if TYPE_CHECKING:
    from .areas import Area
    from .faults import Faults


class BadAccess(EFAULT):
    """An access that no area permits: a signal for user code, EFAULT for a system call."""

    def __init__(self, signal: int, code: int, addr: int) -> None:
        super().__init__(f"{addr:#x}")
        self.signal = signal  #: SIGSEGV or SIGBUS
        self.code = code  #: si_code
        self.addr = addr

    def by_kernel(self) -> BadAccess:
        """Return what the kernel's own access raises instead."""
        return self


class Backend:
    """How the pages of an area come into being."""

    name: ClassVar[str]
    anonymous: ClassVar[bool] = False  #: without a source, `Faults.fault` serves it

    def fault(self, space: Faults, area: Area, vpn: int, access: int) -> int:
        """Make an entry for a page that has none."""
        raise NotImplementedError

    def upgrade(self, space: Faults, area: Area, vpn: int, access: int, entry: int) -> int:
        """Return an entry with the missing permission."""
        raise NotImplementedError


class Linear(Backend):
    """A fixed range of RAM, for the kernel's own pages: those of the vDSO."""

    name = "linear"

    def fault(self, space: Faults, area: Area, vpn: int, access: int) -> int:
        """Map the frame at the same distance from the start."""
        frame = area.offset + (vpn << 12) - area.start
        return _enter(space, vpn, frame | area.pte)

    def upgrade(self, space: Faults, area: Area, vpn: int, access: int, entry: int) -> int:
        """Give the entry what the area permits."""
        return _grant(space, vpn, entry | area.pte)


class Cow(Backend):
    """Private pages, made at the first touch and copied at the first write."""

    name = "cow"
    anonymous = True

    def fault(self, space: Faults, area: Area, vpn: int, access: int) -> int:
        """Read a page of the file: shared with its cache until it is written."""
        frame = _source_frame(space, area, vpn, 0)
        frames = space.frames
        if access == WRITE:
            frames.refs[frame >> 12] += 1  # or making room for the copy could free it
            try:
                entry = _copy(space, area, frame)
            finally:
                frames.release(frame)
            space.table[vpn] = entry
            return entry
        # `_enter` in line: this is most of what a start of a program costs.
        entry = frame | area.pte & ~WRITE
        frames.refs[frame >> 12] += 1
        if entry & EXEC:
            frames.code[frame >> 12] = 1
        space.table[vpn] = entry
        return entry

    def upgrade(self, space: Faults, area: Area, vpn: int, access: int, entry: int) -> int:
        """Copy a page that is not this mapping's alone; otherwise just permit the access."""
        frames = space.frames
        number = entry >> 12
        if access != WRITE:
            granted = area.pte & (entry | ~WRITE)
            return _grant(space, vpn, entry | granted)
        if entry & ANON and frames.refs[number] == 1:
            space.minflt += 1
            return _grant(space, vpn, entry | area.pte)
        old = number << 12
        frames.refs[number] += 1  # as above
        try:
            new = _copy(space, area, old)
        finally:
            frames.release(old)
        if vpn in space.table:  # unless the copy's frame came from an eviction of this page
            frames.release(old)
        space.table[vpn] = new
        space.minflt += 1
        if new & EXEC:
            space.flush_pages((vpn,))
        return new


class Shared(Backend):
    """Pages that every mapper sees change: `SharedPages`, found by key or inherited."""

    name = "shared"

    def fault(self, space: Faults, area: Area, vpn: int, access: int) -> int:
        """Map the source's own frame; a first write marks the page dirty."""
        frame = _source_frame(space, area, vpn, access & WRITE)
        pte = area.pte if access == WRITE else area.pte & ~WRITE
        return _enter(space, vpn, frame | pte)

    def upgrade(self, space: Faults, area: Area, vpn: int, access: int, entry: int) -> int:
        """Permit the access; at a write the source may answer with another frame."""
        if access != WRITE:
            return _grant(space, vpn, entry | area.pte & (entry | ~WRITE))
        frame = _source_frame(space, area, vpn, WRITE)
        new = frame | area.pte
        present = space.table.get(vpn)  # making room may have evicted the page meanwhile
        if present is not None and present >> 12 == frame >> 12:
            return _grant(space, vpn, new)
        _enter(space, vpn, new)
        if present is not None:
            space.frames.release(present)
            space.flush_pages((vpn,))
        return new


class FileBacked(Shared):
    """A shared mapping of a file: its page cache's own frames."""

    name = "file"


LINEAR: Final = Linear()
COW: Final = Cow()
SHARED_MEMORY: Final = Shared()
FILE: Final = FileBacked()


def _source_frame(space: Faults, area: Area, vpn: int, write: int) -> int:
    """Ask the source for a page; its errors are a bus error, as on Linux."""
    source = area.source
    assert source is not None
    misses = source.misses
    try:
        frame = source.frame((area.offset >> 12) + vpn - (area.start >> 12), bool(write))
    except ENOMEM:
        raise
    except LinuxError:
        raise BadAccess(SIGBUS, BUS_ADRERR, vpn << 12) from None
    if source.misses != misses:
        space.majflt += 1
    else:
        space.minflt += 1
    return frame


def _copy(space: Faults, area: Area, old: int) -> int:
    """Return an entry for a private copy of the frame ``old``."""
    frames = space.frames
    new = frames.alloc()
    if frames.copy_page is None:
        view = frames.view
        view[new : new + PAGE_SIZE] = view[old : old + PAGE_SIZE]
    else:
        frames.copy_page(new, old)
    entry = new | area.pte | ANON
    if entry & EXEC:
        frames.code[new >> 12] = 1
    return entry


def _enter(space: Faults, vpn: int, entry: int) -> int:
    """Count the new reference and put the entry into the table."""
    frames = space.frames
    frames.refs[entry >> 12] += 1
    if entry & EXEC:
        frames.code[entry >> 12] = 1
    space.table[vpn] = entry
    return entry


def _grant(space: Faults, vpn: int, entry: int) -> int:
    """Put an entry with more permissions into the table."""
    if entry & EXEC:
        space.frames.code[entry >> 12] = 1
    space.table[vpn] = entry
    return entry
