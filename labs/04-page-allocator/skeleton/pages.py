"""Lab 4: a page allocator that keeps one bit for each page of RAM."""

from __future__ import annotations


class BitmapAllocator:
    """Pages are numbered from 0 to ``total - 1``."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.bitmap = 0  # bit N is set while page N is in use; a Python int is as long as needed

    def alloc(self, count: int = 1, align: int = 1) -> int | None:
        """Return the first of ``count`` adjacent free pages, or None where there are none.

        The page's number is a multiple of ``align``, a power of two.
        """
        raise NotImplementedError("alloc")

    def free(self, page: int, count: int = 1) -> None:
        """Take back ``count`` pages from ``page`` on; ValueError if one of them is not in use."""
        raise NotImplementedError("free")

    def free_pages(self) -> int:
        """Return how many pages are free."""
        raise NotImplementedError("free_pages")
