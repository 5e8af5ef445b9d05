"""What a trap costs on the unicorn hart, beside the same work through unicorn's own binding.

Run it on a quiet machine: ``python benchmarks/hart.py``.  Each row is the best of
several runs, in nanoseconds, both columns measured in turn.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

import unicorn
from unicorn import riscv_const as rc
from unicorn import unicorn_const as uc

from starrylab.machine.api import EXEC, LEFT, PAGE_SHIFT, PAGE_SIZE, READ, WRITE, Interrupt
from starrylab.machine.ram import HostRam
from starrylab.machine.unicorn import UnicornHart

ROUNDS = 5
CODE, DATA = 0x10000, 0x100000
N_PAGES = 900

# loop: ecall;  addi s0,s0,-1;  bnez s0,loop;  ebreak
CALLS = struct.pack("<4I", 0x73, 0xFFF40413, 0xFE041CE3, 0x0010_0073)
# loop: ld a1,0(a0);  add a0,a0,a2;  addi s0,s0,-1;  bnez s0,loop;  ebreak
TOUCH = struct.pack("<5I", 0x00053583, 0x00C50533, 0xFFF40413, 0xFE041AE3, 0x0010_0073)


@dataclass
class Row:
    """A measurement."""

    name: str
    hart: Callable[[], float]  #: ns per unit
    binding: Callable[[], float] | None
    target: float | None  #: ns


class Mine:
    """The hart with a handler that does next to nothing."""

    def __init__(self, **options: bool) -> None:
        self.hart = UnicornHart(HostRam(16 << 20), **options)
        self.table: dict[int, int] = {}
        self.left = False
        self.demand: dict[int, int] = {}
        self.hart.bind(self)
        self.hart.use(self.table)

    def syscall(self, registers: tuple[int, ...]) -> int | None:
        """See `TrapHandler.syscall`."""
        return None if self.left else 7

    def page_fault(self, addr: int, access: int) -> int:
        """See `TrapHandler.page_fault`."""
        pte = self.demand.get(addr >> PAGE_SHIFT, 0)
        if pte:
            self.table[addr >> PAGE_SHIFT] = pte
        return pte

    def program(self, code: bytes, **words: int):  # noqa: ANN201
        """Load ``code`` and return a context for it."""
        self.hart.ram.view[PAGE_SIZE : PAGE_SIZE + len(code)] = code
        self.hart.code_changed(PAGE_SIZE)
        self.table[CODE >> PAGE_SHIFT] = PAGE_SIZE | READ | EXEC
        context = self.hart.new_context()
        registers = [0] * 32
        registers[0], registers[8] = CODE, words["n"]
        registers[10], registers[12] = DATA, PAGE_SIZE
        context.set_general(struct.pack("<32Q", *registers))
        return context

    def finish(self, context) -> float:  # noqa: ANN001
        """Run to the end; return seconds."""
        run = self.hart.run
        start = time.perf_counter()
        while type(run(context)) is Interrupt:
            pass
        return time.perf_counter() - start

    def calls(self) -> float:
        """Return ns for a system call."""
        n = 100_000
        self.left = False
        return self.finish(self.program(CALLS, n=n)) / n * 1e9

    def fills(self) -> float:
        """Return ns for a TLB miss on a page that is there."""
        self.table.update(
            (DATA + i * PAGE_SIZE >> PAGE_SHIFT, (i + 2) * PAGE_SIZE | READ | WRITE)
            for i in range(N_PAGES)
        )
        self.finish(self.program(TOUCH, n=N_PAGES))
        self.hart.flush_tlb()
        return self.finish(self.program(TOUCH, n=N_PAGES)) / N_PAGES * 1e9

    def faults(self) -> float:
        """Return ns for a page fault that is served."""
        pages = {
            DATA + i * PAGE_SIZE >> PAGE_SHIFT: (i + 2) * PAGE_SIZE | READ | WRITE
            for i in range(N_PAGES)
        }
        self.demand = pages
        for page in pages:
            self.table.pop(page, None)
        self.hart.flush_tlb()
        return self.finish(self.program(TOUCH, n=N_PAGES)) / N_PAGES * 1e9

    def leaves(self, n_contexts: int = 1) -> float:
        """Return ns for leaving user code at a system call and coming back."""
        n = 10_000
        self.left = True
        contexts = [self.program(CALLS, n=n) for _ in range(n_contexts)]
        run = self.hart.run
        start = time.perf_counter()
        done = 0
        while done < n:
            for context in contexts:
                if run(context) is LEFT:
                    done += 1
        return (time.perf_counter() - start) / n * 1e9

    def alternates(self) -> float:
        """Return ns for the same with two contexts in turn."""
        return self.leaves(2)

    def changes_space(self) -> float:
        """Two contexts in two address spaces, as two processes alternate."""
        n = 10_000
        self.left = True
        pairs = [(self.program(CALLS, n=n), dict(self.table)) for _ in range(2)]
        hart = self.hart
        start = time.perf_counter()
        done = 0
        while done < n:
            for context, table in pairs:
                hart.use(table)
                if hart.run(context) is LEFT:
                    done += 1
        elapsed = time.perf_counter() - start
        hart.use(self.table)
        return elapsed / n * 1e9


class Theirs:
    """The same through the package's binding: its hooks, its reg_read and reg_write."""

    def __init__(self) -> None:
        self.ram = HostRam(16 << 20)
        self.uc = unicorn.Uc(uc.UC_ARCH_RISCV, uc.UC_MODE_RISCV64)
        self.uc.mem_map_ptr(0, self.ram.size, uc.UC_PROT_ALL, self.ram.address)
        self.uc.ctl_set_tlb_mode(uc.UC_TLB_VIRTUAL)
        self.uc.reg_write(rc.UC_RISCV_REG_PRIV, 0)
        self.left = False
        self.table: dict[int, tuple[int, int]] = {}
        self.uc.hook_add(uc.UC_HOOK_INTR, self._trap)
        self.uc.hook_add(uc.UC_HOOK_TLB_FILL, self._fill)

    def _trap(self, engine: unicorn.Uc, number: int, _: object) -> None:
        for register in range(rc.UC_RISCV_REG_A0, rc.UC_RISCV_REG_A7 + 1):
            engine.reg_read(register)
        if self.left:
            engine.emu_stop()
        else:
            engine.reg_write(rc.UC_RISCV_REG_A0, 7)

    def _fill(self, _: unicorn.Uc, addr: int, access: int, entry, data: object) -> bool:  # noqa: ANN001
        found = self.table.get(addr >> PAGE_SHIFT)
        if found is None:
            return False
        entry.paddr, entry.perms = found
        return True

    def run(self, code: bytes, n: int) -> float:
        """Run ``code`` to its end; return seconds."""
        self.ram.view[PAGE_SIZE : PAGE_SIZE + len(code)] = code
        self.uc.ctl_flush_tb()
        self.table[CODE >> PAGE_SHIFT] = (PAGE_SIZE, 7)
        for register, value in ((8, n), (10, DATA), (12, PAGE_SIZE)):
            self.uc.reg_write(rc.UC_RISCV_REG_X0 + register, value)
        start = time.perf_counter()
        pc = CODE
        while True:
            try:
                self.uc.emu_start(pc, 0)
            except unicorn.UcError:
                return time.perf_counter() - start
            pc = self.uc.reg_read(rc.UC_RISCV_REG_PC)

    def calls(self) -> float:
        """Return ns for a system call."""
        n = 10_000
        self.left = False
        return self.run(CALLS, n) / n * 1e9

    def leaves(self) -> float:
        """Return ns for leaving user code at a system call and coming back."""
        n = 5_000
        self.left = True
        return self.run(CALLS, n) / n * 1e9

    def fills(self) -> float:
        """Return ns for a TLB miss on a page that is there."""
        for i in range(N_PAGES):
            self.table[DATA + i * PAGE_SIZE >> PAGE_SHIFT] = ((i + 2) * PAGE_SIZE, 3)
        self.run(TOUCH, N_PAGES)
        self.uc.ctl(uc.UC_CTL_TLB_FLUSH, uc.UC_CTL_IO_WRITE)
        return self.run(TOUCH, N_PAGES) / N_PAGES * 1e9


def main() -> None:
    """Print the table."""
    mine, theirs, slow = Mine(), Theirs(), Mine(window=False)
    print(mine.hart.report())
    rows = [
        Row("system call, served in the hook", mine.calls, theirs.calls, 330),
        Row("  the same without the register window", slow.calls, theirs.calls, None),
        Row("TLB fill, page present", mine.fills, theirs.fills, 400),
        Row("page fault, served in the hook", mine.faults, None, None),
        Row("leave and come back", mine.leaves, theirs.leaves, None),
        Row("  to another context", mine.alternates, None, 2200),
        Row("  to another address space", mine.changes_space, None, None),
    ]
    print(f"{'':42}{'hart':>9}{'binding':>10}{'ratio':>8}{'target':>9}")
    for row in rows:
        hart, binding = [], []
        for _ in range(ROUNDS):
            hart.append(row.hart())
            if row.binding is not None:
                binding.append(row.binding())
        best = min(hart)
        other = f"{min(binding):10.0f}{min(binding) / best:7.1f}x" if binding else " " * 18
        target = "" if row.target is None else f"{row.target:9.0f}"
        print(f"{row.name:42}{best:9.0f}{other}{target}")


if __name__ == "__main__":
    main()
