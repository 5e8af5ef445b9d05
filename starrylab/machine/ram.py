"""Physical memory, for the kernel and an emulated CPU to share (mmap(2))."""

from __future__ import annotations

import ctypes
import mmap

from .api import PAGE_MASK, PAGE_SIZE

DEFAULT_SIZE = 256 << 20  #: bytes


class HostRam:
    """Memory of the host, taken only page by page as it is touched.

    The mapping is private, unlike Python's default for anonymous memory: a ``fork`` of
    the process is then a checkpoint of the machine.
    """

    def __init__(self, size: int = DEFAULT_SIZE) -> None:
        """Map ``size`` bytes, zeroed; ``ValueError`` unless it is a positive number of pages."""
        if size <= 0 or size & PAGE_MASK:
            raise ValueError(f"RAM of {size} bytes is not a whole number of pages")
        self.size = size
        self.grain = PAGE_SIZE
        self.copy_page = None
        self._map = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.view = memoryview(self._map)
        anchor = ctypes.c_char.from_buffer(self._map)
        self.address = ctypes.addressof(anchor)  #: where the host has it

    def discard(self, start: int, size: int) -> None:
        """Give ``size`` bytes from byte offset ``start`` back to the host; they read as zeros."""
        self._map.madvise(mmap.MADV_DONTNEED, start, size)
