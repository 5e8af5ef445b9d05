"""The GUID partition table: a protective MBR, and a header and a table at each end of the disk.

Source: UEFI specification 2.10, chapter 5. Sectors have 512 bytes; numbers are little-endian.
"""

import struct
import uuid
import zlib
from dataclasses import dataclass

from .errors import ImageFormatError

SECTOR = 512
ENTRIES = 128
TABLE_SECTORS = 32  # 128 entries of 128 bytes
FIRST_USABLE = 2 + TABLE_SECTORS
MAX_DISK_SECTORS = 1 << 48
LINUX = uuid.UUID("0fc63daf-8483-4772-8e79-3d69d8477de4")
EFI_SYSTEM = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")

_HEADER = struct.Struct("<8s4I4Q16sQ3I")
_ENTRY = struct.Struct("<16s16s3Q72s")
_MBR_ENTRY = struct.Struct("<B3sB3s2I")
_SIGNATURE = b"EFI PART"
_REVISION = 0x10000


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition; `last` is the last sector that belongs to it."""

    name: str  # at most 36 UTF-16 units
    kind: uuid.UUID
    guid: uuid.UUID
    first: int
    last: int
    attributes: int = 0  # bit 2: legacy boot loaders start from here


@dataclass(frozen=True, slots=True)
class Table:
    """What a disk of `sectors` sectors is divided into."""

    guid: uuid.UUID
    sectors: int
    partitions: tuple[Partition, ...]

    def pack(self) -> tuple[bytes, bytes]:
        """Return what lies in sectors 0..33, and what lies in the last 33.

        Raises:
            ImageFormatError: partitions overlap, leave the disk, or do not fit their fields.

        """
        _check(self)
        entries = b"".join(map(_entry, self.partitions)).ljust(TABLE_SECTORS * SECTOR, b"\0")
        last = self.sectors - 1
        front = _mbr(self.sectors) + _header(self, 1, last, 2, entries) + entries
        return front, entries + _header(self, last, 1, last - TABLE_SECTORS, entries)


def read_table(disk: bytes, *, backup: bool = False) -> Table:
    """Return the table of `disk`, from its first or its last header.

    Raises:
        ImageFormatError: no header there, or one with a wrong CRC or impossible numbers.

    """
    sectors = len(disk) // SECTOR
    if sectors < 2 * FIRST_USABLE:
        raise ImageFormatError(f"{len(disk)} bytes are too few for a GUID partition table")
    here = sectors - 1 if backup else 1
    guid, table, count, size, crc = _read_header(disk, here, sectors)
    entries = disk[table * SECTOR : table * SECTOR + count * size]
    if len(entries) < count * size or zlib.crc32(entries) != crc:
        raise ImageFormatError("the CRC of the partition entries is wrong")
    found = (_read_entry(entries[at : at + size]) for at in range(0, len(entries), size))
    result = Table(guid, sectors, tuple(part for part in found if part is not None))
    _check(result)
    return result


def _check(table: Table) -> None:
    if not 2 * FIRST_USABLE <= table.sectors < MAX_DISK_SECTORS:
        raise ImageFormatError(f"no room for a partition table in {table.sectors} sectors")
    if len(table.partitions) > ENTRIES:
        raise ImageFormatError(f"{len(table.partitions)} partitions, at most {ENTRIES}")
    end = FIRST_USABLE
    for part in sorted(table.partitions, key=lambda part: part.first):
        if not end <= part.first <= part.last < table.sectors - FIRST_USABLE + 1:
            raise ImageFormatError(
                f"partition {part.name!r}, sectors {part.first}..{part.last}, "
                "overlaps another or the tables"
            )
        end = part.last + 1


def _entry(part: Partition) -> bytes:
    name = part.name.encode("utf-16-le", "surrogatepass")
    if len(name) > 72 or "\0" in part.name:
        raise ImageFormatError(f"partition name {part.name!r} has more than 36 units, or a NUL")
    if part.kind.int == 0 or not 0 <= part.attributes < 1 << 64:
        raise ImageFormatError(f"partition {part.name!r} has no type, or attributes over 64 bits")
    ids = part.kind.bytes_le, part.guid.bytes_le
    return _ENTRY.pack(*ids, part.first, part.last, part.attributes, name)


def _read_entry(entry: bytes) -> Partition | None:
    kind, guid, first, last, attributes, name = _ENTRY.unpack_from(entry)
    if kind == bytes(16):
        return None
    text = name.decode("utf-16-le", "surrogatepass").split("\0")[0]
    ids = uuid.UUID(bytes_le=kind), uuid.UUID(bytes_le=guid)
    return Partition(text, *ids, first, last, attributes)


def _mbr(sectors: int) -> bytes:
    size = min(sectors - 1, 0xFFFFFFFF)
    entry = _MBR_ENTRY.pack(0, b"\x00\x02\x00", 0xEE, b"\xff\xff\xff", 1, size)
    return bytes(446) + entry + bytes(48) + b"\x55\xaa"


def _header(table: Table, here: int, other: int, at: int, entries: bytes) -> bytes:
    def pack(crc: int) -> bytes:
        usable = FIRST_USABLE, table.sectors - FIRST_USABLE
        return _HEADER.pack(
            _SIGNATURE, _REVISION, _HEADER.size, crc, 0, here, other, *usable,
            table.guid.bytes_le, at, ENTRIES, _ENTRY.size, zlib.crc32(entries),
        )  # fmt: skip

    return pack(zlib.crc32(pack(0))).ljust(SECTOR, b"\0")


def _read_header(disk: bytes, here: int, sectors: int) -> tuple[uuid.UUID, int, int, int, int]:
    raw = disk[here * SECTOR : here * SECTOR + _HEADER.size]
    signature, _, length, crc, _, me, _, _, _, guid, table, count, size, table_crc = _HEADER.unpack(
        raw
    )
    if signature != _SIGNATURE:
        raise ImageFormatError(f"no GUID partition table in sector {here}")
    if length != _HEADER.size or zlib.crc32(raw[:16] + bytes(4) + raw[20:]) != crc:
        raise ImageFormatError(f"the CRC of the header in sector {here} is wrong")
    if me != here or table >= sectors or size != _ENTRY.size or count > ENTRIES:
        raise ImageFormatError(f"the header in sector {here} has impossible numbers")
    return uuid.UUID(bytes_le=guid), table, count, size, table_crc
