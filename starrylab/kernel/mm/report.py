"""What an address space tells about itself: /proc/PID/maps, smaps, status, statm (proc(5))."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...machine.api import EXEC, PAGE_SHIFT
from .advice import Advice
from .areas import ANON, VM_LOCKED, VM_SHARED, Area
from .backends import LINEAR, SHARED_MEMORY
from .shared import SharedPages


@dataclass(frozen=True, slots=True)
class MapEntry:
    """One line of /proc/PID/maps."""

    start: int
    end: int
    prot: int  #: PROT_*
    shared: bool
    offset: int  #: bytes
    key: tuple[int, int]  #: device and inode, zeros without a file
    name: bytes  #: "[heap]" and the like; b"" if `place` tells it, or nothing does
    place: Any  #: what was given to `map`: the file's location
    backend: str  #: "linear", "cow", "shared" or "file"
    flags: int  #: VM_*


@dataclass(frozen=True, slots=True)
class Pages:
    """How many pages of an area are in which state."""

    lazy: int  #: never touched, or given up
    zero: int  #: read only so far: the frame of zeros
    copied: int  #: this mapping's own
    cow: int  #: private, shared with a fork until written
    cached: int  #: frames of a file's cache or of shared memory

    @property
    def resident(self) -> int:
        """Pages that count as resident; the frame of zeros does not."""
        return self.copied + self.cow + self.cached


@dataclass(frozen=True, slots=True)
class Rss:
    """Resident pages by kind (VmRSS's parts)."""

    anon: int
    file: int
    shmem: int

    @property
    def total(self) -> int:
        """All resident pages."""
        return self.anon + self.file + self.shmem


class Report(Advice):
    """Figures and tables, all made when asked for."""

    def maps(self) -> Iterator[MapEntry]:
        """Yield the areas in ascending order."""
        for area in self.areas:
            source = area.source
            yield MapEntry(
                area.start,
                area.end,
                area.prot,
                bool(area.flags & VM_SHARED),
                area.offset if source is not None else 0,
                source.key if source is not None else (0, 0),
                self._name(area),
                area.place,
                area.backend.name,
                area.flags,
            )

    def _name(self, area: Area) -> bytes:
        if isinstance(area.source, SharedPages):
            return area.source.name
        if area.source is not None:
            return b""
        if area.start <= self.stack_start < area.end:
            return b"[stack]"
        if area.start < self.brk_end and area.end > self.brk_start:
            return b"[heap]"
        if area.backend is not LINEAR:
            return b""
        return b"[vdso]" if area.prot & EXEC else b"[vvar]"

    def page_states(self, start: int, end: int) -> Pages:
        """Count the states of the pages between two addresses."""
        refs, zero = self.frames.refs, self.frames.zero
        present = self.present(start >> PAGE_SHIFT, end >> PAGE_SHIFT)
        zeros = copied = cow = cached = 0
        for vpn in present:
            entry = self.table[vpn]
            if entry & ANON:
                if refs[entry >> 12] == 1:
                    copied += 1
                else:
                    cow += 1
            elif entry >> 12 == zero >> 12:
                zeros += 1
            else:
                cached += 1
        lazy = (end - start >> PAGE_SHIFT) - len(present)
        return Pages(lazy, zeros, copied, cow, cached)

    def rss(self) -> Rss:
        """Count resident pages by kind."""
        zero = self.frames.zero >> 12
        entries = self.table.values()
        anon = sum(1 for e in entries if e & ANON)
        untouched = sum(1 for e in entries if e >> 12 == zero)
        shmem = sum(
            len(self.present(a.start >> 12, a.end >> 12))
            for a in self.areas
            if a.backend.name == SHARED_MEMORY.name
        )
        return Rss(anon, len(entries) - anon - untouched - shmem, shmem)

    def rss_pages(self) -> int:
        """Return the resident pages, zero pages included: cheap, for choosing a victim."""
        return len(self.table)

    def peak_rss_kib(self) -> int:
        """Return the most memory ever resident in KiB (VmHWM, ru_maxrss)."""
        self.note_peak()
        return self.peak_pages * 4

    def stack_vm(self) -> int:
        """Return the bytes of the main stack's area (VmStk)."""
        area = self.find(self.stack_start)
        return area.end - area.start if area is not None and self.stack_start else 0

    def exec_vm(self) -> int:
        """Return the bytes of executable areas (VmExe and VmLib together)."""
        return sum(a.end - a.start for a in self.areas if a.prot & EXEC)

    def page_table_bytes(self) -> int:
        """Return the bytes of the page table (VmPTE)."""
        return len(self.regions) << PAGE_SHIFT

    def smaps(self, entry: MapEntry) -> dict[str, int]:
        """Return the figures of one area in KiB, by their names in /proc/PID/smaps."""
        refs, table = self.frames.refs, self.table
        zero = self.frames.zero >> 12
        pss = pss_dirty = 0.0
        anonymous = private_dirty = shared_dirty = private_clean = shared_clean = 0
        for vpn in self.present(entry.start >> PAGE_SHIFT, entry.end >> PAGE_SHIFT):
            number = table[vpn] >> 12
            if number == zero:
                continue
            anon = table[vpn] & ANON
            anonymous += bool(anon)
            mappers = refs[number] if anon else max(1, refs[number] - 1)
            pss += 1 / mappers
            dirty = bool(anon) or bool(table[vpn] & 2)
            pss_dirty += dirty / mappers
            if mappers > 1:
                shared_dirty, shared_clean = shared_dirty + dirty, shared_clean + (not dirty)
            else:
                private_dirty, private_clean = private_dirty + dirty, private_clean + (not dirty)
        resident = private_dirty + shared_dirty + private_clean + shared_clean
        return {
            "Size": (entry.end - entry.start) >> 10,
            "KernelPageSize": 4,
            "MMUPageSize": 4,
            "Rss": resident * 4,
            "Pss": int(pss * 4),
            "Pss_Dirty": int(pss_dirty * 4),
            "Shared_Clean": shared_clean * 4,
            "Shared_Dirty": shared_dirty * 4,
            "Private_Clean": private_clean * 4,
            "Private_Dirty": private_dirty * 4,
            "Referenced": resident * 4,
            "Anonymous": anonymous * 4,
            "Swap": 0,  # there is no swap space
            "SwapPss": 0,
            "Locked": int(pss * 4) if entry.flags & VM_LOCKED else 0,
        }
