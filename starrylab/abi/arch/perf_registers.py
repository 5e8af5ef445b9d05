"""Registers and frame records of samples, by architecture (arch/*/include/uapi/asm/perf_regs.h).

A sample's registers are numbered as in NT_PRSTATUS, which riscv64 and aarch64 begin alike; where
they differ, a table says which word of NT_PRSTATUS is meant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..numbers import Arch


@dataclass(frozen=True, slots=True)
class PerfRegisters:
    """What samples of one architecture are made of."""

    words: tuple[int, ...]  #: number of a register in a sample -> its word of NT_PRSTATUS
    sp: int  #: words of NT_PRSTATUS
    fp: int
    ra: int
    #: where, below (or at) the address in fp, a frame record has the caller's fp, and its ra
    record_fp: int
    record_ra: int
    fault_codes: dict[int, int]  #: READ, WRITE, EXEC -> what page_fault_user shows as error_code


PERF_REGISTERS: Final[dict[Arch, PerfRegisters]] = {
    # user_backtrace() of arch/riscv/kernel/perf_callchain.c
    # and scause of its privileged specification
    "riscv64": PerfRegisters(
        tuple(range(32)), sp=2, fp=8, ra=1, record_fp=-16, record_ra=-8,
        fault_codes={1: 13, 2: 15, 4: 12},
    ),
    # ESR_EL1 of translation faults of level 3, from EL0
    "aarch64": PerfRegisters(
        tuple(range(33)), sp=31, fp=29, ra=30, record_fp=0, record_ra=8,
        fault_codes={1: 0x92000007, 2: 0x92000047, 4: 0x82000007},
    ),
    # PC, then r1 to r31; NT_PRSTATUS: r0 to r31, orig_a0, csr_era; Ecode of its exceptions
    "loongarch64": PerfRegisters(
        (33, *range(1, 32)), sp=3, fp=22, ra=1, record_fp=-16, record_ra=-8,
        fault_codes={1: 1, 2: 2, 4: 3},
    ),
}  # fmt: skip
