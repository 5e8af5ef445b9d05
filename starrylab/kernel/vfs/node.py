"""Nodes: what a file system implements (design document 7.1.1).

``NodeOps`` is what every node has; ``FileNodeOps``, ``DirNodeOps`` and ``SymlinkNodeOps``
add what only files, directories and links have, so that asking a file for its entries is a
type error and not a branch.  Every operation has a default that answers with the errno
Linux gives for a file system without it; an implementation overrides what it supports.

Attributes are plain slots in the units of ``struct stat`` (times in nanoseconds), because
stat(2) reads a dozen of them.  Names and paths are ``bytes``, as they are on Linux.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple, Protocol

from ...abi.errno import EINVAL, EIO, ENOENT, EOPNOTSUPP, EPERM, ETXTBSY
from ...abi.stat import S_IFDIR, S_IFMT

if TYPE_CHECKING:
    from collections.abc import Callable
    from weakref import WeakValueDictionary

    from ..files.file import File
    from ..namespaces.user import UserNamespace
    from ..thread import Thread
    from .landlock import Domain
    from .mount import Location
    from .notify import Ending, Marks
    from .page_cache import PageCache

#: What path resolution must know of a node.
OTHER: Final = 0
DIRECTORY: Final = 1
SYMLINK: Final = 2


class Credentials(Protocol):
    """Who asks (credentials(7)); `task` implements it."""

    @property
    def fsuid(self) -> int:
        """User id for file access."""
        ...

    @property
    def fsgid(self) -> int:
        """Group id for file access."""
        ...

    @property
    def groups(self) -> Any:
        """Supplementary groups, a container of ids."""
        ...

    @property
    def landlock(self) -> Domain | None:
        """What the thread may no longer do (landlock(7))."""
        ...

    def capable(self, capability: int) -> bool:
        """Tell whether the effective set holds a CAP_* number, for the whole system."""
        ...

    def capable_in(self, target: UserNamespace | None, cap: int) -> bool:
        """Tell whether it does for what a user namespace owns."""
        ...

    def capable_over(self, uid: int, gid: int, capability: int) -> bool:
        """Tell whether it does for a file of this owner."""
        ...


class StatFs(NamedTuple):
    """What statfs(2) reports; sizes in blocks of `block_size` bytes."""

    magic: int
    block_size: int
    blocks: int
    blocks_free: int
    blocks_available: int
    files: int
    files_free: int
    name_max: int = 255


class FilesystemOps:
    """One file system instance.  `dev` is given by the mount namespace at the first mount."""

    name: ClassVar[str] = "none"  #: the type in /proc/mounts and mount(2)
    magic: ClassVar[int] = 0
    has_acls: ClassVar[bool] = False  #: keeps acl(5)'s lists
    has_file_flags: ClassVar[bool] = False  #: keeps what chattr(1) sets
    is_hidden: bool = False  #: never mounted where anybody could see it
    exports: ClassVar[bool] = False  #: nodes are found again by their handles

    def __init__(self, now: Callable[[], int]) -> None:
        self.now = now  #: wall clock, nanoseconds since 1970
        self.dev = 0  #: st_dev
        self.read_only = False
        self.sb_flags = 0  #: MS_SYNCHRONOUS and the like: what is neither a mount's nor an option
        self.mounts = 0  #: how many mounts show this instance
        self.watched: dict[Ending, None] = {}  #: watches and marks here (inotify(7), fanotify(7))
        self.marks: Marks | None = None  #: what fanotify(7) marked here, if anything
        #: nodes that handles were given for, by inode number
        self.exported: WeakValueDictionary[int, NodeOps] | None = None
        self.user_ns: UserNamespace | None = None  #: of who mounted it; None: the initial one
        self.cookies = count(1)  #: what the two events of a move have in common
        self.options = b""  #: as in /proc/mounts, without the generic ones

    @property
    def root(self) -> DirNodeOps:
        """The root directory's node."""
        raise NotImplementedError

    def statfs(self) -> StatFs:
        """Return live numbers."""
        return StatFs(self.magic, 4096, 0, 0, 0, 0, 0)

    def sync(self) -> None:
        """Write everything back."""

    def remount(self, options: bytes) -> None:
        """Apply new mount options; raise ``EINVAL`` for unknown ones."""
        if options:
            raise EINVAL(f"{self.name} takes no options")

    def set_read_only(self, value: bool) -> None:
        """Make all of it read-only, or writable; raise ``EROFS`` if it cannot be."""
        self.read_only = value

    def unmounted(self) -> None:
        """Let go of everything: the last mount is gone."""


