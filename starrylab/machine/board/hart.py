"""A board's own CPU as a `Hart` (design document 4 and 12).

The kernel runs on the host.  The board runs user code under its monitor, and stops at each
trap.  All that crosses the line is what one side needs of the other's: see `copies` for memory,
`spaces` for page tables, `context` for registers.  Changes wait for the next request, so that
most system calls and page faults are one round trip.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, cast

from ...abi.numbers import Arch
from ..api import (
    EXEC,
    INTERRUPT,
    LEFT,
    PAGE_MASK,
    PAGE_SHIFT,
    PAGE_SIZE,
    PTE_FRAME,
    PTE_PERMISSIONS,
    READ,
    WRITE,
    Fault,
    HartDebug,
    PageFault,
    PageTable,
    SyscallRegisters,
    Trap,
    TrapHandler,
    UserContext,
)
from ..ram import HostRam
from . import follow, registers
from .cache import PageCache
from .context import BoardContext
from .contexts import Contexts
from .copies import Copies
from .history import MOST, History
from .monitor import PC, STORED, Cause, Change, CodeChanged, Map, Monitor, MonitorError, Stop, Unmap
from .ram import BoardRam
from .spaces import Space, Spaces

if TYPE_CHECKING:
    from .debug import BoardDebug

_ACCESS: Final = {Cause.LOAD: READ, Cause.STORE: WRITE, Cause.FETCH: EXEC}
_FAULT: Final = {
    Cause.ILLEGAL: "illegal instruction",
    Cause.BREAKPOINT: "breakpoint",
    Cause.MISALIGNED: "misaligned",
}
_LONGEST_NS: Final = 1_000_000_000  #: without ticks, the host has a look this often
_ZEROS: Final = bytes(PAGE_SIZE)
_AHEAD: Final = 8  #: pages behind a fault that are looked for in what the cache had at first
_PATIENCE: Final = 8  #: faults of one instruction at a page that is mapped
_AROUND: Final = 16  #: pages before and behind a fault that are mapped with it


class BoardHart:
    """See `Hart`."""

    def __init__(
        self, monitor: Monitor, ram: HostRam | None = None, *, shortest_slice_ns: int = 50_000_000
    ) -> None:
        """Run on the board behind ``monitor``, for ``shortest_slice_ns`` at least: a round trip."""
        self.arch = monitor.arch
        self.registers = registers.of(cast("Arch", monitor.arch))
        self.changes: list[Change] = []
        self._monitor = monitor
        self._host = HostRam() if ram is None else ram
        self._cache = PageCache(monitor.slots, monitor.cached)
        self.copies = Copies(self._host.view, self, monitor.memory, self._cache)
        self.ram = BoardRam(self._host, self.copies)
        self.spaces = Spaces(monitor.spaces, self.changes)
        self.copies.evicting = self.spaces.forget_frame
        self._history = History()
        self._contexts = Contexts(self, monitor.contexts, self.changes)
        self._space: Space = self.spaces.use({})
        self._shortest_ns = shortest_slice_ns
        self._period_ns = 0
        self._tick_due = 0  #: on the host's monotonic clock
        monitor.follow(follow.table(cast("Arch", monitor.arch)))
        self._interrupted = False
        self._code_changed = False  #: the board may have fetched what is no longer there
        self._last_fault = 0, 0, 0
        self._debug: BoardDebug | None = None
        self._stepping = False
        self._running: BoardContext
        self.handler: TrapHandler
        self._serve: dict[Cause, Callable[[Stop], Trap | None]] = {
            Cause.SYSCALL: self._syscall,
            Cause.SLICE: self._slice_over,
            **dict.fromkeys(_ACCESS, self._page_fault),
            **dict.fromkeys(_FAULT, self._fault),
        }

    # -- Hart ------------------------------------------------------------------------------------

    def bind(self, handler: TrapHandler) -> None:
        """See `Hart.bind`."""
        self.handler = handler

    def new_context(self, template: UserContext | None = None) -> BoardContext:
        """See `Hart.new_context`."""
        if template is not None and not isinstance(template, BoardContext):
            raise TypeError("the template is another hart's context")
        return self._contexts.new(template)

    def use(self, table: PageTable) -> None:
        """See `Hart.use`."""
        if table is not self._space.table:
            self._space = self.spaces.use(table, parent=self._space)

    def run(self, context: UserContext) -> Trap:
        """See `Hart.run`; raises `MonitorError` when the board is gone."""
        if not isinstance(context, BoardContext):
            raise TypeError("another hart's context")
        self._running = context
        while True:
            if self._interrupted:
                self._interrupted = False
                return INTERRUPT
            trap = self.explain(self.run_in(self._space, self._running))
            if trap is not None or self._ticked():
                return trap or INTERRUPT

    def _ticked(self) -> bool:
        """Tell whether a tick is due, as it may be though each trap came within its slice."""
        now = time.monotonic_ns()
        if not self._period_ns or now < self._tick_due:
            return False
        self._tick_due = now + max(self._period_ns, self._shortest_ns)
        return True

    def switch(self, context: UserContext) -> bool:
        """See `Hart.switch`."""
        if self._stepping or not isinstance(context, BoardContext):
            return False
        self._running = context
        return True

    def debug(self) -> HartDebug:
        """See `Hart.debug`."""
        if self._debug is None:
            from .debug import BoardDebug  # most runs need none

            self._debug = BoardDebug(self)
        return self._debug

    def interrupt(self) -> None:
        """See `Hart.interrupt`; the board hears of it when its slice is over."""
        self._interrupted = True

    def flush_tlb(self) -> None:
        """See `Hart.flush_tlb`."""
        self._space.changed = True

    def flush_pages(self, pages: Sequence[int]) -> None:
        """See `Hart.flush_pages`."""
        self._space.changed = bool(pages) or self._space.changed

    def code_changed(self, frame: int) -> None:
        """See `Hart.code_changed`; the board is told with the next run."""
        if self.copies.get(frame) is not None:
            self._code_changed = True

    def set_clock(self, read: Callable[[], int]) -> bool:
        """See `Hart.set_clock`; user code reads the board's own counter."""
        return False

    def set_tick(self, period_ns: int) -> None:
        """See `Hart.set_tick`; ``ValueError`` for a negative period."""
        if period_ns < 0:
            raise ValueError(period_ns)
        self._period_ns = period_ns

    def close(self) -> None:
        """See `Hart.close`."""
        self._monitor.close()

    # -- what copies and contexts ask ------------------------------------------------------------

    def read(self, pieces: Sequence[tuple[int, int]]) -> list[bytes]:
        """See `copies.Wire.read`."""
        self._tell()
        return self._monitor.read(pieces)

    def pull_registers(self, number: int) -> tuple[int, ...]:
        """See `context.Keeper.pull_registers`."""
        self._tell()
        return self._monitor.registers(number)

    def pull_state(self, number: int) -> tuple[tuple[int, ...], bytes]:
        """See `context.Keeper.pull_state`."""
        self._tell()
        return self._monitor.state(number)

    def pull_floating(self, number: int) -> bytes:
        """See `context.Keeper.pull_floating`."""
        self._tell()
        return self._monitor.floating(number)

    # -- running ---------------------------------------------------------------------------------

    @property
    def table(self) -> PageTable:
        """The page table in use."""
        return self._space.table

    def explain(self, stop: Stop) -> Trap | None:
        """Serve a stop; return the trap that ends the run, if it is one."""
        return self._serve[stop.cause](stop)

    def run_in(self, space: Space, context: BoardContext) -> Stop:
        """Run user code until it traps."""
        self._running = context
        copies = self.copies
        if space.changed:
            self._forbid(space)
        self._push(space)
        self._contexts.load(context)
        if self._code_changed:
            self._code_changed = False
            self.changes.append(CodeChanged())
        slice_ns = max(self._period_ns, self._shortest_ns) if self._period_ns else _LONGEST_NS
        stop = self._monitor.run(self._taken(), space.number, context.number, slice_ns)
        copies.ran(space.writable, stop.dirty)
        context.ran(stop.registers)
        for at, data in stop.memory:
            copies.arrived(at, data)
        return stop

    def _taken(self) -> list[Change]:
        changes = self.changes[:]
        self.changes.clear()
        return changes

    def _tell(self) -> None:
        """Do the changes now, as something is to be read that they may concern."""
        if self.changes:
            self._monitor.change(self._taken())

    def _forbid(self, space: Space) -> None:
        """Take from the board what the kernel's table no longer permits."""
        gone, other = space.forbid()
        self.changes += [Unmap(space.number, vpn) for vpn in gone]
        for vpn in other:
            entry = space.table[vpn]
            if self.copies.get(entry & PTE_FRAME) is None:
                self.changes.append(Unmap(space.number, vpn))
            else:
                self._map(space, vpn, entry)

    def _push(self, space: Space) -> None:
        """Send what the kernel stored in pages that are mapped."""
        pushed = self.copies.push_all({e & PTE_FRAME for e in space.mapped.values()})
        if pushed and pushed & space.executable():
            self._code_changed = True
        if pushed and self._debug is not None:
            self._debug.stored(pushed)

    def _map(self, space: Space, vpn: int, entry: int) -> None:
        if self._debug is None:
            self.map_plain(space, vpn, entry)
            return
        self.copies.push(self.copies.make(entry & PTE_FRAME), keep=not entry & WRITE)
        at, entry = self._debug.shown(space, vpn, entry)
        self.map_plain(space, vpn, entry, at)

    def map_plain(self, space: Space, vpn: int, entry: int, at: int = -1) -> None:
        """Map a page as the kernel wants it, or the page ``at`` of the board in its stead."""
        if at < 0:
            copy = self.copies.make(entry & PTE_FRAME)
            self.copies.push(copy, keep=not entry & WRITE)
            at = copy.at
        if entry & EXEC:
            self._code_changed = True
        stored = STORED if self._stepping and entry & WRITE else 0
        self.changes.append(Map(space.number, vpn, at, entry & PTE_PERMISSIONS | stored))
        space.enter(vpn, entry)

    def code_is_new(self) -> None:
        """Let fetches see what was written."""
        self._code_changed = True

    @contextmanager
    def stepping_space(self) -> Iterator[Space]:
        """Lend a page table for a step."""
        table = self._space.table
        self._stepping = True
        space = self.spaces.use({})
        try:
            yield space
        finally:
            self._stepping = False
            self.spaces.drop(space)
            self._space = self.spaces.use(table)

    # -- traps -----------------------------------------------------------------------------------

    def _syscall(self, _: Stop) -> Trap | None:
        return self.serve_call()

    def serve_call(self) -> Trap | None:
        """Serve a system call."""
        arguments: SyscallRegisters = self._running.arguments()
        result = self.handler.syscall(arguments)
        if result is None:
            return LEFT
        self._running.set_result(result)
        return None

    def _page_fault(self, stop: Stop) -> Trap | None:
        access, addr = _ACCESS[stop.cause], stop.addr
        vpn, space = addr >> PAGE_SHIFT, self._space
        entry = self.entry(addr, access)
        if not entry & access:
            return PageFault(addr, access)
        if space.permits(vpn, access):
            self._expect_progress(stop)
        if self._debug is not None and self._debug.hides(space, vpn, access):
            return self._debug.over(self._running)
        self._map(space, vpn, entry)
        self._map_around(space, vpn, access)
        return None

    def entry(self, addr: int, access: int) -> int:
        """Return the page table entry for an access; one that does not permit it: refused."""
        entry = self._space.table.get(addr >> PAGE_SHIFT, 0)
        if entry & access:
            return entry
        return self.handler.page_fault(addr & ~PAGE_MASK, access)

    def _expect_progress(self, stop: Stop) -> None:
        """Raise `MonitorError` when the board faults again and again where a page is mapped."""
        addr, pc, count = self._last_fault
        again = (addr, pc) == (stop.addr, stop.registers[PC])
        self._last_fault = stop.addr, stop.registers[PC], count + 1 if again else 1
        if self._last_fault[2] > _PATIENCE:
            raise MonitorError(
                f"the board does not get on at {pc:#x}: it has the page of {addr:#x} "
                f"and faults there all the same; its monitor may be of another version"
            )

    def _map_around(self, space: Space, vpn: int, access: int) -> None:
        """Map what is likely to be wanted as well: a few bytes spare a round trip each.

        The kernel serves a fault for each page, as Linux does (fault_around_bytes).
        """
        if self.copies.room <= MOST:
            return  # nobody is to lose a page for what is likely only
        get = space.table.get
        for near in range(vpn - _AROUND, vpn + _AROUND + 1):
            entry = get(near, 0)
            if entry & READ and near not in space.mapped and self._on_board(entry & PTE_FRAME):
                self._map(space, near, entry)
        for near in self._history.near(space, vpn, access):
            self._map_likely(space, near, access)
        if access != WRITE and self._cache.brought:
            for near in range(vpn + 1, vpn + _AHEAD + 1):
                if not self._map_likely(space, near, access):
                    break
        self._history.note(space, vpn, access)

    def _map_likely(self, space: Space, vpn: int, access: int) -> bool:
        """Map a page if that is cheap; tell whether the kernel permits the access at all."""
        entry = space.table.get(vpn, 0)
        if not entry & access:
            entry = self.handler.page_fault(vpn << PAGE_SHIFT, access)
        wanted = entry & access and not space.permits(vpn, access)
        if wanted and self._on_board(entry & PTE_FRAME):
            self._map(space, vpn, entry)
        return bool(entry & access)

    def _on_board(self, frame: int) -> bool:
        """Tell whether mapping ``frame`` costs no more than a few bytes."""
        copy = self.copies.get(frame)
        if copy is not None and not copy.pending:
            return True
        if copy is not None and copy.stale:
            return False
        page = self._host.view[frame : frame + PAGE_SIZE].tobytes()
        return page == _ZEROS or self._cache.has(page)

    def _fault(self, stop: Stop) -> Trap:
        if stop.cause is Cause.BREAKPOINT and self._debug is not None and not self._stepping:
            met = self._debug.broke(self._space, stop.registers[PC])
            if met is not None:
                return met
        return Fault(_FAULT[stop.cause], stop.addr if stop.cause is Cause.MISALIGNED else 0)

    def _slice_over(self, stop: Stop) -> Trap | None:
        return INTERRUPT if self._period_ns else None
