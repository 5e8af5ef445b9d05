"""Indexes on disk, so that the second process need not read debug information again.

A file's index is a folder named after what identifies the file (build-id and size, or inode, size
and time); a part of it is one file: header, checksum, content. Parts are written aside and renamed,
so readers see a whole part or none, and writers need no lock: they write the same. What is torn,
old or of another version is not used. Folders go, oldest first, when there are too many bytes.
"""

from __future__ import annotations

import os
import struct
import threading
import zlib
from pathlib import Path
from typing import Final

from .image import ElfImage

_HEADER: Final = struct.Struct("<8sIQ")  # magic with version, CRC-32, length
_MAGIC: Final = b"SLSYM\0\0\x01"
_LIMIT: Final = 512 << 20  #: bytes of all indexes together
_BETWEEN_SWEEPS: Final = 64  #: writes


class IndexCache:
    """Keeps parts of indexes below ``folder``; a host that permits no writing keeps none."""

    def __init__(self, folder: Path, limit: int = _LIMIT) -> None:
        self.folder = folder
        self.limit = limit
        self._writes = os.getpid()  # so that many short processes sweep now and then, too

    def get(self, key: str, part: str) -> bytes | None:
        """Return a part; None when it is not there or not whole."""
        try:
            data = (self.folder / key / part).read_bytes()
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
        folder = self.folder / key
        scratch = folder / f".{part}.{os.getpid()}.{threading.get_ident()}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            scratch.write_bytes(header + content)
            os.replace(scratch, folder / part)
        except OSError:
            _remove(scratch)
            return
        self._writes += 1
        if self._writes % _BETWEEN_SWEEPS == 0:
            self.sweep()

    def sweep(self) -> None:
        """Remove the indexes that have not changed for longest, until the rest fits."""
        sizes = []
        for folder in _entries(self.folder):
            files = [entry.stat() for entry in _entries(folder) if entry.is_file()]
            newest = max((status.st_mtime_ns for status in files), default=0)
            sizes.append((newest, sum(status.st_size for status in files), folder))
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


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _remove(path: Path) -> None:
    try:
        os.unlink(path)
    except OSError:
        return
