"""Which unit an address belongs to, in arrays that are searched as they are."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import NamedTuple


class Packed(NamedTuple):
    """The map as it is on disk: three parallel arrays of 64-bit numbers, by start."""

    starts: bytes
    ends: bytes
    units: bytes  #: offsets of units in ``.debug_info``


class AddressMap:
    """Finds units; ranges of several units may overlap."""

    def __init__(self, packed: Packed) -> None:
        self.packed = packed
        self._starts = memoryview(packed.starts).cast("Q")
        self._ends = memoryview(packed.ends).cast("Q")
        self._units = memoryview(packed.units).cast("Q")
        self._reach = list(accumulate(self._ends, max))  # up to where anything before reaches

    def find(self, addr: int) -> list[int]:
        """Return the offsets of the units that cover ``addr``, the narrowest start first."""
        found = []
        at = bisect_right(self._starts, addr) - 1
        while at >= 0 and self._reach[at] > addr:
            if self._ends[at] > addr and self._units[at] not in found:
                found.append(self._units[at])
            at -= 1
        return found


def consistent(packed: Packed) -> bool:
    """Tell whether a map from disk has the shape that it must have."""
    size = len(packed.starts)
    return size % 8 == 0 and len(packed.ends) == size and len(packed.units) == size
