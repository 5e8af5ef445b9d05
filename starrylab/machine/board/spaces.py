"""Page tables on the board, and how they follow the kernel's.

The kernel says only *that* a permission or a page went away (`Hart.flush_tlb`), and says it of
the table in use alone.  So before user code runs again, what is mapped on the board is compared
with the kernel's table.  More permissions, and new pages, come with faults.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from ..api import EXEC, PTE_FRAME, PTE_PERMISSIONS, WRITE, PageTable
from . import monitor

_ENTRY: Final = PTE_FRAME | PTE_PERMISSIONS


class Space:
    """One page table on the board."""

    __slots__ = ("changed", "mapped", "number", "stored", "table", "writable")

    def __init__(self, number: int, table: PageTable) -> None:
        self.number = number
        self.table = table
        self.mapped: dict[int, int] = {}  #: virtual page number -> entry, as on the board
        self.writable: set[int] = set()  #: frames that user code can store to
        self.stored: set[int] = (
            set()
        )  #: virtual pages that user code stored to, here or in a parent
        self.changed = False  #: the kernel's table may permit less than `mapped`

    def enter(self, vpn: int, entry: int) -> None:
        """Note a mapping on the board."""
        entry &= _ENTRY
        old = self.mapped.get(vpn, 0)
        self.mapped[vpn] = entry
        if old & WRITE:
            self._find_writable()
        elif entry & WRITE:
            self.writable.add(entry & PTE_FRAME)

    def permits(self, vpn: int, access: int) -> bool:
        """Tell whether the board has a page mapped for ``access``."""
        return bool(self.mapped.get(vpn, 0) & access)

    def executable(self) -> set[int]:
        """Return the frames that user code can be fetched from."""
        return {e & PTE_FRAME for e in self.mapped.values() if e & EXEC}

    def forbid(self) -> tuple[list[int], list[int]]:
        """Return the pages to take away, and those that another entry replaces.

        Both are forgotten here; the caller enters the second anew.
        """
        get, mapped = self.table.get, self.mapped
        gone: list[int] = []
        other: list[int] = []
        for vpn, entry in mapped.items():
            now = get(vpn, 0) & _ENTRY
            if now == entry:
                continue
            if not now & PTE_PERMISSIONS:
                gone.append(vpn)
            elif (now ^ entry) & PTE_FRAME or entry & ~now & PTE_PERMISSIONS:
                other.append(vpn)
        for vpn in (*gone, *other):
            del mapped[vpn]
        self.stored.difference_update(gone)
        if gone or other:
            self._find_writable()
        self.changed = False
        return gone, other

    def forget_page(self, vpn: int) -> bool:
        """Forget a page; tell whether it was mapped."""
        entry = self.mapped.pop(vpn, 0)
        if entry & WRITE:
            self._find_writable()
        return bool(entry)

    def forget_frame(self, frame: int) -> list[int]:
        """Return the pages that show ``frame``, which are forgotten."""
        found = [vpn for vpn, entry in self.mapped.items() if entry & PTE_FRAME == frame]
        for vpn in found:
            del self.mapped[vpn]
        self.writable.discard(frame)
        return found

    def _find_writable(self) -> None:
        self.writable = {e & PTE_FRAME for e in self.mapped.values() if e & WRITE}


class Spaces:
    """The page tables that the board keeps, least recently used first."""

    def __init__(self, limit: int, changes: list[monitor.Change]) -> None:
        self._free = list(range(limit - 1, -1, -1))
        self._changes = changes
        self._spaces: OrderedDict[int, Space] = OrderedDict()  # by the id of the table

    def use(self, table: PageTable, parent: Space | None = None) -> Space:
        """Return the space of ``table``, which takes the place of another's if need be.

        ``parent`` was in use before; a table that is not empty is probably a fork of it.
        """
        space = self._spaces.get(id(table))
        if space is None:
            space = Space(self._number(), table)
            self._spaces[id(table)] = space
            if parent is not None and table:
                space.stored = set(parent.stored)
        else:
            self._spaces.move_to_end(id(table))
        space.changed = True  # a table that is not in use changes without a word
        return space

    def find(self, table: PageTable) -> Space | None:
        """Return the space of ``table``, if it has one."""
        return self._spaces.get(id(table))

    def drop(self, space: Space) -> None:
        """Give a space up."""
        if self._spaces.pop(id(space.table), None) is not None:
            self._changes.append(monitor.DropSpace(space.number))
            self._free.append(space.number)

    def forget_frame(self, frame: int) -> None:
        """Take ``frame`` out of every page table on the board."""
        for space in self._spaces.values():
            for vpn in space.forget_frame(frame):
                self._changes.append(monitor.Unmap(space.number, vpn))

    def _number(self) -> int:
        """Return the number of a space that is not in use."""
        if self._free:
            return self._free.pop()
        # A table that the kernel emptied belongs to a process that is gone.
        key = next((k for k, s in self._spaces.items() if not s.table), None)
        key = next(iter(self._spaces)) if key is None else key
        old = self._spaces.pop(key)
        if old.mapped:
            self._changes.append(monitor.DropSpace(old.number))
        return old.number
