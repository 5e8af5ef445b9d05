"""The report on a program that a fault ended, instead of a core file (core(5))."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...abi import signal as sig


@dataclass(frozen=True, slots=True)
class DeathReport:
    """Everything that a person needs to see where a program died."""

    pid: int
    tid: int
    comm: str
    signo: int
    code: int  #: si_code
    addr: int  #: the address of the fault; 0 when the signal was sent
    sender: int  #: pid of the sender; 0 for a fault
    pc: int
    registers: Sequence[tuple[str, int]]
    floating: bytes  #: NT_PRFPREG
    area: str  #: the line of /proc/PID/maps that pc lies in; "" if it is not mapped

    def __str__(self) -> str:
        what = f"unhandled signal {self.signo} ({sig.name(self.signo)}) code {self.code:#x}"
        where = f"at {self.addr:#018x}" if not self.sender else f"from process {self.sender}"
        area = f" in {self.area}" if self.area else ""
        return f"{self.comm}[{self.tid}]: {what} {where}, pc {self.pc:#018x}{area}"

    def table(self, columns: int = 3) -> str:
        """Return the registers as lines of ``columns`` cells."""
        cells = [f"{name:>4} {value:016x}" for name, value in self.registers]
        return "\n".join("  ".join(cells[i : i + columns]) for i in range(0, len(cells), columns))
