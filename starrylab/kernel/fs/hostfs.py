"""A host folder shown as it is: what the guest writes, the host has (``--bind HOST:GUEST:rw``).

Names are looked up on the host every time, and a file's pages are dropped when its
modification time or size shows that somebody else wrote it, so changes made outside are
seen.  The guest cannot leave the folder: see `hostfs_access`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any, Final
from weakref import WeakValueDictionary

from ...abi.errno import ENOENT, EOPNOTSUPP, EPERM, EROFS, from_host
from ...abi.stat import HOSTFS_SUPER_MAGIC, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK
from ..vfs.node import (
    DirNodeOps,
    Entry,
    FileNodeOps,
    FilesystemOps,
    NodeOps,
    StatFs,
)
from ..vfs.page_cache import PageCache
from ..vfs.page_pool import PagePool
from .host_content import HostContent
from .hostfs_access import HostFolder, HostPlace
from .hostfs_node import HostNode, HostSpecial, HostSymlink

_FIRST_COOKIE: Final = 3


class HostFs(FilesystemOps):
    """A host folder, passed through; ``read_only`` refuses every change."""

    name = "hostfs"
    magic = HOSTFS_SUPER_MAGIC

    def __init__(
        self, now: Callable[[], int], pool: PagePool, folder: HostFolder, *, read_only: bool = False
    ) -> None:
        super().__init__(now)
        self.pool = pool
        self.folder = folder
        self.read_only = self.for_looking = read_only
        self.main_device = folder.root.stat_self().st_dev
        #: Nodes in use, by the host's identity: a file with two names is one node.
        self.nodes: WeakValueDictionary[tuple[int, int], NodeOps] = WeakValueDictionary()
        self._root = HostDir(self, folder.root, b"", folder.root.stat_self(), folder.root)

    @property
    def root(self) -> DirNodeOps:
        """See ``FilesystemOps.root``."""
        return self._root

    def statfs(self) -> StatFs:
        """See ``FilesystemOps.statfs``: the host's numbers."""
        try:
            s = os.fstatvfs(self.folder.root.fd())
        except OSError as error:
            raise from_host(error) from None
        return StatFs(self.magic, s.f_frsize, s.f_blocks, s.f_bfree, s.f_bavail, s.f_files,
                      s.f_ffree, s.f_namemax)  # fmt: skip

    def sync(self) -> None:
        """See ``FilesystemOps.sync``."""
        for node in list(self.nodes.values()):
            node.sync(False)

    def set_read_only(self, value: bool) -> None:
        """See ``FilesystemOps.set_read_only``: what was lent for looking stays so."""
        if self.for_looking and not value:
            raise EROFS
        super().set_read_only(value)

    def unmounted(self) -> None:
        """See ``FilesystemOps.unmounted``."""
        self.folder.close()

    def find(self, place: HostPlace, name: bytes, st: os.stat_result) -> NodeOps:
        """Return the node of a host file, the one in use if there is one."""
        identity = (st.st_dev, st.st_ino)
        kind = st.st_mode & S_IFMT
        node: Any = self.nodes.get(identity)
        if node is not None and node.mode & S_IFMT == kind:
            node.moved(place, name)
            node.adopt(st)
            return node  # type: ignore[no-any-return]
        if kind == S_IFDIR:
            node = HostDir(self, place, name, st, place.below(name))
        else:
            node = _KINDS.get(kind, HostSpecial)(self, place, name, st)
        self.nodes[identity] = node
        return node  # type: ignore[no-any-return]


