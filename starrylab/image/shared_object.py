"""Writes a small ELF shared object: code, and what finds functions in it by name and version.

Sources: ELF-64 Object File Format 1.5; System V ABI, chapter 5 (hash table, dynamic section); Linux
Standard Base core, "Symbol Versioning".
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from ..abi.elf import (
    DT_HASH,
    DT_NULL,
    DT_SONAME,
    DT_STRSZ,
    DT_STRTAB,
    DT_SYMENT,
    DT_SYMTAB,
    DT_VERDEF,
    DT_VERDEFNUM,
    DT_VERSYM,
    ET_DYN,
    EV_CURRENT,
    PF_R,
    PF_X,
    PT_DYNAMIC,
    PT_GNU_EH_FRAME,
    PT_LOAD,
    SHT_DYNAMIC,
    SHT_DYNSYM,
    SHT_HASH,
    SHT_PROGBITS,
    SHT_STRTAB,
)
from . import frame_info

_HEADER: Final = struct.Struct("<16sHHIQQQIHHHHHH")
_PROGRAM: Final = struct.Struct("<IIQQQQQQ")
_SECTION: Final = struct.Struct("<IIQQQQIIQQ")
_SYMBOL: Final = struct.Struct("<IBBHQQ")
_IDENT: Final = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")  # 64 bits, little-endian, version 1
_SHT_GNU_VERDEF: Final = 0x6FFFFFFD
_SHT_GNU_VERSYM: Final = 0x6FFFFFFF
_SHF_ALLOC: Final = 2
_SHF_EXECINSTR: Final = 4
_GLOBAL_FUNCTION: Final = 0x12  #: STB_GLOBAL, STT_FUNC
_VER_FLG_BASE: Final = 1
_THE_VERSION: Final = 2  #: index of the version of all functions; 1 is the object itself
_ALIGN: Final = 8
_N_SEGMENTS: Final = 3
_NAMES: Final = ".shstrtab"


@dataclass(frozen=True, slots=True)
class Entry:
    """A function: its place in the code, in bytes."""

    name: str
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Unwinding:
    """How to unwind through the code."""

    registers: frame_info.Registers
    signal_entry: str = ""  #: the function that runs on a signal frame, if any
    pc_column: int = 0  #: see `frame_info.SignalFrame`; 0: leave that function out
    saved: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class SharedObject:
    """What is to be written."""

    machine: int
    flags: int  #: e_flags
    soname: str
    version: str  #: of all functions
    code: bytes
    entries: Sequence[Entry]
    unwinding: Unwinding


@dataclass(slots=True)
class _Section:
    name: str
    kind: int
    data: bytes
    link: str = ""
    info: int = 0
    entry_size: int = 0
    flags: int = _SHF_ALLOC
    at: int = 0


@dataclass(slots=True)
class _Strings:
    """A string table."""

    data: bytearray = field(default_factory=lambda: bytearray(1))

    def add(self, text: str) -> int:
        at = len(self.data)
        self.data += text.encode() + b"\0"
        return at


def write(what: SharedObject) -> tuple[bytes, int]:
    """Return the file, to be loaded as it is, and where the code begins in it."""
    strings = _Strings()
    dynamic = _Section(".dynamic", SHT_DYNAMIC, bytes(16 * 10), ".dynstr", entry_size=16)
    soname = strings.add(what.soname)
    names = [strings.add(entry.name) for entry in what.entries]
    text = _Section(".text", SHT_PROGBITS, what.code, flags=_SHF_ALLOC | _SHF_EXECINSTR)
    symbols = _Section(".dynsym", SHT_DYNSYM, b"", ".dynstr", info=1, entry_size=_SYMBOL.size)
    symbols.data = bytes(_SYMBOL.size * (1 + len(names)))
    versions = _versions(what, strings, soname)
    frames = _Section(".eh_frame", SHT_PROGBITS, _frames(what, 0, 0, 0)[0])
    header = _Section(".eh_frame_hdr", SHT_PROGBITS, _frames(what, 0, 0, 0)[1])
    sections = [
        _hash_table(what),
        symbols,
        _Section(".dynstr", SHT_STRTAB, bytes(strings.data)),
        *versions,
        dynamic,
        header,
        frames,
        text,
    ]
    end = _place(sections, _HEADER.size + _N_SEGMENTS * _PROGRAM.size)
    symbols.data = _symbols(what, names, text.at, 1 + sections.index(text))
    frames.data, header.data = _frames(what, text.at, frames.at, header.at)
    dynamic.data = _dynamic({section.name: section for section in sections}, soname)
    return _file(what, sections, end), text.at


def _place(sections: Sequence[_Section], at: int) -> int:
    """Give each section its place; return the end."""
    for section in sections:
        section.at = at
        at += (len(section.data) + _ALIGN - 1) & -_ALIGN
    return at


def _symbols(what: SharedObject, names: Sequence[int], text: int, index: int) -> bytes:
    rows = [bytes(_SYMBOL.size)]
    for name, entry in zip(names, what.entries, strict=True):
        place = text + entry.start
        rows.append(_SYMBOL.pack(name, _GLOBAL_FUNCTION, 0, index, place, entry.size))
    return b"".join(rows)


def elf_hash(name: str) -> int:
    """Return the hash of a symbol's or version's name (System V ABI, figure 5-13)."""
    value = 0
    for byte in name.encode():
        value = (value << 4) + byte
        high = value & 0xF000_0000
        value = (value ^ high >> 24) & ~high
    return value


def _hash_table(what: SharedObject) -> _Section:
    """One bucket a symbol; symbol 0 ends each chain."""
    n_buckets = len(what.entries)
    buckets, chains = [0] * n_buckets, [0] * (n_buckets + 1)
    for symbol, entry in enumerate(what.entries, 1):
        bucket = elf_hash(entry.name) % n_buckets
        chains[symbol], buckets[bucket] = buckets[bucket], symbol
    words = (n_buckets, len(chains), *buckets, *chains)
    return _Section(".hash", SHT_HASH, struct.pack(f"<{len(words)}I", *words), ".dynsym", 0, 4)


def _versions(what: SharedObject, strings: _Strings, soname: int) -> list[_Section]:
    """Return which version each symbol has, and the definitions of versions."""
    of_symbols = [0] + [_THE_VERSION] * len(what.entries)
    symbols = struct.pack(f"<{len(of_symbols)}H", *of_symbols)
    definitions = (
        (what.soname, soname, _VER_FLG_BASE),
        (what.version, strings.add(what.version), 0),
    )
    rows = b""
    for index, (name, place, flags) in enumerate(definitions, 1):
        following = 28 if index < len(definitions) else 0
        rows += struct.pack("<HHHHIII", 1, flags, index, 1, elf_hash(name), 20, following)
        rows += struct.pack("<II", place, 0)
    return [
        _Section(".gnu.version", _SHT_GNU_VERSYM, symbols, ".dynsym", 0, 2),
        _Section(".gnu.version_d", _SHT_GNU_VERDEF, rows, ".dynstr", len(definitions)),
    ]


def _frames(what: SharedObject, text: int, frames: int, header: int) -> tuple[bytes, bytes]:
    unwinding = what.unwinding
    codes: list[frame_info.Leaf | frame_info.SignalFrame] = []
    for entry in what.entries:
        start, size = text + entry.start, entry.size
        if entry.name != unwinding.signal_entry:
            codes.append(frame_info.Leaf(start, size))
        elif unwinding.pc_column:
            # From the beginning of the code: a return address is looked up one byte before it.
            whole = entry.start + size
            codes.append(frame_info.SignalFrame(text, whole, unwinding.pc_column, unwinding.saved))
    return frame_info.write(unwinding.registers, codes, frames, header)


def _dynamic(sections: dict[str, _Section], soname: int) -> bytes:
    strings, versions = sections[".dynstr"], sections[".gnu.version_d"]
    entries = (
        (DT_SONAME, soname),
        (DT_HASH, sections[".hash"].at),
        (DT_STRTAB, strings.at),
        (DT_SYMTAB, sections[".dynsym"].at),
        (DT_STRSZ, len(strings.data)),
        (DT_SYMENT, _SYMBOL.size),
        (DT_VERSYM, sections[".gnu.version"].at),
        (DT_VERDEF, versions.at),
        (DT_VERDEFNUM, versions.info),
        (DT_NULL, 0),
    )
    return b"".join(struct.pack("<QQ", *entry) for entry in entries)


def _file(what: SharedObject, sections: Sequence[_Section], end: int) -> bytes:
    names = _Strings()
    rows = _section_table(sections, names)
    size = len(names.data) + len(_NAMES) + 1
    rows += _SECTION.pack(names.add(_NAMES), SHT_STRTAB, 0, 0, end, size, 0, 0, 1, 0)
    table = end + size + -size % _ALIGN
    n_sections = len(sections) + 2
    out = bytearray(table) + rows
    segments = _segments(sections, len(out))
    _HEADER.pack_into(
        out, 0, _IDENT, ET_DYN, what.machine, EV_CURRENT, 0, _HEADER.size, table, what.flags,
        _HEADER.size, _PROGRAM.size, _N_SEGMENTS, _SECTION.size, n_sections, n_sections - 1,
    )  # fmt: skip
    out[_HEADER.size : _HEADER.size + len(segments)] = segments
    for section in sections:
        out[section.at : section.at + len(section.data)] = section.data
    out[end : end + size] = names.data
    return bytes(out)


def _section_table(sections: Sequence[_Section], names: _Strings) -> bytes:
    numbers = {section.name: number for number, section in enumerate(sections, 1)}
    rows = bytes(_SECTION.size)
    for section in sections:
        rows += _SECTION.pack(
            names.add(section.name), section.kind, section.flags, section.at, section.at,
            len(section.data), numbers.get(section.link, 0), section.info, _ALIGN,
            section.entry_size,
        )  # fmt: skip
    return rows


def _segments(sections: Sequence[_Section], size: int) -> bytes:
    """Return program headers: all ``size`` bytes of the file, and what is found through them."""
    found = {section.name: section for section in sections}
    rows = _PROGRAM.pack(PT_LOAD, PF_R | PF_X, 0, 0, 0, size, size, 4096)
    for kind, name in ((PT_DYNAMIC, ".dynamic"), (PT_GNU_EH_FRAME, ".eh_frame_hdr")):
        at, length = found[name].at, len(found[name].data)
        rows += _PROGRAM.pack(kind, PF_R, at, at, at, length, length, _ALIGN)
    return rows
