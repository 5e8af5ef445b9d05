"""Checks at start that what `layout` found does what it should, on the hart itself.

Everything runs in pages of the hart's own, in an address space of their own, so that
nothing is taken from RAM.  The checks are exact and take about a millisecond: a stop is
asked for from inside the very access that must not happen twice.
"""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from ..api import EXEC, INTERRUPT, PAGE_SHIFT, PAGE_SIZE, READ, WRITE, Interrupt, Left, PageTable
from ..ram import HostRam
from .engine import OK, Engine
from .layout import find_cpu, find_invalid_addr

if TYPE_CHECKING:
    from .hart import UnicornHart
    from .tlb import Tlb

SCRATCH_SIZE: Final = 3 * PAGE_SIZE
SCRATCH: Final = 1 << 35  #: the physical address of the scratch pages, above any RAM
_CODE: Final = 0x10_0000
_DATA: Final = 0x20_0000
_TLB_ENTRIES: Final = 1024
_N_STEPS: Final = 40

# amoadd.d a1,a2,(a0);  lr.d a3,(a4);  add a3,a3,a2;  sc.d a5,a3,(a4);  ecall
_ATOMICS: Final = struct.pack("<5I", 0x00C535AF, 0x100736AF, 0x00C686B3, 0x18D737AF, 0x73)
# ld a1,0(a0)
_LOAD: Final = struct.pack("<I", 0x00053583)
# loop: ld a1,0(a0);  add a0,a0,a2;  addi a3,a3,-1;  bnez a3,loop;  ecall
_TOUCH: Final = struct.pack("<5I", 0x00053583, 0x00C50533, 0xFFF68693, 0xFE069AE3, 0x73)
# rdtime a1;  ecall
_READ_TIME: Final = struct.pack("<2I", 0xC01025F3, 0x73)
# auipc t1,0;  sc.d t0,zero,(t1);  ebreak
_STORE_CONDITIONAL: Final = struct.pack("<3I", 0x317, 0x180332AF, 0x0010_0073)


class _Handler:
    """Serves one page of code and data pages that come in two steps, interrupting at each."""

    def __init__(self, hart: UnicornHart, *, interrupts: bool, refuses: bool = False) -> None:
        self.table: PageTable = {_CODE >> PAGE_SHIFT: SCRATCH | READ | EXEC}
        self._hart = hart
        self._interrupts = interrupts
        self._refuses = refuses
        hart.bind(self)
        hart.use(self.table)

    def syscall(self, registers: tuple[int, ...]) -> int | None:
        return None

    def page_fault(self, addr: int, access: int) -> int:
        if self._refuses:
            return 0
        if self._interrupts:
            self._hart.interrupt()
        permissions = READ if access == READ else READ | WRITE
        self.table[addr >> PAGE_SHIFT] = pte = SCRATCH + PAGE_SIZE | permissions
        return pte


def exact_stops(hart: UnicornHart, scratch: HostRam) -> bool:
    """Say whether atomic instructions happen once although a stop meets each of them."""
    scratch.view[: len(_ATOMICS)] = _ATOMICS
    hart.code_changed(SCRATCH)
    struct.pack_into("<2Q", scratch.view, PAGE_SIZE, 100, 200)
    _Handler(hart, interrupts=True)
    context = hart.new_context()
    context.pc = _CODE
    for index, value in ((0, _DATA), (2, 1), (4, _DATA + PAGE_SIZE + 8)):
        context.set_argument(index, value)
    for _ in range(_N_STEPS):
        trap = hart.run(context)
        if type(trap) is Left:
            return struct.unpack_from("<2Q", scratch.view, PAGE_SIZE) == (101, 201)
        if type(trap) is not Interrupt:
            return False
    return False


