"""Registers as gdb numbers and names them: the facts of a target description.

GDB manual, "Standard Target Features", and gdb/features/ of its sources.  A register says
where its bits lie in Linux's NT_PRSTATUS or NT_PRFPREG layout, which is what a
`machine.api.UserContext` gives and takes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ..numbers import Arch
from . import loongarch64
from .riscv64 import FLOATING, GENERAL

GENERAL_SET: Final = 0  #: NT_PRSTATUS
FLOATING_SET: Final = 1  #: NT_PRFPREG
ALWAYS_ZERO: Final = 2  #: in no set: reads as zero, writes are lost
UNAVAILABLE: Final = 3  #: in no set: gdb wants to hear of it, and is told that it is unavailable


@dataclass(frozen=True, slots=True)
class GdbRegister:
    """One register of a target description."""

    name: str
    number: int  #: gdb's
    bits: int
    type: str
    registers: int  #: GENERAL_SET, FLOATING_SET, ALWAYS_ZERO or UNAVAILABLE
    offset: int = 0  #: bytes
    shift: int = 0  #: bits
    mask: int = (1 << 64) - 1
    group: str = ""


@dataclass(frozen=True, slots=True)
class GdbFeature:
    """A set of registers that gdb knows by name."""

    name: str
    registers: tuple[GdbRegister, ...]
    types: str = ""  #: XML that precedes the registers


@dataclass(frozen=True, slots=True)
class GdbTarget:
    """An architecture as gdb sees it."""

    architecture: str  #: as in gdb's `set architecture`
    osabi: str
    features: tuple[GdbFeature, ...]
    expedited: tuple[int, ...]  #: registers that a stop reply brings along, by number
    thread_pointer: int  #: number of the register that thread-local storage hangs on


_POINTERS: Final = {
    "ra": "code_ptr", "pc": "code_ptr", "sp": "data_ptr", "gp": "data_ptr", "tp": "data_ptr",
    "s0": "data_ptr",
}  # fmt: skip
_RISCV_PC: Final = 32
_RISCV_FP: Final = 33  #: number of ft0
_RISCV_CSR: Final = 65  #: number of control and status register 0
_FCSR_OFFSET: Final = 256
_RISCV_DOUBLE: Final = (
    '<union id="riscv_double">'
    '<field name="float" type="ieee_single"/><field name="double" type="ieee_double"/></union>'
)


def _riscv_general() -> tuple[GdbRegister, ...]:
    """Return x0..x31 and pc; Linux's layout begins with pc and leaves x0 out."""
    found = [GdbRegister("zero", 0, 64, "int", ALWAYS_ZERO)]
    for index, name in enumerate(GENERAL):
        number = index or _RISCV_PC
        spelled = "fp" if name == "s0" else name
        kind = _POINTERS.get(name, "int")
        found.append(GdbRegister(spelled, number, 64, kind, GENERAL_SET, 8 * index))
    return tuple(sorted(found, key=lambda register: register.number))


def _riscv_floating() -> tuple[GdbRegister, ...]:
    def status(name: str, csr: int, shift: int, mask: int) -> GdbRegister:
        number = _RISCV_CSR + csr
        return GdbRegister(
            name, number, 32, "int", FLOATING_SET, _FCSR_OFFSET, shift, mask, "float"
        )

    return (
        *(
            GdbRegister(name, _RISCV_FP + n, 64, "riscv_double", FLOATING_SET, 8 * n)
            for n, name in enumerate(FLOATING)
        ),
        status("fflags", 1, 0, 0x1F),  # unprivileged ISA, "Floating-Point Control and Status"
        status("frm", 2, 5, 0x7),
        status("fcsr", 3, 0, 0xFF),
    )


