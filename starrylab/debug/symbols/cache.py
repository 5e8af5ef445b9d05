"""Indexes on disk, so that the second process need not read debug information again.

A file's index is a folder named after what identifies the file (build-id and size, or inode, size
and time); a part of it is one file: header, checksum, content. Parts are written aside and renamed,
so readers see a whole part or none, and writers need no lock: they write the same. What is torn,
old or of another version is not used. Folders go, oldest first, when there are too many bytes.
"""

from __future__ import annotations

import os
import struct
import zlib
from _thread import get_ident  # all of threading that is needed
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from .image import ElfImage

if TYPE_CHECKING:
    from _typeshed import StrPath

_HEADER: Final = struct.Struct("<8sIQ")  # magic with version, CRC-32, length
_MAGIC: Final = b"SLSYM\0\0\x01"
_LIMIT: Final = 512 << 20  #: bytes of all indexes together
_BETWEEN_SWEEPS: Final = 64  #: writes


class IndexCache:
    """Keeps parts of indexes below ``folder``; a host that permits no writing keeps none."""

    def __init__(self, folder: StrPath, limit: int = _LIMIT) -> None:
        self.folder = os.fspath(folder)
        self.limit = limit
        self._writes = os.getpid()  # so that many short processes sweep now and then, too

    def get(self, key: str, part: str) -> bytes | None:
        """Return a part; None when it is not there or not whole."""
        try:
            with open(os.path.join(self.folder, key, part), "rb", buffering=0) as file:
                data = file.read()
        except OSError:
            return None
        if len(data) < _HEADER.size:
            return None
        magic, checksum, length = _HEADER.unpack_from(data)
        content = data[_HEADER.size :]
        if magic != _MAGIC or length != len(content) or checksum != zlib.crc32(content):
            return None
        return content

    def put(self, key: str, part: str, content: bytes) -> None:
        """Keep a part, if the host lets us."""
        header = _HEADER.pack(_MAGIC, zlib.crc32(content), len(content))
        folder = os.path.join(self.folder, key)
        scratch = os.path.join(folder, f".{part}.{os.getpid()}.{get_ident()}")
        try:
            os.makedirs(folder, exist_ok=True)
            with open(scratch, "wb", buffering=0) as file:
                file.write(header + content)
            os.replace(scratch, os.path.join(folder, part))
        except OSError:
            _remove(scratch)
            return
        self._writes += 1
        if self._writes % _BETWEEN_SWEEPS == 0:
            self.sweep()

    def sweep(self) -> None:
        """Remove the indexes that have not changed for longest, until the rest fits."""
        sizes = []
        for entry in _entries(self.folder):
            files = list(_statuses(entry.path))
            newest = max((status.st_mtime_ns for status in files), default=0)
            sizes.append((newest, sum(status.st_size for status in files), entry.path))
        total = sum(size for _, size, _ in sizes)
        for _, size, folder in sorted(sizes):
            if total <= self.limit:
                break
            import shutil

            shutil.rmtree(folder, ignore_errors=True)
            total -= size


def key_of(image: ElfImage) -> str | None:
    """Return what identifies the file's content; None for an image that is no file."""
    try:
        status = os.stat(image.path)
    except (OSError, ValueError):
        return None
    if image.build_id:
        return f"{image.build_id.hex()[:64]}-{status.st_size:x}"
    # The file itself, whatever its path is.
    words = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    return "-".join(f"{word:x}" for word in words)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _statuses(folder: str) -> Iterator[os.stat_result]:
    """Yield the status of each file; another writer may rename or remove one meanwhile."""
    for entry in _entries(folder):
        try:
            if entry.is_file():
                yield entry.stat()
        except FileNotFoundError:
            continue


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return
