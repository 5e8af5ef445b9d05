"""Load a tree that was described in Python (a built-in root, an archive) into a tmpfs.

Contents that are host files are read when they are first used.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Protocol

from ...abi.errno import EINVAL, LinuxError, from_host
from ...abi.stat import S_IFBLK, S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG
from ...base.tree import TreeName
from ...machine.api import PAGE_MASK
from ..vfs import acl
from ..vfs.node import NodeOps
from ..vfs.page_cache import Backing
from ..vfs.xattr import XattrTable
from .host_content import BytesContent, HostPath
from .tmpfs import TmpDir, Tmpfs
from .tmpfs_file import TmpFile

_ROOT_MODE: Final = 0o755


class Part(Backing, Protocol):
    """A content that is read when it is used."""

    @property
    def size(self) -> int:
        """Bytes."""
        ...


class TreeEntry(TreeName, Protocol):
    """One name of a tree."""

    @property
    def content(self) -> bytes | Path | Part:
        """A regular file's content, or the host file, or part of one, that has it."""
        ...

    @property
    def xattrs(self) -> tuple[tuple[str, bytes], ...]:
        """Extended attributes."""
        ...


def populate(fs: Tmpfs, entries: Iterable[TreeEntry]) -> None:
    """Add ``entries`` to ``fs``; a directory comes before what it holds.

    Raises ``EINVAL`` for an entry whose directory is missing, and the host's error for a
    content that cannot be found.
    """
    fs.root.update(mode=_ROOT_MODE)  # which /tmp's file system begins without
    places: dict[str, NodeOps] = {"": fs.root}
    times: list[tuple[NodeOps, int]] = []
    for entry in entries:
        fs.max_inodes += 1  # the limit is for what the guest makes
        path = entry.path.strip("/")
        if not path:
            _adopt(fs.root, entry)
            continue
        parent, _, name = path.rpartition("/")
        directory = places.get(parent)
        if not isinstance(directory, TmpDir):
            raise EINVAL(f"{path}: its directory is not in the tree")
        if entry.hardlink:
            node = places[entry.hardlink.strip("/")]
            directory.link(os.fsencode(name), node)
        else:
            node = _make(fs, directory, os.fsencode(name), entry)
            _adopt(node, entry)
        places[path] = node
        if isinstance(node, TmpDir) and entry.mtime_ns:
            times.append((node, entry.mtime_ns))
    for node, time in times:  # filling them was no change
        node.mtime = node.atime = time


def _make(fs: Tmpfs, directory: TmpDir, name: bytes, entry: TreeEntry) -> NodeOps:
    kind = entry.mode & S_IFMT
    existing = directory.table.get(name)
    if existing is not None:
        node = directory.lookup(name)
        if kind == S_IFDIR and isinstance(node, TmpDir):
            return node
        directory.unlink(name, node)
    if kind == S_IFLNK:
        return directory.symlink(name, os.fsencode(entry.target), entry.uid, entry.gid)
    if kind == S_IFREG and entry.content:
        return _file(fs, directory, name, entry)
    rdev = 0
    if kind in (S_IFCHR, S_IFBLK):
        rdev = entry.minor & 0xFF | entry.major << 8 | (entry.minor & ~0xFF) << 12
    return directory.create(name, entry.mode, entry.uid, entry.gid, rdev)


def _file(fs: Tmpfs, directory: TmpDir, name: bytes, entry: TreeEntry) -> NodeOps:
    content = entry.content
    backing: Backing
    if isinstance(content, bytes):
        backing, size = BytesContent(content), len(content)
    elif not isinstance(content, Path):
        backing, size = content, content.size
    else:
        try:
            size = os.stat(content).st_size
        except OSError as error:
            raise from_host(error) from None
        backing = HostPath(content)
    fs.image_pages += size + PAGE_MASK >> 12
    node = TmpFile(fs, entry.mode, entry.uid, entry.gid, backing=backing, size=size)
    directory.enter(name, node)
    directory.changed()
    return node


def _adopt(node: NodeOps, entry: TreeEntry) -> None:
    node.mode = node.mode & S_IFMT | entry.mode & 0o7777
    node.uid, node.gid = entry.uid, entry.gid
    if entry.mtime_ns:
        node.mtime = node.atime = entry.mtime_ns
    if entry.xattrs:
        _adopt_attributes(node, entry)


def _adopt_attributes(node: NodeOps, entry: TreeEntry) -> None:
    table = XattrTable()
    for given, value in entry.xattrs:
        name = os.fsencode(given)
        if name in acl.KINDS:
            try:
                acl.adopt(node, name, value)
            except LinuxError:
                raise EINVAL(f"{entry.path}: its access control list is damaged") from None
        else:
            table[name] = value
    if table:
        node.bind(XattrTable, table)
