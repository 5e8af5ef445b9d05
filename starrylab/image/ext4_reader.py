"""Read the files of an ext2, ext3 or ext4 file system out of its image.

Source: the kernel's Documentation/filesystems/ext4 ("Data Structures and Algorithms"). Numbers are
little-endian. What the journal still holds is not looked at: a file system that was not unmounted
is refused.
"""

from __future__ import annotations

import stat
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from .errors import ImageFormatError
from .ext4_blocks import Piece, extents, mapped
from .ext4_xattr import INLINE_DATA, MAGIC, XATTR_HEADER, read_attributes

Read = Callable[[int, int], bytes]  #: offset, size -> bytes, fewer at the end of the image

_SUPERBLOCK: Final = 1024
_ROOT: Final = 2
_RECOVER: Final = 4
_64BIT: Final = 0x80
#: incompatible features that change what is read here
_UNKNOWN: Final = {
    0x1: "compression", 0x8: "journal_dev", 0x10: "meta_bg", 0x400: "ea_inode", 0x1000: "dirdata",
    0x10000: "encrypt",
}  # fmt: skip
_KNOWN: Final = 0x2 | _RECOVER | 0x40 | _64BIT | 0x100 | 0x200 | 0x2000 | 0x4000 | 0x8000 | 0x20000
_EXTENTS: Final = 0x80000
_INLINE: Final = 0x10000000
_COUNTS: Final = struct.Struct("<7I")  #: what a superblock begins with, up to s_log_block_size
_INODE: Final = struct.Struct("<HHIIIIIHHIII60sIIII")  #: up to i_size_high
_LARGEST: Final = 1 << 40  #: bytes of a file that is believed


@dataclass(frozen=True, slots=True)
class Node:
    """A name in the file system; a folder comes before what it holds."""

    path: str  #: relative to the root, with surrogate escapes for what is not UTF-8
    mode: int
    uid: int
    gid: int
    mtime_ns: int
    content: bytes | tuple[Piece, ...] = b""  #: of a file: its bytes, or where they are
    target: str = ""  #: of a symbolic link
    hardlink: str = ""  #: not empty: this is another name of that path
    rdev: tuple[int, int] = (0, 0)  #: of a device: major, minor
    xattrs: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class _Inode:
    mode: int
    uid: int
    gid: int
    size: int
    mtime_ns: int
    flags: int
    block: bytes  #: i_block: extents, a block map, a short link, or data
    xattrs: dict[str, bytes]


def is_ext4(read: Read) -> bool:
    """Whether an image begins with an ext2, ext3 or ext4 file system."""
    return read(_SUPERBLOCK + 56, 2) == b"\x53\xef"


