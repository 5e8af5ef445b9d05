"""Who wants to know what happens to nodes (inotify(7)); `files.inotify` implements it.

What happens to a file is told to those who watch it, and with its name to those who watch its
directory.  A file system counts its watches in `watched`: nothing is looked for where that is 0.
"""

from __future__ import annotations

from typing import Protocol

from ...abi.inotify import IN_ISDIR
from .dentry import DirEntry
from .mount import Location
from .node import DIRECTORY, NodeOps


class Watch(Protocol):
    """One watch of a node."""

    def event(self, mask: int, name: bytes, cookie: int, *, unlinked: bool) -> None:
        """Note an event; ``name`` is that of the entry in the watched directory, or b""."""
        ...


class Watches(dict[Watch, None]):
    """The watches of a node, bound to it."""


def tell_node(
    node: NodeOps, mask: int, name: bytes = b"", cookie: int = 0, *, unlinked: bool = False
) -> None:
    """Tell those who watch ``node`` itself."""
    data = node.data
    watches = None if data is None else data.get(Watches)
    if watches:
        for watch in list(watches):
            watch.event(mask, name, cookie, unlinked=unlinked)


def tell_entry(entry: DirEntry, mask: int) -> None:
    """Tell those who watch the node of ``entry``, or the directory that it is in."""
    node = entry.node
    if node is None:
        return
    if node.kind == DIRECTORY:
        mask |= IN_ISDIR
    if entry.parent is not None and entry.parent.node is not None:
        tell_node(entry.parent.node, mask, entry.name, unlinked=entry.unlinked)
    tell_node(node, mask)


def tell_place(place: Location, mask: int) -> None:
    """Tell what happened to what is at ``place``, if anybody watches that file system."""
    if place.mount.fs.watched:
        tell_entry(place.entry, mask)


def tell_name(directory: NodeOps, mask: int, name: bytes, node: NodeOps, cookie: int = 0) -> None:
    """Tell those who watch ``directory`` what happened to a name of ``node`` in it."""
    if directory.data is not None:
        if node.kind == DIRECTORY:
            mask |= IN_ISDIR
        tell_node(directory, mask, name, cookie)
