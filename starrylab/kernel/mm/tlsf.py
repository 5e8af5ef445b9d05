"""Two-level segregated fit (Masmano et al., ECRTS 2004): both operations in constant time.

Free blocks are kept in lists by size: the first level is the power of two, the second
divides it into 16 equal steps.  Two bitmaps say which lists are not empty, so a fitting
block is found by looking for a set bit.  Free neighbours are joined at once.
"""

from __future__ import annotations

from typing import Final

from ...abi.errno import ENOMEM

_STEPS_SHIFT: Final = 4
_STEPS: Final = 1 << _STEPS_SHIFT
_UNIT: Final = 16  #: sizes and addresses are multiples of it


class TlsfAllocator:
    """Blocks of the bytes from ``base`` to ``base + size``."""

    def __init__(self, base: int, size: int) -> None:
        self._base = base
        self._first = 0  #: bitmap of powers of two with a free block
        self._second: dict[int, int] = {}  #: power of two -> bitmap of its steps
        self._lists: dict[tuple[int, int], dict[int, None]] = {}
        self._free: dict[int, int] = {}  #: start -> length
        self._free_ends: dict[int, int] = {}  #: end -> start
        self._used: dict[int, int] = {}  #: start -> length
        self.free_bytes = size & ~(_UNIT - 1)
        if self.free_bytes:
            self._insert(0, self.free_bytes)

    def alloc(self, size: int, align: int = 8) -> int:
        """See `ByteAllocator.alloc`; alignment is within the range."""
        size = max(_round(size), _UNIT)
        slack = align if align > _UNIT else 0
        start, length = self._take(size + slack)
        at = (start + align - 1) & -align if slack else start
        if at > start:
            self._insert(start, at - start)
        if start + length > at + size:
            self._insert(at + size, start + length - at - size)
        self._used[at] = size
        self.free_bytes -= size
        return self._base + at

    def free(self, offset: int) -> None:
        """See `ByteAllocator.free`."""
        start = offset - self._base
        length = self._used.pop(start)
        self.free_bytes += length
        before = self._free_ends.get(start)
        if before is not None:
            length += self._remove(before)
            start = before
        if start + length in self._free:
            length += self._remove(start + length)
        self._insert(start, length)

    def _take(self, size: int) -> tuple[int, int]:
        """Remove and return a free block of at least ``size`` bytes."""
        # Rounded up to the next step, so that every block in the list found is large enough.
        step = 1 << max(size.bit_length() - 1 - _STEPS_SHIFT, 0)
        first, second = _position(size + step - 1)
        steps = self._second.get(first, 0) >> second << second
        if not steps:
            powers = self._first >> (first + 1) << (first + 1)
            if not powers:
                return self._take_exact(size)
            first = (powers & -powers).bit_length() - 1
            steps = self._second[first]
        second = (steps & -steps).bit_length() - 1
        start = next(iter(self._lists[first, second]))
        return start, self._remove(start)

    def _take_exact(self, size: int) -> tuple[int, int]:
        """Look through the list of the size's own step, the last that may have a fit."""
        for start in self._lists.get(_position(size), ()):
            if self._free[start] >= size:
                return start, self._remove(start)
        raise ENOMEM

    def _insert(self, start: int, length: int) -> None:
        self._free[start] = length
        self._free_ends[start + length] = start
        first, second = _position(length)
        self._lists.setdefault((first, second), {})[start] = None
        self._second[first] = self._second.get(first, 0) | 1 << second
        self._first |= 1 << first

    def _remove(self, start: int) -> int:
        """Take a block out of its list; return its length."""
        length = self._free.pop(start)
        del self._free_ends[start + length]
        first, second = _position(length)
        blocks = self._lists[first, second]
        del blocks[start]
        if not blocks:
            self._second[first] &= ~(1 << second)
            if not self._second[first]:
                self._first &= ~(1 << first)
        return length


def _round(size: int) -> int:
    return (size + _UNIT - 1) & ~(_UNIT - 1)


def _position(size: int) -> tuple[int, int]:
    """Return the list of a size: (power of two, step within it)."""
    first = size.bit_length() - 1
    return first, (size >> max(first - _STEPS_SHIFT, 0)) & (_STEPS - 1)
