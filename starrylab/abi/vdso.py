"""The vDSO of each architecture: its functions, and the page of data that they read (vdso(7)).

Linux promises names and versions of the functions; what ``[vvar]`` holds is the kernel's own.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from .arch import ARCHES
from .arch.riscv64_vdso import LISTING
from .numbers import Arch

#: struct vvar: sequence; then, a bit for each clock id, the clocks that can be read and those that
#: are coarse; the coarse ones' resolution in ns; what each clock is ahead of the counter, in ns.
VVAR: Final = struct.Struct("<IIII 12Q")
#: behind it: a bit for each key of riscv_hwprobe(2) that is known, and the values by key
PROBES: Final = struct.Struct("<Q 16Q")
N_PROBES: Final = 16
N_CLOCKS: Final = 12  #: clock ids that have an offset

_HEX: Final = 22  #: columns of a listing that hold the bytes
_EF_RISCV_FLOAT_ABI_DOUBLE: Final = 4
_EF_LOONGARCH_LP64D: Final = 0x43


@dataclass(frozen=True, slots=True)
class Function:
    """A function by its place in the code, in bytes."""

    name: str
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class VdsoCode:
    """The code of one architecture's vDSO."""

    version: str  #: of its symbols
    elf_flags: int
    code: bytes
    functions: tuple[Function, ...]
    sigreturn: str  #: the function that signal handlers return to
    #: DWARF number that stands for the interrupted program counter; 0: unwinders know the frame
    pc_column: int = 0
    uses_counter: bool = False  #: without a readable counter it asks the kernel for every time

    def start_of(self, name: str) -> int:
        """Return where the function ``name`` begins in the code; ``KeyError`` without it."""
        return {function.name: function.start for function in self.functions}[name]


def parse(listing: str) -> tuple[bytes, tuple[Function, ...]]:
    """Return code and functions of a listing: ``bytes  label:  instruction`` a line."""
    code = bytearray()
    starts: list[tuple[str, int]] = []
    for line in listing.splitlines():
        if line.endswith(":"):
            starts.append((line[:-1], len(code)))
        else:
            code += bytes.fromhex(line[:_HEX])
    ends = [start for _, start in starts[1:]] + [len(code)]
    functions = (Function(name, at, end - at) for (name, at), end in zip(starts, ends, strict=True))
    return bytes(code), tuple(functions)


def _riscv64() -> VdsoCode:
    code, functions = parse(LISTING)
    return VdsoCode(
        version="LINUX_4.15",
        elf_flags=_EF_RISCV_FLOAT_ABI_DOUBLE,
        code=code,
        functions=functions,
        sigreturn=ARCHES["riscv64"].trampoline_symbol,
        pc_column=64,  # "alternate frame return column" of the psABI
        uses_counter=True,
    )


def _only_sigreturn(arch: Arch, version: str, elf_flags: int, nop: str) -> VdsoCode:
    """Return the vDSO of an architecture whose clocks are read by system calls."""
    layout = ARCHES[arch]
    padding = bytes.fromhex(nop)
    name = layout.trampoline_symbol
    function = Function(name, len(padding), len(layout.trampoline))
    return VdsoCode(version, elf_flags, padding + layout.trampoline, (function,), name)


VDSO: Final[dict[Arch, VdsoCode]] = {
    "riscv64": _riscv64(),
    "loongarch64": _only_sigreturn("loongarch64", "LINUX_5.10", _EF_LOONGARCH_LP64D, "00004003"),
    "aarch64": _only_sigreturn("aarch64", "LINUX_2.6.39", 0, "1f2003d5"),
}
