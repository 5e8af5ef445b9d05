"""Writes ELF files and DWARF by code, so that a test states its odd form in a few lines.

The values are those of the specification: nothing here is shared with the reader under test.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

TEXT = 0x10000  #: where the code of written files is
RX, RW = 5, 6
PROGBITS, SYMTAB, STRTAB, NOTE, NOBITS, DYNSYM = 1, 2, 3, 7, 8, 11
COMPRESSED = 0x800

# Forms (DWARF 5, table 7.6).
ADDR, DATA1, DATA2, DATA4, DATA8 = 0x01, 0x0B, 0x05, 0x06, 0x07
STRING, STRP, LINE_STRP, STRX, STRX1, STRX2, STRX4 = 0x08, 0x0E, 0x1F, 0x1A, 0x25, 0x26, 0x28
SDATA, UDATA, BLOCK, BLOCK1, BLOCK2, BLOCK4, EXPRLOC = 0x0D, 0x0F, 0x09, 0x0A, 0x03, 0x04, 0x18
REF_ADDR, REF1, REF2, REF4, REF8, REF_UDATA = 0x10, 0x11, 0x12, 0x13, 0x14, 0x15
FLAG, FLAG_PRESENT, SEC_OFFSET, INDIRECT, IMPLICIT_CONST = 0x0C, 0x19, 0x17, 0x16, 0x21
ADDRX, ADDRX1, RNGLISTX, DATA16 = 0x1B, 0x29, 0x23, 0x1E
REF_ALT, STRP_ALT = 0x1F20, 0x1F21  #: GNU's, into the file that dwz made

# Tags and attributes.
CU, SUBPROGRAM, INLINED, BASE_TYPE, VARIABLE, NAMESPACE = 0x11, 0x2E, 0x1D, 0x24, 0x34, 0x39
NAME, STMT_LIST, LOW, HIGH, COMP_DIR, INLINE = 0x03, 0x10, 0x11, 0x12, 0x1B, 0x20
ORIGIN, DECLARATION, SPECIFICATION, RANGES, LINKAGE = 0x31, 0x3C, 0x47, 0x55, 0x6E
CALL_COLUMN, CALL_FILE, CALL_LINE, BYTE_SIZE, LOCATION = 0x57, 0x58, 0x59, 0x0B, 0x02
STR_OFFSETS_BASE, ADDR_BASE, RNGLISTS_BASE = 0x72, 0x73, 0x74


def uleb(value: int) -> bytes:
    out = bytearray()
    while True:
        byte, value = value & 0x7F, value >> 7
        out.append(byte | (0x80 if value else 0))
        if not value:
            return bytes(out)


def sleb(value: int) -> bytes:
    out = bytearray()
    while True:
        byte, value = value & 0x7F, value >> 7
        done = value == (-1 if byte & 0x40 else 0)
        out.append(byte | (0 if done else 0x80))
        if done:
            return bytes(out)


@dataclass
class Section:
    name: str
    data: bytes
    type: int = PROGBITS
    flags: int = 0
    address: int = 0
    link: int = 0
    entry: int = 0


def compressed(section: Section) -> Section:
    """As ``objcopy --compress-debug-sections=zlib`` does (gABI, SHF_COMPRESSED)."""
    header = struct.pack("<IIQQ", 1, 0, len(section.data), 1)
    content = header + zlib.compress(section.data)
    return Section(section.name, content, section.type, section.flags | COMPRESSED)


def elf(
    sections: Sequence[Section],
    *,
    segments: Sequence[tuple[int, int, bytes, int]] = ((1, RX, b"\x13\0\0\0" * 256, TEXT),),
    kind: int = 2,
) -> bytes:
    """Return an ELF file; a segment is type, flags, content and virtual address."""
    names = b"\0"
    body = bytearray(64 + 56 * len(segments))
    headers = []
    for index, (p_type, flags, content, vaddr) in enumerate(segments):
        offset = len(body)
        body += content
        struct.pack_into("<IIQQQQQQ", body, 64 + 56 * index, p_type, flags, offset, vaddr, vaddr,
                         len(content), len(content), 1)  # fmt: skip
    rows = [struct.pack("<IIQQQQIIQQ", *[0] * 10)]
    for section in [*sections, Section(".shstrtab", b"", STRTAB)]:
        name = len(names)
        names += section.name.encode() + b"\0"
        data = names if section.name == ".shstrtab" else section.data
        body += bytes(-len(body) % 8)
        rows.append(
            struct.pack(
                "<IIQQQQIIQQ", name, section.type, section.flags, section.address, len(body),
                len(data), section.link, 0, 1, section.entry,
            )
        )  # fmt: skip
        body += data
    headers = len(body)
    body += b"".join(rows)
    struct.pack_into("<16sHHIQQQIHHHHHH", body, 0, b"\x7fELF\x02\x01\x01", kind, 243, 1, TEXT, 64,
                     headers, 0, 64, 56, len(segments), 64, len(rows), len(rows) - 1)  # fmt: skip
    return bytes(body)


def symbols(rows: Sequence[tuple[str, int, int]], first: int = 1) -> list[Section]:
    """Return ``.symtab`` and ``.strtab`` of global functions, as sections ``first`` and next."""
    strings, table = b"\0", bytes(24)
    for name, address, size in rows:
        table += struct.pack("<IBBHQQ", len(strings), 0x12, 0, 1, address, size)
        strings += name.encode() + b"\0"
    return [
        Section(".symtab", table, SYMTAB, link=first + 1, entry=24),
        Section(".strtab", strings, STRTAB),
    ]


def build_id(value: bytes) -> Section:
    return Section(".note.gnu.build-id", struct.pack("<III", 4, len(value), 3) + b"GNU\0" + value,
                   NOTE)  # fmt: skip


@dataclass
class Die:
    """An entry: attributes as (name, form, value); references have a `Die` as their value."""

    tag: int
    attributes: list[tuple[int, int, object]] = field(default_factory=list)
    children: list[Die] = field(default_factory=list)
    offset: int = 0


class Dwarf:
    """Collects units and gives the sections; ``wide`` is the 64-bit format."""

    def __init__(self, version: int, *, wide: bool = False) -> None:
        self.version = version
        self.wide = wide
        self.size = 8 if wide else 4
        self.info = bytearray()
        self.abbrev = bytearray()
        self.strings = bytearray(b"\0unused\0")
        self.line_strings = bytearray(b"\0")
        self.offsets: list[int] = []
        self.addresses: list[int] = []
        self.lines = bytearray()
        self.ranges = bytearray()
        self.range_lists: list[bytes] = []

    def offset(self, value: int) -> bytes:
        return value.to_bytes(self.size, "little")

    def length(self, value: int) -> bytes:
        return (
            b"\xff\xff\xff\xff" + value.to_bytes(8, "little") if self.wide else self.offset(value)
        )

    @property
    def string_base(self) -> int:
        return 16 if self.wide else 8

    @property
    def list_base(self) -> int:
        return 20 if self.wide else 12

    def unit(self, root: Die) -> None:
        """Add a compilation unit."""
        start = len(self.info)
        abbrev_at = len(self.abbrev)
        head = struct.pack("<H", self.version)
        if self.version >= 5:
            head += bytes([1, 8]) + self.offset(abbrev_at)
        else:
            head += self.offset(abbrev_at) + bytes([8])
        prefix = (12 if self.wide else 4) + len(head)
        fixups: list[tuple[int, int, int, Die]] = []
        body = bytearray()
        codes: list[tuple[object, ...]] = []
        self._entry(root, body, codes, start, prefix, fixups)
        for at, form, width, target in fixups:
            value = target.offset if form == REF_ADDR else target.offset - start
            body[at : at + width] = value.to_bytes(width, "little")
        self.abbrev += b"\0"
        self.info += self.length(len(head) + len(body)) + head + body

    def _entry(self, die, body, codes, start, prefix, fixups) -> None:
        die.offset = start + prefix + len(body)
        forms = [(name, form, value if form == IMPLICIT_CONST else 0)
                 for name, form, value in die.attributes]  # fmt: skip
        shape = (die.tag, bool(die.children), *forms)
        if shape not in codes:
            codes.append(shape)
            self.abbrev += uleb(len(codes)) + uleb(die.tag) + bytes([bool(die.children)])
            for name, form, constant in forms:
                self.abbrev += uleb(name) + uleb(form)
                self.abbrev += sleb(constant) if form == IMPLICIT_CONST else b""
            self.abbrev += b"\0\0"
        body += uleb(codes.index(shape) + 1)
        for _, form, value in die.attributes:
            if isinstance(value, Die):
                width = {
                    REF1: 1,
                    REF2: 2,
                    REF4: 4,
                    REF8: 8,
                    REF_ADDR: 8 if self.version == 2 else self.size,
                }[form]
                fixups.append((len(body), form, width, value))
                body += bytes(width)
            else:
                body += self.encode(form, value)
        for child in die.children:
            self._entry(child, body, codes, start, prefix, fixups)
        if die.children:
            body.append(0)

    def encode(self, form: int, value) -> bytes:
        """Return ``value`` in ``form``, with what it needs in other sections."""
        fixed = {ADDR: 8, DATA1: 1, DATA2: 2, DATA4: 4, DATA8: 8, FLAG: 1, DATA16: 16}
        if form in fixed:
            return value.to_bytes(fixed[form], "little", signed=value < 0)
        if form == INDIRECT:
            return uleb(value[0]) + self.encode(*value)
        simple = {
            UDATA: uleb, SDATA: sleb, SEC_OFFSET: self.offset, RNGLISTX: uleb,
            REF_ALT: self.offset, STRP_ALT: self.offset,
            STRING: lambda v: v.encode() + b"\0", FLAG_PRESENT: lambda v: b"",
            IMPLICIT_CONST: lambda v: b"",
            BLOCK: lambda v: uleb(len(v)) + v, EXPRLOC: lambda v: uleb(len(v)) + v,
            BLOCK1: lambda v: bytes([len(v)]) + v, BLOCK2: lambda v: struct.pack("<H", len(v)) + v,
            BLOCK4: lambda v: struct.pack("<I", len(v)) + v,
            STRP: lambda v: self.offset(self._put(self.strings, v)),
            LINE_STRP: lambda v: self.offset(self._put(self.line_strings, v)),
            STRX: lambda v: uleb(self._string(v)), STRX1: lambda v: bytes([self._string(v)]),
            STRX2: lambda v: struct.pack("<H", self._string(v)),
            STRX4: lambda v: struct.pack("<I", self._string(v)),
            ADDRX: lambda v: uleb(self._address(v)), ADDRX1: lambda v: bytes([self._address(v)]),
        }  # fmt: skip
        return simple[form](value)

    def _put(self, section: bytearray, text: str) -> int:
        section += text.encode() + b"\0"
        return len(section) - len(text.encode()) - 1

    def _string(self, text: str) -> int:
        self.offsets.append(self._put(self.strings, text))
        return len(self.offsets) - 1

    def _address(self, address: int) -> int:
        self.addresses.append(address)
        return len(self.addresses) - 1

    def old_ranges(self, pairs: Sequence[tuple[int, int]]) -> int:
        """Add a list to ``.debug_ranges``; return its offset."""
        at = len(self.ranges)
        for start, end in [*pairs, (0, 0)]:
            self.ranges += struct.pack("<QQ", start, end)
        return at

    def new_ranges(self, content: bytes) -> int:
        """Add a list to ``.debug_rnglists``; return its index."""
        self.range_lists.append(content)
        return len(self.range_lists) - 1

    def line_table(self, files: Sequence[str], program: bytes) -> int:
        """Add a line table whose files are all in folder 0; return its offset."""
        at = len(self.lines)
        lengths = bytes([0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1])
        head = bytes([1]) + (bytes([1]) if self.version >= 4 else b"")
        head += bytes([1, 0xFB, 14, 13]) + lengths
        if self.version >= 5:
            head += bytes([1, 1, LINE_STRP]) + uleb(1) + self.encode(LINE_STRP, "/src")
            head += bytes([2, 1, STRING, 2, UDATA]) + uleb(len(files))
            head += b"".join(name.encode() + b"\0" + uleb(0) for name in files)
        else:
            head += b"\0" + b"".join(name.encode() + b"\0\0\0\0" for name in files) + b"\0"
        start = struct.pack("<H", self.version) + (b"\x08\x00" if self.version >= 5 else b"")
        content = start + self.offset(len(head)) + head + program
        self.lines += self.length(len(content)) + content
        return at

    def sections(self) -> list[Section]:
        """Return all sections that are not empty."""
        offsets = b"".join(map(self.offset, self.offsets))
        offsets = self.length(len(offsets) + 4) + struct.pack("<HH", 5, 0) + offsets
        addresses = struct.pack(f"<{len(self.addresses)}Q", *self.addresses)
        addresses = self.length(len(addresses) + 4) + struct.pack("<HBB", 5, 8, 0) + addresses
        places, lists = b"", b""
        for content in self.range_lists:
            places += self.offset(len(self.range_lists) * self.size + len(lists))
            lists += content
        head = struct.pack("<HBBI", 5, 8, 0, len(self.range_lists))
        lists = self.length(len(head + places + lists)) + head + places + lists
        found = {
            "info": self.info, "abbrev": self.abbrev, "str": self.strings, "line": self.lines,
            "line_str": self.line_strings, "ranges": self.ranges,
            "str_offsets": offsets if self.offsets else b"",
            "addr": addresses if self.addresses else b"",
            "rnglists": lists if self.range_lists else b"",
        }  # fmt: skip
        return [Section(f".debug_{name}", bytes(data)) for name, data in found.items() if data]


def line_program(rows: Sequence[tuple[int, int, int, int]], end: int) -> bytes:
    """Return a sequence of (address, file, line, column) rows, in plain opcodes."""
    out = b"\0\x09\x02" + struct.pack("<Q", rows[0][0])
    address, line = rows[0][0], 1
    for row in rows:
        out += b"\x02" + uleb(row[0] - address) + b"\x04" + uleb(row[1])
        out += b"\x03" + sleb(row[2] - line) + b"\x05" + uleb(row[3]) + b"\x01"
        address, line = row[0], row[2]
    return out + b"\x02" + uleb(end - address) + b"\0\x01\x01"