class HostFile(FileNodeOps, HostNode):
    """A regular file, cached until the host's copy changes."""

    __slots__ = ("content", "name", "pages", "place", "seen")

    is_coherent = True
    pages: PageCache

    def __init__(self, fs: HostFs, place: HostPlace, name: bytes, st: os.stat_result) -> None:
        self.content = HostContent()
        self.pages = PageCache(fs.pool, fs, st.st_ino, None, self.content, st.st_size, through=True)
        self.seen = (st.st_mtime_ns, st.st_size)
        super().__init__(fs, st.st_ino, st.st_mode)
        self.setup(place, name, st)

    @property
    def size(self) -> int:
        """See ``NodeOps.size``."""
        return self.pages.size

    @size.setter
    def size(self, value: int) -> None:
        """Ignore what `adopt` says; `_notice` decides."""

    def adopt(self, st: os.stat_result) -> None:
        """Take the host's attributes, and drop pages that somebody else's write made stale."""
        super().adopt(st)
        if (st.st_mtime_ns, st.st_size) != self.seen:
            self.pages.drop(0, 1 << 52)
            self.pages.size = self.pages.backed = st.st_size
            self.seen = (st.st_mtime_ns, st.st_size)

    def refresh(self) -> None:
        """See ``NodeOps.refresh``; an open file is asked by its descriptor."""
        if self.content.descriptor < 0:
            super().refresh()
            return
        self.adopt(os.fstat(self.content.descriptor))

    def open(self, thread: Any, location: Any, flags: int) -> None:
        """See ``NodeOps.open``; only has the host's file opened, in time for an unlink."""
        self.content.open(self.place, self.name, write=bool(flags & 3))
        self.refresh()

    def read_at(self, size: int, offset: int) -> bytes:
        """See ``FileNodeOps.read_at``."""
        self.content.open(self.place, self.name, write=False)
        self.refresh()
        return self.pages.read(size, offset)

    def write_at(self, data: bytes, offset: int) -> int:
        """See ``FileNodeOps.write_at``."""
        self.content.open(self.place, self.name, write=True)
        self.refresh()
        count = self.pages.write(data, offset)
        self._own_change()
        return count

    def truncate(self, size: int) -> None:
        """See ``FileNodeOps.truncate``."""
        self.content.open(self.place, self.name, write=True)
        try:
            os.ftruncate(self.content.descriptor, size)
        except OSError as error:
            raise from_host(error) from None
        self.pages.truncate(size)
        self.pages.backed = size
        self._own_change()

    def _own_change(self) -> None:
        st = os.fstat(self.content.descriptor)
        self.seen = (st.st_mtime_ns, st.st_size)
        self.adopt(st)

    def allocate(self, mode: int, offset: int, length: int) -> None:
        """See ``FileNodeOps.allocate``; only plain allocation is passed through."""
        if mode:
            raise EOPNOTSUPP
        self.content.open(self.place, self.name, write=True)
        try:
            os.posix_fallocate(self.content.descriptor, offset, length)
        except OSError as error:
            raise from_host(error) from None
        self.refresh()

    def sync(self, data_only: bool) -> None:
        """See ``NodeOps.sync``."""
        if self.pages.dirty:
            self.content.open(self.place, self.name, write=True)
            self.pages.write_back()
            self._own_change()
        if self.content.descriptor >= 0:
            (os.fdatasync if data_only else os.fsync)(self.content.descriptor)


