"""``RegularFile``: an open regular file (design document 7.1.5; read(2), write(2), lseek(2)).

The offset is here, the size and the pages are the node's.  Data goes straight between the
page cache's frames and the user's, in one copy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ...abi.errno import EACCES, EFBIG, EINVAL, ENODEV, ENXIO, EOVERFLOW, EPERM, ETXTBSY
from ...abi.fcntl import (
    F_SEAL_FUTURE_WRITE,
    F_SEAL_GROW,
    F_SEAL_WRITE,
    MS_NOATIME,
    MS_NOEXEC,
    MS_RDONLY,
    MS_STRICTATIME,
    O_ACCMODE,
    O_APPEND,
    O_DSYNC,
    O_NOATIME,
    O_RDONLY,
    O_RDWR,
    O_WRONLY,
    SEEK_CUR,
    SEEK_DATA,
    SEEK_END,
    SEEK_HOLE,
    SEEK_SET,
)
from ...abi.file_flags import FS_APPEND_FL, FS_NOATIME_FL
from ...abi.inotify import IN_CLOSE_NOWRITE, IN_CLOSE_WRITE
from ...abi.landlock import LANDLOCK_ACCESS_FS_TRUNCATE
from ...abi.mman import PROT_EXEC, PROT_WRITE
from ..mm.space import AddressSpace
from ..vfs.file_flags import flags_of, refuse
from ..vfs.locks import LockTable
from ..vfs.mount import Location
from ..vfs.node import Credentials, FileNodeOps
from ..vfs.notify import tell_file
from ..vfs.page_cache import MAX_SIZE, PageCache
from ..vfs.permission import drop_privileges
from .node_file import DAY_NS, NodeFile

if TYPE_CHECKING:
    from ..mm.source import PageSource

_NEVER, _IF_OLDER, _ALWAYS, _UNDECIDED = 0, 1, 2, 3
_NO_ATIME = MS_NOATIME | MS_RDONLY
_PRIVILEGES = 0o6000  #: S_ISUID | S_ISGID
_SEALED = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_FUTURE_WRITE


class RegularFile(NodeFile):
    """An open file with an offset, whose content is a page cache or a node's own methods."""

    __slots__ = ("atime", "offset", "pages")

    kind = "regular"
    node: FileNodeOps

    def __init__(self, place: Location, flags: int, cred: Credentials) -> None:
        # The base classes' work is written out: opening is hot, and three calls are not free.
        node = cast("FileNodeOps", place.entry.node)
        mode = flags & O_ACCMODE
        self.readable = mode in (O_RDONLY, O_RDWR)
        writable = self.writable = mode in (O_WRONLY, O_RDWR)
        mount = place.mount
        if writable:
            if node.writers < 0:
                raise ETXTBSY
            node.writers += 1
            mount.writers += 1
        mount.users += 1
        self.flags = flags
        self.refs = self.owner = self.signal = 0
        self.owner_is_thread, self.signal_cred = False, None
        self.place = place
        self.node = node
        self.cred = cred
        self.offset = 0  #: bytes
        #: The pages to transfer from and to at once; ``None``: ask the node.
        self.pages: PageCache | None = None if node.is_coherent else node.pages
        #: Whether reads may touch the access time: undecided, yes, no.
        self.atime = _UNDECIDED if self.readable else _NEVER

    def closed(self) -> None:
        """See ``File.closed``."""
        node = self.node
        mount = self.place.mount
        mount.users -= 1
        if self.writable:
            mount.writers -= 1
            node.writers -= 1
        data = node.data
        if data is not None and LockTable in data:
            data[LockTable].closed(self)
        if mount.fs.watched:
            tell_file(self.place, IN_CLOSE_WRITE if self.writable else IN_CLOSE_NOWRITE)

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
        atime = self.atime
        if atime and (atime > _IF_OLDER or self.node.atime <= self.node.ctime):
            self._touch()
        return data

    def _touch(self) -> None:
        """Set the access time if relatime wants it, and decide about further reads."""
        # `wants_atime` in line: the first read after every open comes here.
        node, mount = self.node, self.place.mount
        flags = mount.flags
        if (
            self.flags & O_NOATIME or flags & _NO_ATIME or mount.fs.read_only
            or (node.data is not None and flags_of(node) & FS_NOATIME_FL)
        ):  # fmt: skip
            self.atime = _NEVER
            return
        now, atime = node.fs.now(), node.atime
        if flags & MS_STRICTATIME:
            self.atime = _ALWAYS
            node.atime = now
            return
        self.atime = _IF_OLDER
        if atime <= node.mtime or atime <= node.ctime or now - atime > DAY_NS:
            node.atime = now

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
        atime = self.atime
        if atime and (atime > _IF_OLDER or self.node.atime <= self.node.ctime):
            self._touch()
        return count

    def pread_user(self, mm: AddressSpace, addr: int, size: int, offset: int) -> int:
        """Read into user memory at ``offset``; the file's own offset stays."""
        if self.pages is None:
            return super().pread_user(mm, addr, size, offset)
        count = self.pages.read_into(mm, addr, size, offset)
        atime = self.atime
        if atime and (atime > _IF_OLDER or self.node.atime <= self.node.ctime):
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
        refuse(self.node, FS_APPEND_FL)
        if self.cred.landlock is not None:  # of who opened it: rights go with the descriptor
            self.cred.landlock.require(self.place, LANDLOCK_ACCESS_FS_TRUNCATE)
        drop_privileges(self.node, self.cred)
        self.node.truncate(size)

    def mappable(self, prot: int, flags: int) -> PageSource:
        """See ``File.mappable``; raises ``EACCES``, ``EPERM``, ``ENODEV``."""
        if not self.readable:
            raise EACCES
        shared = flags & 3 != 2  # MAP_SHARED or MAP_SHARED_VALIDATE, not MAP_PRIVATE
        if shared and prot & PROT_WRITE and not self.writable:
            raise EACCES
        if shared and self.writable and flags_of(self.node) & FS_APPEND_FL:
            raise EACCES
        if prot & PROT_EXEC and self.place.mount.flags & MS_NOEXEC:
            raise EPERM
        if shared and prot & PROT_WRITE and self.node.seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE):
            raise EPERM
        if self.node.pages is None:
            raise ENODEV
        return self.node.pages
