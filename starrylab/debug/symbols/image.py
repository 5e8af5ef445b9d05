"""An ELF file, opened read-only: header, segments, sections, build-id (elf(5), ELF gABI ch. 4-5).

Nothing is read before it is asked for; the file is mapped, so a large one costs address space
only. 64-bit little-endian files are read, which is what every machine of the lab runs.
"""

from __future__ import annotations

import mmap
import os
import stat
import struct
import zlib
from collections.abc import Iterator
from functools import cached_property
from typing import Final, NamedTuple

from ...abi import elf

_HEADER: Final = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION: Final = struct.Struct("<IIQQQQIIQQ")
_SEGMENT: Final = struct.Struct("<IIQQQQQQ")
_NOTE: Final = struct.Struct("<III")
_COMPRESSION: Final = struct.Struct("<IIQQ")
_MAGIC: Final = b"\x7fELF"
_SHT_NOBITS: Final = 8
_SHF_COMPRESSED: Final = 1 << 11
_SHN_XINDEX: Final = 0xFFFF
_NT_GNU_BUILD_ID: Final = 3
_ZLIB: Final = 1  #: ELFCOMPRESS_ZLIB
_ZSTD: Final = 2  #: ELFCOMPRESS_ZSTD
#: format -> the best that it can do: a larger claim is a lie
_RATIO: Final = {_ZLIB: 1032, _ZSTD: 1 << 15}


class ImageError(Exception):
    """The file is no ELF file, or a broken one; the message is one line, with its name."""


class Segment(NamedTuple):
    """A program header (elf(5), ``Elf64_Phdr``)."""

    vaddr: int
    offset: int
    filesz: int
    memsz: int
    flags: int  #: PF_X, PF_W, PF_R
    type: int = elf.PT_LOAD
    align: int = 1


class Section(NamedTuple):
    """A section header (elf(5), ``Elf64_Shdr``)."""

    name: str
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    entry_size: int


