"""A small kernel that the tests steer, around a hart."""

from __future__ import annotations

import struct
from collections.abc import Callable

from starrylab.machine.api import EXEC, PAGE_SHIFT, PAGE_SIZE, READ, WRITE, Interrupt
from starrylab.machine.unicorn import UnicornHart
from tests.machine.unicorn import riscv_assembler as rv

MODES = {
    "full": {},
    "interface": {"window": False},
    "thread": {"native_ticker": False},
    "slices": {"no_exit_request": False},
    "public": {"window": False, "no_exit_request": False},
}
CODE, DATA, STACK = 0x10000, 0x20000, 0x3F_FFFF_F000


class Bench:
    """The kernel's side: a page table, frames handed out in order, what trapped."""

    def __init__(self, hart: UnicornHart) -> None:
        self.hart = hart
        self.ram = hart.ram
        self.table: dict[int, int] = {}
        self.calls: list[tuple[int, ...]] = []
        self.faults: list[tuple[int, int]] = []
        self.answer: Callable[[tuple[int, ...]], int | None] = lambda registers: None
        self.supply: Callable[[int, int], int] = lambda addr, access: 0
        self._next = 4 * PAGE_SIZE
        hart.bind(self)
        hart.use(self.table)

    def syscall(self, registers):
        self.calls.append(registers)
        return self.answer(registers)

    def page_fault(self, addr, access):
        self.faults.append((addr, access))
        return self.supply(addr, access)

    def frame(self) -> int:
        self._next += PAGE_SIZE
        return self._next

    def map(self, addr: int, permissions: int, frame: int | None = None) -> int:
        frame = self.frame() if frame is None else frame
        self.table[addr >> PAGE_SHIFT] = frame | permissions
        return frame

    def load(self, *words: int, at: int = CODE) -> int:
        """Map a page of code and return its frame."""
        frame = self.map(at, READ | EXEC)
        self.poke(frame, rv.code(*words))
        return frame

    def poke(self, frame: int, data: bytes) -> None:
        self.ram.view[frame : frame + len(data)] = data

    def word(self, at: int) -> int:
        return struct.unpack("<Q", self.ram.view[at : at + 8])[0]

    def context(self, pc: int = CODE, **registers: int):
        context = self.hart.new_context()
        context.pc = pc
        set_registers(context, registers)
        return context

    def finish(self, context, *, limit: int = 100_000):
        """Run over interrupts to the next trap of another kind."""
        for _ in range(limit):
            trap = self.hart.run(context)
            if type(trap) is not Interrupt:
                return trap
        raise AssertionError("user code does not come to an end")

    def data(self, at: int = DATA) -> int:
        return self.map(at, READ | WRITE)


def set_registers(context, registers: dict[str, int]) -> None:
    words = list(struct.unpack("<32Q", context.general()))
    for name, value in registers.items():
        words[getattr(rv, name.upper())] = value & (1 << 64) - 1
    context.set_general(struct.pack("<32Q", *words))


def register(context, number: int) -> int:
    return struct.unpack_from("<Q", context.general(), number * 8)[0] if number else 0