_LOONGARCH_FP: Final = 35  #: number of f0, behind r0..r31, orig_a0, pc and badv
_LOONGARCH_POINTERS: Final = {1: "code_ptr", 3: "data_ptr", 22: "data_ptr"}  #: ra, sp, fp
_FCC_OFFSET: Final = 256
_LOONGARCH_DOUBLE: Final = (
    '<union id="fputype">'
    '<field name="f" type="ieee_single"/><field name="d" type="ieee_double"/></union>'
)


def _loongarch_general() -> tuple[GdbRegister, ...]:
    """Return r0..r31, orig_a0, pc and badv, in the order of Linux's layout."""
    numbered = (
        GdbRegister(f"r{n}", n, 64, _LOONGARCH_POINTERS.get(n, "uint64"), GENERAL_SET, 8 * n)
        for n in range(32)
    )
    kinds = {"orig_a0": "uint64", "pc": "code_ptr", "badv": "code_ptr"}
    index = loongarch64.GENERAL.index
    named = (
        GdbRegister(name, index(name), 64, kind, GENERAL_SET, 8 * index(name))
        for name, kind in kinds.items()
    )
    return (*numbered, *named)


def _loongarch_floating() -> tuple[GdbRegister, ...]:
    """Return f0..f31, the flags of comparisons, and the control and status register."""
    first = _LOONGARCH_FP
    flags, status = first + 32, first + 40
    return (
        *(GdbRegister(f"f{n}", first + n, 64, "fputype", FLOATING_SET, 8 * n) for n in range(32)),
        *(
            GdbRegister(
                f"fcc{n}", flags + n, 8, "uint8", FLOATING_SET, _FCC_OFFSET + n, mask=0xFF,
                group="float",
            )
            for n in range(8)
        ),
        GdbRegister(
            "fcsr", status, 32, "uint32", FLOATING_SET, _FCC_OFFSET + 8, mask=0xFFFF_FFFF,
            group="float",
        ),
    )  # fmt: skip


def _loongarch_unavailable() -> tuple[GdbFeature, ...]:
    """Return vectors and binary translation: gdb 16 refuses a description without them."""

    def rows(names: Iterable[str], first: int, bits: int, kind: str) -> tuple[GdbRegister, ...]:
        return tuple(
            GdbRegister(name, number, bits, kind, UNAVAILABLE)
            for number, name in enumerate(names, first)
        )

    def vectors(name: str, letter: str, first: int, bits: int) -> GdbFeature:
        kind = f"v{bits // 64}i64"
        types = f'<vector id="{kind}" type="int64" count="{bits // 64}"/>'
        return GdbFeature(name, rows((f"{letter}{n}" for n in range(32)), first, bits, kind), types)

    translation = (
        *rows((f"scr{n}" for n in range(4)), 140, 64, "uint64"),
        *rows(("eflags", "ftop"), 144, 32, "uint32"),
    )
    return (
        vectors("org.gnu.gdb.loongarch.lsx", "vr", 76, 128),
        vectors("org.gnu.gdb.loongarch.lasx", "xr", 108, 256),
        GdbFeature("org.gnu.gdb.loongarch.lbt", translation),
    )


GDB_TARGETS: Final[dict[Arch, GdbTarget]] = {
    "riscv64": GdbTarget(
        "riscv:rv64",
        "GNU/Linux",
        (
            GdbFeature("org.gnu.gdb.riscv.cpu", _riscv_general()),
            GdbFeature("org.gnu.gdb.riscv.fpu", _riscv_floating(), _RISCV_DOUBLE),
        ),
        expedited=(2, 8, _RISCV_PC),  # sp, fp, pc
        thread_pointer=4,
    ),
    "loongarch64": GdbTarget(
        "Loongarch64",
        "GNU/Linux",
        (
            GdbFeature("org.gnu.gdb.loongarch.base", _loongarch_general()),
            GdbFeature("org.gnu.gdb.loongarch.fpu", _loongarch_floating(), _LOONGARCH_DOUBLE),
            *_loongarch_unavailable(),
        ),
        expedited=(3, 22, loongarch64.GENERAL.index("pc")),
        thread_pointer=2,
    ),
}