class ElfImage:
    """An ELF file; every accessor may raise `ImageError` when what it needs is broken."""

    def __init__(self, data: memoryview, name: str) -> None:
        self.path = name
        self.data = data  #: the whole file
        if len(data) < _HEADER.size or bytes(data[:4]) != _MAGIC:
            raise ImageError(f"{name}: not an ELF file")
        if data[elf.EI_CLASS] != elf.ELFCLASS64 or data[elf.EI_DATA] != elf.ELFDATA2LSB:
            raise ImageError(f"{name}: only 64-bit little-endian ELF files are supported")
        (_, self.type, self.machine, _, self.entry, self._phoff, self._shoff, _, _,
         self._phentsize, self._phnum, self._shentsize, self._shnum, self._shstrndx,
         ) = _HEADER.unpack_from(data)  # fmt: skip

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> ElfImage:
        """Map the file ``path``; raise `ImageError`."""
        name = os.fspath(path)
        try:
            with open(name, "rb", opener=_opener) as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode):
                    raise ImageError(f"{name}: not a regular file")
                if status.st_size == 0:
                    raise ImageError(f"{name}: the file is empty")
                content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else None
            raise ImageError(f"{name}: {reason or error}") from error
        return cls(content, name)

    @classmethod
    def from_bytes(cls, data: bytes | bytearray | memoryview, name: str) -> ElfImage:
        """Read an image that is in memory; raise `ImageError`."""
        return cls(memoryview(data).cast("B"), name)

    @property
    def is_pie(self) -> bool:
        """Whether the file is loaded at an address that is not its own (``ET_DYN``)."""
        return bool(self.type == elf.ET_DYN)

    def error(self, message: str) -> ImageError:
        """Return an error that names the file."""
        return ImageError(f"{self.path}: {message}")

    # Segments.

    def segments(self) -> list[Segment]:
        """Return the ``PT_LOAD`` segments, in the file's order."""
        return [segment for segment in self.all_segments if segment.type == elf.PT_LOAD]

    @cached_property
    def all_segments(self) -> tuple[Segment, ...]:
        """Every program header."""
        found = []
        for at in self._headers(self._phoff, self._phnum, self._phentsize, _SEGMENT, "segment"):
            kind, flags, offset, vaddr, _, filesz, memsz, align = _SEGMENT.unpack_from(
                self.data, at
            )
            found.append(Segment(vaddr, offset, filesz, memsz, flags, kind, align))
        return tuple(found)

    def read(self, vaddr: int, size: int) -> memoryview | None:
        """Return ``size`` bytes at a virtual address, None when the file does not hold them."""
        for segment in self.segments():
            offset = vaddr - segment.vaddr
            if offset >= 0 and offset + size <= segment.filesz:
                start = segment.offset + offset
                found = self.data[start : start + size]
                return found if len(found) == size else None
        return None

    def is_code(self, vaddr: int) -> bool:
        """Tell whether an executable segment covers this virtual address."""
        return any(
            segment.flags & elf.PF_X and 0 <= vaddr - segment.vaddr < segment.memsz
            for segment in self.segments()
        )

    # Sections.

    def section(self, name: str) -> memoryview | None:
        """Return a section's bytes, decompressed; None when it is absent or takes no space.

        A debug section is found under its old compressed name too (``.zdebug_*``).
        """
        if name not in self._contents:
            self._contents[name] = self._load(name)
        return self._contents[name]

    def section_address(self, name: str) -> int:
        """Return the virtual address of a section, 0 when there is none."""
        section = self.section_table.get(name)
        return section.address if section else 0

    def content(self, section: Section) -> memoryview:
        """Return the raw bytes of a section header's section."""
        if section.type == _SHT_NOBITS:
            return self.data[:0]
        end = section.offset + section.size
        if end > len(self.data):
            raise self.error(f"section {section.name or '?'} lies outside the file")
        return self.data[section.offset : end]

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """Every section header, in the file's order."""
        raw = [
            _SECTION.unpack_from(self.data, at)
            for at in self._headers(
                self._shoff, self._section_count, self._shentsize, _SECTION, "section"
            )
        ]
        index = self._shstrndx
        if index == _SHN_XINDEX and raw:
            index = raw[0][6]
        names = self.data[:0]
        if 0 < index < len(raw):
            names = self.data[raw[index][4] : raw[index][4] + raw[index][5]]
        strings = bytes(names)
        return tuple(
            Section(
                string_at(strings, row[0]), row[1], row[2], row[3], row[4], row[5], row[6], row[9]
            )
            for row in raw
        )

    @cached_property
    def section_table(self) -> dict[str, Section]:
        """The sections by name; the first one of a name."""
        table: dict[str, Section] = {}
        for section in self.sections:
            table.setdefault(section.name, section)
        return table

    @property
    def _section_count(self) -> int:
        """The number of sections; a file with 65,280 or more keeps it in the first header."""
        if self._shnum == 0 and self._shoff and self._shoff + _SECTION.size <= len(self.data):
            return int(_SECTION.unpack_from(self.data, self._shoff)[5])
        return int(self._shnum)

    @cached_property
    def _contents(self) -> dict[str, memoryview | None]:
        return {}

    def _headers(
        self, offset: int, count: int, size: int, layout: struct.Struct, what: str
    ) -> range:
        """Return where the headers of a table start; raise `ImageError` when it is cut."""
        if offset == 0 or count == 0:
            return range(0)
        if size < layout.size or offset + count * size > len(self.data):
            raise self.error(f"the {what} headers lie outside the file")
        return range(offset, offset + count * size, size)

    def _load(self, name: str) -> memoryview | None:
        section = self.section_table.get(name)
        if section is not None and section.type != _SHT_NOBITS:
            content = self.content(section)
            return (
                self._decompress(section, content) if section.flags & _SHF_COMPRESSED else content
            )
        old = self.section_table.get(f".z{name[1:]}") if name.startswith(".debug_") else None
        if old is None:
            return None
        content = self.content(old)
        if bytes(content[:4]) != b"ZLIB":  # GNU's first format: magic and a big-endian size
            raise self.error(f"section {old.name} is not compressed as its name says")
        return self._expand(_ZLIB, old.name, content[12:], int.from_bytes(content[4:12], "big"))

    def _decompress(self, section: Section, content: memoryview) -> memoryview:
        if len(content) < _COMPRESSION.size:
            raise self.error(f"compressed section {section.name} is cut short")
        kind, _, size, _ = _COMPRESSION.unpack_from(content)
        if kind not in _RATIO:
            raise self.error(
                f"section {section.name} is compressed in the unknown format {kind}; "
                "try objcopy --decompress-debug-sections"
            )
        return self._expand(kind, section.name, content[_COMPRESSION.size :], size)

    def _expand(self, kind: int, name: str, content: memoryview, size: int) -> memoryview:
        plain = b""
        if size <= len(content) * _RATIO[kind] + 64:
            plain = _inflate(content, size) if kind == _ZLIB else _unzstd(content, size)
        if len(plain) != size:
            raise self.error(f"section {name} cannot be decompressed")
        return memoryview(plain)

    # What names the file's debug information.

    @cached_property
    def build_id(self) -> bytes:
        """The linker's hash of the file (``NT_GNU_BUILD_ID``); b"" when it has none."""
        for notes in self._note_areas():
            for name, kind, content in _notes(notes):
                if name == b"GNU\0" and kind == _NT_GNU_BUILD_ID:
                    return bytes(content)
        return b""

    @cached_property
    def debug_link(self) -> tuple[str, int] | None:
        """File name and CRC-32 of the separate debug file (``.gnu_debuglink``)."""
        content = self.section(".gnu_debuglink")
        if content is None:
            return None
        name, nul, _ = bytes(content).partition(b"\0")
        at = (len(name) + 4) & ~3
        if not nul or not name or at + 4 > len(content):
            raise self.error("section .gnu_debuglink is broken")
        return os.fsdecode(name), int.from_bytes(content[at : at + 4], "little")

    @cached_property
    def alternate(self) -> tuple[str, bytes] | None:
        """Path and build-id of the file of shared debug information (``.gnu_debugaltlink``)."""
        content = self.section(".gnu_debugaltlink")
        if content is None:
            return None
        name, _, build_id = bytes(content).partition(b"\0")
        return os.fsdecode(name), build_id

    def _note_areas(self) -> Iterator[memoryview]:
        for segment in self.all_segments:
            if segment.type == elf.PT_NOTE:
                yield self.data[segment.offset : segment.offset + segment.filesz]
        for section in self.sections:
            if section.type == elf.SHT_NOTE:
                yield self.content(section)


