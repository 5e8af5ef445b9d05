"""Lab 8: from an ELF file to a running program."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from starrylab.labs.calls import ENOEXEC

PAGE = 4096
EM_RISCV = 243
PT_LOAD = 1
PF_X, PF_W, PF_R = 1, 2, 4


@dataclass
class Segment:
    """One PT_LOAD entry."""

    vaddr: int  # where it goes
    offset: int  # where it is in the file
    file_size: int  # bytes in the file
    memory_size: int  # bytes in memory: what is more than in the file is zero (bss)
    flags: int  # PF_R | PF_W | PF_X


@dataclass
class Program:
    """What is needed to start a static program."""

    entry: int
    segments: list[Segment]
    headers_at: int  # address of the program headers in memory (AT_PHDR)
    header_count: int  # AT_PHNUM


def parse(data: bytes) -> Program:
    """Read a 64-bit little-endian RISC-V executable; raise ENOEXEC for anything else."""
    raise NotImplementedError("parse")


def load(memory: Any, data: bytes, program: Program) -> None:
    """Map and fill every segment.

    memory.map(start, end, flags)   promises the pages from start to end (multiples of PAGE)
    memory.write(addr, content)     fills them, whatever their permissions are
    """
    raise NotImplementedError("load")


def build_stack(
    top: int, argv: list[bytes], envp: list[bytes], auxv: list[tuple[int, int]], random: bytes
) -> tuple[int, bytes]:
    """Return the stack pointer, and the bytes from there up to ``top`` (excluded).

    ``auxv`` is what the kernel has to tell: (type, value) pairs, to which you add AT_RANDOM (25)
    with the address of the 16 bytes ``random``, and AT_NULL (0) at the end.
    """
    raise NotImplementedError("build_stack")