class NodeOps:
    """An inode of any kind."""

    __slots__ = ("__weakref__", "atime", "btime", "ctime", "data", "fs", "gid", "ino", "mode",
                 "mtime", "nlink", "rdev", "size", "uid")  # fmt: skip

    kind: ClassVar[int] = OTHER
    block_size: ClassVar[int] = 4096

    def __init__(self, fs: FilesystemOps, ino: int, mode: int, uid: int = 0, gid: int = 0) -> None:
        self.fs = fs
        self.ino = ino
        self.mode = mode  #: type and permission bits
        self.uid = uid
        self.gid = gid
        self.nlink = 1
        self.rdev = 0
        self.size = 0  #: bytes
        self.atime = self.mtime = self.ctime = self.btime = fs.now()
        #: What others bind to this node, by type (the document's TypeMap, 7.1.8).  It is
        #: on the node and not on the dentry, so that two names of a file share it.
        self.data: dict[type, Any] | None = None

    def bound(self, kind: type[Any]) -> Any:
        """Return the object of type ``kind`` bound to this node, or ``None``."""
        return None if self.data is None else self.data.get(kind)

    def bind(self, kind: type[Any], value: Any) -> Any:
        """Bind ``value`` as this node's ``kind``; ``None`` takes it away.  Return ``value``."""
        if self.data is None:
            self.data = {}
        if value is None:
            self.data.pop(kind, None)
        else:
            self.data[kind] = value
        return value

    def refresh(self) -> None:
        """Bring the attributes up to date, where they can change behind the kernel's back."""

    @property
    def blocks(self) -> int:
        """Space in use, in units of 512 bytes."""
        return 0

    def update(
        self,
        *,
        mode: int | None = None,
        uid: int | None = None,
        gid: int | None = None,
        atime: int | None = None,
        mtime: int | None = None,
    ) -> None:
        """Change attributes (``update_metadata``); ``mode`` has permission bits only."""
        if mode is not None:
            self.mode = self.mode & S_IFMT | mode
        if uid is not None:
            self.uid = uid
        if gid is not None:
            self.gid = gid
        if atime is not None:
            self.atime = atime
        if mtime is not None:
            self.mtime = mtime
        self.ctime = self.fs.now()

    def sync(self, data_only: bool) -> None:
        """Write the node back to its storage."""

    def get_xattr(self, name: bytes) -> bytes:
        """Return an extended attribute; raise ``ENODATA``."""
        raise EOPNOTSUPP

    def set_xattr(self, name: bytes, value: bytes, flags: int) -> None:
        """Set an extended attribute; XATTR_CREATE and XATTR_REPLACE count."""
        raise EOPNOTSUPP

    def list_xattrs(self) -> list[bytes]:
        """Return the names of the extended attributes."""
        return []

    def remove_xattr(self, name: bytes) -> None:
        """Remove an extended attribute; raise ``ENODATA``."""
        raise EOPNOTSUPP

    def open(self, thread: Thread | None, location: Location, flags: int) -> File | None:
        """Return an open file of the node's own kind, ``None`` for the kernel's usual one."""
        return None


class FileNodeOps(NodeOps):
    """A regular file, or anything that is read and written by offset."""

    __slots__ = ("writers",)

    #: The page cache through which the file is read and mapped; ``None``: `read_at` only.
    pages: PageCache | None = None
    #: F_SEAL_* of memfd_create(2); F_SEAL_SEAL alone: the file takes none.
    seals: int = 0
    #: Whether others may change the content, so that every transfer asks the node first.
    is_coherent: ClassVar[bool] = False

    def __init__(self, fs: FilesystemOps, ino: int, mode: int, uid: int = 0, gid: int = 0) -> None:
        super().__init__(fs, ino, mode, uid, gid)
        self.writers = 0  #: descriptions open for writing; negative while it is executed

    def seal(self, seals: int) -> None:
        """Add F_SEAL_* bits; raise ``EINVAL`` where there are none."""
        raise EINVAL

    def deny_write(self) -> None:
        """Begin to execute the file; raise ``ETXTBSY`` if somebody writes it."""
        if self.writers > 0:
            raise ETXTBSY
        self.writers -= 1

    def allow_write(self) -> None:
        """Undo `deny_write`."""
        self.writers += 1

    def read_at(self, size: int, offset: int) -> bytes:
        """Return at most ``size`` bytes from ``offset`` on; ``b""`` at the end."""
        raise EINVAL

    def write_at(self, data: bytes, offset: int) -> int:
        """Write at ``offset``, growing the file; return the number of bytes taken."""
        raise EINVAL

    def truncate(self, size: int) -> None:
        """Set the size in bytes."""
        raise EINVAL

    def allocate(self, mode: int, offset: int, length: int) -> None:
        """fallocate(2) with FALLOC_* ``mode``."""
        raise EOPNOTSUPP

    def next_data(self, offset: int) -> int:
        """Return where data begins at or after ``offset``, below `size` (SEEK_DATA).

        Raises ``ENXIO`` when there is none.
        """
        return offset

    def next_hole(self, offset: int) -> int:
        """Return where a hole begins at or after ``offset``; the end is one (SEEK_HOLE)."""
        return self.size


