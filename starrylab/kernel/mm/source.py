"""What an address space needs from whoever owns the pages of a file (design document 5.3.4).

The VFS page cache implements `PageSource`; `SharedPages` implements it for memory without
a file.  The source owns one reference to each of its frames, each mapping one more.  Before
a source gives up or replaces a frame it calls `Mapper.evict_pages` of every space that maps
it: these calls are the document's evict listeners.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .areas import Area


class Limits(Protocol):
    """Resource limits of the process whose memory this is."""

    def soft(self, resource: int) -> int:
        """Return the limit in force; 2**64 - 1 for none."""
        ...


class Mapper(Protocol):
    """An address space, as a page source sees it."""

    def evict_pages(self, source: PageSource, first: int, last: int) -> None:
        """Unmap pages ``first`` up to ``last``, excluded; the next access asks the source again.

        Pages that a private mapping copied stay.
        """
        ...

    def truncate_pages(self, source: PageSource, first: int, last: int) -> None:
        """Like `evict_pages`, and private copies go too (truncate(2): the file ends before)."""
        ...

    def protect_pages(self, source: PageSource, first: int, last: int) -> None:
        """Take away write permission, so that the next write marks the page dirty again."""
        ...

    def locks_page(self, source: PageSource, index: int) -> bool:
        """Tell whether mlock(2) keeps a page in memory."""
        ...


class PageSource(Protocol):
    """Pages by index."""

    @property
    def size(self) -> int:
        """Bytes; pages beyond them do not exist."""
        ...

    @property
    def misses(self) -> int:
        """Pages read from the backing store so far: such a fault is a major one."""
        ...

    @property
    def key(self) -> tuple[int, int]:
        """Device and inode, as /proc/PID/maps shows them."""
        ...

    def frame(self, index: int, write: bool) -> int:
        """Return the byte offset in RAM of a page's frame, read in if need be.

        ``write`` marks the page dirty (and gives a hole a page of its own).  The caller takes
        its own reference.  Raises ``ENXIO`` beyond the end, ``EIO``, ``ENOSPC``.
        """
        ...

    def cached(self, index: int) -> bool:
        """Tell whether a page is in memory (mincore(2))."""
        ...

    def write_back(self, first: int, last: int) -> None:
        """Write dirty pages ``first`` up to ``last``, excluded, back (msync(2))."""
        ...

    def punch(self, start: int, end: int) -> None:
        """Make bytes ``start`` up to ``end``, excluded, a hole (MADV_REMOVE)."""
        ...

    def map_added(self, space: Mapper, area: Area) -> None:
        """Learn that ``space`` has ``area`` of this source; called once for each area object."""
        ...

    def map_removed(self, space: Mapper, area: Area) -> None:
        """Undo `map_added`."""
        ...