def string_at(strings: bytes | memoryview, offset: int) -> str:
    """Return the NUL-terminated string at ``offset`` of a string table; "" outside it."""
    if isinstance(strings, memoryview):
        return _string_in_view(strings, offset)
    end = strings.find(b"\0", offset)
    return strings[offset : end if end >= 0 else len(strings)].decode("utf-8", "replace")


def _string_in_view(strings: memoryview, offset: int) -> str:
    """As `string_at`, without a copy of the table: views have no ``find``."""
    size = 64
    while True:
        chunk = bytes(strings[offset : offset + size])
        end = chunk.find(b"\0")
        if end >= 0 or len(chunk) < size:
            return chunk[: end if end >= 0 else len(chunk)].decode("utf-8", "replace")
        size *= 4


def _inflate(content: memoryview, size: int) -> bytes:
    """Return at most ``size`` bytes of a zlib stream, b"" of a broken one."""
    try:
        return zlib.decompressobj().decompress(content, max(size, 1))
    except zlib.error:
        return b""


def _unzstd(content: memoryview, size: int) -> bytes:
    """As `_inflate`, of a Zstandard frame (RFC 8878)."""
    from backports import zstd  # part of Python itself from 3.14 on

    try:
        return zstd.ZstdDecompressor().decompress(content, max(size, 1))
    except (zstd.ZstdError, EOFError):
        return b""


def _notes(area: memoryview) -> Iterator[tuple[bytes, int, memoryview]]:
    at = 0
    while at + _NOTE.size <= len(area):
        name_size, size, kind = _NOTE.unpack_from(area, at)
        at += _NOTE.size
        content = at + ((name_size + 3) & ~3)
        yield bytes(area[at : at + name_size]), kind, area[content : content + size]
        at = content + ((size + 3) & ~3)


def _opener(path: str, flags: int) -> int:
    """Open without waiting for a writer, should it be a pipe."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
