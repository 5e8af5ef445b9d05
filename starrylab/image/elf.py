"""Flatten an ELF file: what a loader would put into memory, as one run of bytes.

Source: ELF-64 Object File Format 1.5; machine numbers of the RISC-V and LoongArch psABI.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from .errors import ImageFormatError

MAGIC: Final = b"\x7fELF"
#: e_machine -> our name of the architecture
MACHINES: Final = {243: "riscv64", 258: "loongarch64", 183: "aarch64", 62: "x86_64"}
LARGEST: Final = 1 << 30  #: bytes in memory; more is a mistake in the linker script

_FLOATING_ABI: Final = {"loongarch64": 0x43}  # lp64d, object file version 1
_HEADER: Final = struct.Struct("<16sHHIQQQIHHHHHH")
_PROGRAM: Final = struct.Struct("<IIQQQQQQ")
_PT_LOAD: Final = 1
_PT_INTERP: Final = 3


@dataclass(frozen=True, slots=True)
class Flat:
    """A program as it lies in memory: `data`, then zeros up to `memory_size` bytes."""

    arch: str
    base: int  # physical address of the first byte
    entry: int  # physical address
    data: bytes
    memory_size: int


def is_elf(data: bytes) -> bool:
    """Whether `data` begins as an ELF file does."""
    return data[:4] == MAGIC


def flatten(file: bytes) -> Flat:
    """Return what the PT_LOAD segments of a bare-metal ELF put into memory, by physical address.

    Raises:
        ImageFormatError: not such a file, cut, for another kind of machine, dynamically linked,
            or with segments that overlap.

    """
    arch, entry, table = _header(file)
    segments = [_PROGRAM.unpack(row) for row in table]
    if any(kind == _PT_INTERP for kind, *_ in segments):
        raise ImageFormatError("the ELF file needs a dynamic linker: link it statically")
    loads = sorted((row for row in segments if row[0] == _PT_LOAD and row[6]), key=lambda s: s[4])
    if not loads:
        raise ImageFormatError("the ELF file has nothing to load")
    return _flat(file, arch, entry, loads)


def _flat(file: bytes, arch: str, entry: int, loads: list[tuple[int, ...]]) -> Flat:
    base = end = loads[0][4]
    image = bytearray()
    start = None
    for _, _, offset, virtual, physical, file_size, memory_size, _ in loads:
        if physical < end:
            raise ImageFormatError(f"segments of the ELF file overlap at {physical:#x}")
        end = physical + memory_size
        if end - base > LARGEST:
            raise ImageFormatError(
                f"the ELF file spans {base:#x}..{end:#x}, more than {LARGEST >> 20} MiB"
            )
        content = file[offset : offset + file_size]
        if len(content) < file_size or file_size > memory_size:
            raise ImageFormatError(f"the segment at {physical:#x} of the ELF file is cut")
        if content:
            image += bytes(physical - base - len(image)) + content
        if virtual <= entry < virtual + memory_size:
            start = entry - virtual + physical
    if start is None:
        raise ImageFormatError(f"the entry {entry:#x} of the ELF file is in none of its segments")
    return Flat(arch, base, start, bytes(image), end - base)


def _header(file: bytes) -> tuple[str, int, list[bytes]]:
    """Return architecture, entry and the rows of the program header table."""
    if len(file) < _HEADER.size or not is_elf(file):
        raise ImageFormatError("no ELF file, or one cut within its header")
    ident, _, machine, _, entry, at, _, _, _, size, count, *_ = _HEADER.unpack_from(file)
    if ident[4:6] != b"\x02\x01":
        raise ImageFormatError("the ELF file is not of 64 bits and little-endian")
    if machine not in MACHINES:
        raise ImageFormatError(f"the ELF file is for machine {machine}, which no board here has")
    rows = [file[at + n * size : at + n * size + _PROGRAM.size] for n in range(count)]
    if size < _PROGRAM.size or any(len(row) < _PROGRAM.size for row in rows):
        raise ImageFormatError("the program headers of the ELF file are cut")
    return MACHINES[machine], entry, rows


def wrap_elf(flat: Flat) -> bytes:
    """Return an ELF file with one segment that holds `flat`, for loaders that take nothing else."""
    number = next(number for number, name in MACHINES.items() if name == flat.arch)
    at = 4096
    flags = _FLOATING_ABI.get(flat.arch, 0)
    ident = MAGIC + b"\x02\x01\x01" + bytes(9)
    header = _HEADER.pack(
        ident, 2, number, 1, flat.entry, _HEADER.size, 0, flags, _HEADER.size, _PROGRAM.size, 1,
        0, 0, 0,
    )  # fmt: skip
    sizes = len(flat.data), flat.memory_size
    segment = _PROGRAM.pack(_PT_LOAD, 7, at, flat.base, flat.base, *sizes, at)
    return (header + segment).ljust(at, b"\0") + flat.data
