"""Kernel memory: what the kernel's own buffers cost (design document 5.2, ``GlobalAllocator``).

Objects of this kernel are Python objects and live outside RAM.  What a real kernel would
keep in its heap (data in pipes and sockets, directory entries) is charged here by the byte,
and the heap takes frames for it.  So a program that fills pipes uses up memory, and memory
by kind adds up.  Buffers that must lie in RAM, because a device reads or writes them, come
from a `ByteAllocator` over a range of real frames.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Protocol

from ...abi.errno import ENOMEM
from ...machine.api import PAGE_SHIFT, PAGE_SIZE
from .buddy import BuddyAllocator
from .frames import DMA, KERNEL_HEAP, FrameAllocator
from .slab import SlabAllocator
from .tlsf import TlsfAllocator

_SPARE: Final = 8  #: frames kept, so that a buffer filled and emptied in turn costs nothing


class KernelHeap:
    """Bytes charged to the kernel, and the frames that hold them."""

    def __init__(self, frames: FrameAllocator) -> None:
        self._frames = frames
        self._held: list[int] = []
        self.used = 0  #: bytes

    @property
    def held(self) -> int:
        """Bytes of the frames that hold what is charged."""
        return len(self._held) << PAGE_SHIFT

    def frames(self) -> tuple[int, ...]:
        """Return the frames that hold what is charged (for the audit of frames)."""
        return tuple(self._held)

    def charge(self, size: int) -> None:
        """Account for ``size`` more bytes; raise ``ENOMEM`` if there is no memory for them."""
        held = self._held
        try:
            while self.used + size > len(held) << PAGE_SHIFT:
                held.append(self._frames.alloc(KERNEL_HEAP))
        except ENOMEM:
            self._trim()
            raise
        self.used += size

    def discharge(self, size: int) -> None:
        """Undo `charge`."""
        self.used -= size
        if len(self._held) - _SPARE << PAGE_SHIFT > self.used:
            self._trim()

    def _trim(self) -> None:
        held = self._held
        while len(held) - _SPARE << PAGE_SHIFT > self.used:
            self._frames.release(held.pop())


class ByteAllocator(Protocol):
    """Gives out byte ranges of one range of RAM."""

    @property
    def free_bytes(self) -> int:
        """Bytes not given out; not all of them need be adjacent."""
        ...

    def alloc(self, size: int, align: int = 8) -> int:
        """Return the RAM offset of ``size`` bytes; raise ``ENOMEM``."""
        ...

    def free(self, offset: int) -> None:
        """Take back what `alloc` returned; raise ``KeyError`` for anything else."""
        ...


#: Name in a configuration -> allocator of the bytes from ``base`` to ``base + size``.
BYTE_ALLOCATORS: Final[Mapping[str, Callable[[int, int], ByteAllocator]]] = MappingProxyType(
    {"slab": SlabAllocator, "buddy": BuddyAllocator, "tlsf": TlsfAllocator}
)


def dma_heap(frames: FrameAllocator, pages: int, algorithm: str = "tlsf") -> ByteAllocator:
    """Take ``pages`` adjacent frames for DMA buffers and return an allocator over them.

    Raises ``ENOMEM``, and ``KeyError`` for an unknown algorithm.
    """
    make = BYTE_ALLOCATORS[algorithm]
    base = frames.alloc_run(pages, DMA)
    return make(base, pages * PAGE_SIZE)
