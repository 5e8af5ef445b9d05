"""Files of tmpfs: regular files, which are nothing but their page cache, and special ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...abi.errno import EOPNOTSUPP, EPERM
from ...abi.fcntl import (
    F_SEAL_GROW,
    F_SEAL_SEAL,
    F_SEAL_SHRINK,
    F_SEAL_WRITE,
    FALLOC_FL_KEEP_SIZE,
    FALLOC_FL_PUNCH_HOLE,
)
from ...abi.stat import S_IFREG
from ...machine.api import PAGE_MASK
from ..vfs.node import FileNodeOps
from ..vfs.page_cache import Backing, PageCache
from ..vfs.xattr import XattrStore

if TYPE_CHECKING:
    from .tmpfs import Tmpfs


class TmpNode(XattrStore):
    """What the nodes of tmpfs have in common."""

    __slots__ = ()
    fs: Tmpfs

    def unlinked(self) -> None:
        """One name less."""
        self.nlink -= 1
        self.ctime = self.fs.now()
        if not self.nlink:
            self.fs.inodes -= 1


class TmpSpecial(TmpNode):
    """A FIFO, socket or device node."""

    __slots__ = ()


class TmpFile(FileNodeOps, TmpNode):
    """A regular file."""

    __slots__ = ("pages", "seals")

    pages: PageCache

    def __init__(
        self,
        fs: Tmpfs,
        mode: int,
        uid: int,
        gid: int,
        *,
        ino: int = 0,
        backing: Backing | None = None,
        size: int = 0,
    ) -> None:
        ino = ino or fs.new_inode()
        self.pages = PageCache(fs.pool, fs, ino, fs.account, backing, size)
        super().__init__(fs, ino, S_IFREG | mode & 0o7777, uid, gid)
        self.seals = F_SEAL_SEAL  #: F_SEAL_*; only memfd_create(2) makes files that take seals

    @property
    def size(self) -> int:
        """See ``NodeOps.size``; the page cache has it."""
        return self.pages.size

    @size.setter
    def size(self, value: int) -> None:
        """Ignore the base class's initial value."""

    @property
    def blocks(self) -> int:
        """See ``NodeOps.blocks``."""
        return self.pages.nr_pages << 3

    def read_at(self, size: int, offset: int) -> bytes:
        """See ``FileNodeOps.read_at``."""
        return self.pages.read(size, offset)

    def write_at(self, data: bytes, offset: int) -> int:
        """See ``FileNodeOps.write_at``; raises ``EPERM`` for a sealed file."""
        if self.seals & ~F_SEAL_SEAL:
            self.check_seals(offset + len(data))
        count = self.pages.write(data, offset)
        self.mtime = self.ctime = self.fs.now()
        return count

    def seal(self, seals: int) -> None:
        """See ``FileNodeOps.seal``."""
        self.seals |= seals

    def check_seals(self, end: int) -> None:
        """Raise ``EPERM`` if a write up to byte ``end`` is sealed away."""
        if self.seals & F_SEAL_WRITE or (self.seals & F_SEAL_GROW and end > self.pages.size):
            raise EPERM

    def truncate(self, size: int) -> None:
        """See ``FileNodeOps.truncate``."""
        old = self.pages.size
        if (size < old and self.seals & F_SEAL_SHRINK) or (size > old and self.seals & F_SEAL_GROW):
            raise EPERM
        self.pages.truncate(size)
        self.mtime = self.ctime = self.fs.now()

    def allocate(self, mode: int, offset: int, length: int) -> None:
        """See ``FileNodeOps.allocate``; tmpfs knows PUNCH_HOLE and KEEP_SIZE, as Linux's."""
        if mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE):
            raise EOPNOTSUPP
        end = offset + length
        if mode & FALLOC_FL_PUNCH_HOLE:
            if self.seals & F_SEAL_WRITE:
                raise EPERM
            self.pages.clear(offset, end)
        else:
            if self.seals & F_SEAL_GROW and end > self.pages.size:
                raise EPERM
            self.pages.allocate(offset >> 12, end + PAGE_MASK >> 12)
            if not mode & FALLOC_FL_KEEP_SIZE and end > self.pages.size:
                self.pages.size = end
        self.mtime = self.ctime = self.fs.now()

    def next_data(self, offset: int) -> int:
        """See ``FileNodeOps.next_data``."""
        return self.pages.next_data(offset)

    def next_hole(self, offset: int) -> int:
        """See ``FileNodeOps.next_hole``."""
        return self.pages.next_hole(offset)
