"""``DirEntry``: a name in a directory, and the cache of names (design document 7.1.2, 7.2.1).

A node has one ``DirEntry`` a name.  Those of cacheable directories are kept, negative
ones (a name known not to exist) too, so that path resolution is one dict lookup a
component; for the others `fast` is an empty dict, which leads into `lookup` every time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from ...abi.errno import ENAMETOOLONG, ENOENT
from ...abi.fcntl import NAME_MAX
from .node import DIRECTORY, DirNodeOps, NodeOps

if TYPE_CHECKING:
    from .mount import Mountpoint

_MAX_NEGATIVE: Final = 512  #: per directory: a program can ask for any number of absent names


class DirEntry:
    """A name, the directory that has it, and the node it stands for (``None``: negative)."""

    __slots__ = ("__weakref__", "children", "fast", "mounts", "name", "negatives", "node",
                 "parent", "unlinked")  # fmt: skip

    def __init__(self, name: bytes, parent: DirEntry | None, node: NodeOps | None) -> None:
        self.name = name
        self.parent = parent  #: ``None`` at a file system's root
        self.node = node
        self.unlinked = False
        self.negatives = 0
        #: What is mounted here, by the mount that it is mounted in.
        self.mounts: dict[Mountpoint, Mountpoint] | None = None
        self.children: dict[bytes, DirEntry]
        self.fast: dict[bytes, DirEntry]
        if node is not None and node.kind == DIRECTORY:
            self.children = {}
            self.fast = self.children if cast("DirNodeOps", node).is_cacheable else {}

    @property
    def directory(self) -> DirNodeOps:
        """The node, which the caller knows to be a directory."""
        return cast("DirNodeOps", self.node)

    @property
    def data(self) -> dict[type, Any]:
        """What is bound to the node, by type (the document's TypeMap)."""
        node = self.node
        if node is None:
            raise ENOENT
        if node.data is None:
            node.data = {}
        return node.data

    def lookup(self, name: bytes) -> DirEntry:
        """Return the entry called ``name``; it may be negative.

        Raises ``ENAMETOOLONG`` and whatever the file system raises but ``ENOENT``.
        """
        directory = self.directory
        child = self.children.get(name)
        if child is not None:
            if directory.is_cacheable:
                return child
            if child.node is not None and directory.revalidate(name, child.node):
                return child
            del self.children[name]
        if len(name) > NAME_MAX:
            raise ENAMETOOLONG
        try:
            node: NodeOps | None = directory.lookup(name)
        except ENOENT:
            node = None
        child = DirEntry(name, self, node)
        if directory.is_cacheable:
            self.children[name] = child
            if node is None:
                self._count_negative()
        elif directory.revalidates and node is not None:
            self.children[name] = child
        return child

    def _count_negative(self) -> None:
        """Drop the negative entries now and then: seldom enough for a folder of a million names."""
        self.negatives += 1
        if self.negatives > _MAX_NEGATIVE and self.negatives * 2 > len(self.children):
            for name in [n for n, c in self.children.items() if c.node is None]:
                del self.children[name]
            self.negatives = 0

    def attach(self, name: bytes, node: NodeOps) -> DirEntry:
        """Enter a node that was just created or linked under ``name``."""
        child = DirEntry(name, self, node)
        directory = self.directory
        if directory.is_cacheable or directory.revalidates:
            self.children[name] = child
        return child

    def detach(self, child: DirEntry) -> None:
        """Forget a name that was removed; who still holds the entry sees it as deleted."""
        child.unlinked = True
        if self.children.get(child.name) is child:
            del self.children[child.name]

    def move(self, new_parent: DirEntry, new_name: bytes) -> None:
        """Follow a rename, so that open directories below keep their path."""
        parent = self.parent
        if parent is not None and parent.children.get(self.name) is self:
            del parent.children[self.name]
        self.parent = new_parent
        self.name = new_name
        directory = new_parent.directory
        if directory.is_cacheable or directory.revalidates:
            new_parent.children[new_name] = self

    def is_ancestor_of(self, other: DirEntry) -> bool:
        """Tell whether ``other`` is this entry or below it."""
        entry: DirEntry | None = other
        while entry is not None:
            if entry is self:
                return True
            entry = entry.parent
        return False

    @property
    def is_mountpoint(self) -> bool:
        """Tell whether something is mounted here, in any mount."""
        return bool(self.mounts)

    def forget(self) -> None:
        """Drop the cache below, which also ends the reference cycles between the entries."""
        if self.node is not None and self.node.kind == DIRECTORY:
            children = list(self.children.values())
            self.children.clear()
            for child in children:
                child.forget()

    def __repr__(self) -> str:
        return f"<DirEntry {self.name!r} {'-' if self.node is None else self.node.ino}>"