def exact_faults(hart: UnicornHart, engine: Engine, scratch: HostRam) -> memoryview | None:
    """Return the field in which unicorn notes the address of a fault, or ``None``."""
    scratch.view[: len(_LOAD)] = _LOAD
    hart.code_changed(SCRATCH)
    _Handler(hart, interrupts=False, refuses=True)
    context = hart.new_context()
    field: memoryview | None = None
    for addr in (0x1357_9BDF_2468 | 7, 0x0246_8ACE_1333):
        context.pc = _CODE
        context.set_argument(0, addr)
        hart.run(context)
        if field is None:
            field = find_invalid_addr(engine, addr)
        if field is None or field[0] != addr:
            return None
    return field


def grow_tlb(hart: UnicornHart, scratch: HostRam) -> None:
    """Make unicorn's TLB larger than the 256 entries it starts with.

    It grows at a flush, if more than 70 % full then.  Programs of some size otherwise
    spend their time in misses: 422,901 of them in a start of bash, or 976.
    """
    scratch.view[: len(_TOUCH)] = _TOUCH
    hart.code_changed(SCRATCH)
    handler = _Handler(hart, interrupts=False)
    context = hart.new_context()
    entries = 256
    pte = SCRATCH + PAGE_SIZE | READ
    first = _DATA >> PAGE_SHIFT
    handler.table.update((first + i, pte) for i in range(_TLB_ENTRIES))
    while entries < _TLB_ENTRIES:
        context.clear(_CODE, 0)
        for index, value in ((0, _DATA), (2, PAGE_SIZE), (3, entries * 9 // 10)):
            context.set_argument(index, value)
        while type(hart.run(context)) is Interrupt:
            pass
        hart.flush_tlb()
        entries *= 2


def single_pages(hart: UnicornHart, engine: Engine, scratch: HostRam) -> None:
    """Let the TLB forget single pages, if it does that right: the one, and no other."""
    cpu = find_cpu(engine, hart.bank)
    flush_page = None if cpu is None else engine.page_flusher(cpu)
    if flush_page is None:
        return
    scratch.view[: len(_TOUCH)] = _TOUCH
    hart.code_changed(SCRATCH)
    handler = _Handler(hart, interrupts=False)
    handler.table.update(((_DATA >> PAGE_SHIFT) + i, SCRATCH + PAGE_SIZE | READ) for i in range(2))
    context = hart.new_context()
    misses = [hart.tlb.misses()]
    for step in range(4):
        if step > 1:
            flush_page(_DATA + PAGE_SIZE * (step - 2))
        context.clear(_CODE, 0)
        for index, value in ((0, _DATA), (2, PAGE_SIZE), (3, 2)):
            context.set_argument(index, value)
        while type(hart.run(context)) is Interrupt:
            pass
        misses.append(hart.tlb.misses())
    if [after - before for before, after in pairwise(misses)][1:] == [0, 1, 1]:
        hart.tlb.use_page_flusher(flush_page)


def reads_time(hart: UnicornHart, scratch: HostRam) -> bool:
    """Say whether ``rdtime`` shows what the hart's counter is made to show."""
    scratch.view[: len(_READ_TIME)] = _READ_TIME
    hart.code_changed(SCRATCH)
    for number in (0x1357_9BDF_0246_8ACE, 0xFEDC_BA98_7654_3210):
        hart.counter.show(lambda number=number: number)  # type: ignore[misc]
        _Handler(hart, interrupts=False)
        context = hart.new_context()
        context.pc = _CODE
        while (trap := hart.run(context)) is INTERRUPT:
            pass
        if type(trap) is not Left or context.arguments()[1] != number:
            return False
    return True


def clear_reservation(engine: Engine, tlb: Tlb, scratch: HostRam, limit: int) -> None:
    """Undo any lr without looking into the CPU: a conditional store of our own fails."""
    frame = 2 * PAGE_SIZE
    scratch.view[frame : frame + len(_STORE_CONDITIONAL)] = _STORE_CONDITIONAL
    with tlb.showing(SCRATCH + frame) as addr:
        while engine.start(engine.handle, addr, 0, 0, limit) == OK:
            pass  # a tick came first
