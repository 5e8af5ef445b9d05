"""What a debugger changes in one address space: breakpoints and watched bytes.

Fetches and data go through different aliases of RAM already, so a page with a breakpoint is
shown to *fetches* as a copy in which the instruction is ``c.ebreak``, while loads see what
is really there.  Nothing in RAM changes, other address spaces run the original, and code
without breakpoints runs as it always does.  A page with watched bytes is refused to the
accesses that are looked for; the one that was refused is then executed by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from ..api import EXEC, PAGE_MASK, PAGE_SHIFT, PAGE_SIZE, PTE_FRAME, READ, WRITE, PageTable, Watched
from ..ram import HostRam
from .tlb import FETCH_ALIAS, HIDDEN, Tlb

EBREAK: Final = b"\x02\x90"  #: c.ebreak (RISC-V volume I, 16.8)
COPIES: Final = 1 << 37  #: physical address of the copies, above RAM and its aliases
_CHUNK: Final = 64 * PAGE_SIZE
_LOW_WATER: Final = 16  #: copies at hand before user code runs
_ACCESS_TO_BIT: Final = 15  #: UC_MEM_READ and UC_MEM_WRITE less this are READ and WRITE


class Copies:
    """Frames outside of RAM that hold copies of code pages."""

    def __init__(self, tlb: Tlb, add_memory: Callable[[int, HostRam], object]) -> None:
        self._tlb = tlb
        self._add_memory = add_memory
        self._chunks: list[HostRam] = []
        self._free: list[int] = []
        self._used: list[int] = []  #: may still have translations

    def prepare(self) -> None:
        """Have enough copies ready.  Not while user code runs: translations are dropped."""
        for frame in self._used:
            self._tlb.drop(frame)
        self._free += self._used
        self._used.clear()
        if len(self._free) < _LOW_WATER:
            self._grow()

    def _grow(self) -> None:
        base = COPIES + len(self._chunks) * _CHUNK
        memory = HostRam(_CHUNK)
        self._add_memory(base, memory)
        self._chunks.append(memory)
        self._free += range(base + _CHUNK - PAGE_SIZE, base - PAGE_SIZE, -PAGE_SIZE)

    def take(self) -> int:
        """Return a frame without translations."""
        if not self._free:  # a page with a breakpoint that is written again and again
            frame = self._used.pop(0)
            self._tlb.drop(frame)
            return frame
        return self._free.pop()

    def give_back(self, frame: int) -> None:
        """Take a frame back; its translations are dropped later."""
        self._used.append(frame)

    def view(self, frame: int) -> memoryview:
        """Return the bytes of a frame."""
        chunk, offset = divmod(frame - COPIES, _CHUNK)
        return self._chunks[chunk].view[offset : offset + PAGE_SIZE]


class Patches:
    """See `tlb.Override`: one address space with breakpoints or watched bytes."""

    def __init__(self, tlb: Tlb, copies: Copies, ram: HostRam, table: PageTable) -> None:
        self._tlb = tlb
        self._copies = copies
        self._ram = ram
        self.table = table
        self.addrs: frozenset[int] = frozenset()
        self.watched: tuple[Watched, ...] = ()
        self.met = False  #: the run ended at an access to a page with watched bytes
        self._by_page: dict[int, list[int]] = {}
        self._watched_pages: dict[int, int] = {}  #: page number -> accesses that are refused
        self._shown: dict[int, tuple[int, int]] = {}  #: page number -> (frame, its copy)

    def set_breakpoints(self, addrs: Iterable[int]) -> None:
        """Replace the breakpoints."""
        self.addrs = frozenset(addrs)
        self._by_page.clear()
        for addr in self.addrs:
            self._by_page.setdefault(addr >> PAGE_SHIFT, []).append(addr & PAGE_MASK)
        self.forget()

    def set_watched(self, watched: Iterable[Watched]) -> None:
        """Replace the watched bytes."""
        self.watched = tuple(watched)
        self._watched_pages.clear()
        for addr, size, access in self.watched:
            # An access of up to 8 bytes that begins in the page before reaches in as well; the
            # hart then asks for both pages, so that page needs no entry of its own.
            for page in range(addr >> PAGE_SHIFT, (addr + size - 1 >> PAGE_SHIFT) + 1):
                self._watched_pages[page] = self._watched_pages.get(page, 0) | access

    def overlaps(self, addr: int, size: int, access: int) -> bool:
        """Tell whether an access touches watched bytes."""
        return any(
            w.access & access and addr < w.addr + w.size and w.addr < addr + size
            for w in self.watched
        )

    def forget(self) -> None:
        """Give the copies back."""
        for _, copy in self._shown.values():
            self._copies.give_back(copy)
        self._shown.clear()

    def data(self, _pte: int, addr: int, access: int, view: memoryview) -> bool:
        """See `tlb.Override.data`."""
        page, need = addr >> PAGE_SHIFT, access - _ACCESS_TO_BIT
        refused = self._watched_pages.get(page, 0)
        if refused & need:
            self.met = True
            return self._tlb.refuse(addr, need)
        if not self._tlb.fill_data(self.table.get(page, 0), addr, access, view):
            return False
        if refused:
            view[1] &= READ if refused == WRITE else WRITE
        return True

    def fetch(self, addr: int, _pte: int, view: memoryview) -> bool:
        """See `tlb.Override.fetch`."""
        page = addr >> PAGE_SHIFT
        if not self._tlb.fill_fetch(addr, self.table.get(page, 0), view):
            return False
        if addr >= HIDDEN:
            return True
        if page in self._by_page:
            view[0] = self._copy(page, view[0] - FETCH_ALIAS & PTE_FRAME) + FETCH_ALIAS
            view[1] = EXEC  # loads are to see the original
        elif page in self._watched_pages:
            view[1] = EXEC
        return True

    def _copy(self, page: int, frame: int) -> int:
        """Return the copy of ``frame``, made anew if another was mapped there before."""
        shown = self._shown.get(page)
        if shown is not None:
            if shown[0] == frame:
                return shown[1]
            self._copies.give_back(shown[1])
        copy = self._copies.take()
        view = self._copies.view(copy)
        view[:] = self._ram.view[frame : frame + PAGE_SIZE]
        for offset in self._by_page[page]:
            view[offset : offset + 2] = EBREAK[: PAGE_SIZE - offset]
        self._shown[page] = frame, copy
        return copy

    def code_dropped(self, frame: int) -> None:
        """See `tlb.Override.code_dropped`."""
        for page, (original, copy) in list(self._shown.items()):
            if original == frame:
                self._copies.give_back(copy)
                del self._shown[page]


class OneInstruction:
    """See `tlb.Override`: an address space where all code but a few bytes is ``c.ebreak``."""

    def __init__(self, tlb: Tlb, table: PageTable, pages: dict[int, int]) -> None:
        self._tlb = tlb
        self._table = table
        self._pages = pages  #: page number -> copy
        self.left = False  #: the run ended at a jump out of these pages

    def data(self, _pte: int, addr: int, access: int, view: memoryview) -> bool:
        """See `tlb.Override.data`."""
        return self._tlb.fill_data(self._table.get(addr >> PAGE_SHIFT, 0), addr, access, view)

    def fetch(self, addr: int, _pte: int, view: memoryview) -> bool:
        """See `tlb.Override.fetch`."""
        copy = self._pages.get(addr >> PAGE_SHIFT)
        if copy is None:
            if addr >= HIDDEN:
                return self._tlb.fill_fetch(addr, 0, view)
            self.left = True
            return self._tlb.refuse(addr, EXEC)
        view[0] = copy + FETCH_ALIAS
        view[1] = EXEC
        return True

    def code_dropped(self, frame: int) -> None:
        """See `tlb.Override.code_dropped`; the step goes on with what was there before it."""
