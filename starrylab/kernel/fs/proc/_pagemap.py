"""/proc/PID/pagemap: which page is where, and what was written (proc_pid_pagemap(5))."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final, NamedTuple

from ....abi.capability import CAP_SYS_ADMIN
from ....abi.errno import EBADF, EINVAL, ENOTTY, EPERM
from ....abi.userfaultfd import UFFD_FEATURE_WP_ASYNC
from ....machine.api import PAGE_MASK, PAGE_SHIFT
from ...mm.areas import ANON, UFFD_WP, VM_UFFD_WP, Area
from ...mm.userfault import PROTECTED, spaces_watch, watcher
from ...mm.userfault_ops import protect_pages
from ._mem import MemoryFile, MemoryNode

if TYPE_CHECKING:
    from ...mm.space import AddressSpace
    from ...thread import Thread

_ENTRY: Final = Struct("<Q")
_MOST: Final = 1 << 20  #: bytes that one read(2) gives
_PRESENT: Final = 1 << 63
_SHARED: Final = 1 << 61  #: a page of a file or of shared memory
_PROTECTED: Final = 1 << 57  #: by a userfaultfd
_EXCLUSIVE: Final = 1 << 56

# PAGEMAP_SCAN (<linux/fs.h>).
PAGEMAP_SCAN: Final = 0xC0606610
_SCAN: Final = Struct("<12Q")
_REGION: Final = Struct("<QQQ")  #: start, end, categories
_WP_MATCHING: Final = 1
_CHECK_WPASYNC: Final = 2
_IS_WPALLOWED: Final = 1
_IS_WRITTEN: Final = 2
_IS_FILE: Final = 4
_IS_PRESENT: Final = 8
_IS_SWAPPED: Final = 16  #: of what has no page: it is marked as protected
_IS_PFNZERO: Final = 32
_CATEGORIES: Final = 0xFF


class _Scan(NamedTuple):
    """``struct pm_scan_arg``."""

    size: int
    flags: int
    start: int
    end: int
    walk_end: int
    vec: int
    vec_len: int
    max_pages: int
    inverted: int
    mask: int
    any_of: int
    returned: int

    def wants(self, categories: int) -> bool:
        """Tell whether a page is asked for."""
        categories ^= self.inverted
        if categories & self.mask != self.mask:
            return False
        return not self.any_of or bool(categories & self.any_of)


class PagemapFile(MemoryFile):
    """The open file: eight bytes for each page of the address space."""

    __slots__ = ()

    def pread(self, size: int, offset: int) -> bytes:
        """See ``File.pread``; ``EINVAL`` for parts of an entry."""
        if offset % 8 or size % 8:
            raise EINVAL
        mm = self._space()
        if mm is None:
            return b""
        first = offset // 8
        last = min(first + min(size, _MOST) // 8, mm.user_top >> PAGE_SHIFT)
        return b"".join(_ENTRY.pack(self._entry(mm, vpn)) for vpn in range(first, last))

    def _entry(self, mm: AddressSpace, vpn: int) -> int:
        entry = mm.table.get(vpn)
        if entry is None:
            marked = mm.watch is not None and mm.watch.marks.get(vpn) == PROTECTED
            return _PROTECTED if marked else 0
        shown = _PRESENT
        if self.cred.capable(CAP_SYS_ADMIN):
            shown |= entry >> PAGE_SHIFT
        if not entry & ANON and entry >> PAGE_SHIFT != mm.frames.zero >> PAGE_SHIFT:
            shown |= _SHARED
        if mm.frames.refs[entry >> PAGE_SHIFT] == 1:
            shown |= _EXCLUSIVE
        return shown | (_PROTECTED if entry & UFFD_WP else 0)

    def pwrite(self, data: bytes, offset: int) -> int:
        """See ``File.pwrite``."""
        raise EBADF

    def ioctl(self, thread: Thread, request: int, arg: int) -> int:
        """PAGEMAP_SCAN: find pages by what they are, and protect those that were found."""
        if request != PAGEMAP_SCAN:
            raise ENOTTY
        scan = _Scan._make(_SCAN.unpack(thread.mm.read(arg, _SCAN.size)))
        known = scan.inverted | scan.mask | scan.any_of | scan.returned
        if scan.size != _SCAN.size or scan.flags & ~3 or known & ~_CATEGORIES:
            raise EINVAL
        if scan.start & PAGE_MASK or (scan.vec and not scan.vec_len):
            raise EINVAL
        mm = self._space()
        regions: list[tuple[int, int, int]] = []
        stopped = scan.end if mm is None else _scan(mm, scan, regions)
        for index, region in enumerate(regions if scan.vec else []):
            thread.mm.write(scan.vec + index * _REGION.size, _REGION.pack(*region))
        thread.mm.write_u64(arg + 32, stopped)
        return len(regions) if scan.vec else 0


def _scan(mm: AddressSpace, scan: _Scan, regions: list[tuple[int, int, int]]) -> int:
    """Collect the regions that are asked for; return where the walk ended."""
    end = min(scan.end + PAGE_MASK & ~PAGE_MASK, mm.user_top)
    pages = 0
    for area in mm.areas[slice(*mm.overlapping(scan.start, end))]:
        allowed = _allowed(area)
        if not allowed and scan.flags & _CHECK_WPASYNC:
            raise EPERM
        if (allowed ^ scan.inverted) & scan.mask & _IS_WPALLOWED != scan.mask & _IS_WPALLOWED:
            continue
        for vpn in range(max(area.start, scan.start) >> 12, min(area.end, end) >> 12):
            categories = allowed | _categories(mm, vpn)
            if not scan.wants(categories):
                continue
            if pages == scan.max_pages != 0 or not _add(scan, regions, vpn << 12, categories):
                return vpn << 12
            pages += 1
            if scan.flags & _WP_MATCHING and allowed:
                protect_pages(mm, vpn, vpn + 1, marks_too=True)
    return end


def _add(scan: _Scan, regions: list[tuple[int, int, int]], addr: int, categories: int) -> bool:
    """Add a page to the regions; False if there is no room for one more."""
    shown = categories & scan.returned
    if regions and regions[-1][1:] == (addr, shown):
        regions[-1] = (regions[-1][0], addr + PAGE_MASK + 1, shown)
        return True
    if scan.vec and len(regions) == scan.vec_len:
        return False
    regions.append((addr, addr + PAGE_MASK + 1, shown))
    return True


def _allowed(area: Area) -> int:
    context = watcher(area)
    able = context is not None and context.features & UFFD_FEATURE_WP_ASYNC
    return _IS_WPALLOWED if able and area.flags & VM_UFFD_WP else 0


def _categories(mm: AddressSpace, vpn: int) -> int:
    entry = mm.table.get(vpn)
    if entry is None:
        marked = mm.watch is not None and spaces_watch(mm).marks.get(vpn) == PROTECTED
        return _IS_SWAPPED if marked else 0
    found = _IS_PRESENT if entry & UFFD_WP else _IS_PRESENT | _IS_WRITTEN
    if entry >> PAGE_SHIFT == mm.frames.zero >> PAGE_SHIFT:
        return found | _IS_PFNZERO
    return found if entry & ANON else found | _IS_FILE


class PagemapNode(MemoryNode):
    """The file's name in /proc/PID."""

    __slots__ = ()
    file = "pagemap"
    permissions = 0o400
    opened = PagemapFile
