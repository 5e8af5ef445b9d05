"""Directories of a memory file system, for a student's rename: names, links, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..kernel.fs.tmpfs import Renamer, TmpDir
from ..kernel.vfs.node import NodeOps


class Item:
    """What a name stands for: a file, or a directory."""

    def __init__(self, node: NodeOps) -> None:
        self.node = node

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory."""
        return isinstance(self.node, TmpDir)

    @property
    def empty(self) -> bool:
        """Whether it is a directory without names (but "." and "..")."""
        return isinstance(self.node, TmpDir) and not self.node.names()

    @property
    def links(self) -> int:
        """How many names it has; a directory has "." and the ".." of each directory in it too."""
        return self.node.nlink

    @links.setter
    def links(self, value: int) -> None:
        self.node.nlink = value


class Directory(Item):
    """A directory whose names may be changed."""

    node: TmpDir

    def names(self) -> list[bytes]:
        """Return the names in it, oldest first."""
        return list(self.node.table)

    def get(self, name: bytes) -> Item | None:
        """Return what ``name`` stands for."""
        return Item(self.node.lookup(name)) if name in self.node.table else None

    def put(self, name: bytes, item: Item) -> None:
        """Let ``name`` stand for ``item``; it is new, or stands for something else now."""
        if name in self.node.table:
            self.node.table[name] = (self.node.table[name][0], item.node)
        else:
            self.node.enter(name, item.node)
        self.node.changed()

    def remove(self, name: bytes) -> None:
        """Forget a name; ``KeyError`` where there is none."""
        del self.node.table[name]
        self.node.changed()

    def discard(self, name: bytes) -> None:
        """Forget a name and one link of what it stood for, which goes with its last one."""
        node = self.node.lookup(name)
        if isinstance(node, TmpDir):
            self.node.table.pop(name)
            node.nlink = 0
            node.fs.inodes -= 1
            self.node.changed()
        else:
            self.node.unlink(name, node)


def renamer(rename: Callable[[Directory, bytes, Directory, bytes, bool], Any]) -> Renamer:
    """Return what a tmpfs calls, for a student's ``rename``."""

    def call(source: TmpDir, name: bytes, target: TmpDir, new_name: bytes, exchange: bool) -> None:
        rename(Directory(source), name, Directory(target), new_name, exchange)

    return call
