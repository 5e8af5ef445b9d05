"""The flattened device tree: a tree of nodes with named byte strings.

Source: Devicetree Specification 0.4, chapter 5. Numbers are big-endian.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

from .errors import ImageFormatError

MAGIC: Final = 0xD00DFEED
_HEADER: Final = struct.Struct(">10I")
_VERSION: Final = 17
_COMPATIBLE: Final = 16
_BEGIN, _END, _PROPERTY, _NOP, _LAST = 1, 2, 3, 4, 9
_MAX_DEPTH: Final = 64
_NO_RESERVED: Final = bytes(16)  # the memory reservation block ends with a row of zeros


@dataclass(slots=True)
class Node:
    """A node; names of children are unique, and order is kept."""

    properties: dict[str, bytes] = field(default_factory=dict)
    children: dict[str, Node] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """Return a property that is a string; "" when it is not there."""
        return self.properties.get(name, b"").rstrip(b"\0").decode("utf-8", "replace")

    def number(self, name: str) -> int | None:
        """Return a property of one or two cells."""
        value = self.properties.get(name)
        return int.from_bytes(value, "big") if value and len(value) in (4, 8) else None

    def child(self, *path: str) -> Node | None:
        """Return the node at `path` below this one."""
        node: Node | None = self
        for name in path:
            node = node.children.get(name) if node is not None else None
        return node


def string(text: str) -> bytes:
    """Return a property's value that is a string."""
    return text.encode() + b"\0"


def cell(number: int) -> bytes:
    """Return a property's value that is one 32-bit number."""
    return number.to_bytes(4, "big")


def cells64(number: int) -> bytes:
    """Return a property's value that is one 64-bit number, two cells."""
    return number.to_bytes(8, "big")


def is_dtb(data: bytes) -> bool:
    """Whether `data` begins as a flattened device tree does."""
    return data[:4] == MAGIC.to_bytes(4, "big")


def pack(root: Node) -> bytes:
    """Return the flattened tree."""
    strings = bytearray()
    offsets: dict[str, int] = {}
    structure = bytearray()

    def begin(node: Node, name: str) -> None:
        structure.extend(struct.pack(">I", _BEGIN) + _aligned(name.encode() + b"\0"))
        for key, value in node.properties.items():
            if key not in offsets:
                offsets[key] = len(strings)
                strings.extend(key.encode() + b"\0")
            structure.extend(struct.pack(">3I", _PROPERTY, len(value), offsets[key]))
            structure.extend(_aligned(value))
        for child, below in node.children.items():
            begin(below, child)
        structure.extend(struct.pack(">I", _END))

    begin(root, "")
    structure.extend(struct.pack(">I", _LAST))
    at_structure = _HEADER.size + len(_NO_RESERVED)
    at_strings = at_structure + len(structure)
    header = _HEADER.pack(
        MAGIC, at_strings + len(strings), at_structure, at_strings, _HEADER.size,
        _VERSION, _COMPATIBLE, 0, len(strings), len(structure),
    )  # fmt: skip
    return header + _NO_RESERVED + structure + strings


def total_size(data: bytes) -> int:
    """Return the bytes of the tree at the start of `data`; raises ImageFormatError."""
    if len(data) < _HEADER.size or not is_dtb(data):
        raise ImageFormatError("no device tree, or one cut within its header")
    return int.from_bytes(data[4:8], "big")


def unpack(data: bytes) -> Node:
    """Return the tree at the start of `data`.

    Raises:
        ImageFormatError: another magic, cut, nodes that do not nest, or names out of bounds.

    """
    size = total_size(data)
    if len(data) < size:
        raise ImageFormatError(f"the device tree is cut: {len(data)} of {size} bytes")
    _, _, at, at_strings, _, _, compatible, _, strings_size, length = _HEADER.unpack_from(data)
    if compatible > _VERSION:
        raise ImageFormatError(f"the device tree is of version {compatible}, not {_VERSION}")
    if at + length > size or at_strings + strings_size > size:
        raise ImageFormatError("the device tree's blocks leave the file")
    return _Reader(data[at : at + length], data[at_strings : at_strings + strings_size]).tree()


class _Reader:
    """Walks over the structure block."""

    def __init__(self, structure: bytes, strings: bytes) -> None:
        self._data = structure
        self._strings = strings
        self._at = 0

    def tree(self) -> Node:
        stack = [Node()]
        while (token := self._number()) != _LAST:
            if token == _BEGIN:
                node = Node()
                stack[-1].children[self._name()] = node
                stack.append(node)
            elif token == _END and len(stack) > 1:
                stack.pop()
            elif token == _PROPERTY and len(stack) > 1:
                length, offset = self._number(), self._number()
                stack[-1].properties[_string(self._strings, offset)] = self._take(length)
            elif token != _NOP:
                raise ImageFormatError(f"the device tree has an unknown token {token}")
            if len(stack) > _MAX_DEPTH:
                raise ImageFormatError(f"the device tree is deeper than {_MAX_DEPTH} nodes")
        if len(stack) != 1 or len(stack[0].children) != 1:
            raise ImageFormatError("the nodes of the device tree do not nest")
        return next(iter(stack[0].children.values()))

    def _number(self) -> int:
        return int.from_bytes(self._take(4), "big")

    def _take(self, length: int) -> bytes:
        value = self._data[self._at : self._at + length]
        if len(value) < length:
            raise ImageFormatError("the device tree ends within a node")
        self._at += (length + 3) & ~3
        return value

    def _name(self) -> str:
        name = _string(self._data, self._at)
        self._at += (len(name.encode("latin-1")) + 4) & ~3
        return name


def _string(block: bytes, at: int) -> str:
    end = block.find(b"\0", at)
    if end < 0:
        raise ImageFormatError("a name of the device tree does not end")
    return block[at:end].decode("latin-1")


def _aligned(value: bytes) -> bytes:
    return value + bytes(-len(value) % 4)
