"""What execve(2) needs of an ELF file (System V ABI; elf(5)).

Read straight from the bytes with `struct`: a program header table of ten lines is parsed
in microseconds at every execve, and a foreign or torn file gets ``ENOEXEC`` instead of an
exception from somewhere inside a library.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ...abi.elf import (
    EI_CLASS,
    EI_DATA,
    ELFCLASS64,
    ELFDATA2LSB,
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
from ...abi.errno import EINVAL, EIO, ENOEXEC
from ...machine.api import EXEC, PAGE_MASK, READ, WRITE

MAGIC: Final = b"\x7fELF"
HEADER_SIZE: Final = 64
_PHDR_SIZE: Final = 56
_MAX_PHDRS: Final = 65536 // _PHDR_SIZE  #: Linux refuses a larger table
_MAX_INTERP: Final = 4096
_USER_TOP: Final = 1 << 47

_HEADER: Final = struct.Struct("<16sHHIQQQIHHHHHH")
_PHDR: Final = struct.Struct("<IIQQQQQQ")

ReadAt = Callable[[int, int], bytes]  #: size, offset -> bytes


@dataclass(frozen=True, slots=True)
class Segment:
    """A PT_LOAD line; sizes and addresses in bytes, addresses before relocation."""

    vaddr: int
    offset: int
    file_size: int
    memory_size: int
    prot: int  #: READ, WRITE, EXEC


@dataclass(frozen=True, slots=True)
class Image:
    """The loadable part of an ELF file."""

    entry: int
    movable: bool  #: ET_DYN: may be loaded anywhere
    segments: tuple[Segment, ...]
    interpreter: bytes | None
    header_addr: int  #: where the program headers end up in memory, 0 if nowhere
    header_count: int
    executable_stack: bool

    @property
    def low(self) -> int:
        """First address, rounded down to a page."""
        return self.segments[0].vaddr & ~PAGE_MASK

    @property
    def high(self) -> int:
        """End of the last segment, not rounded."""
        return max(segment.vaddr + segment.memory_size for segment in self.segments)


def parse(read_at: ReadAt, machine: int, head: bytes = b"") -> Image:
    """Parse the ELF file behind ``read_at`` for ELF machine number ``machine``.

    ``head`` is what the caller has read of its beginning.

    Raises ``ENOEXEC`` when it is not an executable of this machine, ``EIO`` when it ends
    before its own tables do, ``EINVAL`` when they contradict themselves.
    """
    header = head[:HEADER_SIZE] if len(head) >= HEADER_SIZE else read_at(HEADER_SIZE, 0)
    if len(header) < HEADER_SIZE or header[:4] != MAGIC:
        raise ENOEXEC
    (ident, kind, arch, _version, entry, phoff, _shoff, _flags, _ehsize, phentsize, phnum,
     *_sections) = _HEADER.unpack(header)  # fmt: skip
    if ident[EI_CLASS] != ELFCLASS64 or ident[EI_DATA] != ELFDATA2LSB or arch != machine:
        raise ENOEXEC
    if kind not in (ET_EXEC, ET_DYN) or phentsize != _PHDR_SIZE or not 0 < phnum <= _MAX_PHDRS:
        raise ENOEXEC
    end = phoff + phnum * _PHDR_SIZE
    table = head[phoff:end] if end <= len(head) else read_at(phnum * _PHDR_SIZE, phoff)
    if len(table) < phnum * _PHDR_SIZE:
        raise EIO
    return _image(read_at, entry, kind == ET_DYN, phoff, list(_PHDR.iter_unpack(table)))


def _image(
    read_at: ReadAt, entry: int, movable: bool, phoff: int, headers: list[tuple[int, ...]]
) -> Image:
    segments: list[Segment] = []
    interpreter: bytes | None = None
    header_addr = 0
    executable_stack = True  # without PT_GNU_STACK, as Linux has it for old files
    for kind, flags, offset, vaddr, _paddr, file_size, memory_size, _align in headers:
        if kind == PT_LOAD:
            segment = _segment(flags, offset, vaddr, file_size, memory_size)
            if segment is not None:
                segments.append(segment)
            if offset <= phoff < offset + file_size and not header_addr:
                header_addr = vaddr + phoff - offset
        elif kind == PT_PHDR:
            header_addr = vaddr
        elif kind == PT_INTERP and interpreter is None:
            interpreter = _interpreter(read_at, offset, file_size)
        elif kind == PT_GNU_STACK:
            executable_stack = bool(flags & PF_X)
    if not segments:
        raise ENOEXEC
    return Image(
        entry, movable, tuple(segments), interpreter, header_addr, len(headers), executable_stack
    )


def _segment(
    flags: int, offset: int, vaddr: int, file_size: int, memory_size: int
) -> Segment | None:
    if memory_size == 0:
        return None
    if file_size > memory_size or (offset ^ vaddr) & PAGE_MASK:
        raise EINVAL
    if vaddr + memory_size > _USER_TOP or offset + file_size > 1 << 62:
        raise EINVAL
    prot = (
        (READ if flags & PF_R else 0)
        | (WRITE if flags & PF_W else 0)
        | (EXEC if flags & PF_X else 0)
    )
    return Segment(vaddr, offset, file_size, memory_size, prot)


def _interpreter(read_at: ReadAt, offset: int, size: int) -> bytes:
    if not 2 <= size <= _MAX_INTERP:
        raise ENOEXEC
    name = read_at(size, offset)
    if len(name) < size:
        raise EIO
    if name[-1]:
        raise ENOEXEC
    return name.split(b"\0", 1)[0]