class Ext4Reader:
    """One file system."""

    def __init__(self, read: Read) -> None:
        """Raise ImageFormatError for one that cannot be read."""
        head = read(_SUPERBLOCK, 1024)
        if len(head) < 1024 or head[56:58] != b"\x53\xef":
            raise ImageFormatError("no ext4 file system")
        self._read = read
        self._inodes, few, _, _, _, self._first_block, log_block = _COUNTS.unpack_from(head)
        self._per_group, revision = _number(head, 40), _number(head, 76)
        incompatible = _number(head, 96)
        _check_features(incompatible)
        self._blocks = few | (_number(head, 336) << 32 if incompatible & _64BIT else 0)
        self._inode_size = struct.unpack_from("<H", head, 88)[0] if revision else 128
        self._desc_size = struct.unpack_from("<H", head, 254)[0] if incompatible & _64BIT else 32
        self._block = 1024 << min(log_block, 7)
        if (
            log_block > 6
            or not self._per_group
            or self._inode_size not in (128 << n for n in range(10))
            or self._desc_size < 32
        ):
            raise ImageFormatError("the superblock of the ext4 file system has impossible numbers")

    def nodes(self) -> Iterator[Node]:
        """Yield everything but the root folder; raises ImageFormatError where it is torn."""
        files: dict[int, str] = {}
        folders = {_ROOT}
        todo = [("", _ROOT)]
        while todo:
            above, number = todo.pop()
            below = []
            for name, child in self._folder(number, above):
                path = f"{above}/{name}" if above else name
                inode = self._inode(child, path)
                node = self._node(path, inode, files.setdefault(child, path))
                if node is None:
                    continue
                yield node
                if stat.S_ISDIR(inode.mode):
                    if child in folders:
                        raise ImageFormatError(f"the folder {path} has two names")
                    folders.add(child)
                    below.append((path, child))
            todo += reversed(below)

    def _node(self, path: str, inode: _Inode, first: str) -> Node | None:
        kind = stat.S_IFMT(inode.mode)
        content: bytes | tuple[Piece, ...] = b""
        target, rdev = "", (0, 0)
        if kind == stat.S_IFSOCK:
            return None
        if kind in (stat.S_IFREG, stat.S_IFLNK) and first == path:
            content = self._content(inode, path)
        elif kind in (stat.S_IFCHR, stat.S_IFBLK):
            rdev = _device(inode.block)
        elif kind not in (stat.S_IFREG, stat.S_IFLNK, stat.S_IFDIR, stat.S_IFIFO):
            raise ImageFormatError(f"{path} is of an unknown kind")
        if kind == stat.S_IFLNK:
            target = _text(self._bytes(content, path))
            content = b""
        return Node(
            path, inode.mode, inode.uid, inode.gid, inode.mtime_ns, content, target,
            "" if first == path or kind == stat.S_IFDIR else first, rdev,
            tuple(sorted((k, v) for k, v in inode.xattrs.items() if k != INLINE_DATA)),
        )  # fmt: skip

    def _inode(self, number: int, path: str) -> _Inode:
        return self._parse(self._exactly(self._place(number, path), self._inode_size, path), path)

    def _place(self, number: int, path: str) -> int:
        """Return where an inode is."""
        if not 1 <= number <= self._inodes:
            raise ImageFormatError(f"{path or 'the root'} leads to inode {number}")
        group, index = divmod(number - 1, self._per_group)
        at = (self._first_block + 1) * self._block + group * self._desc_size
        desc = self._exactly(at, self._desc_size, path)
        table = _number(desc, 8) | (_number(desc, 40) << 32 if self._desc_size >= 64 else 0)
        return int(table * self._block + index * self._inode_size)

    def _parse(self, raw: bytes, path: str) -> _Inode:
        (mode, uid, low, _, _, mtime, _, gid, _, _, flags, _, block, _, acl, high, _) = (
            _INODE.unpack_from(raw)
        )
        acl_high, uid_high, gid_high = struct.unpack_from("<HHH", raw, 118)
        extra = struct.unpack_from("<H", raw, 128)[0] if len(raw) > 128 else 0
        time_ns = (mtime - (mtime >> 31 << 32)) * 10**9  # 32 bits with a sign
        if extra >= 12 and len(raw) >= 140:
            more = struct.unpack_from("<I", raw, 136)[0]
            time_ns += ((more & 3) << 32) * 10**9 + (more >> 2)
        size = low | high << 32
        if size > _LARGEST:
            raise ImageFormatError(f"{path} says that it has {size} bytes")
        attributes: dict[str, bytes] = {}
        inside = raw[128 + extra :] if len(raw) > 128 else b""
        if inside[:4] == MAGIC:
            attributes.update(read_attributes(inside[4:], inside[4:]))
        if acl := acl | acl_high << 32:
            outside = self._exactly(acl * self._block, self._block, path)
            if outside[:4] == MAGIC:
                attributes.update(read_attributes(outside[XATTR_HEADER:], outside))
        return _Inode(
            mode, uid | uid_high << 16, gid | gid_high << 16, size, time_ns, flags, block,
            attributes,
        )  # fmt: skip

    def _content(self, inode: _Inode, path: str) -> bytes | tuple[Piece, ...]:
        if inode.flags & _INLINE:
            return (inode.block + inode.xattrs.get(INLINE_DATA, b""))[: inode.size]
        if stat.S_ISLNK(inode.mode) and inode.size < 60 and not inode.flags & _EXTENTS:
            return inode.block[: inode.size]

        left = iter(range(self._blocks))  # no file needs more, but a circle would

        def block(number: int) -> bytes:
            if not self._first_block <= number < self._blocks or next(left, None) is None:
                raise ImageFormatError(f"{path} leads to block {number}")
            return self._exactly(number * self._block, self._block, path)

        count = -(-inode.size // self._block)
        if inode.flags & _EXTENTS:
            runs = extents(inode.block, block, count, path)
        else:
            runs = mapped(inode.block, block, count, self._block)
        return self._pieces(runs, inode.size, path)

    def _pieces(self, runs: Iterator[tuple[int, int]], size: int, path: str) -> tuple[Piece, ...]:
        """Return where the bytes are; runs are (first block or -1 for a hole, blocks)."""
        pieces: list[Piece] = []
        left = size
        for first, count in runs:
            length = min(count * self._block, left)
            if first >= 0 and not (first > 0 and first + count <= self._blocks):
                raise ImageFormatError(f"{path} leads to block {first}")
            start = first * self._block if first >= 0 else -1
            if pieces and (
                (start < 0 and pieces[-1][0] < 0)
                or (start >= 0 and pieces[-1][0] >= 0 and sum(pieces[-1]) == start)
            ):
                pieces[-1] = pieces[-1][0], pieces[-1][1] + length
            elif length:
                pieces.append((start, length))
            left -= length
        if left:
            pieces.append((-1, left))
        return tuple(pieces)

    def _bytes(self, content: bytes | tuple[Piece, ...], path: str) -> bytes:
        if isinstance(content, bytes):
            return content
        if sum(length for _, length in content) > self._blocks * self._block:
            raise ImageFormatError(f"{path or 'the root'} is larger than the ext4 file system")
        return b"".join(
            bytes(length) if at < 0 else self._exactly(at, length, path) for at, length in content
        )

    def _folder(self, number: int, path: str) -> Iterator[tuple[str, int]]:
        """Yield names and inode numbers; the hash tree's blocks look like empty ones."""
        inode = self._inode(number, path)
        if not stat.S_ISDIR(inode.mode):
            raise ImageFormatError(f"{path or 'the root'} is no folder")
        content = self._content(inode, path)
        if inode.flags & _INLINE:
            assert isinstance(content, bytes)
            yield from _names(content[4:60], path)
            yield from _names(content[60:], path)
            return
        data = self._bytes(content, path)
        for at in range(0, len(data), self._block):
            yield from _names(data[at : at + self._block], path)

    def _exactly(self, offset: int, size: int, path: str) -> bytes:
        data = self._read(offset, size)
        if len(data) < size:
            raise ImageFormatError(f"the ext4 file system is cut at {path or 'its root'}")
        return data


def _names(data: bytes, path: str) -> Iterator[tuple[str, int]]:
    at = 0
    while at + 8 <= len(data):
        number, length, size = struct.unpack_from("<IHB", data, at)
        if length < 8 or length & 3 or at + length > len(data) or size + 8 > length:
            raise ImageFormatError(f"the folder {path or '/'} is damaged")
        name = data[at + 8 : at + 8 + size]
        if number and name not in (b".", b"..", b""):
            if b"/" in name or b"\0" in name:
                raise ImageFormatError(f"the folder {path or '/'} has a name with a slash in it")
            if path or name != b"lost+found":
                yield _text(name), number
        at += length


def _number(data: bytes, offset: int) -> int:
    return int.from_bytes(data[offset : offset + 4], "little")


def _check_features(incompatible: int) -> None:
    found = [name for bit, name in _UNKNOWN.items() if incompatible & bit]
    if unknown := incompatible & ~_KNOWN & ~sum(_UNKNOWN):
        found.append(f"{unknown:#x}")
    if found:
        raise ImageFormatError(f"the ext4 file system has features unknown here: {' '.join(found)}")
    if incompatible & _RECOVER:
        raise ImageFormatError(
            "the ext4 file system was not unmounted; replay its journal first: e2fsck -fy IMAGE"
        )


def _device(block: bytes) -> tuple[int, int]:
    old, new = struct.unpack_from("<II", block)
    if old:
        return old >> 8 & 0xFF, old & 0xFF
    return new >> 8 & 0xFFF, new & 0xFF | new >> 12 & 0xFFF00


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
