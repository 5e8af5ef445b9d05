"""User memory as a debugger looks at it: without page faults, without a trace in the caches.

`AddressSpace.read` brings in what is missing, as the kernel's own accesses do.  Looking must not:
it would change resident sizes, fault counters and the page cache's sense of what is in use.
So a page is taken from where it is: its frame, the page cache, the file behind it, or it is
zeros because nobody touched it yet.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from ..abi.errno import LinuxError
from ..kernel.mm.backends import LINEAR
from ..kernel.mm.shared import SharedPages
from ..kernel.vfs.page_store import PageStore
from ..machine.api import PAGE_MASK, PAGE_SIZE

if TYPE_CHECKING:
    from ..kernel.mm.areas import Area
    from ..kernel.mm.space import AddressSpace

ZEROS: Final = bytes(PAGE_SIZE)  #: this very object is a page that nobody touched
_U64: Final = (1 << 64) - 1


class Peek:
    """Reads one address space."""

    def __init__(self, space: AddressSpace) -> None:
        self.space = space
        self._table = space.table
        self._view = space.view
        self._words = space.frames.u64

    def word(self, addr: int) -> int | None:
        """Return the 64-bit number at ``addr``; ``None`` if any of it is not mapped."""
        entry = self._table.get(addr >> 12, 0)
        if entry & 7 and not addr & 7:
            return self._words[(entry & ~PAGE_MASK | addr & PAGE_MASK) >> 3]
        data = self.read(addr, 8)
        return int.from_bytes(data, "little") if len(data) == 8 else None

    def read(self, addr: int, size: int) -> bytes:
        """Return the bytes from ``addr`` on, up to ``size`` or the first unmapped page.

        Permissions do not matter: a debugger sees PROT_NONE pages that have content.
        """
        pieces: list[bytes] = []
        while size > 0:
            page = self.page(addr >> 12)
            if page is None:
                break
            start = addr & PAGE_MASK
            piece = bytes(page[start : start + size])
            pieces.append(piece)
            addr += len(piece)
            size -= len(piece)
        return b"".join(pieces)

    def page(self, vpn: int) -> memoryview | bytes | None:
        """Return the 4096 bytes of a virtual page; ``None`` where nothing is mapped."""
        entry = self._table.get(vpn)
        if entry is not None:
            frame = entry & ~PAGE_MASK
            return self._view[frame : frame + PAGE_SIZE]
        area = self._area(vpn << 12)
        if area is None:
            return None
        if area.source is not None:
            return self._source_page(area.source, area.index(vpn))
        if area.backend is LINEAR:
            frame = area.offset + (vpn << 12) - area.start
            return self._view[frame : frame + PAGE_SIZE]
        return ZEROS

    def _area(self, addr: int) -> Area | None:
        if not 0 <= addr <= _U64:
            return None
        return self.space.find(addr)

    def _source_page(self, source: Any, index: int) -> memoryview | bytes | None:
        if isinstance(source, PageStore):
            return stored_page(source, index)
        if isinstance(source, SharedPages):
            frame = source.pages.get(index)
            return ZEROS if frame is None else self._view[frame : frame + PAGE_SIZE]
        return None


def stored_page(store: PageStore, index: int) -> memoryview | bytes | None:
    """Return a page of a file from where it lies; ``None`` beyond the file's end."""
    if index < 0 or index << 12 >= store.size:
        return None
    frame = store.content.get(index)
    if frame >= 0:
        return store.pool.view[frame : frame + PAGE_SIZE]
    backing = store.backing
    if backing is None or index << 12 >= store.backed:
        return ZEROS
    page = bytearray(PAGE_SIZE)
    limit = min(PAGE_SIZE, store.backed - (index << 12))
    with contextlib.suppress(LinuxError, OSError):
        backing.read_into([memoryview(page)[:limit]], index << 12)
    return bytes(page)


def file_bytes(store: PageStore, limit: int) -> bytes:
    """Return the content of a file, at most ``limit`` bytes, without bringing pages in."""
    size = min(store.size, limit)
    pages = (stored_page(store, index) for index in range((size + PAGE_MASK) >> 12))
    return b"".join(ZEROS if page is None else page for page in pages)[:size]
