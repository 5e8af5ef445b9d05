"""What values are read from: the memory of a process and the registers of one of its frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from .errors import Unavailable

if TYPE_CHECKING:
    from .module import ModuleData


class Memory(Protocol):
    """The memory of a process, or of what is left of it."""

    def read(self, address: int, size: int) -> bytes:
        """Return exactly ``size`` bytes; raise `NoMemory`."""

    def write(self, address: int, data: bytes) -> None:
        """Change memory; raise `Unavailable` where that cannot be done."""


#: Stands for the program counter, which has no DWARF number everywhere.
PC: Final = -1


def no_registers(_number: int, _value: int) -> None:
    """Refuse to change a register."""
    raise Unavailable("registers of this frame cannot be changed")


@dataclass(frozen=True, slots=True)
class FrameState:
    """One physical frame: registers as they were when it was left, and what belongs to it.

    ``registers`` maps DWARF numbers to unsigned values; those that the callees lost are absent.
    ``pc`` is the run-time program counter, ``lookup`` the address to look up: inside of the call
    where the frame is in the middle of one.
    """

    pc: int
    lookup: int
    registers: Mapping[int, int]
    memory: Memory
    cfa: int | None = None
    caller: Callable[[], FrameState | None] = field(default=lambda: None)
    #: (module, this frame, offset in thread-local storage) -> run-time address
    tls: Callable[[ModuleData, FrameState, int], int] | None = None
    set_register: Callable[[int, int], None] = no_registers

    def register(self, number: int) -> int:
        """Return a register by its DWARF number; raise `Unavailable`."""
        value = self.registers.get(number)
        if value is None:
            raise Unavailable(f"register {number} was not saved")
        return value
