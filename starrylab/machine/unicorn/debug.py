"""Single steps, breakpoints and watched bytes (see `HartDebug`).

A step shows fetches a page that is ``c.ebreak`` all over but for the one instruction, so
wherever it goes, the CPU stops right behind it.  That needs no counting of instructions,
which unicorn cannot do exactly, and 20 us.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from ..api import (
    EXEC,
    LEFT,
    PAGE_MASK,
    PAGE_SHIFT,
    PAGE_SIZE,
    PTE_FRAME,
    READ,
    STEPPED,
    WRITE,
    Break,
    Fault,
    PageFault,
    PageTable,
    SyscallRegisters,
    Trap,
    UserContext,
    Watch,
    Watched,
)
from . import decode
from .context import A0, ARGUMENTS, ARGUMENTS_AT, MASK, PC
from .engine import ERR_INSN_INVALID, OK
from .patches import EBREAK, Copies, OneInstruction, Patches

if TYPE_CHECKING:
    from .hart import UnicornHart

_ECALL: Final = 0x73
_LONGEST_SEQUENCE: Final = 16  #: instructions from lr to sc (RISC-V volume I, 8.3)
_BLANK: Final = EBREAK * (PAGE_SIZE // 2)


class _Refused(Exception):
    """The code of a step cannot be fetched."""


class UnicornDebug:
    """See `HartDebug`."""

    def __init__(self, hart: UnicornHart) -> None:
        self._hart = hart
        self._tlb = hart.tlb
        self._copies = Copies(hart.tlb, hart.map_memory)
        self._patches: dict[int, Patches] = {}
        self._copies.prepare()
        self._frames = self._copies.take(), self._copies.take()
        self._stepping: OneInstruction | None = None
        self._step_from = 0
        self._step_to = 0
        hart.explain = self._explain

    # -- settings

    def set_breakpoints(self, table: PageTable, addrs: Collection[int]) -> None:
        """See `HartDebug.set_breakpoints`."""
        patches = self._of(table)
        patches.set_breakpoints(addrs)
        self._settle(patches)

    def set_watched(self, table: PageTable, watched: Collection[Watched]) -> None:
        """See `HartDebug.set_watched`."""
        patches = self._of(table)
        patches.set_watched(watched)
        self._settle(patches)

    def _of(self, table: PageTable) -> Patches:
        patches = self._patches.get(id(table))
        if patches is None:
            hart = self._hart
            patches = self._patches[id(table)] = Patches(hart.tlb, self._copies, hart.ram, table)
        return patches

    def _settle(self, patches: Patches) -> None:
        """Put new settings into effect."""
        overrides, key = self._tlb.overrides, id(patches.table)
        if patches.addrs or patches.watched:
            overrides[key] = patches
        else:
            patches.forget()
            del self._patches[key]
            overrides.pop(key, None)
        self._copies.prepare()
        self._refresh()

    def _refresh(self) -> None:
        """Let the TLB take up what overrides the table in use."""
        self._tlb.use(self._hart.table)
        self._tlb.flush()

    # -- one instruction

    def step(self, context: UserContext) -> Trap:
        """See `HartDebug.step`."""
        hart = self._hart
        hart.loader.load(context)
        words = hart.bank.words
        pc, table = words[PC], hart.table
        try:
            instruction = self._instruction(pc)
            if instruction == _ECALL:
                return self._call()
            end = pc + decode.length(instruction)
            if decode.is_load_reserved(instruction):
                end = self._sequence_end(end)
            pages = self._show(pc, end)
        except _Refused:
            return PageFault(max(pc, self._tlb.refused_page), EXEC)
        hit = self._hit(instruction, end > pc + 4)
        self._step_from, self._step_to = pc, end
        self._stepping = self._tlb.overrides[id(table)] = OneInstruction(self._tlb, table, pages)
        try:
            self._refresh()
            trap = hart.run(context)
        finally:
            self._end_step(table)
        return hit if hit is not None and trap is STEPPED else trap

    def _end_step(self, table: PageTable) -> None:
        self._stepping = None
        patches = self._patches.get(id(table))
        if patches is None:
            del self._tlb.overrides[id(table)]
        else:
            self._tlb.overrides[id(table)] = patches
        self._refresh()

    def _call(self) -> Trap:
        """Serve a system call here: whatever the kernel does to the registers is the result."""
        hart = self._hart
        bank = hart.bank
        words = bank.words
        words[PC] = (words[PC] + 4) & MASK
        registers: SyscallRegisters = ARGUMENTS.unpack_from(bank.raw, ARGUMENTS_AT)
        fixed, hart.loader.fixed = hart.loader.fixed, True
        try:
            result = hart.serve_call(registers)
        finally:
            hart.loader.fixed = fixed
        if result is None:
            return LEFT
        words[A0] = result
        return STEPPED

    def _code(self, addr: int) -> int:
        """Return the RAM offset of the halfword at ``addr``; raise `_Refused`."""
        entry = self._hart.table.get(addr >> PAGE_SHIFT, 0)
        if not entry & EXEC:
            entry = self._tlb.serve(addr & ~PAGE_MASK, EXEC)
            if not entry & EXEC:
                self._tlb.refused_page = addr & ~PAGE_MASK
                raise _Refused
        return (entry & PTE_FRAME) + (addr & PAGE_MASK)

    def _instruction(self, addr: int) -> int:
        view = self._hart.ram.view
        at = self._code(addr)
        low = view[at] | view[at + 1] << 8
        if low & 3 != 3:
            return low
        at = self._code(addr + 2)
        return low | (view[at] | view[at + 1] << 8) << 16

    def _sequence_end(self, addr: int) -> int:
        """Return where the LR/SC sequence ends whose lr is just before ``addr``."""
        end = addr
        for _ in range(_LONGEST_SEQUENCE):
            instruction = self._instruction(end)
            end += decode.length(instruction)
            if decode.is_store_conditional(instruction):
                return end
        return addr

    def _show(self, start: int, end: int) -> dict[int, int]:
        """Copy the code from ``start`` to ``end`` to the step's own pages; return those."""
        pages = {}
        view = self._hart.ram.view
        first, last = start >> PAGE_SHIFT, end - 1 >> PAGE_SHIFT
        for page, frame in zip(range(first, last + 1), self._frames, strict=False):
            self._tlb.drop(frame)
            copy = self._copies.view(frame)
            copy[:] = _BLANK
            low = max(start, page << PAGE_SHIFT)
            size = min(end, page + 1 << PAGE_SHIFT) - low
            at, to = self._code(low), low & PAGE_MASK
            copy[to : to + size] = view[at : at + size]
            pages[page] = frame
        return pages

    def _hit(self, instruction: int, is_sequence: bool) -> Watch | None:
        """Say whether the instruction is going to touch watched bytes."""
        patches = self._patches.get(id(self._hart.table))
        if patches is None or not patches.watched:
            return None
        addr = decode.data_address(instruction, self._hart.bank.words)
        if addr is None:
            return None
        size, kinds = decode.access(instruction)
        if is_sequence:
            kinds = READ | WRITE
        return Watch(addr, size, kinds) if patches.overlaps(addr, size, kinds) else None

    # -- why unicorn stopped

    def _explain(self, error: int) -> Trap | None:
        """Return why unicorn stopped, or ``None`` to go on; instead of `UnicornHart.why`."""
        hart = self._hart
        if self._tlb.crash is not None:
            return hart.why(error)
        if self._stepping is not None:
            return self._explain_step(self._stepping, error)
        patches = self._patches.get(id(hart.table))
        if patches is None:
            return hart.why(error)
        if patches.met:
            patches.met = False
            self._tlb.refused = 0
            trap = self.step(hart.loader.running())
            return None if trap is STEPPED else trap
        if error == ERR_INSN_INVALID and not self._tlb.refused:
            pc = hart.bank.words[PC]
            if pc in patches.addrs:
                return Break(pc)
        return hart.why(error)

    def _explain_step(self, step: OneInstruction, error: int) -> Trap | None:
        hart = self._hart
        if step.left:
            self._tlb.refused = 0
            return STEPPED
        if self._tlb.refused or hart.exception >= 0:
            trap = hart.why(error)
            return self._inside(trap) if isinstance(trap, Fault) else trap
        pc = hart.bank.words[PC]
        inside = self._step_from <= pc < self._step_to
        if error == ERR_INSN_INVALID:
            return hart.why(error) if inside else STEPPED
        if error != OK:
            return hart.why(error)
        if not inside:
            return STEPPED
        if pc != self._step_from:
            return None  # a tick within an LR/SC sequence
        return STEPPED if decode.transfers_control(self._instruction(pc)) else hart.why(error)

    def _inside(self, fault: Fault) -> Trap:
        """Return a fault of the instruction itself; one behind it is the end of the step."""
        pc = self._hart.bank.words[PC]
        return fault if self._step_from <= pc < self._step_to else STEPPED
