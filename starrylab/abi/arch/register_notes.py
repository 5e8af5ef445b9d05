"""What registers are for, and what their fields mean.

Sources: RISC-V ELF psABI ("Register Convention"), the RISC-V unprivileged specification, 11.2
(fcsr); AAPCS64 and the Arm architecture reference manual (NZCV, FPCR, FPSR); LoongArch ELF psABI.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ..numbers import Arch


@dataclass(frozen=True, slots=True)
class RegisterField:
    """Bits ``low`` .. ``high`` of a register; ``values`` names what they can be."""

    name: str
    low: int
    high: int
    meaning: str
    values: Mapping[int, str] | None = None


_ROUNDING: Final = MappingProxyType({
    0: "to nearest, ties to even", 1: "towards zero", 2: "down", 3: "up",
    4: "to nearest, ties away from zero", 5: "reserved", 6: "reserved", 7: "reserved",
})  # fmt: skip
_FCSR: Final = (
    RegisterField("NX", 0, 0, "inexact: a result was rounded"),
    RegisterField("UF", 1, 1, "underflow: a result was too small"),
    RegisterField("OF", 2, 2, "overflow: a result was too large"),
    RegisterField("DZ", 3, 3, "division by zero"),
    RegisterField("NV", 4, 4, "invalid operation, such as 0/0"),
    RegisterField("frm", 5, 7, "rounding mode", _ROUNDING),
)
_PSTATE: Final = (
    RegisterField("V", 28, 28, "signed overflow"),
    RegisterField("C", 29, 29, "carry, or no borrow"),
    RegisterField("Z", 30, 30, "zero"),
    RegisterField("N", 31, 31, "negative"),
)

#: architecture -> register -> its fields, from the lowest bit up
FIELDS: Final[dict[Arch, dict[str, tuple[RegisterField, ...]]]] = {
    "riscv64": {"fcsr": _FCSR},
    "aarch64": {"pstate": _PSTATE},
    "loongarch64": {},
}

_RISCV_ROLES: Final = {
    "pc": "address of the next instruction",
    "zero": "always zero",
    "ra": "return address",
    "sp": "stack pointer; kept across calls",
    "gp": "global pointer: small data near it",
    "tp": "thread pointer: thread-local storage",
    "s0": "kept across calls; frame pointer",
    "a0": "first argument, result; of a system call too",
    "a1": "second argument, second half of a result",
    **{f"a{n}": f"argument {n + 1}; not kept across calls" for n in range(2, 7)},
    "a7": "argument 8; number of a system call",
    **{f"t{n}": "temporary; not kept across calls" for n in range(7)},
    **{f"s{n}": "kept across calls" for n in range(1, 12)},
    **{f"ft{n}": "temporary; not kept across calls" for n in range(12)},
    **{f"fs{n}": "kept across calls" for n in range(12)},
    "fa0": "first floating-point argument, result",
    **{f"fa{n}": f"floating-point argument {n + 1}" for n in range(1, 8)},
    "fcsr": "floating-point control and status",
}
_AARCH64_ROLES: Final = {
    **{f"x{n}": f"argument {n + 1}" for n in range(8)},
    "x0": "first argument, result",
    "x8": "address of a large result; number of a system call",
    **{f"x{n}": "temporary; not kept across calls" for n in range(9, 18)},
    "x18": "platform register",
    **{f"x{n}": "kept across calls" for n in range(19, 29)},
    "x29": "frame pointer",
    "x30": "return address",
    "sp": "stack pointer",
    "pc": "address of the next instruction",
    "pstate": "condition flags and processor state",
}
_LOONGARCH_ROLES: Final = {
    "zero": "always zero",
    "ra": "return address",
    "tp": "thread pointer: thread-local storage",
    "sp": "stack pointer; kept across calls",
    "a0": "first argument, result; of a system call too",
    **{f"a{n}": f"argument {n + 1}; not kept across calls" for n in range(1, 8)},
    **{f"t{n}": "temporary; not kept across calls" for n in range(9)},
    "fp": "frame pointer; kept across calls",
    **{f"s{n}": "kept across calls" for n in range(9)},
    "pc": "address of the next instruction",
}

#: architecture -> register -> what it is for
ROLES: Final[dict[Arch, dict[str, str]]] = {
    "riscv64": _RISCV_ROLES,
    "aarch64": _AARCH64_ROLES,
    "loongarch64": _LOONGARCH_ROLES,
}
