"""ELF files as execve(2) sees them, written here byte by byte: good, torn and contradictory."""

from __future__ import annotations

import struct

import pytest

from starrylab.abi.elf import (
    EM_RISCV,
    ET_DYN,
    ET_EXEC,
    PF_R,
    PF_W,
    PF_X,
    PT_GNU_STACK,
    PT_INTERP,
    PT_LOAD,
    PT_PHDR,
)
from starrylab.abi.errno import EINVAL, EIO, ENOEXEC, LinuxError
from starrylab.kernel.task.elf import HEADER_SIZE, Image, parse
from starrylab.machine.api import EXEC, READ, WRITE

Line = tuple[int, int, int, int, int, int]  #: type, flags, offset, address, sizes in file, memory
TEXT: Line = (PT_LOAD, PF_R | PF_X, 0, 0x10000, 0x300, 0x300)
DATA: Line = (PT_LOAD, PF_R | PF_W, 0x1000, 0x12000, 0x10, 0x800)


def elf(
    *lines: Line, kind: int = ET_EXEC, machine: int = EM_RISCV, count: int | None = None,
    entry_size: int = 56, ident: bytes = b"\x7fELF\x02\x01\x01", tail: bytes = b"",
) -> bytes:  # fmt: skip
    number = len(lines) if count is None else count
    header = struct.pack(
        "<16sHHIQQQIHHHHHH", ident, kind, machine, 1, 0x10100, HEADER_SIZE, 0, 0, HEADER_SIZE,
        entry_size, number, 0, 0, 0,
    )  # fmt: skip
    table = b"".join(
        struct.pack("<IIQQQQQQ", kind_, flags, offset, addr, addr, in_file, in_memory, 4096)
        for kind_, flags, offset, addr, in_file, in_memory in lines
    )
    return header + table + tail


def read(data: bytes) -> Image:
    return parse(lambda size, offset: data[offset : offset + size], EM_RISCV)


def test_a_static_program() -> None:
    image = read(elf(TEXT, DATA))
    assert (image.entry, image.movable, image.interpreter) == (0x10100, False, None)
    assert [s.prot for s in image.segments] == [READ | EXEC, READ | WRITE]
    assert (image.low, image.high) == (0x10000, 0x12800)
    assert (image.header_addr, image.header_count) == (0x10000 + HEADER_SIZE, 2)
    assert image.executable_stack


def test_a_movable_one_with_an_interpreter() -> None:
    name = b"/lib/ld.so\0"
    where = HEADER_SIZE + 4 * 56
    lines = (
        (PT_PHDR, PF_R, HEADER_SIZE, 0x40, 224, 224),
        (PT_INTERP, PF_R, where, where, len(name), len(name)),
        (PT_LOAD, PF_R, 0, 0, 0x300, 0x300),
        (PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0),
    )
    image = read(elf(*lines, kind=ET_DYN, tail=name))
    assert (image.movable, image.interpreter) == (True, b"/lib/ld.so")
    assert image.header_addr == 0x40
    assert not image.executable_stack


def test_an_empty_segment_is_no_segment() -> None:
    empty = (PT_LOAD, PF_R, 0, 0x20000, 0, 0)
    assert len(read(elf(TEXT, empty)).segments) == 1


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", ENOEXEC),
        (b"#!/bin/sh\n", ENOEXEC),
        (elf(TEXT)[:40], ENOEXEC),
        (elf(TEXT, ident=b"\x7fELF\x01\x01\x01"), ENOEXEC),  # 32 bits
        (elf(TEXT, ident=b"\x7fELF\x02\x02\x01"), ENOEXEC),  # big-endian
        (elf(TEXT, machine=62), ENOEXEC),
        (elf(TEXT, kind=1), ENOEXEC),  # an object file
        (elf(TEXT, entry_size=32), ENOEXEC),
        (elf(), ENOEXEC),
        (elf((PT_GNU_STACK, 0, 0, 0, 0, 0)), ENOEXEC),  # nothing to load
        (elf(TEXT, count=2000), ENOEXEC),
        (elf(TEXT, count=3), EIO),
        (elf((PT_LOAD, PF_R, 0, 0x10000, 0x400, 0x300)), EINVAL),  # more in the file
        (elf((PT_LOAD, PF_R, 8, 0x10000, 0x10, 0x10)), EINVAL),  # no common page offset
        (elf((PT_LOAD, PF_R, 0, (1 << 64) - 4096, 0x10, 0x10)), EINVAL),
        (elf(TEXT, (PT_INTERP, PF_R, 0, 0, 1, 1)), ENOEXEC),
        (elf(TEXT, (PT_INTERP, PF_R, 0, 0, 5000, 5000)), ENOEXEC),
        (elf(TEXT, (PT_INTERP, PF_R, 9999, 0, 12, 12)), EIO),
        (elf(TEXT, (PT_INTERP, PF_R, 1, 0, 3, 3)), ENOEXEC),  # no NUL at the end
    ],
)
def test_what_is_refused(data: bytes, error: type[LinuxError]) -> None:
    with pytest.raises(error):
        read(data)


@pytest.mark.parametrize("length", range(0, HEADER_SIZE + 2 * 56, 7))
def test_a_torn_file_is_an_error_at_every_length(length: int) -> None:
    with pytest.raises((ENOEXEC, EIO)):
        read(elf(TEXT, DATA)[:length])
