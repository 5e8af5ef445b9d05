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
_AT_NULL, _AT_RANDOM = 0, 25
_ET_EXEC = 2
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")


@dataclass
class Segment:
    """One PT_LOAD entry."""

    vaddr: int
    offset: int
    file_size: int
    memory_size: int
    flags: int


@dataclass
class Program:
    """What is needed to start a static program."""

    entry: int
    segments: list[Segment]
    headers_at: int
    header_count: int


def parse(data: bytes) -> Program:
    """Read a 64-bit little-endian RISC-V executable; raise ENOEXEC for anything else."""
    if len(data) < _HEADER.size or data[:6] != b"\x7fELF\x02\x01":
        raise ENOEXEC
    _, kind, machine, _, entry, phoff, _, _, _, phentsize, phnum, *_ = _HEADER.unpack_from(data)
    if kind != _ET_EXEC or machine != EM_RISCV or phentsize != _PROGRAM_HEADER.size:
        raise ENOEXEC
    if not phnum or phoff + phnum * phentsize > len(data):
        raise ENOEXEC
    segments, headers_at = [], 0
    for number in range(phnum):
        p_type, flags, offset, vaddr, _, file_size, memory_size, _ = _PROGRAM_HEADER.unpack_from(
            data, phoff + number * phentsize
        )
        if p_type != PT_LOAD:
            continue
        if file_size > memory_size or offset + file_size > len(data):
            raise ENOEXEC
        segments.append(Segment(vaddr, offset, file_size, memory_size, flags))
        if offset <= phoff < offset + file_size:
            headers_at = vaddr + phoff - offset
    return Program(entry, segments, headers_at, phnum)


def load(memory: Any, data: bytes, program: Program) -> None:
    """Map and fill every segment."""
    for segment in program.segments:
        start = segment.vaddr // PAGE * PAGE
        end = -(-(segment.vaddr + segment.memory_size) // PAGE) * PAGE
        memory.map(start, end, segment.flags)
        memory.write(segment.vaddr, data[segment.offset : segment.offset + segment.file_size])


def build_stack(
    top: int, argv: list[bytes], envp: list[bytes], auxv: list[tuple[int, int]], random: bytes
) -> tuple[int, bytes]:
    """Return the stack pointer, and the bytes from there up to ``top`` (excluded)."""
    strings = random + b"".join(text + b"\0" for text in (*argv, *envp))
    base = (top - len(strings)) // 16 * 16
    at = base + len(random)
    pointers = []
    for text in (*argv, *envp):
        pointers.append(at)
        at += len(text) + 1
    words = [len(argv), *pointers[: len(argv)], 0, *pointers[len(argv) :], 0]
    for pair in (*auxv, (_AT_RANDOM, base), (_AT_NULL, 0)):
        words += pair
    sp = (base - 8 * len(words)) // 16 * 16
    vectors = struct.pack(f"<{len(words)}Q", *words)
    block = vectors.ljust(base - sp, b"\0") + strings
    return sp, block.ljust(top - sp, b"\0")
