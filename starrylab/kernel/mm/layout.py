"""Where the parts of a user address space lie (design document 5.1, Linux mm/util.c).

From low to high: the program, its heap, mappings (growing down from `mmap_top`), the
stack, and the two pages of the vDSO.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...machine.api import PAGE_MASK, PAGE_SIZE

MMAP_MIN_ADDR: Final = 0x10000  #: /proc/sys/vm/mmap_min_addr
STACK_GUARD_GAP: Final = 256 * PAGE_SIZE  #: kept free below an area that grows down
MAX_MAP_COUNT: Final = 65530  #: /proc/sys/vm/max_map_count
INFINITY: Final = (1 << 64) - 1  #: a resource limit that does not limit

_MIN_STACK_ROOM: Final = 128 << 20  #: MIN_GAP of arch_pick_mmap_layout


@dataclass(frozen=True, slots=True)
class Layout:
    """Addresses that depend on the architecture alone."""

    user_top: int = 1 << 38  #: first address that is not the user's (Sv39: TASK_SIZE)

    @property
    def vdso(self) -> int:
        """The page of the vDSO, where signal handlers return to (design document 8.2.2)."""
        return self.user_top - 2 * PAGE_SIZE

    @property
    def vvar(self) -> int:
        """The page of what the vDSO reads, right below it."""
        return self.vdso - PAGE_SIZE

    @property
    def stack_top(self) -> int:
        """First address above the stack."""
        return self.user_top - 16 * PAGE_SIZE

    @property
    def dyn_base(self) -> int:
        """Where a movable program that has an interpreter goes (ELF_ET_DYN_BASE)."""
        return self.user_top // 3 * 2 & ~PAGE_MASK

    @property
    def bottom_up_base(self) -> int:
        """Where a search from below starts (TASK_UNMAPPED_BASE)."""
        return self.user_top // 3 & ~PAGE_MASK

    def mmap_top(self, stack_limit: int) -> int:
        """Return the end of the mapping area, given RLIMIT_STACK in bytes."""
        room = max(_MIN_STACK_ROOM, min(stack_limit, self.user_top // 6 * 5))
        return (self.stack_top - room - STACK_GUARD_GAP) & ~PAGE_MASK

    def mmap_base_static(self, size: int) -> int:
        """Return where a movable program of ``size`` bytes without an interpreter goes.

        Linux puts it with the mappings, out of the way of its heap.
        """
        room = (size + PAGE_MASK) & ~PAGE_MASK
        return min(self.dyn_base, self.mmap_top(0) - (1 << 30) - room)