class HostDir(DirNodeOps, HostNode):
    """A directory; every lookup asks the host."""

    __slots__ = ("cookies", "inner", "name", "place")

    is_cacheable = False
    revalidates = True

    def __init__(
        self, fs: HostFs, place: HostPlace, name: bytes, st: os.stat_result, inner: HostPlace
    ) -> None:
        super().__init__(fs, st.st_ino, st.st_mode)
        self.inner = inner
        self.cookies: dict[bytes, int] = {}  #: name -> cookie, of every name listed so far
        self.setup(place, name, st)

    def moved(self, place: HostPlace, name: bytes) -> None:
        """See ``HostNode.moved``."""
        super().moved(place, name)
        self.inner.parent, self.inner.name = place, name

    def lookup(self, name: bytes) -> NodeOps:
        """See ``DirNodeOps.lookup``."""
        return self.fs.find(self.inner, name, self.inner.stat(name))

    def revalidate(self, name: bytes, node: NodeOps) -> bool:
        """See ``DirNodeOps.revalidate``."""
        try:
            return self.lookup(name) is node
        except ENOENT:
            return False

    def entries(self, cookie: int) -> Iterator[Entry]:
        """See ``DirNodeOps.entries``; a name keeps its cookie, whatever is removed."""
        cookies = self.cookies
        found = []
        for name, ino, kind in self.inner.listing():
            key = cookies.setdefault(name, len(cookies) + _FIRST_COOKIE)
            if key > cookie:
                found.append(Entry(key, name, ino, kind))
        found.sort()
        return iter(found)

    def _do(self, call: Callable[[int], object]) -> None:
        """Call ``call`` with the directory's descriptor; raise the host's error."""
        try:
            call(self.inner.fd())
        except OSError as error:
            raise from_host(error) from None

    def create(self, name: bytes, mode: int, uid: int, gid: int, rdev: int = 0) -> NodeOps:
        """See ``DirNodeOps.create``; devices would mean the host's, so they are refused."""
        kind, bits = mode & S_IFMT, mode & 0o7777
        if kind == S_IFDIR:
            self._do(lambda fd: os.mkdir(name, bits, dir_fd=fd))
        elif kind == S_IFREG:
            flags = os.O_CREAT | os.O_EXCL | os.O_RDWR
            os.close(self.inner.open(name, flags, bits))
        elif kind in (S_IFIFO, S_IFSOCK):
            self._do(lambda fd: os.mknod(name, mode, dir_fd=fd))
        else:
            raise EPERM
        self._do(lambda fd: os.chmod(name, bits, dir_fd=fd))  # the host's umask does not count
        self._own(name, uid, gid)
        return self.lookup(name)

    def _own(self, name: bytes, uid: int, gid: int) -> None:
        owner = self.fs.folder.host_owner(uid, gid)
        if owner != (os.geteuid(), os.getegid()):
            self._do(lambda fd: os.chown(name, *owner, dir_fd=fd, follow_symlinks=False))

    def symlink(self, name: bytes, target: bytes, uid: int, gid: int) -> NodeOps:
        """See ``DirNodeOps.symlink``."""
        self._do(lambda fd: os.symlink(target, name, dir_fd=fd))
        self._own(name, uid, gid)
        return self.lookup(name)

    def link(self, name: bytes, node: NodeOps) -> None:
        """See ``DirNodeOps.link``."""
        assert isinstance(node, HostNode)
        source = node
        self._do(
            lambda fd: os.link(
                source.name, name, src_dir_fd=source.place.fd(), dst_dir_fd=fd,
                follow_symlinks=False,
            )
        )  # fmt: skip
        node.refresh()

    def unlink(self, name: bytes, node: NodeOps) -> None:
        """See ``DirNodeOps.unlink``."""
        self._do(lambda fd: os.unlink(name, dir_fd=fd))
        node.nlink -= 1
        self.refresh()

    def rmdir(self, name: bytes, node: DirNodeOps) -> None:
        """See ``DirNodeOps.rmdir``."""
        self._do(lambda fd: os.rmdir(name, dir_fd=fd))
        node.nlink = 0
        self.refresh()

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
        """See ``DirNodeOps.rename``; the host's Python cannot exchange."""
        assert isinstance(to_dir, HostDir)
        assert isinstance(node, HostNode)
        if exchange:
            raise EOPNOTSUPP
        target = to_dir.inner
        self._do(lambda fd: os.rename(name, to_name, src_dir_fd=fd, dst_dir_fd=target.fd()))
        node.moved(target, to_name)
        if replaced is not None:
            replaced.nlink -= 1
        self.refresh()
        to_dir.refresh()


_KINDS: Final[dict[int, Any]] = {S_IFREG: HostFile, S_IFLNK: HostSymlink}
