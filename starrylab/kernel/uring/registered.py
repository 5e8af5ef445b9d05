"""What a program registers with a ring: files and buffers by index (io_uring_register(2)).

A slot may have a tag: a completion with it says that what was in the slot is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from ...abi.errno import EBADF, EFAULT, EINVAL, ENFILE
from ..files.file import File

T = TypeVar("T")


class Slots(Generic[T]):
    """A table of registered things."""

    __slots__ = ("_dispose", "_tell", "items", "tags")

    def __init__(
        self, size: int, dispose: Callable[[T], object], tell: Callable[[int], object]
    ) -> None:
        self.items: list[T | None] = [None] * size
        self.tags = [0] * size
        self._dispose = dispose
        self._tell = tell  #: posts a completion with a tag

    def __len__(self) -> int:
        return len(self.items)

    def put(self, index: int, item: T | None, tag: int = 0) -> None:
        """Put ``item`` (``None``: nothing) into a slot; what was there goes."""
        self.clear(index)
        self.items[index] = item
        self.tags[index] = tag

    def clear(self, index: int) -> bool:
        """Empty a slot; False if it was empty."""
        item, self.items[index] = self.items[index], None
        tag, self.tags[index] = self.tags[index], 0
        if item is not None:
            self._dispose(item)
        if tag:
            self._tell(tag)
        return item is not None

    def forget(self) -> None:
        """Empty all, and tell nobody."""
        self.tags = [0] * len(self.items)
        self.clear_all()

    def clear_all(self) -> None:
        """Empty all."""
        for index in range(len(self.items)):
            self.clear(index)


class FixedFiles(Slots[File]):
    """Registered files: what IOSQE_FIXED_FILE and direct descriptors name."""

    __slots__ = ("_first", "_last", "_next")

    def __init__(self, size: int, tell: Callable[[int], object]) -> None:
        super().__init__(size, File.release, tell)
        self._first, self._last = 0, size
        self._next = 0

    def set_range(self, first: int, last: int) -> None:
        """Choose free slots from ``first`` up to ``last``, excluded (FILE_ALLOC_RANGE)."""
        self._first = self._next = first
        self._last = last

    def get(self, index: int) -> File:
        """Return the file in a slot; ``EBADF`` for none."""
        file = self.items[index] if 0 <= index < len(self.items) else None
        if file is None:
            raise EBADF
        return file

    def free_slot(self) -> int:
        """Return an empty slot of the range; ``ENFILE`` for none."""
        size = self._last - self._first
        for step in range(size):
            index = self._first + (self._next - self._first + step) % size
            if self.items[index] is None:
                self._next = index + 1
                return index
        raise ENFILE

    def install(self, file: File, index: int | None) -> int:
        """Put ``file`` into a slot, a free one for ``None``; return its index."""
        if index is None:
            index = self.free_slot()
        elif index >= len(self.items):
            raise EINVAL
        file.acquire()
        self.put(index, file)
        return index


Span = tuple[int, int]  #: address and bytes


class FixedBuffers(Slots[Span]):
    """Registered buffers.  They stay the program's memory: an unmapped one answers ``EFAULT``."""

    __slots__ = ()

    def __init__(self, size: int, tell: Callable[[int], object]) -> None:
        super().__init__(size, lambda _: None, tell)

    def check(self, index: int, addr: int, size: int) -> None:
        """Raise ``EFAULT`` unless ``size`` bytes at ``addr`` lie in a registered buffer."""
        span = self.items[index] if index < len(self.items) else None
        if span is None or addr < span[0] or addr + size > span[0] + span[1]:
            raise EFAULT
