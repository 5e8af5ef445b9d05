"""Nodes of C++ containers by their layout, which both libraries keep fixed as their ABI."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ..types import Array, Base, Enum, Struct, Type
from ..values import Value

_MOST: Final = 100_000  #: nodes of one container
_HEIGHT: Final = 128  #: of a tree: a balanced one of 2^64 nodes


@dataclass(frozen=True, slots=True)
class NodeLayout:
    """Offsets in bytes; elements follow what is fixed, aligned."""

    left: int
    right: int
    tree: int  #: size of what is fixed in a node of a tree
    chain: int  #: the same in a node of a hash table, whose first word is the next one


#: __tree_node_base: left, right, parent, bool; __hash_node: next, hash
LIBCXX: Final = NodeLayout(0, 8, 25, 16)
#: _Rb_tree_node_base: colour, parent, left, right; _Hash_node: next
LIBSTDCXX: Final = NodeLayout(16, 24, 32, 8)


def alignment(kind: Type, depth: int = 16) -> int:
    """Return the alignment of a type in bytes."""
    kind = kind.stripped()
    if isinstance(kind, Array):
        return alignment(kind.target, depth - 1) if depth else 8
    if isinstance(kind, Struct):
        members = [m for m in kind.body.members if not m.is_static] if depth else []
        return max((alignment(m.target, depth - 1) for m in members), default=1)
    if isinstance(kind, (Base, Enum)):
        return min(max(kind.bytes, 1), 16)
    return 8


class _Nodes:
    def __init__(self, near: Value, layout: NodeLayout, element: Type, size: int) -> None:
        self._near = near
        self._layout = layout
        self._element = element
        self._left = min(size, _MOST)
        self._alignment = alignment(element)

    def word(self, address: int) -> int:
        return int.from_bytes(self._near.frame.memory.read(address, 8), "little")

    def element(self, node: int, fixed: int) -> Value:
        offset = -(-fixed // self._alignment) * self._alignment
        return self._near.at(node + offset, self._element)


class Tree(_Nodes):
    """A red-black tree."""

    def walk(self, node: int) -> Iterator[Value]:
        """Yield the elements in order; raise `NoMemory` where the tree is broken."""
        stack: list[int] = []
        left = self._left
        while left > 0:
            while node and len(stack) < _HEIGHT:
                stack.append(node)
                node = self.word(node + self._layout.left)
            if not stack:
                return
            node = stack.pop()
            yield self.element(node, self._layout.tree)
            left -= 1
            node = self.word(node + self._layout.right)


class Chain(_Nodes):
    """The nodes of a hash table, all in one list."""

    def walk(self, node: int) -> Iterator[Value]:
        """Yield the elements as they are linked; raise `NoMemory` where the list is broken."""
        left = self._left
        while node and left > 0:
            yield self.element(node, self._layout.chain)
            left -= 1
            node = self.word(node)
