"""Memory that a ring shares with programs: what they map, or what they gave.

The kernel reads and writes it word by word.  Everything runs on one host thread, so a plain store
is a release and a plain load an acquire; the program's own fences do the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from ...abi.errno import ENXIO
from ...machine.api import PAGE_MASK, PAGE_SHIFT, WRITE
from ..mm.frames import FrameAllocator
from ..mm.shared import SharedPages

if TYPE_CHECKING:
    from ..mm.space import AddressSpace

#: Pages from IORING_OFF_SQ_RING to IORING_OFF_CQ_RING, where the same memory is.
_WINDOW: Final = 0x7FFF


class Memory(Protocol):
    """Shared bytes, by their offset."""

    def read_u16(self, offset: int) -> int:
        """Return a 16-bit number."""
        ...

    def read_u32(self, offset: int) -> int:
        """Return a 32-bit number."""
        ...

    def write_u32(self, offset: int, value: int) -> None:
        """Store a 32-bit number."""
        ...

    def read(self, offset: int, size: int) -> bytes:
        """Return bytes that do not cross a page."""
        ...

    def write(self, offset: int, data: bytes) -> None:
        """Store bytes that do not cross a page."""
        ...

    def drop(self) -> None:
        """Give the memory back, as far as the ring holds it."""
        ...


class OwnMemory(SharedPages):
    """Pages of the kernel that programs map; zeros at first, and there from the start.

    Programs find them at an offset of the ring that says which memory they mean; what is
    above `_WINDOW` tells nothing about the page.
    """

    __slots__ = ("base", "length")

    def __init__(self, frames: FrameAllocator, length: int, offset: int) -> None:
        super().__init__(frames, 1 << 48, (15, 0), b"anon_inode:[io_uring]")
        self.length = (length + PAGE_MASK) & ~PAGE_MASK  #: bytes
        self.base = offset >> PAGE_SHIFT  #: the page of its offset for mmap(2)
        self.hold()
        try:
            for index in range(self.length >> PAGE_SHIFT):
                super().frame(index, True)
        except BaseException:
            self.drop()
            raise

    def frame(self, index: int, write: bool) -> int:
        """See `PageSource.frame`."""
        index = (index - self.base) & _WINDOW
        if index not in self.pages:
            raise ENXIO
        return self.pages[index]

    def cached(self, index: int) -> bool:
        """See `PageSource.cached`."""
        return (index - self.base) & _WINDOW in self.pages

    def _at(self, offset: int) -> int:
        return self.pages[offset >> PAGE_SHIFT] + (offset & PAGE_MASK)

    def read_u16(self, offset: int) -> int:
        """See `Memory`."""
        at = self._at(offset)
        return int.from_bytes(self.frames.view[at : at + 2], "little")

    def read_u32(self, offset: int) -> int:
        """See `Memory`."""
        return self.frames.u32[self._at(offset) >> 2]

    def write_u32(self, offset: int, value: int) -> None:
        """See `Memory`."""
        self.frames.u32[self._at(offset) >> 2] = value & 0xFFFFFFFF

    def read(self, offset: int, size: int) -> bytes:
        """See `Memory`."""
        at = self._at(offset)
        return bytes(self.frames.view[at : at + size])

    def write(self, offset: int, data: bytes) -> None:
        """See `Memory`."""
        at = self._at(offset)
        self.frames.view[at : at + len(data)] = data


class PinnedMemory(OwnMemory):
    """Pages that a program gave for a ring (IORING_SETUP_NO_MMAP); kept whatever it does."""

    __slots__ = ()

    def __init__(self, mm: AddressSpace, addr: int, length: int) -> None:
        super().__init__(mm.frames, 0, 0)
        self.length = (length + PAGE_MASK) & ~PAGE_MASK
        try:
            for index in range(self.length >> PAGE_SHIFT):
                frame = mm.physical(addr + (index << PAGE_SHIFT), WRITE) & ~PAGE_MASK
                mm.frames.acquire(frame)
                self.pages[index] = frame
        except BaseException:
            self.drop()
            raise


class UserMemory:
    """Memory of a program, looked up at each access (rings of provided buffers); ``EFAULT``."""

    __slots__ = ("_addr", "_mm")

    def __init__(self, mm: AddressSpace, addr: int) -> None:
        self._mm = mm
        self._addr = addr

    def read_u16(self, offset: int) -> int:
        """See `Memory`."""
        return int.from_bytes(self._mm.read(self._addr + offset, 2), "little")

    def read_u32(self, offset: int) -> int:
        """See `Memory`."""
        return self._mm.read_u32(self._addr + offset)

    def write_u32(self, offset: int, value: int) -> None:
        """See `Memory`."""
        self._mm.write_u32(self._addr + offset, value & 0xFFFFFFFF)

    def read(self, offset: int, size: int) -> bytes:
        """See `Memory`."""
        return self._mm.read(self._addr + offset, size)

    def write(self, offset: int, data: bytes) -> None:
        """See `Memory`."""
        self._mm.write(self._addr + offset, data)

    def drop(self) -> None:
        """See `Memory`; the program's pages are its own."""
