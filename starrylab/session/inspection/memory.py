"""The physical map, the caches, and how an address is translated (design document 5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ...kernel.mm.areas import ANON
from ...kernel.mm.frames import FREE, MemoryKind
from ...machine.api import PAGE_MASK, PAGE_SHIFT, PAGE_SIZE, PTE_FRAME
from ..present import present_bytes
from .files import cached_nodes
from .model import AddressDetails, AreaView, CachedFile, MemoryDetails, PageView
from .process import area_view, permissions

if TYPE_CHECKING:
    from ...kernel.kernel import Kernel
    from ...kernel.mm.space import AddressSpace
    from ...kernel.vfs.page_store import PageStore

MOST_CELLS: Final = 1 << 16
_FILES: Final = 64  #: files named in an answer
_LEVEL_BITS: Final = 9  #: of a virtual page number, for each level of the table (Sv39)
_LEVELS: Final = 3
_SHOWN: Final = 16  #: bytes of an address's content


def memory_details(
    kernel: Kernel, cells: int, faults: tuple[tuple[str, int], ...] = ()
) -> MemoryDetails:
    """Return the physical map in ``cells`` cells, and the state of the allocators."""
    frames, pool, heap = kernel.frames, kernel.pool, kernel.heap
    cells = max(1, min(cells, MOST_CELLS, frames.total))
    kinds, used = physical_map(frames.kinds, cells)
    runs, largest = free_runs(frames.kinds)
    files = sorted(_caches(kernel), key=lambda file: file.pages, reverse=True)
    return MemoryDetails(
        frames.total,
        tuple(kind.name.lower().replace("_", " ") for kind in MemoryKind),
        kinds,
        used,
        frames.free_frames(),
        largest,
        runs,
        heap.used,
        heap.held,
        pool.evictable,
        pool.limit,
        pool.evictions,
        frames.reclaims,
        tuple(files[:_FILES]),
        len(files),
        faults,
    )


def physical_map(kinds: bytearray, cells: int) -> tuple[bytes, bytes]:
    """Return, for ``cells`` equal parts of RAM, the commonest kind in use and the part in use."""
    total = len(kinds)
    common, used = bytearray(cells), bytearray(cells)
    for cell in range(cells):
        start, end = cell * total // cells, (cell + 1) * total // cells
        part = kinds[start:end]
        free = part.count(FREE)
        if free == len(part):
            continue
        counts = [(part.count(kind), kind) for kind in MemoryKind if kind != FREE]
        common[cell] = max(counts)[1]
        used[cell] = max(1, 255 * (len(part) - free) // len(part))
    return bytes(common), bytes(used)


def free_runs(kinds: bytearray) -> tuple[tuple[int, ...], int]:
    """Return how many maximal free runs have 2**i.. frames, and the length of the longest."""
    counts: list[int] = []
    largest = 0
    for length in _run_lengths(bytes(kinds)):
        order = length.bit_length() - 1
        if order >= len(counts):
            counts += [0] * (order + 1 - len(counts))
        counts[order] += 1
        largest = max(largest, length)
    return tuple(counts), largest


def _run_lengths(kinds: bytes) -> Iterator[int]:
    # Every kind in use becomes one letter, so that the runs are what lies between the letters.
    table = b"\0" + b"\1" * 255
    return (len(run) for run in kinds.translate(table).split(b"\1") if run)


def _caches(kernel: Kernel) -> Iterator[CachedFile]:
    """Yield each cached file once: found by name, by descriptor or by mapping."""
    seen: set[int] = set()

    def view(path: bytes, fs: str, pages: PageStore) -> CachedFile:
        return CachedFile(
            path.decode(errors="replace"),
            fs,
            pages.size,
            pages.nr_pages,
            len(pages.dirty),
            len(pages.mappings),
            pages.hits,
            pages.misses,
        )

    for path, node in cached_nodes(kernel):
        pages: PageStore | None = getattr(node, "pages", None)
        if pages is not None and pages.nr_pages and id(pages) not in seen:
            seen.add(id(pages))
            yield view(path, node.fs.name, pages)


# -- an address -----------------------------------------------------------------------------


def address_details(kernel: Kernel, pid: int, addr: int) -> AddressDetails:
    """Walk the page table of process ``pid`` for ``addr``; nothing is made present."""
    process = kernel.processes.get(pid)
    if process is None or process.zombie or not process.threads:
        return AddressDetails(pid, addr)
    space = next(iter(process.threads.values())).mm
    vpn = addr >> PAGE_SHIFT
    size = min(_SHOWN, PAGE_SIZE - (addr & PAGE_MASK))
    return AddressDetails(
        pid,
        addr,
        found=True,
        indexes=tuple(
            vpn >> _LEVEL_BITS * level & (1 << _LEVEL_BITS) - 1
            for level in reversed(range(_LEVELS))
        ),
        root_frame=space.regions[-1],
        leaf_table=space.regions.get(vpn >> _LEVEL_BITS, -1),
        page=_page(kernel, space.table.get(vpn)),
        area=_area_of(space, addr),
        data=present_bytes(kernel.ram.view, space.table, addr, size),
    )


def _page(kernel: Kernel, entry: int | None) -> PageView | None:
    if entry is None:
        return None
    number = entry >> PAGE_SHIFT
    return PageView(
        entry,
        entry & PTE_FRAME,
        permissions(entry),
        MemoryKind(kernel.frames.kinds[number]).name.lower().replace("_", " "),
        kernel.frames.refs[number],
        bool(entry & ANON),
    )


def _area_of(space: AddressSpace, addr: int) -> AreaView | None:
    for entry in space.maps():
        if entry.start <= addr < entry.end:
            return area_view(space, entry)
    return None
