"""A thread's registers, on the board or not.

A register set that ran is on the board, under a number.  The host knows what came with the
last stop, asks for the rest when somebody wants it, and sends what was set when the thread
runs again.  Floating-point registers stay on the board until a signal frame or a debugger
needs them.
"""

from __future__ import annotations

import struct
from typing import Final, Protocol

from ..api import SyscallRegisters
from . import monitor
from .monitor import PC
from .registers import COUNT, Registers

_MASK: Final = (1 << 64) - 1


class Keeper(Protocol):
    """What a context needs of the hart: access to the register sets on the board."""

    registers: Registers

    def pull_registers(self, number: int) -> tuple[int, ...]:
        """Return the general registers of a set on the board."""
        ...

    def pull_state(self, number: int) -> tuple[tuple[int, ...], bytes]:
        """Return both."""
        ...

    def pull_floating(self, number: int) -> bytes:
        """Return its floating-point state, all of it."""
        ...


class BoardContext:
    """See `UserContext`."""

    __slots__ = ("__weakref__", "_keeper", "dirty", "fp", "fp_dirty", "known", "number", "values")

    def __init__(self, keeper: Keeper, template: BoardContext | None = None) -> None:
        self._keeper = keeper
        self.number = -1  #: of its set on the board; -1: it is here alone
        if template is None:
            self.values = [0] * COUNT
            self.known = (1 << COUNT) - 1  #: a set of registers: those that `values` has right
            #: NT_PRFPREG, and behind it what else the board saves; None: it is there alone
            self.fp: bytes | None = bytes(keeper.registers.layout.floating_size)
        else:
            self.values = list(template.values)
            self.known = template.known
            self.fp = template.fp
        self.dirty = 0  #: registers that the board has to be told
        self.fp_dirty = False

    # -- the hart's side -----------------------------------------------------------------------

    def ran(self, registers: dict[int, int]) -> None:
        """Note a stop: what came along is known, the rest is not."""
        known = 1  # what is register zero of both architectures stays zero
        values = self.values
        for number, value in registers.items():
            values[number] = value
            known |= 1 << number
        self.known = known
        self.fp = None

    def changes(self) -> list[monitor.Change]:
        """Return what the board has to be told before it runs these registers."""
        told: list[monitor.Change] = []
        if self.dirty:
            values = tuple((n, self.values[n]) for n in range(COUNT) if self.dirty >> n & 1)
            told.append(monitor.SetRegisters(self.number, values))
            self.dirty = 0
        if self.fp_dirty and self.fp is not None:
            told.append(monitor.SetFloating(self.number, self.fp))
            self.fp_dirty = False
        return told

    def bring_home(self) -> None:
        """Know everything, as the set on the board is about to be used otherwise."""
        self.save()
        self.number = -1

    def must_tell_all(self, *, but_zeros: bool = False) -> None:
        """Note that the board knows nothing of this context, or that it has zeros for it."""
        self.dirty = (1 << COUNT) - 2
        self.fp_dirty = True
        if but_zeros:
            self.dirty = sum(1 << number for number in range(1, COUNT) if self.values[number])
            self.fp_dirty = self.fp is not None and any(self.fp)

    def _pull(self) -> None:
        if self.known == (1 << COUNT) - 1:
            return
        self._learn(self._keeper.pull_registers(self.number))

    def _learn(self, registers: tuple[int, ...]) -> None:
        for number, value in enumerate(registers):
            if not self.known >> number & 1:
                self.values[number] = value
        self.known = (1 << COUNT) - 1

    def _get(self, number: int) -> int:
        if not self.known >> number & 1:
            self._pull()
        return self.values[number]

    def _set(self, number: int, value: int) -> None:
        self.values[number] = value & _MASK
        self.known |= 1 << number
        self.dirty |= 1 << number

    def registers(self) -> list[int]:
        """Return the general registers by number."""
        self._pull()
        return self.values[:PC]

    # -- UserContext -------------------------------------------------------------------------------

    @property
    def pc(self) -> int:
        """The program counter."""
        return self._get(PC)

    @pc.setter
    def pc(self, value: int) -> None:
        self._set(PC, value)

    @property
    def sp(self) -> int:
        """The stack pointer."""
        return self._get(self._keeper.registers.sp)

    @sp.setter
    def sp(self, value: int) -> None:
        self._set(self._keeper.registers.sp, value)

    def arguments(self) -> SyscallRegisters:
        """See `UserContext.arguments`."""
        a0 = self._keeper.registers.a0
        if self.known >> a0 & 0xFF != 0xFF:
            self._pull()
        a = self.values[a0 : a0 + 8]
        return a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]

    def set_result(self, value: int) -> None:
        """See `UserContext.set_result`."""
        self._set(self._keeper.registers.a0, value)

    def set_argument(self, index: int, value: int) -> None:
        """See `UserContext.set_argument`; `IndexError` for another index."""
        if not 0 <= index <= 5:
            raise IndexError(index)
        self._set(self._keeper.registers.a0 + index, value)

    def set_tls(self, value: int) -> None:
        """See `UserContext.set_tls`."""
        self._set(self._keeper.registers.tp, value)

    def enter_function(
        self, pc: int, sp: int, return_address: int, arguments: tuple[int, int, int]
    ) -> None:
        """See `UserContext.enter_function`."""
        registers = self._keeper.registers
        self._set(PC, pc)
        self._set(registers.sp, sp)
        self._set(registers.ra, return_address)
        for index, value in enumerate(arguments):
            self._set(registers.a0 + index, value)

    def restart_syscall(self, first_argument: int) -> None:
        """See `UserContext.restart_syscall`."""
        registers = self._keeper.registers
        self._set(PC, self._get(PC) - registers.layout.syscall_size)
        self._set(registers.a0, first_argument)

    def general(self) -> bytes:
        """See `UserContext.general`."""
        self._pull()
        layout, words = self._keeper.registers.layout, self._keeper.registers.words
        data = b"".join(
            struct.pack("<Q", 0 if number is None else self.values[number]) for number in words
        )
        return data.ljust(layout.general_size, b"\0")

    def set_general(self, data: bytes) -> None:
        """See `UserContext.set_general`; `ValueError` for another size."""
        registers = self._keeper.registers
        if len(data) != registers.layout.general_size:
            raise ValueError(f"the general registers are {registers.layout.general_size} bytes")
        for place, number in enumerate(registers.words):
            if number:
                value = int.from_bytes(data[8 * place : 8 * place + 8], "little")
                if not self.known >> number & 1 or self.values[number] != value:
                    self._set(number, value)

    def floating(self) -> bytes:
        """See `UserContext.floating`."""
        return self._state()[: self._keeper.registers.layout.floating_size]

    def set_floating(self, data: bytes) -> None:
        """See `UserContext.set_floating`; `ValueError` for another size."""
        size = self._keeper.registers.layout.floating_size
        if len(data) != size:
            raise ValueError(f"the floating-point state is {size} bytes")
        self._set_state(data + self._state()[size:])

    def _state(self) -> bytes:
        if self.fp is None:
            self.fp = self._keeper.pull_floating(self.number)
        return self.fp

    def _set_state(self, data: bytes) -> None:
        if self.fp != data:
            self.fp = bytes(data)
            self.fp_dirty = True

    def save(self) -> tuple[bytes, bytes]:
        """See `UserContext.save`."""
        if self.fp is None and self.known != (1 << COUNT) - 1:
            registers, self.fp = self._keeper.pull_state(self.number)
            self._learn(registers)
        return self.general(), self._state()

    def restore(self, general: bytes, floating: bytes) -> None:
        """See `UserContext.restore`."""
        self.set_general(general)
        self._set_state(floating)

    def clear(self, pc: int, sp: int) -> None:
        """See `UserContext.clear`."""
        layout = self._keeper.registers.layout
        self.set_general(bytes(layout.general_size))
        self._set_state(bytes(layout.floating_size))
        self.pc, self.sp = pc, sp
