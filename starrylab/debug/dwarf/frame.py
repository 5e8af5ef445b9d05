"""What values are read from: the memory of a process and the registers of one of its frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from .errors import Unavailable


class Memory(Protocol):
    """The memory of a process, or of what is left of it."""

    def read(self, address: int, size: int) -> bytes:
        """Return exactly ``size`` bytes; raise `NoMemory`."""

    def write(self, address: int, data: bytes) -> None:
        """Change memory; raise `Unavailable` where that cannot be done."""


def no_registers(_number: int, _value: int) -> None:
    """Refuse to change a register."""
    raise Unavailable("registers of this frame cannot be changed")


@dataclass(frozen=True, slots=True)
class FrameState:
    """One physical frame: registers as they were when it was left, and what belongs to it.

    ``registers`` maps DWARF numbers to unsigned values; those that the callees lost are absent.
    ``pc`` is the run-time program counter, ``lookup_pc`` the address to look up: one less in
    frames that are in the middle of a call.
    """

    pc: int
    registers: Mapping[int, int]
    memory: Memory
    cfa: int | None = None
    is_innermost: bool = True
    caller: Callable[[], FrameState | None] = field(default=lambda: None)
    #: offset in the module's thread-local storage -> run-time address
    tls: Callable[[int], int] | None = None
    set_register: Callable[[int, int], None] = no_registers

    @property
    def lookup_pc(self) -> int:
        """The address of the instruction that the frame executes."""
        return self.pc if self.is_innermost else self.pc - 1

    def register(self, number: int) -> int:
        """Return a register by its DWARF number; raise `Unavailable`."""
        value = self.registers.get(number)
        if value is None:
            raise Unavailable(f"register {number} was not saved")
        return value
