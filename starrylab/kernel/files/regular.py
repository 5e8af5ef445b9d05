"""``RegularFile``: an open regular file (design document 7.1.5; read(2), write(2), lseek(2)).

The offset is here, the size and the pages are the node's.  Data goes straight between the
page cache's frames and the user's, in one copy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...abi.errno import EACCES, EFBIG, EINVAL, ENODEV, ENXIO, EOVERFLOW, EPERM, ETXTBSY
from ...abi.fcntl import (
    F_SEAL_FUTURE_WRITE,
    F_SEAL_GROW,
    F_SEAL_WRITE,
    MS_NOEXEC,
    O_APPEND,
    O_DSYNC,
    SEEK_CUR,
    SEEK_DATA,
    SEEK_END,
    SEEK_HOLE,
    SEEK_SET,
)
from ...abi.mman import PROT_EXEC, PROT_WRITE
from ..mm.space import AddressSpace
from ..vfs.mount import Location
from ..vfs.node import Credentials, FileNodeOps
from ..vfs.page_cache import MAX_SIZE, PageCache
from ..vfs.permission import drop_privileges
from .node_file import NodeFile, wants_atime

if TYPE_CHECKING:
    from ..mm.source import PageSource

_PRIVILEGES = 0o6000  #: S_ISUID | S_ISGID
_SEALED = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_FUTURE_WRITE


class RegularFile(NodeFile):
    """An open file with an offset, whose content is a page cache or a node's own methods."""

    __slots__ = ("atime", "offset", "pages")

    kind = "regular"
    node: FileNodeOps

    def __init__(self, place: Location, flags: int, cred: Credentials) -> None:
        super().__init__(place, flags, cred)
        self.offset = 0  #: bytes
        #: The pages to transfer from and to at once; ``None``: ask the node.
        self.pages: PageCache | None = None if self.node.is_coherent else self.node.pages
        self.atime = self.readable and wants_atime(place, flags)
        if self.writable:
            if self.node.writers < 0:
                self.release_mount()
                raise ETXTBSY
            self.node.writers += 1

    def release_mount(self) -> None:
        """Undo what the base class counted, for an open that failed."""
        super().closed()

    def closed(self) -> None:
        """See ``File.closed``."""
        if self.writable:
            self.node.writers -= 1
        super().closed()

    # Reading.

    def read(self, size: int) -> bytes:
        """See ``File.read``."""
        data = self.pread(size, self.offset)
        self.offset += len(data)
        return data

    def pread(self, size: int, offset: int) -> bytes:
        """See ``File.pread``."""
        pages = self.pages
        data = self.node.read_at(size, offset) if pages is None else pages.read(size, offset)
        if self.atime:
            self._touch()
        return data

    def _touch(self) -> None:
        node = self.node
        node.atime = node.fs.now()
        self.atime = wants_atime(self.place, self.flags)

    def read_user(self, mm: AddressSpace, addr: int, size: int) -> int:
        """See ``File.read_user``."""
        pages = self.pages
        if pages is None:
            data = self.node.read_at(size, self.offset)
            mm.write(addr, data)
            count = len(data)
        else:
            count = pages.read_into(mm, addr, size, self.offset)
        self.offset += count
        if self.atime:
            self._touch()
        return count

    def pread_user(self, mm: AddressSpace, addr: int, size: int, offset: int) -> int:
        """Read into user memory at ``offset``; the file's own offset stays."""
        if self.pages is None:
            return super().pread_user(mm, addr, size, offset)
        count = self.pages.read_into(mm, addr, size, offset)
        if self.atime:
            self._touch()
        return count

    # Writing.

    def write(self, data: bytes) -> int:
        """See ``File.write``."""
        offset = self.node.size if self.flags & O_APPEND else self.offset
        count = self._write_at(data, offset)
        self.offset = offset + count
        return count

    def pwrite(self, data: bytes, offset: int) -> int:
        """See ``File.pwrite``; with O_APPEND Linux appends whatever the offset is."""
        return self._write_at(data, self.node.size if self.flags & O_APPEND else offset)

    def _write_at(self, data: bytes, offset: int) -> int:
        node = self.node
        if node.mode & _PRIVILEGES:
            drop_privileges(node, self.cred)
        count = node.write_at(data, offset)
        if self.flags & O_DSYNC:
            node.sync(True)
        return count

    def write_user(self, mm: AddressSpace, addr: int, size: int) -> int:
        """See ``File.write_user``."""
        offset = self.node.size if self.flags & O_APPEND else self.offset
        count = self._write_user_at(mm, addr, size, offset)
        self.offset = offset + count
        return count

    def pwrite_user(self, mm: AddressSpace, addr: int, size: int, offset: int) -> int:
        """Write from user memory at ``offset``; the file's own offset stays."""
        if self.flags & O_APPEND:
            offset = self.node.size
        return self._write_user_at(mm, addr, size, offset)

    def _write_user_at(self, mm: AddressSpace, addr: int, size: int, offset: int) -> int:
        node = self.node
        pages = self.pages
        if pages is None or node.seals & _SEALED:
            return self._write_at(mm.read(addr, size), offset)
        if node.mode & _PRIVILEGES:
            drop_privileges(node, self.cred)
        count = pages.write_from(mm, addr, size, offset)
        node.mtime = node.ctime = node.fs.now()
        if self.flags & O_DSYNC:
            node.sync(True)
        return count

    # The rest.

    def seek(self, offset: int, whence: int) -> int:
        """See ``File.seek``; raises ``EINVAL``, ``ENXIO``, ``EOVERFLOW``."""
        if whence == SEEK_SET:
            new = offset
        elif whence == SEEK_CUR:
            new = self.offset + offset
        elif whence == SEEK_END:
            self.node.refresh()
            new = self.node.size + offset
        elif whence in (SEEK_DATA, SEEK_HOLE):
            self.node.refresh()
            if not 0 <= offset < self.node.size:
                raise ENXIO
            search = self.node.next_data if whence == SEEK_DATA else self.node.next_hole
            new = search(offset)
        else:
            raise EINVAL
        if new > MAX_SIZE:
            raise EOVERFLOW
        if new < 0:
            raise EINVAL
        self.offset = new
        return new

    def truncate(self, size: int) -> None:
        """ftruncate(2): set the size in bytes."""
        if size > MAX_SIZE:
            raise EFBIG
        drop_privileges(self.node, self.cred)
        self.node.truncate(size)

    def mappable(self, prot: int, flags: int) -> PageSource:
        """See ``File.mappable``; raises ``EACCES``, ``EPERM``, ``ENODEV``."""
        if not self.readable:
            raise EACCES
        shared = flags & 3 != 2  # MAP_SHARED or MAP_SHARED_VALIDATE, not MAP_PRIVATE
        if shared and prot & PROT_WRITE and not self.writable:
            raise EACCES
        if prot & PROT_EXEC and self.place.mount.flags & MS_NOEXEC:
            raise EPERM
        if shared and prot & PROT_WRITE and self.node.seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE):
            raise EPERM
        if self.node.pages is None:
            raise ENODEV
        return self.node.pages
