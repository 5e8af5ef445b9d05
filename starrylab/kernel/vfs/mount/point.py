"""``Mountpoint`` and ``Location`` (design document 7.1.3, 7.2.2; mount(2)).

A mount hangs in the mount below it at a directory entry.  A second one on the same
directory hangs on the root of the first, so a stack of mounts is a chain, and unmounting
shows the one below again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from ....abi.errno import ENOENT
from ....abi.fcntl import MS_RDONLY
from ..dentry import DirEntry
from ..node import DIRECTORY, FilesystemOps, NodeOps

if TYPE_CHECKING:
    from .namespace import MountNamespace

_UNIQUE: Final = 1 << 31  #: below are the numbers of mountinfo (MNT_UNIQUE_ID_OFFSET)


class PeerGroup:
    """Mounts that tell each other what is mounted in them (mount_namespaces(7)).

    A mount is shared if it is in a group, and a slave if it has a group as its master: it hears
    what happens there, and nobody there hears of it.
    """

    __slots__ = ("id", "members", "slaves")

    def __init__(self, ident: int) -> None:
        self.id = ident
        self.members: dict[Mountpoint, None] = {}
        self.slaves: dict[Mountpoint, None] = {}


class Mountpoint:
    """One mount: a file system (or a part of one) shown at a place."""

    __slots__ = ("__weakref__", "at", "children", "expiring", "flags", "fs", "group", "id",
                 "locked", "locked_flags", "master", "namespace", "parent", "root", "source",
                 "unbindable", "users", "writers")  # fmt: skip

    def __init__(
        self,
        namespace: MountNamespace,
        ident: int,
        fs: FilesystemOps,
        root: DirEntry,
        flags: int,
        source: bytes,
    ) -> None:
        self.namespace = namespace
        self.id = ident
        self.fs = fs
        self.root = root
        self.flags = flags  #: MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_NOATIME, ...
        self.source = source
        self.parent: Mountpoint | None = None
        self.at: DirEntry | None = None  #: where in `parent`
        self.children: dict[Mountpoint, None] = {}
        self.users = 0  #: open files, working and root directories inside
        self.writers = 0  #: files open for writing
        self.group: PeerGroup | None = None  #: of a shared mount
        self.master: PeerGroup | None = None  #: of a slave
        self.unbindable = False
        self.expiring = False  #: MNT_EXPIRE asked, and nobody came here since
        self.locked = False  #: came along with its parent, and must not be taken off it
        self.locked_flags = 0  #: flags that this namespace must not take away

    @property
    def unique_id(self) -> int:
        """The number that is never given again (STATX_MNT_ID_UNIQUE, statmount(2))."""
        return _UNIQUE + self.id

    @property
    def is_attached(self) -> bool:
        """Whether this mount is in a namespace still, be it one without a name."""
        return self.namespace.mounts.get(self.id) is self

    @property
    def is_directory(self) -> bool:
        """Whether a directory is shown, and not a file."""
        return self.root.node is not None and self.root.node.kind == DIRECTORY

    @property
    def root_location(self) -> Location:
        """Where the mounted tree begins."""
        return Location(self, self.root)

    @property
    def read_only(self) -> bool:
        """Whether nothing can be written through this mount."""
        return bool(self.flags & MS_RDONLY) or self.fs.read_only

    def __repr__(self) -> str:
        return f"<Mountpoint {self.id} {self.fs.name}>"


class Location:
    """A place in the tree of all file systems: a mount and an entry in it."""

    __slots__ = ("entry", "mount")

    quiet: ClassVar[bool] = False  #: what is done to a file opened here is told to nobody

    def __init__(self, mount: Mountpoint, entry: DirEntry) -> None:
        self.mount = mount
        self.entry = entry

    @property
    def node(self) -> NodeOps:
        """The node; raises ``ENOENT`` for a negative entry."""
        node = self.entry.node
        if node is None:
            raise ENOENT
        return node

    def same(self, other: Location) -> bool:
        """Tell whether both are the same place."""
        return self.entry is other.entry and self.mount is other.mount

    def is_below(self, top: Location) -> bool:
        """Tell whether ``top`` is this place or above it."""
        mount, entry = self.mount, self.entry
        while mount is not top.mount:
            parent, at = mount.parent, mount.at
            if parent is None or at is None:
                return False
            mount, entry = parent, at
        return top.entry.is_ancestor_of(entry)

    def lookup(self, name: bytes) -> Location:
        """Return what ``name`` is here, inside whatever is mounted on it; raise ``ENOENT``."""
        child = self.entry.lookup(name)
        if child.node is None:
            raise ENOENT
        return Location(self.mount, child).topmost()

    def topmost(self) -> Location:
        """Return the root of what is mounted last on this place, or the place itself."""
        mount, entry = self.mount, self.entry
        while entry.mounts is not None and (above := entry.mounts.get(mount)) is not None:
            mount, entry = above, above.root
        return self if mount is self.mount else Location(mount, entry)

    def path(self, root: Location | None = None) -> bytes:
        """Return the absolute path as seen from ``root`` (default: the whole tree's)."""
        names: list[bytes] = []
        mount, entry = self.mount, self.entry
        top_mount, top_entry = (None, None) if root is None else (root.mount, root.entry)
        deleted = entry.unlinked
        while not (entry is top_entry and mount is top_mount):
            if entry is mount.root:
                parent, at = mount.parent, mount.at
                if parent is None or at is None:
                    break
                mount, entry = parent, at
                continue
            if entry.parent is None:
                break
            names.append(entry.name)
            entry = entry.parent
        path = b"/" + b"/".join(reversed(names))
        return path + b" (deleted)" if deleted else path

    def __repr__(self) -> str:
        return f"<Location {self.path()!r}>"
