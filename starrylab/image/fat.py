"""Write a FAT32 file system with a few files on it: the partition that boot loaders read.

Source: Microsoft FAT specification (2005). Sectors have 512 bytes. What is written depends on
the arguments alone, so the same arguments give the same bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from .errors import ImageFormatError
from .fat_names import check, is_short, long_entries, short_name

SECTOR: Final = 512
RESERVED: Final = 32  #: sectors before the first table
FATS: Final = 2
MIN_CLUSTERS: Final = 65525  #: fewer, and readers take it for FAT16
END: Final = 0x0FFFFFFF
ROOT: Final = 2  #: the root directory's first cluster
_MEDIA: Final = 0xF8
_INFO: Final = 1
_BACKUP: Final = 6
_BOOT: Final = struct.Struct("<3s8sHBHBHHBHHHII IHHIHH12sBBBI11s8s")
_DIRECTORY, _ARCHIVE, _LABEL = 0x10, 0x20, 0x08
_SMALL: Final = 520 << 20 >> 9  # sectors up to which a cluster is one sector

#: where in the file system, and what
Chunk = tuple[int, bytes]
#: a folder: names to bytes or folders
Folder = dict[str, "bytes | Folder"]


def fat32(
    files: Mapping[str, bytes], sectors: int, *, label: str, serial: int, time: int
) -> list[Chunk]:
    """Return what a file system of `sectors` sectors has that is not zero, by byte offset.

    `files` are by path ("extlinux/extlinux.conf"), `serial` is the volume's number of 32 bits,
    `time` is that of all files, in seconds since 1970.

    Raises:
        ImageFormatError: too small a partition, no room for the files, or a name that cannot be.

    """
    return _Writer(sectors, label, serial, time).write(_tree(files))


def _tree(files: Mapping[str, bytes]) -> Folder:
    root: Folder = {}
    for path, data in files.items():
        *folders, name = path.strip("/").split("/")
        folder = root
        for step in folders:
            check(step)
            below = folder.setdefault(step, {})
            if isinstance(below, bytes):
                raise ImageFormatError(f"{step} of {path} is a file and a folder at once")
            folder = below
        check(name)
        if any(name.upper() == other.upper() for other in folder):
            raise ImageFormatError(f"{path} is there twice; FAT does not tell case apart")
        folder[name] = data
    return root


class _Writer:
    def __init__(self, sectors: int, label: str, serial: int, time: int) -> None:
        self._sectors = sectors
        self._label = label.upper().encode("ascii", "replace")[:11].ljust(11)
        self._serial = serial
        self._stamp = _stamp(time)
        self._per_cluster = 1 if sectors <= _SMALL else 8
        self._fat_sectors = self._table_size()
        self._first = RESERVED + FATS * self._fat_sectors
        self._clusters = (sectors - self._first) // self._per_cluster
        if self._clusters < MIN_CLUSTERS or sectors >= 1 << 32:
            raise ImageFormatError(f"{sectors} sectors make no FAT32 file system")
        self._fat = [0x0FFFFF00 | _MEDIA, END]
        self._chunks: list[Chunk] = []

    def _table_size(self) -> int:
        entries = (self._sectors - RESERVED) // self._per_cluster + 2
        return -(-entries * 4 // SECTOR)

    def write(self, root: Folder) -> list[Chunk]:
        self._folder(root, parent=None)
        fat = struct.pack(f"<{len(self._fat)}I", *self._fat)
        for copy in range(FATS):
            self._chunks.append(((RESERVED + copy * self._fat_sectors) * SECTOR, fat))
        boot, info = self._boot_sector(), self._info_sector()
        for at in (0, _BACKUP):
            self._chunks += [(at * SECTOR, boot), ((at + _INFO) * SECTOR, info)]
        return sorted(self._chunks)

    def _folder(self, folder: Folder, parent: int | None) -> int:
        """Put a folder and all that is in it; return its first cluster."""
        taken: set[bytes] = set()
        rows = [(name, short_name(name, taken), content) for name, content in folder.items()]
        first = self._allocate(self._folder_size(folder, parent))
        table = b"" if parent is not None else _row(self._label, _LABEL, 0, 0, self._stamp)
        if parent is not None:
            table = _row(b".".ljust(11), _DIRECTORY, first, 0, self._stamp)
            above = 0 if parent == ROOT else parent
            table += _row(b"..".ljust(11), _DIRECTORY, above, 0, self._stamp)
        for name, short, content in rows:
            if not is_short(name):
                table += long_entries(name, short)
            if isinstance(content, bytes):
                table += _row(short, _ARCHIVE, self._file(content), len(content), self._stamp)
            else:
                below = self._folder(content, first)
                table += _row(short, _DIRECTORY, below, 0, self._stamp)
        self._put(first, table)
        return first

    def _folder_size(self, folder: Folder, parent: int | None) -> int:
        rows = 1 if parent is None else 2
        for name in folder:
            rows += 1 if is_short(name) else 1 + len(long_entries(name, bytes(11))) // 32
        return 32 * rows

    def _file(self, content: bytes) -> int:
        if not content:
            return 0
        if len(content) >= 1 << 32:
            raise ImageFormatError("a file on FAT has less than 4 GiB")
        first = self._allocate(len(content))
        self._put(first, content)
        return first

    def _allocate(self, size: int) -> int:
        """Chain clusters for `size` bytes, which lie behind one another; return the first."""
        count = max(1, -(-size // (SECTOR * self._per_cluster)))
        first = len(self._fat)
        if first + count > self._clusters + 2:
            room = self._clusters * self._per_cluster * SECTOR
            raise ImageFormatError(f"the files do not fit on a partition with {room} bytes of room")
        self._fat += [*range(first + 1, first + count), END]
        return first

    def _put(self, cluster: int, data: bytes) -> None:
        sector = self._first + (cluster - 2) * self._per_cluster
        self._chunks.append((sector * SECTOR, data))

    def _boot_sector(self) -> bytes:
        boot = _BOOT.pack(
            b"\xeb\x58\x90", b"STARRYLB", SECTOR, self._per_cluster, RESERVED, FATS, 0, 0, _MEDIA,
            0, 63, 255, 0, self._sectors, self._fat_sectors, 0, 0, ROOT, _INFO, _BACKUP, bytes(12),
            0x80, 0, 0x29, self._serial, self._label, b"FAT32   ",
        )  # fmt: skip
        return boot.ljust(510, b"\0") + b"\x55\xaa"

    def _info_sector(self) -> bytes:
        free = self._clusters - (len(self._fat) - 2)
        counts = struct.pack("<4s2I", b"rrAa", free, len(self._fat))
        return b"RRaA".ljust(484, b"\0") + counts + bytes(14) + b"\x55\xaa"


def _row(name: bytes, attributes: int, cluster: int, size: int, stamp: tuple[int, int]) -> bytes:
    time, date = stamp
    return struct.pack(
        "<11sBBBHHHHHHHI", name, attributes, 0, 0, time, date, date, cluster >> 16,
        time, date, cluster & 0xFFFF, size,
    )  # fmt: skip


def _stamp(seconds: int) -> tuple[int, int]:
    """Return time and date as a directory entry has them; before 1980 it is 1980."""
    when = datetime.fromtimestamp(seconds, UTC)
    if not 1980 <= when.year < 2108:
        return 0, 1 << 5 | 1
    time = when.hour << 11 | when.minute << 5 | when.second // 2
    return time, (when.year - 1980) << 9 | when.month << 5 | when.day


def chunks_to_bytes(chunks: list[Chunk], size: int) -> bytes:
    """Return the whole of it, with zeros between."""
    whole = bytearray(size)
    for at, data in chunks:
        whole[at : at + len(data)] = data
    return bytes(whole)
