"""tmpfs: a file system in RAM (design document 7.3.1; tmpfs(5)).

A directory is a dict in the order of creation; each name has a cookie that only grows, so
getdents64(2) goes on at the right place whatever was removed meanwhile.  The contents of a
file are its page cache and nothing else; they go when the last name, open file and mapping
are gone.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final

from ...abi.errno import EINVAL, ENOENT, ENOSPC, ENOTEMPTY
from ...abi.stat import S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, TMPFS_MAGIC
from ...machine.api import PAGE_MASK
from ..vfs.node import (
    DirNodeOps,
    Entry,
    FilesystemOps,
    NodeOps,
    StatFs,
    SymlinkNodeOps,
)
from ..vfs.operations import Linkable
from ..vfs.page_cache import Account
from ..vfs.page_pool import PagePool
from .options import parse_number, parse_options, parse_size
from .tmpfs_file import TmpFile, TmpNode, TmpSpecial

if TYPE_CHECKING:
    from .populate import TreeEntry

_DIRENT_SIZE: Final = 20  #: what Linux's tmpfs adds to a directory's size for an entry
_UNLIMITED: Final = 1 << 62
#: options that change nothing here: no swap, one memory node, inode numbers of 64 bits
_NO_EFFECT: Final = (b"inode32", b"inode64", b"mpol", b"noswap")

#: source directory, name, target directory, name, whether to exchange: raises ``LinuxError``
Renamer = Callable[["TmpDir", bytes, "TmpDir", bytes, bool], object]


class Tmpfs(FilesystemOps):
    """One instance of tmpfs."""

    name = "tmpfs"
    magic = TMPFS_MAGIC
    exports = True
    has_acls = has_file_flags = True

    def __init__(self, now: Callable[[], int], pool: PagePool, options: bytes = b"") -> None:
        super().__init__(now)
        self.pool = pool
        self.renamer: Renamer | None = None  #: who moves names instead of `TmpDir.rename`
        half = pool.frames.ram.size >> 13
        self.account = Account(half)
        self.max_inodes = half
        self.inodes = 0
        #: pages of what it was populated with: they lie in the image, and can be neither
        #: freed nor used for anything else, so that df(1) counts them as used
        self.image_pages = 0
        self.inos = itertools.count(1)
        self._root = self.make_root()
        self._apply(options, initial=self._root)

    def make_root(self) -> TmpDir:
        """Make the root directory."""
        return TmpDir(self, 0o1777, 0, 0)

    @property
    def root(self) -> TmpDir:
        """See ``FilesystemOps.root``."""
        return self._root

    def _apply(self, options: bytes, initial: TmpDir | None = None) -> None:
        shown = []
        for key, value in parse_options(options):
            if key in (b"size", b"nr_blocks"):
                limit = parse_size(value, self.pool.frames.ram.size)
                limit = limit + PAGE_MASK >> 12 if key == b"size" else limit
                if limit and limit < self.account.used:
                    raise EINVAL
                self.account.limit = limit or _UNLIMITED
                shown.append(b"size=%dk" % (limit << 2))
            elif key == b"nr_inodes":
                self.max_inodes = parse_size(value, 0) or _UNLIMITED
                shown.append(b"nr_inodes=%d" % parse_size(value, 0))
            elif key in (b"mode", b"uid", b"gid"):
                number = parse_number(value, 8 if key == b"mode" else 0)
                if initial is not None:
                    if key == b"mode":
                        initial.mode = S_IFDIR | number & 0o7777
                    else:
                        setattr(initial, key.decode(), number)
                    shown.append(key + b"=" + value)
            elif key not in _NO_EFFECT and (key, value) != (b"huge", b"never"):
                raise EINVAL(f"unknown tmpfs option {key!r}")
        if shown or initial is not None:
            self.options = b",".join(shown)

    def remount(self, options: bytes) -> None:
        """See ``FilesystemOps.remount``."""
        self._apply(options)

    def new_inode(self) -> int:
        """Count one more inode and return its number; raise ``ENOSPC``."""
        if self.inodes >= self.max_inodes:
            raise ENOSPC
        self.inodes += 1
        return next(self.inos)

    def statfs(self) -> StatFs:
        """See ``FilesystemOps.statfs``."""
        blocks, used = self.account.limit, self.account.used
        if blocks == _UNLIMITED:
            blocks = self.pool.frames.ram.size >> 12
        free = max(blocks - used, 0)
        blocks += self.image_pages
        inodes = self.max_inodes
        if inodes == _UNLIMITED:
            return StatFs(self.magic, 4096, blocks, free, free, 0, 0)
        return StatFs(self.magic, 4096, blocks, free, free, inodes, inodes - self.inodes)

    def populate(self, entries: Iterable[TreeEntry]) -> None:
        """Add the entries of a tree; see `populate.populate`."""
        from .populate import populate

        populate(self, entries)

    def unmounted(self) -> None:
        """See ``FilesystemOps.unmounted``."""
        self.root.table.clear()


class TmpSymlink(SymlinkNodeOps, TmpNode):
    """A symbolic link."""

    __slots__ = ("target",)

    def __init__(self, fs: Tmpfs, target: bytes, uid: int, gid: int, *, ino: int = 0) -> None:
        super().__init__(fs, ino or fs.new_inode(), S_IFLNK | 0o777, uid, gid)
        self.target = target
        self.size = len(target)

    def readlink(self) -> bytes:
        """See ``SymlinkNodeOps.readlink``."""
        return self.target


class LazyNode:
    """A directory entry whose node is made when somebody first looks it up."""

    __slots__ = ()
    ino = 0
    type = S_IFREG

    def load(self, directory: TmpDir) -> NodeOps:
        """Make the node."""
        raise NotImplementedError


def _entry(name: bytes, cookie: int, node: NodeOps | LazyNode) -> Entry:
    kind = node.type if isinstance(node, LazyNode) else node.mode & S_IFMT
    return Entry(cookie, name, node.ino, kind)


class TmpDir(DirNodeOps, TmpNode):
    """A directory."""

    __slots__ = ("cookies", "table")

    def __init__(self, fs: Tmpfs, mode: int, uid: int, gid: int, *, ino: int = 0) -> None:
        #: name -> (cookie, node), oldest first; cookies grow along with the order.
        self.table: dict[bytes, tuple[int, NodeOps | LazyNode]] = {}
        super().__init__(fs, ino or fs.new_inode(), mode, uid, gid)
        self.cookies = itertools.count(3)  # 1 and 2 are "." and ".."

    @property
    def size(self) -> int:
        """See ``NodeOps.size``."""
        return _DIRENT_SIZE * (len(self.table) + 2)

    @size.setter
    def size(self, value: int) -> None:
        """Ignore the base class's initial value."""

    def lookup(self, name: bytes) -> NodeOps:
        """See ``DirNodeOps.lookup``."""
        slot = self.table.get(name)
        if slot is None:
            raise ENOENT
        node = slot[1]
        if isinstance(node, LazyNode):
            node = node.load(self)
            self.table[name] = (slot[0], node)
        return node

    def entries(self, cookie: int) -> Iterator[Entry]:
        """See ``DirNodeOps.entries``."""
        for name in list(self.table):
            slot = self.table.get(name)
            if slot is not None and slot[0] > cookie:
                yield _entry(name, *slot)

    def enter(self, name: bytes, node: NodeOps | LazyNode) -> None:
        """Add a name."""
        self.table[name] = (next(self.cookies), node)

    def changed(self) -> None:
        """Note that a name came or went."""
        self.mtime = self.ctime = self.fs.now()

    def create(self, name: bytes, mode: int, uid: int, gid: int, rdev: int = 0) -> NodeOps:
        """See ``DirNodeOps.create``."""
        kind = mode & S_IFMT
        node: NodeOps
        if kind == S_IFREG:
            node = TmpFile(self.fs, mode, uid, gid)
        elif kind == S_IFDIR:
            node = TmpDir(self.fs, mode, uid, gid)
            self.nlink += 1
        else:
            node = TmpSpecial(self.fs, self.fs.new_inode(), mode, uid, gid)
            node.rdev = rdev
        self.enter(name, node)
        self.changed()
        return node

    def symlink(self, name: bytes, target: bytes, uid: int, gid: int) -> NodeOps:
        """See ``DirNodeOps.symlink``."""
        node = TmpSymlink(self.fs, target, uid, gid)
        self.enter(name, node)
        self.changed()
        return node

    def link(self, name: bytes, node: NodeOps) -> None:
        """See ``DirNodeOps.link``."""
        if not node.nlink:
            self.fs.inodes += 1
        node.nlink += 1
        node.ctime = self.fs.now()
        self.enter(name, node)
        self.changed()

    def unlink(self, name: bytes, node: NodeOps) -> None:
        """See ``DirNodeOps.unlink``."""
        del self.table[name]
        if isinstance(node, TmpNode):
            node.unlinked()
        self.changed()

    def rmdir(self, name: bytes, node: DirNodeOps) -> None:
        """See ``DirNodeOps.rmdir``."""
        assert isinstance(node, TmpDir)
        if node.names():
            raise ENOTEMPTY
        del self.table[name]
        node.nlink = 0
        self.fs.inodes -= 1
        self.nlink -= 1
        self.changed()

    def names(self) -> int:
        """Return the number of entries."""
        return len(self.table)

    def rename(
        self,
        name: bytes,
        node: NodeOps,
        to_dir: DirNodeOps,
        to_name: bytes,
        replaced: NodeOps | None,
        *,
        exchange: bool = False,
    ) -> None:
        """See ``DirNodeOps.rename``."""
        assert isinstance(to_dir, TmpDir)
        if self.fs.renamer is not None:
            self.fs.renamer(self, name, to_dir, to_name, exchange)
            return
        is_dir = isinstance(node, TmpDir)
        if exchange:
            assert replaced is not None
            self.table[name] = (self.table[name][0], replaced)
            to_dir.table[to_name] = (to_dir.table[to_name][0], node)
            moved = is_dir - isinstance(replaced, TmpDir)
        else:
            if isinstance(replaced, TmpDir):
                to_dir.rmdir(to_name, replaced)
            elif replaced is not None:
                to_dir.unlink(to_name, replaced)
            del self.table[name]
            to_dir.enter(to_name, node)
            moved = int(is_dir)
        self.nlink -= moved
        to_dir.nlink += moved
        self.changed()
        to_dir.changed()
        node.ctime = self.ctime
        if exchange and replaced is not None:
            replaced.ctime = self.ctime

    def temporary(self, mode: int, uid: int, gid: int) -> NodeOps:
        """See ``DirNodeOps.temporary``."""
        node = TmpFile(self.fs, mode, uid, gid)
        node.nlink = 0
        self.fs.inodes -= 1
        node.bind(Linkable, Linkable())
        return node
