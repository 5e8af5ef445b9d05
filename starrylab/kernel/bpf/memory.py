"""The addresses that programs see: a region for each map, stack and context.

A pointer of a program is a number, as on Linux, so it can be kept in memory and calculated
with.  Its upper half says which region it is in.  An access outside every region, which the
verifier has to rule out, raises an exception; it never reaches anything else.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

Store = bytearray | memoryview

BASE: Final = 0xFFFF_0000_0000_0000  #: a kernel's address, so never a program's
SHIFT: Final = 28
LARGEST: Final = 1 << SHIFT  #: bytes of a region
IN_REGION: Final = LARGEST - 1
#: size -> how a number of so many bytes lies in memory
FORMATS: Final = {
    size: Struct(f"<{letter}") for size, letter in zip((1, 2, 4, 8), "BHIQ", strict=True)
}
_MOST: Final = 1 << 20  #: regions


class BadAddress(Exception):
    """A program used an address that is in no region: a bug of the verifier."""


class Memory:
    """All regions of a kernel."""

    def __init__(self) -> None:
        self.regions: dict[int, Store] = {}  #: by the upper half of their addresses
        self._next = 1

    def add(self, store: Store) -> int:
        """Give ``store`` an address, and return it."""
        number = self._next
        while number in self.regions:
            number = number % (_MOST - 1) + 1
        self._next = number % (_MOST - 1) + 1
        self.regions[number] = store
        return BASE | number << SHIFT

    def replace(self, base: int, store: Store) -> None:
        """Let an address lead to something else."""
        self.regions[base - BASE >> SHIFT] = store

    def remove(self, base: int) -> None:
        """Undo `add`."""
        del self.regions[base - BASE >> SHIFT]

    def find(self, addr: int, size: int) -> tuple[Store, int]:
        """Return what holds ``size`` bytes at ``addr``, and where in it; raise `BadAddress`."""
        store = self.regions.get(addr - BASE >> SHIFT)
        offset = addr & IN_REGION
        if store is None or offset + size > len(store):
            raise BadAddress(f"{size} bytes at {addr:#x}")
        return store, offset

    def load(self, addr: int, size: int) -> int:
        """Return the unsigned number of 1, 2, 4 or 8 bytes at ``addr``."""
        store, offset = self.find(addr, size)
        value: int = FORMATS[size].unpack_from(store, offset)[0]
        return value

    def store(self, addr: int, size: int, value: int) -> None:
        """Store the low ``size`` bytes of ``value`` at ``addr``."""
        store, offset = self.find(addr, size)
        FORMATS[size].pack_into(store, offset, value & (1 << 8 * size) - 1)

    def read(self, addr: int, size: int) -> bytes:
        """Return ``size`` bytes at ``addr``."""
        if not size:
            return b""
        store, offset = self.find(addr, size)
        return bytes(store[offset : offset + size])

    def write(self, addr: int, data: bytes) -> None:
        """Store ``data`` at ``addr``."""
        if data:
            store, offset = self.find(addr, len(data))
            store[offset : offset + len(data)] = data
