"""A riscv64 hardware thread on unicorn (Starry Mix 4.1: ``UserContext.run() -> ReturnReason``).

Three rules about unicorn 2.1.4 shape this module:

* System calls and page faults are served inside unicorn's hooks; leaving ``uc_emu_start``
  and coming back costs several times the trap.
* The program counter is never written through unicorn's interface inside a hook: together
  with a stop from another thread, blocks would run twice.  In the register window it may
  be; without one, going elsewhere means to leave.
* An asynchronous stop repeats the instruction it meets, unless ``no_exit_request`` is set
  before anything is translated.  Where that cannot be had, user code runs in slices of a
  number of instructions, which end exactly, and nothing stops it asynchronously.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Final

from ..api import (
    EXEC,
    INTERRUPT,
    LEFT,
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
from . import exceptions, layout, selftest
from .branches import forgetter
from .context import (
    A0,
    ARGUMENTS,
    ARGUMENTS_AT,
    MASK,
    PC,
    Bank,
    Context,
    Loader,
)
from .counter import Counter
from .engine import (
    ERR_INSN_INVALID,
    HOOK_INTR,
    OK,
    Engine,
    IntrHook,
)
from .exceptions import ECALL_FROM_USER, ILLEGAL_INSTRUCTION
from .registers import Mirror
from .report import Report
from .ticker import NativeTicker, ThreadTicker, Ticker, follow_forks
from .tlb import Tlb, map_twice, refuse, unbound

_HEARTBEAT_NS: Final = 50_000_000  #: without ticks, other Python threads get a turn this often
_SLICE: Final = 20_000  #: instructions, about 0.2 ms
_CROWDED: Final = 2000  #: TLB misses from one tick to the next that call for a larger TLB

SyscallServer = Callable[[SyscallRegisters], int | None]


class UnicornHart:
    """See `Hart`.  The keyword arguments refuse a private way of unicorn, for tests."""

    arch = "riscv64"

    def __init__(
        self,
        ram: HostRam | None = None,
        arch: str = "riscv64",
        *,
        window: bool = True,
        no_exit_request: bool = True,
        native_ticker: bool = True,
    ) -> None:
        """Start a CPU; ``ValueError`` for another ``arch``, `EngineError` without unicorn."""
        if arch != self.arch:
            raise ValueError(f"unicorn runs {self.arch} here, not {arch}")
        self.ram = HostRam() if ram is None else ram
        self._engine = engine = Engine()
        self._scratch = HostRam(selftest.SCRATCH_SIZE)
        self.map_memory(0, self.ram)
        self.map_memory(selftest.SCRATCH, self._scratch)
        self.tlb = Tlb(engine)
        self.flush_tlb: Callable[[], object] = self.tlb.flush
        self.flush_pages: Callable[[Sequence[int]], object] = self.tlb.flush_pages
        self.code_changed: Callable[[int], None] = self.tlb.code_changed

        self._mirror: Mirror | None = None
        self.bank = self._find_bank(window)
        self._invalid_addr: memoryview | None = None
        exact_stops = no_exit_request and layout.set_no_exit_request(engine)

        #: Says why unicorn stopped, or None to go on; a debugger wants to be asked first.
        self.explain: Callable[[int], Trap | None] = self.why
        self._debug: HartDebug | None = None
        self.table: PageTable = {}
        self._left = False  #: the handler asked to leave
        self._redirected = False  #: the handler moved the program counter of a mirrored CPU
        self.exception = -1  #: what else came to the hook; -1: nothing
        self._interrupted = False
        self._period_ns = 0
        self._deadline_ns = 0
        self._last_misses = 0
        self._forget_branches = forgetter()
        self.loader = Loader(self.bank, self._clear_reservation if self._mirror else None)
        self.loader.fixed = self._mirror is not None
        #: See `Hart.switch`; only where the registers are used in place.
        self.switch = self.loader.exchange
        self._bind_syscall: Callable[[SyscallServer], None]
        self._hook = self._make_hook()
        engine.hook(HOOK_INTR, self._hook)
        self._slice = 0
        self._start: Callable[..., int] = engine.start
        self._ticker: Ticker | None = None
        self.counter = Counter(engine, None, self._failed)
        self._self_test(exact_stops, window, native_ticker)

    # ---- start

    def map_memory(self, paddr: int, memory: HostRam) -> None:
        """Let ``memory`` be physical memory at ``paddr``, under both aliases."""
        map_twice(self._engine, paddr, memory)

    def _clear_reservation(self) -> None:
        selftest.clear_reservation(self._engine, self.tlb, self._scratch, self._slice)

    def _find_bank(self, window: bool) -> Bank:
        if window and (bank := layout.find_window(self._engine)) is not None:
            return bank
        self._mirror = Mirror(self._engine)
        return self._mirror.bank

    def _self_test(self, exact_stops: bool, window: bool, native_ticker: bool) -> None:
        """Check what was found, choose the substitutes of what was not, prepare the TLB."""
        if window and self._mirror is None:
            self._invalid_addr = selftest.exact_faults(self, self._engine, self._scratch)
        if exact_stops and not selftest.exact_stops(self, self._scratch):
            exact_stops = False
            self._engine.forget_code()
        self._exact_stops = exact_stops
        if not exact_stops:
            self._slice = _SLICE
        else:
            self._ticker = self._make_ticker(native_ticker)
            if not self._ticker.keeps_lock:
                self._start = self._engine.unlocked_start()
            follow_forks(self._ticker)
        selftest.grow_tlb(self, self._scratch)
        if self._mirror is None:
            selftest.single_pages(self, self._engine, self._scratch)
            self._find_counter()
        self._bind_syscall(unbound)
        self.tlb.serve = refuse
        self.use({})
        self.set_tick(0)

    def _find_counter(self) -> None:
        place = layout.find_time_function(self._engine, self.bank)
        self.counter = Counter(self._engine, place, self._failed)
        if not selftest.reads_time(self, self._scratch):
            self.counter.give_up()

    def _failed(self, error: BaseException) -> None:
        """Let `run` raise what a function that unicorn called has raised."""
        self.tlb.crash = error
        self._engine.stop(self._engine.handle)

    def _make_ticker(self, native: bool) -> Ticker:
        if native:
            with contextlib.suppress(OSError):
                return NativeTicker(self._engine)
        return ThreadTicker(self._engine)

    def report(self) -> Report:
        """Say which ways of using unicorn are in effect."""
        return Report(
            version=self._engine.version,
            window=self._mirror is None,
            no_exit_request=self._exact_stops,
            exact_faults=self._invalid_addr is not None,
            ticker=self._ticker.name if self._ticker else "slices",
            counter=self.counter.kind,
        )

    def bind(self, handler: TrapHandler) -> None:
        """See `Hart.bind`."""
        self._bind_syscall(handler.syscall)
        self.serve_call: SyscallServer = handler.syscall
        self.tlb.serve = handler.page_fault

    def new_context(self, template: UserContext | None = None) -> Context:
        """See `Hart.new_context`."""
        return Context(template)

    def use(self, table: PageTable) -> None:
        """See `Hart.use`."""
        if table is not self.table:
            self.table = table
            self.tlb.use(table)
            self.tlb.flush()

    # ---- running

    def run(self, context: UserContext) -> Trap:
        """See `Hart.run`; raises what the handler raised, which it should not."""
        self.loader.load(context)
        words, handle, start = self.bank.words, self._engine.handle, self._start
        mirror = self._mirror
        if not handle:
            raise RuntimeError("the hart is closed")
        while True:
            if mirror is not None:
                mirror.push()
            pc = words[PC]
            # No call lies between this test and the start, so no other thread can come in
            # between and have its stop wiped out by the start.
            if self._interrupted:
                self._interrupted = False
                return INTERRUPT
            error = start(handle, pc, 0, 0, self._slice)
            if self._left:
                self._left = False
                if self.tlb.crash is None:
                    return LEFT
            if self._redirected:
                self._redirected = False
                continue
            if mirror is not None:
                mirror.pull()
            trap = self.explain(error)
            if trap is not None:
                return trap

    def debug(self) -> HartDebug:
        """See `Hart.debug`."""
        if self._debug is None:
            from .debug import UnicornDebug  # most runs need none

            self._debug = UnicornDebug(self)
        return self._debug

    def _make_hook(self) -> object:
        raw, words, mirror = self.bank.raw, self.bank.words, self._mirror
        unpack, handle, stop = ARGUMENTS.unpack_from, self._engine.handle, self._engine.stop
        tlb = self.tlb

        syscall: SyscallServer = unbound

        def bind(function: SyscallServer) -> None:
            nonlocal syscall
            syscall = function

        def trap(_: int, number: int) -> None:
            if number == ECALL_FROM_USER:
                try:
                    result = syscall(unpack(raw, ARGUMENTS_AT))
                except BaseException as error:  # ctypes would print it and go on; `run` raises it
                    tlb.crash = error
                    result = None
                if result is not None:
                    words[A0] = result
                    return
                self._left = True
            else:
                self.exception = number
            stop(handle)

        self._bind_syscall = bind
        return IntrHook(trap if mirror is None else self._mirrored(trap, mirror))

    def _mirrored(
        self, trap: Callable[[int, int], None], mirror: Mirror
    ) -> Callable[[int, int], None]:
        words, handle, stop = self.bank.words, self._engine.handle, self._engine.stop

        def both(engine: int, number: int) -> None:
            mirror.pull()
            pc = words[PC]
            trap(engine, number)
            if self._left or self.exception >= 0:
                return
            if words[PC] == pc:
                mirror.push()
            else:  # not to be written through the interface in here: begin again there
                self._redirected = True
                stop(handle)

        return both

    def why(self, error: int) -> Trap | None:
        """Return why unicorn stopped, or ``None`` to go on."""
        tlb = self.tlb
        if tlb.crash is not None:
            crash, tlb.crash, tlb.refused = tlb.crash, None, 0
            raise crash
        if tlb.refused:
            access, tlb.refused = tlb.refused, 0
            return self._page_fault(access)
        if self.exception >= 0:
            number, self.exception = self.exception, -1
            # unicorn steps over whatever caused an exception, by four bytes.
            self.bank.words[PC] = (self.bank.words[PC] - 4) & MASK
            return self._fault(number)
        if error == ERR_INSN_INVALID:
            return self._fault(ILLEGAL_INSTRUCTION)
        if error != OK:
            raise RuntimeError(f"unicorn stopped with error {error}")
        return self._tick()

    def _tick(self) -> Trap | None:
        misses = self.tlb.misses()
        if misses - self._last_misses > _CROWDED:
            # unicorn enlarges its TLB at a flush, if it is full then.
            self.tlb.flush()
        self._last_misses = misses
        self._forget_branches()
        if self._interrupted:
            self._interrupted = False
            return INTERRUPT
        if self._slice and self._period_ns:
            now = time.monotonic_ns()
            if now < self._deadline_ns:
                return None
            self._deadline_ns = now + self._period_ns
        return INTERRUPT if self._period_ns else None

    def _fault(self, number: int) -> Fault | None:
        """Name an exception; ``None`` for a read of the time, which is done and over."""
        instruction, words = self._instruction(), self.bank.words
        if not exceptions.reads_time(number, instruction):
            return exceptions.name(number, instruction, words)
        target = instruction >> 7 & 31
        if target:
            words[target] = self.counter.read() & MASK
        words[PC] = (words[PC] + 4) & MASK
        return None

    def _page_fault(self, access: int) -> PageFault:
        """Say what exactly was refused; the TLB knows the page."""
        pc, page = self.bank.words[PC], self.tlb.refused_page
        if access == EXEC:
            return PageFault(max(pc, page), access)
        exact = None if self._invalid_addr is None else self._invalid_addr[0]
        return exceptions.refused(self._instruction(), self.bank.words, access, page, exact)

    def _instruction(self) -> int:
        """Return the 32 bits at the program counter, or the 16 that are there."""
        return exceptions.fetch(self.bank.words[PC], self.table, self.ram, self._scratch)

    # ---- time

    def set_clock(self, read: Callable[[], int]) -> bool:
        """See `Hart.set_clock`; the host's monotonic clock is read without Python."""
        return self.counter.show(read)

    def interrupt(self) -> None:
        """See `Hart.interrupt`."""
        self._interrupted = True
        if not self._slice and self._engine.handle:
            self._engine.stop(self._engine.handle)

    def set_tick(self, period_ns: int) -> None:
        """See `Hart.set_tick`; ``ValueError`` for a negative period."""
        if period_ns < 0:
            raise ValueError(period_ns)
        self._period_ns = period_ns
        self._deadline_ns = time.monotonic_ns() + period_ns
        if self._ticker is not None:
            self._ticker.set_period(period_ns or _HEARTBEAT_NS)

    def close(self) -> None:
        """See `Hart.close`; may be called twice.  Contexts keep their registers."""
        if self._ticker is not None:
            self._ticker.close()
            self._ticker = None
        self.loader.unload()
        self.flush_tlb = lambda: None
        self.flush_pages = lambda _: None
        self.tlb.close()  # frames may be freed later
        self._engine.close()
