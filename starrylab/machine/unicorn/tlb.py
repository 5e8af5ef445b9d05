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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from ..api import EXEC, PAGE_SHIFT, PAGE_SIZE, PTE_FRAME, READ, WRITE, PageTable
from .engine import ACCESS_FETCH, Engine, FillHook

FETCH_ALIAS: Final = 1 << 36  #: physical address of the alias for fetches
_HIDDEN: Final = 1 << 62  #: a virtual address that no page table has
_MAX_VIEWS: Final = 1024
_ACCESS_TO_BIT: Final = 15  #: UC_MEM_READ and UC_MEM_WRITE less this are READ and WRITE

FaultServer = Callable[[int, int], int]


def _refuse(*_: int) -> int:
    return 0


class Tlb:
    """The fill hook, and what decides which frames are data and which are code."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._empty = engine.flusher()
        self._data: set[int] = set()
        self._code: set[int] = set()
        self._views: dict[int, memoryview] = {}
        self._hidden: PageTable = {}  # what our own code sees besides; empty while users run
        self.serve: FaultServer = _refuse  #: `TrapHandler.page_fault`
        self.refused = 0  #: the access that ended the run, or 0
        self.refused_page = 0  #: where
        self.crash: BaseException | None = None  #: what `serve` raised
        #: Let translations come from another page table, without a flush.
        self.use: Callable[[PageTable], None]
        #: How many misses there were.
        self.misses: Callable[[], int]
        self._hook = self._make_hook()
        engine.hook(1 << 17, self._hook)

    def _make_hook(self) -> object:
        table: PageTable = {}
        misses = 0
        views, data, slow = self._views, self._data, self._fill

        def use(new: PageTable) -> None:
            nonlocal table
            table = new

        def fill(_: int, addr: int, access: int, entry: int) -> bool:
            # Hot: everything is in cells, and what happens seldom happens elsewhere.  The
            # entry is a struct of two words; unicorn itself masks the first to a frame.
            nonlocal misses
            misses += 1
            try:
                pte = table[addr >> PAGE_SHIFT]
                view = views[entry]
            except KeyError:
                return slow(table, addr, access, entry)
            if access == ACCESS_FETCH or not pte & access - _ACCESS_TO_BIT:
                return slow(table, addr, access, entry)
            if pte & WRITE and pte & PTE_FRAME not in data:
                return slow(table, addr, access, entry)
            view[0] = pte
            view[1] = pte & 3
            return True

        self.use = use
        self.misses = lambda: misses
        return FillHook(fill)

    def _fill(self, table: PageTable, addr: int, access: int, entry: int) -> bool:
        view = self._views.get(entry) or self._view_of(entry)
        pte = table.get(addr >> PAGE_SHIFT, 0)
        if access == ACCESS_FETCH:
            return self._fetch(addr, pte, view)
        need = access - _ACCESS_TO_BIT
        if not pte & need:
            pte = self._missing(addr, need)
            if not pte:
                return False
        view[0] = frame = pte & PTE_FRAME
        if pte & WRITE and frame not in self._data:
            view[1] = self._enter_data(frame, pte, need)
        else:
            view[1] = pte & (READ | WRITE)
        return True

    def _view_of(self, entry: int) -> memoryview:
        """Return the two words at ``entry``, a place on unicorn's stack: nearly always one."""
        if len(self._views) >= _MAX_VIEWS:
            self._views.clear()
        view = memoryview((ctypes.c_uint64 * 2).from_address(entry)).cast("B").cast("Q")
        self._views[entry] = view
        return view

    def _missing(self, addr: int, access: int) -> int:
        """Ask the kernel; 0 if it refuses."""
        pte = self._hidden.get(addr >> PAGE_SHIFT, 0)
        if not pte:
            try:
                pte = self.serve(addr, access)
            except BaseException as error:  # ctypes would print it and go on; `run` raises it
                self.crash = error
                pte = 0
        if pte & access:
            return pte
        self.refused = access
        self.refused_page = addr
        return 0

    def _enter_data(self, frame: int, pte: int, access: int) -> int:
        """Return the permissions for a frame that may be written and is not known as data."""
        if frame in self._code:
            if access == READ:
                return pte & READ  # it may stay code until somebody stores to it
            self._drop(frame)
        self._data.add(frame)
        return pte & (READ | WRITE)

    def _fetch(self, addr: int, pte: int, view: memoryview) -> bool:
        if not pte & EXEC:
            pte = self._missing(addr, EXEC)
            if not pte:
                return False
        frame = pte & PTE_FRAME
        if frame not in self._code:
            self._code.add(frame)
            if frame in self._data:
                self._data.remove(frame)
                self._empty()
        view[0] = frame + FETCH_ALIAS
        view[1] = pte & (READ | EXEC)
        return True

    def flush(self) -> None:
        """Forget every translation of the table in use."""
        self._empty()

    def code_changed(self, frame: int) -> None:
        """See `Hart.code_changed`."""
        if frame in self._code:
            self._drop(frame)

    def _drop(self, frame: int) -> None:
        """Make ``frame`` neither code nor data.

        unicorn drops translations by virtual address, which it looks up as a fetch:
        hence the frame is shown at an address of our own meanwhile.
        """
        with self.showing(frame) as addr:
            self._engine.remove_code(addr, addr + PAGE_SIZE)
        self._code.discard(frame)

    @contextmanager
    def showing(self, frame: int) -> Iterator[int]:
        """Let ``frame`` be executable at an address that users do not have, meanwhile."""
        addr = _HIDDEN + frame
        self._hidden[addr >> PAGE_SHIFT] = frame | EXEC
        yield addr
        self._hidden.clear()
        self._empty()