class SymlinkNodeOps(NodeOps):
    """A symbolic link."""

    __slots__ = ()
    kind = SYMLINK

    def readlink(self) -> bytes:
        """Return the text of the link."""
        raise EIO

    def follow(self, cred: Credentials) -> Location | None:
        """Return where a magic link leads (proc(5)), ``None`` for one that is only text."""
        return None


class Entry(NamedTuple):
    """One line of a directory listing."""

    cookie: int  #: the offset to continue after this entry; grows from line to line
    name: bytes
    ino: int
    type: int  #: S_IF* bits


class DirNodeOps(NodeOps):
    """A directory."""

    __slots__ = ("dead",)
    kind = DIRECTORY

    #: Whether the dentry cache may keep what `lookup` answered (design document 7.2.1).
    is_cacheable: ClassVar[bool] = True
    #: Whether cached dentries are asked about with `revalidate` first; not with is_cacheable.
    revalidates: ClassVar[bool] = False

    def __init__(self, fs: FilesystemOps, ino: int, mode: int, uid: int = 0, gid: int = 0) -> None:
        super().__init__(fs, ino, mode & 0o7777 | S_IFDIR, uid, gid)
        self.nlink = 2
        self.dead = False  #: removed; nothing can be created in it any more

    def lookup(self, name: bytes) -> NodeOps:
        """Return the node called ``name``; raise ``ENOENT``."""
        raise ENOENT

    def revalidate(self, name: bytes, node: NodeOps) -> bool:
        """Tell whether ``name`` still is ``node``."""
        return False

    def entries(self, cookie: int) -> Iterator[Entry]:
        """Yield the entries after ``cookie`` (0: all), without "." and ".."."""
        raise EIO

    def create(self, name: bytes, mode: int, uid: int, gid: int, rdev: int = 0) -> NodeOps:
        """Make a node of the type in ``mode``: file, directory, FIFO, socket or device."""
        raise EPERM

    def symlink(self, name: bytes, target: bytes, uid: int, gid: int) -> NodeOps:
        """Make a symbolic link."""
        raise EPERM

    def link(self, name: bytes, node: NodeOps) -> None:
        """Give ``node`` a further name."""
        raise EPERM

    def unlink(self, name: bytes, node: NodeOps) -> None:
        """Take away the name of something that is not a directory."""
        raise EPERM

    def rmdir(self, name: bytes, node: DirNodeOps) -> None:
        """Remove an empty directory; raise ``ENOTEMPTY``."""
        raise EPERM

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
        """Move ``node`` to ``to_dir``/``to_name``; the caller has checked that Linux permits it.

        ``replaced`` is what had that name; it takes ``node``'s with ``exchange``, else it
        loses its own.
        """
        raise EPERM

    def temporary(self, mode: int, uid: int, gid: int) -> NodeOps:
        """Make a regular file without a name (O_TMPFILE)."""
        raise EOPNOTSUPP


class SpecialNode(NodeOps):
    """A FIFO, socket or device node: a type and a number, no content of its own."""

    __slots__ = ()


__all__ = [
    "DIRECTORY", "OTHER", "SYMLINK", "Credentials", "DirNodeOps", "Entry", "FileNodeOps",
    "FilesystemOps", "NodeOps", "SpecialNode", "StatFs", "SymlinkNodeOps",
]  # fmt: skip
