"""``Mountpoint``, ``Location`` and the table of mounts (design document 7.1.3, 7.2.2; mount(2)).

A mount hangs in the mount below it at a directory entry.  A second one on the same
directory hangs on the root of the first, so a stack of mounts is a chain, and unmounting
shows the one below again.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from ...abi.errno import EBUSY, EINVAL, ELOOP, ENOENT, ENOTDIR
from ...abi.fcntl import MS_RDONLY
from .dentry import DirEntry
from .locks import WaitGraph
from .node import DIRECTORY, FilesystemOps, NodeOps


class Mountpoint:
    """One mount: a file system (or a part of one) shown at a place."""

    __slots__ = ("__weakref__", "at", "children", "flags", "fs", "id", "namespace", "parent",
                 "root", "source", "users", "writers")  # fmt: skip

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


class MountNamespace:
    """All mounts of a system, oldest first, and the numbers they are given."""

    def __init__(self) -> None:
        self.mounts: dict[int, Mountpoint] = {}
        self._ids = itertools.count(21)
        self._minors = itertools.count(21)
        self._roots: dict[FilesystemOps, DirEntry] = {}
        self.hidden: Mountpoint | None = None  #: holds files without a place (memfd)
        self.nameless: Mountpoint | None = None  #: holds nodes of pipes and the like
        self.lock_waits = WaitGraph()
        self.generation = 0  #: grows with every change, for poll(2) on /proc/self/mounts

    def __iter__(self) -> Iterator[Mountpoint]:
        return iter(self.mounts.values())

    def new_device(self) -> int:
        """Return an unused st_dev of major 0, "anonymous"."""
        minor = next(self._minors)
        return minor & 0xFF | (minor & ~0xFF) << 12

    def _add(self, fs: FilesystemOps, root: DirEntry, flags: int, source: bytes) -> Mountpoint:
        if not fs.dev:
            fs.dev = self.new_device()
        fs.mounts += 1
        mount = Mountpoint(self, next(self._ids), fs, root, flags, source)
        self.mounts[mount.id] = mount
        self.generation += 1
        return mount

    def root_entry(self, fs: FilesystemOps) -> DirEntry:
        """Return the one entry that stands for the root of ``fs``, whatever mounts it."""
        entry = self._roots.get(fs)
        if entry is None:
            entry = self._roots[fs] = DirEntry(b"", None, fs.root)
        return entry

    def new_root(self, fs: FilesystemOps, flags: int = 0, source: bytes = b"none") -> Mountpoint:
        """Mount ``fs`` at the top of a tree of its own."""
        return self._add(fs, self.root_entry(fs), flags, source)

    def mount(
        self, fs: FilesystemOps, at: Location, flags: int = 0, source: bytes = b"none"
    ) -> Mountpoint:
        """Mount ``fs`` at a place; raise ``ENOTDIR``, ``EBUSY``."""
        if at.node.kind != DIRECTORY:
            raise ENOTDIR
        mount = self._add(fs, self.root_entry(fs), flags, source)
        self._attach(mount, at)
        return mount

    def bind(self, what: Location, at: Location, *, recursive: bool = False) -> Mountpoint:
        """Show ``what`` at a second place (MS_BIND); raise ``ENOTDIR``, ``EINVAL``."""
        if (what.node.kind == DIRECTORY) != (at.node.kind == DIRECTORY):
            raise ENOTDIR
        inside = [m for m in self if m.parent is what.mount and m.at is not None
                  and what.entry.is_ancestor_of(m.at)] if recursive else []  # fmt: skip
        made = self._copy(what.mount, what.entry)
        self._attach(made, at)
        for child in inside:
            if child is not made:
                self._bind_tree(child, made)
        return made

    def _bind_tree(self, original: Mountpoint, parent: Mountpoint) -> None:
        assert original.at is not None
        children = list(original.children)
        made = self._copy(original, original.root)
        self._attach(made, Location(parent, original.at))
        for child in children:
            self._bind_tree(child, made)

    def _copy(self, mount: Mountpoint, root: DirEntry) -> Mountpoint:
        return self._add(mount.fs, root, mount.flags, mount.source)

    def move(self, mount: Mountpoint, at: Location) -> None:
        """Move a mount to another place (MS_MOVE); raise ``EINVAL``, ``ELOOP``."""
        if mount.parent is None:
            raise EINVAL
        if at.is_below(mount.root_location):
            raise ELOOP
        if (mount.root.node is not None and mount.root.node.kind == DIRECTORY) != (
            at.node.kind == DIRECTORY
        ):
            raise ENOTDIR
        self._detach(mount)
        self._attach(mount, at)

    def _attach(self, mount: Mountpoint, at: Location) -> None:
        at = at.topmost()
        if at.entry.unlinked:
            raise ENOENT
        if at.entry.mounts is None:
            at.entry.mounts = {}
        at.entry.mounts[at.mount] = mount
        mount.parent, mount.at = at.mount, at.entry
        at.mount.children[mount] = None
        self.generation += 1

    def _detach(self, mount: Mountpoint) -> None:
        parent, entry = mount.parent, mount.at
        if parent is None or entry is None or entry.mounts is None:
            raise EINVAL
        del entry.mounts[parent]
        if not entry.mounts:
            entry.mounts = None
        del parent.children[mount]
        mount.parent = mount.at = None
        self.generation += 1

    def unmount(self, mount: Mountpoint, *, lazy: bool = False) -> None:
        """Take a mount away; raise ``EBUSY`` while it is used, ``EINVAL`` for the root.

        ``lazy`` (MNT_DETACH) takes the mounts below it along, and whoever is inside stays.
        """
        if mount.parent is None:
            raise EINVAL
        if not lazy and (mount.users or mount.children):
            raise EBUSY
        for child in list(mount.children):
            self.unmount(child, lazy=True)
        self._detach(mount)
        self._remove(mount)

    def _remove(self, mount: Mountpoint) -> None:
        del self.mounts[mount.id]
        fs = mount.fs
        fs.mounts -= 1
        if fs.mounts:
            return
        fs.sync()
        # A lazy unmount leaves users inside; the file system lives on as long as they
        # hold its nodes, and only the caches between its entries are cut.
        entry = self._roots.pop(fs, None)
        if not mount.users:
            if entry is not None:
                entry.forget()
            fs.unmounted()

    def pivot(self, new_root: Location, put_old: Location, old_root: Location) -> None:
        """pivot_root(2), the tree's part: swap the root mount; raise ``EINVAL``, ``EBUSY``."""
        new, old = new_root.mount, old_root.mount
        if new is old or put_old.mount is old:
            raise EBUSY
        if new.parent is None or new_root.entry is not new.root or old_root.entry is not old.root:
            raise EINVAL
        if not put_old.is_below(new_root):
            raise EINVAL
        parent, at = old.parent, old.at
        self._detach(new)
        if parent is not None and at is not None:
            self._detach(old)
            self._attach(new, Location(parent, at))
        self._attach(old, put_old)

    def close(self) -> None:
        """Unmount everything (the system goes down)."""
        for mount in reversed(list(self)):
            if mount.parent is not None:
                self._detach(mount)
            mount.users = 0
            self._remove(mount)
