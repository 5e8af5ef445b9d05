"""Lab 4: a page allocator that keeps one bit for each page of RAM."""

from __future__ import annotations


class BitmapAllocator:
    """Pages are numbered from 0 to ``total - 1``."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.bitmap = 0
        self._next = 0  # every page below is in use

    def alloc(self, count: int = 1, align: int = 1) -> int | None:
        """Return the first of ``count`` adjacent free pages, or None where there are none."""
        page = self._next
        mask = (1 << count) - 1
        while page + count <= self.total:
            used = self.bitmap >> page & mask
            if not used:
                self.bitmap |= mask << page
                if page == self._next:
                    self._next = page + count
                return page
            # Go on behind the last page in use of these.
            page = -(-(page + used.bit_length()) // align) * align
        return None

    def free(self, page: int, count: int = 1) -> None:
        """Take back ``count`` pages from ``page`` on; ValueError if one of them is not in use."""
        mask = (1 << count) - 1 << page
        if page < 0 or count <= 0 or page + count > self.total or self.bitmap & mask != mask:
            raise ValueError(f"pages {page} to {page + count - 1} are not all in use")
        self.bitmap &= ~mask
        self._next = min(self._next, page)

    def free_pages(self) -> int:
        """Return how many pages are free."""
        return self.total - self.bitmap.bit_count()
