"""Where an ext4 file's blocks are: trees of extents, and the block maps of ext2.

Source: the kernel's Documentation/filesystems/ext4, "The Contents of inode.i_block".
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Final

from .errors import ImageFormatError

Piece = tuple[int, int]  #: byte offset in the image, -1 for zeros, and length
Run = tuple[int, int]  #: first block, -1 for a hole, and number of blocks
Block = Callable[[int], bytes]  #: a block's number -> its bytes

_HEADER: Final = struct.Struct("<HHHH4x")
_LEAF: Final = struct.Struct("<IHHI")
_INDEX: Final = struct.Struct("<IIH2x")
_MAGIC: Final = 0xF30A
_DEEPEST: Final = 5
_UNWRITTEN: Final = 0x8000  #: an extent longer than this is allocated, but reads as zeros
_DIRECT: Final = 12


def extents(root: bytes, block: Block, count: int, path: str) -> Iterator[Run]:
    """Yield the runs of a file of `count` blocks; raises ImageFormatError."""
    at = 0
    for logical, first, length in _leaves(root, block, path, _DEEPEST):
        if logical < at:
            raise ImageFormatError(f"the extents of {path} are not in order")
        if logical > at:
            yield -1, min(logical, count) - at
        yield first, length
        at = logical + length
        if at >= count:
            return


def _leaves(node: bytes, block: Block, path: str, depth: int) -> Iterator[tuple[int, int, int]]:
    magic, entries, _, level = _HEADER.unpack_from(node)
    if magic != _MAGIC or level > depth or _HEADER.size + entries * _LEAF.size > len(node):
        raise ImageFormatError(f"the extents of {path} are damaged")
    for number in range(entries):
        at = _HEADER.size + number * _LEAF.size
        if level:
            _, low, high = _INDEX.unpack_from(node, at)
            yield from _leaves(block(low | high << 32), block, path, level - 1)
            continue
        logical, length, high, low = _LEAF.unpack_from(node, at)
        if length > _UNWRITTEN:
            yield logical, -1, length - _UNWRITTEN
        else:
            yield logical, low | high << 32, length


def mapped(root: bytes, block: Block, count: int, size: int) -> Iterator[Run]:
    """Yield the runs of a file of `count` blocks that has a block map, as ext2's have."""
    numbers = struct.unpack("<15I", root)
    left = count
    for number in numbers[:_DIRECT]:
        if left <= 0:
            return
        yield number or -1, 1
        left -= 1
    per_block = size // 4
    for level, number in enumerate(numbers[_DIRECT:], 1):
        if left <= 0:
            return
        yield from _indirect(number, level, block, left, per_block)
        left -= per_block**level


def _indirect(number: int, level: int, block: Block, left: int, per_block: int) -> Iterator[Run]:
    if not number:
        yield -1, min(left, per_block**level)
        return
    for child in struct.unpack(f"<{per_block}I", block(number)):
        if left <= 0:
            return
        if level > 1:
            yield from _indirect(child, level - 1, block, left, per_block)
        else:
            yield child or -1, 1
        left -= per_block ** (level - 1)
