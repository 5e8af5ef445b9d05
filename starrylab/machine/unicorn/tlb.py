"""Answers unicorn's TLB misses from the page table, and keeps translated code in step with RAM.

Starry Mix 5 and 4.1: the page table is the kernel's; the CPU only caches it.

RAM is mapped twice.  Data accesses go to an alias without EXEC, fetches to one without
WRITE, because unicorn sends every store to memory that may be executed down a slow path
(34 M stores a second rather than 1.6 G).  The price: unicorn cannot see that a store
changed code.  So a frame is *data* or *code*, never both.  Data: the TLB may hold
writable entries for it, none executable.  Code: the reverse.  A frame goes over at the
first access of the other kind, when its translations are dropped, and the TLB emptied
so that no entry of the old kind is left at any address.  Frames that nobody ever stored
to from user mode are code without ceremony.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Protocol

from ..api import EXEC, PAGE_SHIFT, PAGE_SIZE, PTE_FRAME, READ, WRITE, PageTable
from ..ram import HostRam
from .engine import (
    ACCESS_FETCH,
    ACCESS_READ,
    HOOK_TLB_FILL,
    PROT_EXEC,
    PROT_READ,
    PROT_WRITE,
    Engine,
    FillHook,
)

FETCH_ALIAS: Final = 1 << 36  #: physical address of the alias for fetches
HIDDEN: Final = 1 << 62  #: a virtual address that no page table has
_ACCESS_TO_BIT: Final = 15  #: UC_MEM_READ and UC_MEM_WRITE less this are READ and WRITE

#: More pages than these are forgotten with all others: a page costs 0.3 us, and so do the misses.
_FEW: Final = 16
_MAX_VIEWS: Final = 64  #: places of unicorn's stack to remember; a handful are in use

FaultServer = Callable[[int, int], int]


class Override(Protocol):
    """Answers the misses of one page table instead of `Tlb`, for a debugger."""

    def data(self, pte: int, addr: int, access: int, view: memoryview) -> bool:
        """Fill ``view`` for a load or store at ``addr``, as `Tlb.fill_data`; ``pte`` is 0."""
        ...

    def fetch(self, addr: int, pte: int, view: memoryview) -> bool:
        """Fill ``view`` for a fetch, as `Tlb.fill_fetch`; ``pte`` is 0."""
        ...

    def code_dropped(self, frame: int) -> None:
        """Note that the frame at byte offset ``frame`` was written, or freed."""
        ...


def refuse(*_: int) -> int:
    """Serve no page fault."""
    return 0


def unbound(_: tuple[int, ...]) -> int | None:
    """Serve no system call."""
    raise RuntimeError("a system call before bind()")


def _words_at(address: int) -> memoryview:
    """Return the two 64-bit words at an address of the host."""
    return memoryview((ctypes.c_uint64 * 2).from_address(address)).cast("B").cast("Q")


def map_twice(engine: Engine, paddr: int, memory: HostRam) -> None:
    """Let ``memory`` be physical memory at ``paddr``, under both aliases."""
    for at, permissions in ((0, PROT_WRITE), (FETCH_ALIAS, PROT_EXEC)):
        engine.map(paddr + at, memory.size, PROT_READ | permissions, memory.address)


class Tlb:
    """The fill hook, and what decides which frames are data and which are code."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        #: Forget every translation of the table in use.
        self.flush = engine.flusher()
        self._flush_page: Callable[[int], object] | None = None
        self._data: set[int] = set()
        self._writable: set[int] = set()  #: entries that permit both, of frames in _data
        self._code: set[int] = set()
        self._fetchable: set[int] = set()  #: entries that permit fetches, of frames in _code
        self._hidden: PageTable = {}  # what our own code sees besides; empty while users run
        self.overrides: dict[int, Override] = {}  #: by the id of the page table
        self.serve: FaultServer = refuse  #: `TrapHandler.page_fault`
        self.refused = 0  #: the access that ended the run, or 0
        self.refused_page = 0  #: where
        self.crash: BaseException | None = None  #: what `serve` raised
        #: Let translations come from another page table, without a flush.
        self.use: Callable[[PageTable], None]
        #: How many misses there were.
        self.misses: Callable[[], int]
        self._hook = self._make_hook()
        engine.hook(HOOK_TLB_FILL, self._hook)

    def _make_hook(self) -> object:
        lookup = PageTable().get
        misses = 0
        views: dict[int, memoryview] = {}
        plain = self._writable, self._fetchable, self.fill_data, self.fill_fetch
        writable, fetchable, slow_data, slow_fetch = plain
        overrides, nothing = self.overrides, set[int]()
        overridden = False

        def use(table: PageTable) -> None:
            nonlocal lookup, overridden, writable, fetchable, slow_data, slow_fetch
            lookup = table.get
            if overrides or overridden:
                override = overrides.get(id(table))
                overridden = override is not None
                if override is None:
                    writable, fetchable, slow_data, slow_fetch = plain
                else:  # every miss takes the slow way
                    lookup = PageTable().get
                    writable = fetchable = nothing
                    slow_data, slow_fetch = override.data, override.fetch

        def fill(_: int, addr: int, access: int, entry: int) -> bool:
            # Hot: a fork and the exit of its child cost some twenty misses, for the TLB is
            # empty after each switch.  So what needs no thought is done here.  The entry is
            # a struct of two words, a frame (unicorn masks it) and permissions; unicorn has
            # it on its stack, at a few places only.
            nonlocal misses
            misses += 1
            pte = lookup(addr >> PAGE_SHIFT, 0)
            view = views.get(entry)
            if view is None:
                view = _words_at(entry)
                if len(views) >= _MAX_VIEWS:
                    views.clear()
                views[entry] = view
            if access < ACCESS_FETCH:
                if pte in writable:
                    view[0] = pte
                    view[1] = 3
                    return True
                if pte & 3 == READ and access == ACCESS_READ:
                    view[0] = pte
                    view[1] = READ
                    return True
                return slow_data(pte, addr, access, view)
            if pte in fetchable:
                view[0] = pte + FETCH_ALIAS
                view[1] = READ | EXEC
                return True
            return slow_fetch(addr, pte, view)

        self.use = use
        self.misses = lambda: misses
        return FillHook(fill)

    def fill_data(self, pte: int, addr: int, access: int, view: memoryview) -> bool:
        """Fill ``view``, the two words of a TLB entry, for an access to data."""
        need = access - _ACCESS_TO_BIT
        if not pte & need:
            pte = self._missing(addr, need)
            if not pte:
                return False
        view[0] = pte
        if not pte & WRITE:
            view[1] = pte & READ
        elif (frame := pte & PTE_FRAME) in self._code and need == READ:
            view[1] = pte & READ  # it may stay code until somebody stores to it
        else:
            if frame in self._code:
                self.drop(frame)
            self._data.add(frame)
            if pte & READ:
                self._writable.add(pte)
            view[1] = pte & (READ | WRITE)
        return True

    def _missing(self, addr: int, access: int) -> int:
        """Ask the kernel; 0 if it refuses."""
        if self._hidden and (pte := self._hidden.get(addr >> PAGE_SHIFT, 0)):
            return pte
        try:
            pte = self.serve(addr, access)
        except BaseException as error:  # ctypes would print it and go on; `run` raises it
            self.crash = error
            pte = 0
        if pte & access:
            return pte
        self.refuse(addr, access)
        return 0

    def refuse(self, addr: int, access: int) -> bool:
        """Note that this access ends the run; returns False, as `Override` does then."""
        self.refused = access
        self.refused_page = addr
        return False

    def fill_fetch(self, addr: int, pte: int, view: memoryview) -> bool:
        """Fill ``view`` for a fetch."""
        if not pte & EXEC:
            pte = self._missing(addr, EXEC)
            if not pte:
                return False
        frame = pte & PTE_FRAME
        if frame not in self._code:
            self._code.add(frame)
            if frame in self._data:
                self._data.remove(frame)
                self._writable.clear()
                self.flush()
        if pte & READ:
            self._fetchable.add(pte)
        view[0] = frame + FETCH_ALIAS
        view[1] = pte & (READ | EXEC)
        return True

    def code_changed(self, frame: int) -> None:
        """See `Hart.code_changed`."""
        if frame in self._code:
            self.drop(frame)

    def use_page_flusher(self, flush_page: Callable[[int], object] | None) -> None:
        """Take what forgets the page at an address, without which all is forgotten."""
        self._flush_page = flush_page

    def flush_pages(self, pages: Sequence[int]) -> None:
        """See `Hart.flush_pages`."""
        flush_page = self._flush_page
        if flush_page is None or len(pages) > _FEW:
            self.flush()
        else:
            for page in pages:
                flush_page(page << PAGE_SHIFT)

    def close(self) -> None:
        """Forget all frames, as the engine goes away."""
        self._code.clear()

    def drop(self, frame: int) -> None:
        """Make ``frame`` neither code nor data.

        unicorn drops translations by virtual address, which it looks up as a fetch:
        hence the frame is shown at an address of our own meanwhile.
        """
        with self.showing(frame) as addr:
            self._engine.remove_code(addr, addr + PAGE_SIZE)
        self._code.discard(frame)
        self._fetchable.clear()
        if self.overrides:
            for override in self.overrides.values():
                override.code_dropped(frame)

    @contextmanager
    def showing(self, frame: int) -> Iterator[int]:
        """Let ``frame`` be executable at an address that users do not have, meanwhile."""
        addr = HIDDEN + frame
        self._hidden[addr >> PAGE_SHIFT] = frame | EXEC
        yield addr
        self._hidden.clear()
        self.flush()
