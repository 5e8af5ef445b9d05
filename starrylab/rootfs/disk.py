"""Read a root tree out of a disk image: an ext4 file system, alone or in a partition (GPT, MBR)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from ..image.errors import ImageFormatError
from ..image.ext4_reader import Ext4Reader, Node, is_ext4
from ..image.gpt import SECTOR
from .content import Content, OpenFile, Slice
from .errors import RootfsError
from .tree import Entry, Tree

_MBR_TABLE: Final = 446
_MBR_ENTRY: Final = struct.Struct("<4xB3xII")  #: type, first sector, sectors
_GPT_HEADER: Final = struct.Struct("<QII")  #: at byte 72: the table's sector, entries, size of one
_EXTENDED: Final = (0x05, 0x0F, 0x85)
_MOST: Final = 256  #: partitions that are looked at
#: offset, magic -> what else it may be
_OTHERS: Final = {
    (0, b"hsqs"): "squashfs", (0, b"XFSB"): "XFS", (0x10040, b"_BHRfS_M"): "btrfs",
    (1024, b"\x10\x20\xf5\xf2"): "F2FS", (32769, b"CD001"): "ISO 9660", (0, b"QFI\xfb"): "qcow2",
}  # fmt: skip


def is_disk(file: OpenFile) -> bool:
    """Tell whether a file is a disk or a file system rather than an archive."""
    if file.read(257, 5) == b"ustar":
        return False
    return (
        file.read(510, 2) == b"\x55\xaa"
        or _has_ext4(file, 0)
        or any(file.read(at, len(magic)) == magic for at, magic in _OTHERS)
    )


def read_disk(file: OpenFile, name: str) -> Tree:
    """Return the tree in an image's ext4 file system, in the largest if there are several.

    Raises RootfsError: no such file system, or a damaged one.
    """
    places = [(file.size(), 0)] if _has_ext4(file, 0) else []
    places += [(size, at) for at, size in _partitions(file) if _has_ext4(file, at)]
    if not places:
        raise RootfsError(f"{name} {_what_it_is(file)}; give an ext4 image, a folder or a tar file")
    _, start = max(places)
    tree = Tree()
    try:
        for node in Ext4Reader(lambda offset, size: file.read(start + offset, size)).nodes():
            tree.add(_entry(node, file, start))
    except ImageFormatError as error:
        raise RootfsError(f"{name}: {error}") from None
    return tree


def _has_ext4(file: OpenFile, start: int) -> bool:
    return is_ext4(lambda offset, size: file.read(start + offset, size))


def _what_it_is(file: OpenFile) -> str:
    for (at, magic), kind in _OTHERS.items():
        if file.read(at, len(magic)) == magic:
            return f"is a {kind} image, which is not read here"
    return "has no ext4 file system, and no partition with one"


def _partitions(file: OpenFile) -> Iterator[tuple[int, int]]:
    """Yield begin and size of each partition in bytes."""
    if file.read(SECTOR, 8) == b"EFI PART":
        yield from _gpt(file)
    else:
        yield from _mbr(file, 0, 0, _MOST)


def _gpt(file: OpenFile) -> Iterator[tuple[int, int]]:
    table, count, size = _GPT_HEADER.unpack(file.read(SECTOR + 72, _GPT_HEADER.size))
    for number in range(min(count, _MOST) if size >= 128 else 0):
        entry = file.read(table * SECTOR + number * size, 128)
        if len(entry) == 128 and entry[:16] != bytes(16):
            first, last = struct.unpack_from("<QQ", entry, 32)
            yield first * SECTOR, (last - first + 1) * SECTOR


def _mbr(file: OpenFile, at: int, base: int, left: int) -> Iterator[tuple[int, int]]:
    """Yield the partitions of a boot record at sector `at`; extended ones count from `base`."""
    record = file.read(at * SECTOR, SECTOR)
    if record[510:] != b"\x55\xaa" or not left:
        return
    for number in range(4):
        kind, first, sectors = _MBR_ENTRY.unpack_from(record, _MBR_TABLE + number * 16)
        if kind in _EXTENDED and first:
            yield from _mbr(file, base + first, base or first, left - 1)
        elif kind and first:
            yield (at + first) * SECTOR, sectors * SECTOR


def _entry(node: Node, file: OpenFile, start: int) -> Entry:
    content: Content = b""
    if isinstance(node.content, bytes):
        content = node.content
    elif node.content:
        pieces = tuple((at if at < 0 else at + start, size) for at, size in node.content)
        content = Slice(file, pieces)
    return Entry(
        node.path, node.mode, node.uid, node.gid, node.mtime_ns, content, node.target,
        node.hardlink, *node.rdev, node.xattrs,
    )  # fmt: skip
