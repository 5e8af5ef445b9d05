"""File handles: numbers that name a node for as long as it exists (open_by_handle_at(2)).

A file system whose nodes stay in memory as long as they have a name can find them again
(`FilesystemOps.exports`).  Elsewhere a handle only tells one node from another.
"""

from __future__ import annotations

from typing import NamedTuple
from weakref import WeakValueDictionary

from ...abi.errno import EOPNOTSUPP, ESTALE
from ...abi.handles import FILEID_INO32_GEN, FILEID_INO64_GEN, INO32, INO64
from .dentry import DirEntry
from .node import DIRECTORY, FilesystemOps, NodeOps

_M32 = 0xFFFFFFFF


class Handle(NamedTuple):
    """What name_to_handle_at(2) gives, without its header."""

    type: int
    data: bytes


def fsid(fs: FilesystemOps) -> tuple[int, int]:
    """Return the two words of ``f_fsid`` (statfs(2)): what tells file systems apart."""
    return fs.dev & _M32, fs.dev >> 32


def _generation(node: NodeOps) -> int:
    """Return a number that another node with the same inode number does not have."""
    return (node.btime ^ node.btime >> 32) & _M32


def identify(node: NodeOps) -> Handle:
    """Return what tells ``node`` from all others of its file system (AT_HANDLE_FID)."""
    if node.fs.exports:
        return encode(node)
    return Handle(FILEID_INO64_GEN, INO64.pack(node.ino, _generation(node)))


def encode(node: NodeOps) -> Handle:
    """Return a handle that `decode` understands; raise ``EOPNOTSUPP``."""
    fs = node.fs
    if not fs.exports:
        raise EOPNOTSUPP
    if fs.exported is None:
        fs.exported = WeakValueDictionary()
    fs.exported[node.ino] = node
    data = INO32.pack(_generation(node), node.ino & _M32, node.ino >> 32)
    return Handle(FILEID_INO32_GEN, data)


def decode(fs: FilesystemOps, root: DirEntry, handle: Handle) -> DirEntry:
    """Return an entry of the node that ``handle`` names; raise ``ESTALE``.

    ``root`` is the file system's own.  A node whose names are all unknown or gone gets an
    entry without a place, as Linux's disconnected dentries are.
    """
    if handle.type != FILEID_INO32_GEN or len(handle.data) < INO32.size or fs.exported is None:
        raise ESTALE
    generation, low, high = INO32.unpack_from(handle.data)
    node = fs.exported.get(low | high << 32)
    if node is None or _generation(node) != generation:
        raise ESTALE
    return _find(root, node) or DirEntry(b"", None, node)


def _find(root: DirEntry, node: NodeOps) -> DirEntry | None:
    """Return a cached name of ``node``."""
    left = [root]
    while left:
        entry = left.pop()
        if entry.node is node:
            return entry
        if entry.node is not None and entry.node.kind == DIRECTORY:
            left.extend(entry.children.values())
    return None
