"""Read the files of a FAT16 or FAT32 file system: what a boot partition has.

Source: Microsoft FAT specification (2005).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from .errors import ImageFormatError
from .fat_names import read_directory

_BOOT: Final = struct.Struct("<HBHBHHBHHHII")  # from byte 11
_MAX_DEPTH: Final = 8
_FEWEST_16, _FEWEST_32 = 4085, 65525


def is_fat(data: bytes) -> bool:
    """Whether `data` begins with the boot sector of a FAT16 or FAT32 file system."""
    return data[510:512] == b"\x55\xaa" and (data[82:87] == b"FAT32" or data[54:59] == b"FAT16")


class FatReader:
    """The files of one file system."""

    def __init__(self, data: bytes) -> None:
        """Raise ImageFormatError for a boot sector that cannot be."""
        if not is_fat(data):
            raise ImageFormatError("no FAT16 or FAT32 file system")
        sector, per_cluster, reserved, fats, entries, few, _, fat16, _, _, _, many = (
            _BOOT.unpack_from(data, 11)
        )
        sectors, fat_sectors = few or many, fat16 or int.from_bytes(data[36:40], "little")
        if sector not in (512, 1024, 2048, 4096) or not per_cluster or not fat_sectors:
            raise ImageFormatError("the boot sector of the FAT file system has impossible numbers")
        self._data = data
        self._cluster = per_cluster * sector
        self._root_at = (reserved + fats * fat_sectors) * sector
        self._root_size = 32 * entries
        self._first = self._root_at + -(-self._root_size // sector) * sector
        self._count = (sectors * sector - self._first) // self._cluster
        if len(data) < self._first:
            raise ImageFormatError("the FAT file system is cut")
        self.kind = "FAT32" if self._count >= _FEWEST_32 else "FAT16"
        table = memoryview(data[reserved * sector : (reserved + fat_sectors) * sector])
        self._fat = table.cast("I") if self.kind == "FAT32" else table.cast("H")
        at = 71 if self.kind == "FAT32" else 43
        self.label = data[at : at + 11].decode("latin-1").rstrip()

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Yield path and content of every file; raises ImageFormatError where it is torn."""
        if self.kind == "FAT32":
            root = self._chain(int.from_bytes(self._data[44:48], "little"))
        else:
            root = self._data[self._root_at : self._root_at + self._root_size]
        yield from self._folder(root, "", 0)

    def _folder(self, table: bytes, above: str, depth: int) -> Iterator[tuple[str, bytes]]:
        if depth > _MAX_DEPTH:
            raise ImageFormatError(f"folders of the FAT file system are nested deeper than {depth}")
        for name, row in read_directory(table):
            high, low = struct.unpack_from("<H", row, 20)[0], struct.unpack_from("<H", row, 26)[0]
            first = (high << 16 if self.kind == "FAT32" else 0) | low
            if row[11] & 0x10:
                yield from self._folder(self._chain(first), f"{above}{name}/", depth + 1)
                continue
            size = int.from_bytes(row[28:32], "little")
            content = self._chain(first)[:size] if size else b""
            if len(content) < size:
                raise ImageFormatError(f"{above}{name} on the FAT file system is cut")
            yield above + name, content

    def _chain(self, cluster: int) -> bytes:
        parts: list[bytes] = []
        while len(parts) <= self._count:
            if not 2 <= cluster < min(self._count + 2, len(self._fat)):
                raise ImageFormatError(f"a chain of the FAT leads to cluster {cluster}")
            at = self._first + (cluster - 2) * self._cluster
            parts.append(self._data[at : at + self._cluster])
            cluster = self._fat[cluster] & 0x0FFFFFFF
            if cluster >= (0x0FFFFFF8 if self.kind == "FAT32" else 0xFFF8):
                return b"".join(parts)
        raise ImageFormatError("a chain of the FAT goes round in a circle")
