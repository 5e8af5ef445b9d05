"""A host folder that is never changed: copy on write in RAM (the root file system by default).

The nodes are tmpfs nodes that start out with the host's attributes.  A directory takes in
its names when it is first looked into and belongs to the guest from then on: a removed name
is simply not there any more, and a renamed directory keeps knowing where its contents come
from.  A file's pages come from the host until they are written; written ones stay in RAM.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any, Final

from ...abi.errno import ENOENT
from ...abi.stat import HOSTFS_SUPER_MAGIC, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG
from ...machine.api import PAGE_MASK
from ..vfs.node import Entry, NodeOps
from ..vfs.page_pool import PagePool
from .host_content import LowerFile
from .hostfs_access import HostFolder, HostPlace
from .tmpfs import LazyNode, TmpDir, Tmpfs, TmpSymlink
from .tmpfs_file import TmpFile, TmpSpecial

_FIRST_OWN_INODE: Final = 1 << 40  #: above the host's inode numbers in practice


class OverlayFs(Tmpfs):
    """A host folder below, RAM above."""

    name = "hostfs"
    magic = HOSTFS_SUPER_MAGIC

    def __init__(
        self, now: Callable[[], int], pool: PagePool, folder: HostFolder, options: bytes = b""
    ) -> None:
        self.folder = folder
        self.main_device = folder.root.stat_self().st_dev
        self.devices: dict[int, int] = {}  #: host devices inside the folder -> small numbers
        #: Files with several names, by the host's identity: they stay one file, and what
        #: became of it (the link count, say) must not be forgotten while a name is not in use.
        self.linked: dict[tuple[int, int], NodeOps] = {}
        super().__init__(now, pool, options)
        self.inos = itertools.count(_FIRST_OWN_INODE)

    def make_root(self) -> TmpDir:
        """See ``Tmpfs.make_root``."""
        return OverlayDir(self, self.folder.root.stat_self(), self.folder.root)

    def inode(self, st: os.stat_result) -> int:
        """Return the guest's inode number of a host file: the host's, where it is unique."""
        if st.st_dev == self.main_device:
            return st.st_ino
        number = self.devices.setdefault(st.st_dev, len(self.devices) + 1)
        return st.st_ino | number << 48

    def unmounted(self) -> None:
        """See ``FilesystemOps.unmounted``."""
        super().unmounted()
        self.folder.close()


def _adopt(node: Any, st: os.stat_result, folder: HostFolder) -> None:
    """Give a node the attributes of its host file."""
    node.uid, node.gid = folder.owner(st)
    node.nlink = st.st_nlink
    node.atime, node.mtime, node.ctime = st.st_atime_ns, st.st_mtime_ns, st.st_ctime_ns
    node.btime = min(node.mtime, node.ctime)
    node.fs.inodes += 1


class LowerEntry(LazyNode):
    """A name of the host's directory that nobody has looked up yet."""

    __slots__ = ("ino", "name", "type")

    def __init__(self, name: bytes, ino: int, kind: int) -> None:
        self.name = name
        self.ino = ino
        self.type = kind

    def load(self, directory: TmpDir) -> NodeOps:
        """See ``LazyNode.load``."""
        assert isinstance(directory, OverlayDir)
        fs = directory.fs
        place = directory.lower
        st = place.stat(self.name)
        kind = st.st_mode & S_IFMT
        identity = (st.st_dev, st.st_ino)
        known = fs.linked.get(identity) if kind != S_IFDIR else None
        if known is not None:
            return known
        node = self._make(fs, place, st, kind)
        if kind != S_IFDIR and st.st_nlink > 1:
            fs.linked[identity] = node
        return node

    def _make(self, fs: OverlayFs, place: HostPlace, st: os.stat_result, kind: int) -> NodeOps:
        if kind == S_IFDIR:
            return OverlayDir(fs, st, place.below(self.name))
        node: NodeOps
        if kind == S_IFREG:
            node = OverlayFile(fs, st, LowerFile(place, self.name))
        elif kind == S_IFLNK:
            node = TmpSymlink(fs, place.readlink(self.name), 0, 0, ino=fs.inode(st))
        else:
            node = TmpSpecial(fs, fs.inode(st), st.st_mode, 0, 0)
            node.rdev = st.st_rdev
        _adopt(node, st, fs.folder)
        return node


class OverlayFile(TmpFile):
    """A regular file whose unwritten pages are the host's."""

    __slots__ = ("identity", "lower_blocks")

    fs: OverlayFs

    def __init__(self, fs: OverlayFs, st: os.stat_result, backing: LowerFile) -> None:
        super().__init__(fs, st.st_mode, 0, 0, ino=fs.inode(st), backing=backing, size=st.st_size)
        self.lower_blocks = st.st_blocks
        self.identity = (st.st_dev, st.st_ino)

    def unlinked(self) -> None:
        """See ``TmpNode.unlinked``."""
        super().unlinked()
        if not self.nlink:
            self.fs.linked.pop(self.identity, None)

    @property
    def blocks(self) -> int:
        """See ``NodeOps.blocks``: the host's share and the pages written beyond it."""
        pages = self.pages
        lower = pages.backed + PAGE_MASK >> 12
        above = sum(index >= lower for index in pages.dirty)
        return min(self.lower_blocks, lower << 3) + (above << 3)


class OverlayDir(TmpDir):
    """A directory that takes in the host's names when it is first looked into."""

    __slots__ = ("loaded", "lower", "lower_size")

    fs: OverlayFs

    def __init__(self, fs: OverlayFs, st: os.stat_result, lower: HostPlace) -> None:
        self.loaded = False
        self.lower_size = st.st_size
        super().__init__(fs, st.st_mode, 0, 0, ino=fs.inode(st))
        self.lower = lower
        _adopt(self, st, fs.folder)

    @property
    def size(self) -> int:
        """See ``NodeOps.size``."""
        return self.lower_size

    @size.setter
    def size(self, value: int) -> None:
        """Ignore the base class's initial value."""

    def load(self) -> None:
        """Take in the host's names, once."""
        if not self.loaded:
            found = list(self.lower.listing())
            self.loaded = True
            for name, ino, kind in found:
                self.enter(name, LowerEntry(name, ino, kind))

    def lookup(self, name: bytes) -> NodeOps:
        """See ``DirNodeOps.lookup``; a file that went away on the host is not there."""
        self.load()
        try:
            return super().lookup(name)
        except ENOENT:
            self.table.pop(name, None)
            raise

    def entries(self, cookie: int) -> Iterator[Entry]:
        """See ``DirNodeOps.entries``."""
        self.load()
        return super().entries(cookie)

    def names(self) -> int:
        """See ``TmpDir.names``."""
        self.load()
        return super().names()
