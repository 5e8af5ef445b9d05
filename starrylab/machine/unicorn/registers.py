"""How the hart gets at the CPU's registers: in place, or by unicorn's interface.

`layout` finds the CPU's own bank.  Where it cannot, a bank of ours stands in for it,
brought up to date on each way out of user code and written back on each way in.
"""

from __future__ import annotations

import ctypes
from ctypes import c_int, c_uint64, c_void_p
from typing import Any, Final

from .context import (
    F0,
    FLAGS_TO_SOFTFLOAT,
    FRM,
    PC,
    SOFTFLOAT_TO_FLAGS,
    Bank,
    new_bank,
)
from .engine import REG_F0, REG_FFLAGS, REG_FRM, REG_PC, REG_X0, Engine

_N_WRITTEN: Final = 31 + 32 + 2  #: x1..x31, f0..f31, frm, fflags: what goes both ways


class Mirror:
    """A bank of ours, kept equal to the CPU's by batches of reads and writes."""

    def __init__(self, engine: Engine) -> None:
        self.bank: Bank = new_bank()
        self._engine = engine
        self._values = (c_uint64 * (_N_WRITTEN + 1))()
        self._raw = memoryview(self._values).cast("B")
        registers = [REG_X0 + i for i in range(1, 32)] + [REG_F0 + i for i in range(32)]
        registers += [REG_FRM, REG_FFLAGS, REG_PC]
        self._registers = (c_int * len(registers))(*registers)
        base = ctypes.addressof(self._values)
        self._pointers = (c_void_p * len(registers))(*(base + 8 * i for i in range(len(registers))))
        self._read = self._function("uc_reg_read_batch")
        self._write = self._function("uc_reg_write_batch")

    def _function(self, name: str) -> Any:
        function = self._engine.library[name]
        function.argtypes = (c_void_p, c_void_p, c_void_p, c_int)
        return function

    def pull(self) -> None:
        """Bring the bank up to date with the CPU."""
        self._read(self._engine.handle, self._registers, self._pointers, _N_WRITTEN + 1)
        bank, raw, values = self.bank, self._raw, self._values
        bank.raw[8 : PC * 8] = raw[: (PC - 1) * 8]
        bank.words[FRM] = values[PC - 1]
        bank.flags[0] = FLAGS_TO_SOFTFLOAT[values[PC] & 31]
        bank.words[PC] = values[PC + 1]

    def push(self) -> None:
        """Bring the CPU up to date, but for the program counter, which `uc_emu_start` takes."""
        bank, raw, values = self.bank, self._raw, self._values
        raw[: (PC - 1) * 8] = bank.raw[8 : PC * 8]
        values[PC - 1] = bank.words[FRM]
        values[PC] = SOFTFLOAT_TO_FLAGS[bank.flags[0]]
        self._write(self._engine.handle, self._registers, self._pointers, _N_WRITTEN)


assert F0 + 32 == PC
