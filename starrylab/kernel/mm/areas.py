"""Areas of an address space and the map that finds them (design document 5.3, ``MemorySet``).

An area is never modified: a change replaces it.  So fork(2) copies a list of references,
and nothing that holds an area can see it change under its hands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ...machine.api import EXEC, READ, WRITE

if TYPE_CHECKING:
    from .backends import Backend
    from .source import PageSource

# Bits 3..11 of a page table entry are the kernel's.
ANON: Final = 8  #: the frame belongs to this mapping (or to those it was forked from)
SHARED: Final = 16  #: fork(2) leaves the page writable
UFFD_WP: Final = 32  #: write-protected by a program that watches (userfaultfd(2))

# Area flags.
VM_SHARED: Final = 1
VM_GROWSDOWN: Final = 2
VM_LOCKED: Final = 4
VM_LOCKONFAULT: Final = 8
VM_NORESERVE: Final = 0x10
VM_DONTFORK: Final = 0x20
VM_WIPEONFORK: Final = 0x40
VM_DONTDUMP: Final = 0x80
VM_NOWRITE: Final = 0x100  #: shared, and the file was not opened for writing
VM_RANDOM: Final = 0x200
VM_SEQUENTIAL: Final = 0x400
VM_NOEXEC: Final = 0x800  #: the file system forbids execution
VM_HUGEPAGE: Final = 0x1000
VM_NOHUGEPAGE: Final = 0x2000
VM_SECRET: Final = 0x8000  #: no other process may look at it (memfd_secret(2))
VM_SEALED: Final = 0x4000  #: stays as it is until the program ends (mseal(2))
VM_UFFD_MISSING: Final = 0x10000  #: a program serves faults of missing pages
VM_UFFD_WP: Final = 0x20000  #: ... of pages that it protected
VM_UFFD_MINOR: Final = 0x40000  #: ... of pages that the file has and the program has not
VM_UFFD: Final = VM_UFFD_MISSING | VM_UFFD_WP | VM_UFFD_MINOR

#: PROT_* -> permissions of an entry: riscv64 has no write without read.
_PERMISSIONS: Final = tuple(p | READ if p & WRITE else p for p in range(8))


class Area:
    """Pages from ``start`` to ``end`` that were mapped alike."""

    __slots__ = ("backend", "end", "flags", "offset", "place", "prot", "pte", "simple", "source",
                 "start")  # fmt: skip

    def __init__(
        self,
        start: int,
        end: int,
        prot: int,
        flags: int,
        backend: Backend,
        source: PageSource | None = None,
        offset: int = 0,
        place: Any = None,
    ) -> None:
        self.start = start  #: byte address
        self.end = end  #: byte address, excluded
        self.prot = prot  #: PROT_READ, PROT_WRITE, PROT_EXEC
        self.flags = flags  #: VM_*
        self.backend = backend
        self.source = source
        self.offset = offset  #: bytes: where ``start`` lies in the source; in RAM if linear
        self.place = place  #: what the path comes from, for /proc/PID/maps
        self.simple = source is None and backend.anonymous  #: private memory without a file
        #: what an entry has besides its frame
        self.pte = _PERMISSIONS[prot] | (SHARED if flags & VM_SHARED else 0)

    def part(self, start: int, end: int) -> Area:
        """Return the area that covers ``start`` to ``end`` of this one (or beyond it)."""
        offset = 0 if self.simple else self.offset + start - self.start
        return Area(
            start, end, self.prot, self.flags, self.backend, self.source, offset, self.place
        )

    def changed(self, prot: int, flags: int) -> Area:
        """Return this area with another protection and other flags."""
        return Area(
            self.start, self.end, prot, flags, self.backend, self.source, self.offset, self.place
        )

    def backed(self, backend: Backend, flags: int) -> Area:
        """Return this area with another backend and other flags."""
        return Area(
            self.start, self.end, self.prot, flags, backend, self.source, self.offset, self.place
        )

    def moved(self, start: int, end: int) -> Area:
        """Return an area of the same content at another address."""
        return Area(
            start, end, self.prot, self.flags, self.backend, self.source, self.offset, self.place
        )

    def continues(self, other: Area) -> bool:
        """Tell whether ``other`` begins where this area ends, and is of one piece with it."""
        return (
            self.end == other.start
            and self.prot == other.prot
            and self.flags == other.flags
            and self.source is other.source
            and self.backend is other.backend
            and (self.simple or self.offset + self.end - self.start == other.offset)
            and self.place is other.place
        )

    def index(self, vpn: int) -> int:
        """Return the page index in the source of virtual page ``vpn``."""
        return (self.offset >> 12) + vpn - (self.start >> 12)

    def __repr__(self) -> str:
        bits = "".join(c if self.prot & 1 << i else "-" for i, c in enumerate("rwx"))
        shared = "s" if self.flags & VM_SHARED else "p"
        return f"Area({self.start:#x}-{self.end:#x} {bits}{shared} {self.backend.name})"


def merged(areas: list[Area]) -> list[Area]:
    """Join neighbours that are of one piece."""
    result: list[Area] = []
    for area in areas:
        if result and result[-1].continues(area):
            result[-1] = result[-1].part(result[-1].start, area.end)
        else:
            result.append(area)
    return result


__all__ = ["ANON", "EXEC", "SHARED", "Area", "merged"]
