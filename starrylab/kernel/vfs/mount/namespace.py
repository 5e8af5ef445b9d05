"""``MountNamespace``: a tree of mounts, and what can be done to it (mount_namespaces(7))."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ....abi.errno import EBUSY, EINVAL, ELOOP, ENOTDIR
from ....abi.fcntl import MS_PRIVATE
from ...core.poll import PollSet
from ..dentry import DirEntry
from ..locks import WaitGraph
from ..node import DIRECTORY, FilesystemOps
from ..notify import tell_unmount
from . import propagation
from .point import Location, Mountpoint, PeerGroup
from .tree import (
    attach,
    clone,
    copy_tree,
    detach,
    hang,
    is_ancestor,
    locked_place,
    mounted_inside,
    subtree,
)

if TYPE_CHECKING:
    from ..context import FsContext


class MountTable:
    """What all mount namespaces of a kernel have in common: numbers, roots, peer groups."""

    def __init__(self) -> None:
        self.ids = itertools.count(21)
        self.minors = itertools.count(21)
        self.namespace_ids = itertools.count(1)
        self.roots: dict[FilesystemOps, DirEntry] = {}
        self.groups: dict[int, PeerGroup] = {}
        self.shown: dict[FilesystemOps, dict[Mountpoint, None]] = {}  #: all mounts of each

    def new_group(self) -> PeerGroup:
        """Make a peer group with the lowest number that is free."""
        number = next(n for n in itertools.count(1) if n not in self.groups)
        group = self.groups[number] = PeerGroup(number)
        return group

    def drop_group(self, group: PeerGroup) -> None:
        """Give a group's number back."""
        del self.groups[group.id]


class MountNamespace:
    """All mounts of a namespace, oldest first."""

    def __init__(self, table: MountTable | None = None, owner: object = None) -> None:
        self.table = MountTable() if table is None else table
        self.id = next(self.table.namespace_ids)
        self.owner = owner  #: the user namespace that it belongs to; None: the first one
        self.mounts: dict[int, Mountpoint] = {}
        self.root: Mountpoint | None = None  #: the mount that hangs in no other
        self.is_anonymous = False  #: of a tree that only a descriptor holds (fsmount(2))
        self.origin = 0  #: id of the namespace whose mounts an anonymous one copies; 0: of none
        self.hidden: Mountpoint | None = None  #: holds files without a place (memfd)
        self.nameless: Mountpoint | None = None  #: holds nodes of pipes and the like
        self.lock_waits = WaitGraph()
        self.generation = 0  #: grows with every change
        self.watchers = PollSet()  #: who waits for one (poll(2) on /proc/PID/mounts)

    def __iter__(self) -> Iterator[Mountpoint]:
        return iter(sorted(self.mounts.values(), key=lambda mount: mount.id))

    def changed(self) -> None:
        """Note that a mount came, went, or has other flags."""
        self.generation += 1
        self.watchers.wake()

    # -- making ----------------------------------------------------------------------------

    def new_device(self) -> int:
        """Return an unused st_dev of major 0, "anonymous"."""
        minor = next(self.table.minors)
        return minor & 0xFF | (minor & ~0xFF) << 12

    def add(self, fs: FilesystemOps, root: DirEntry, flags: int, source: bytes) -> Mountpoint:
        """Make a mount that hangs nowhere yet."""
        if not fs.dev:
            fs.dev = self.new_device()
        fs.mounts += 1
        mount = Mountpoint(self, next(self.table.ids), fs, root, flags, source)
        self.mounts[mount.id] = mount
        self.table.shown.setdefault(fs, {})[mount] = None
        self.changed()
        return mount

    def root_entry(self, fs: FilesystemOps) -> DirEntry:
        """Return the one entry that stands for the root of ``fs``, whatever mounts it."""
        roots = self.table.roots
        entry = roots.get(fs)
        if entry is None:
            entry = roots[fs] = DirEntry(b"", None, fs.root)
        return entry

    def new_root(self, fs: FilesystemOps, flags: int = 0, source: bytes = b"none") -> Mountpoint:
        """Mount ``fs`` at the top of this namespace."""
        self.root = self.add(fs, self.root_entry(fs), flags, source)
        return self.root

    def anonymous(self, source: MountNamespace | None = None) -> MountNamespace:
        """Make an empty namespace for a tree that hangs nowhere, for copies of ``source``'s."""
        made = MountNamespace(self.table, self.owner)
        made.is_anonymous = True
        if source is not None:
            made.origin = source.origin if source.is_anonymous else source.id
        return made

    def may_use(self, other: MountNamespace) -> bool:
        """Tell whether ``other`` is a tree without a place that is used from here.

        Copies are used in the namespace that they were made from (check_anonymous_mnt()).
        """
        return other.is_anonymous and other.origin in (0, self.id)

    def copy(
        self, *contexts: FsContext, owner: object = None, slaves: bool = False
    ) -> MountNamespace:
        """Copy the tree (CLONE_NEWNS), and move roots and working directories into the copy.

        ``contexts`` are those of who enters it.  ``owner`` is the user namespace that it belongs
        to; ``slaves``, for another one than this one's: what is mounted here appears there, but
        not the other way, and nothing there can be taken apart.
        """
        made = MountNamespace(self.table, owner)
        copies: dict[Mountpoint, Mountpoint] = {}
        if self.root is not None:
            made.root = copy_tree(
                self.root.root_location, made, unbindable=True, slaves=slaves, copies=copies
            )
            if slaves:
                propagation.lock_tree(made.root)
        for context in contexts:
            for place, enter in ((context.root, context.set_root), (context.cwd, context.set_cwd)):
                if place.mount in copies:
                    enter(Location(copies[place.mount], place.entry))
        return made

    # -- mounting ----------------------------------------------------------------------------

    def mount(
        self, fs: FilesystemOps, at: Location, flags: int = 0, source: bytes = b"none"
    ) -> Mountpoint:
        """Mount ``fs`` at a place; raise ``ENOTDIR``, ``EBUSY``, ``ENOENT``."""
        at = at.topmost()
        if at.mount.fs is fs and at.entry is at.mount.root:
            raise EBUSY
        if at.node.kind != DIRECTORY:
            raise ENOTDIR
        mount = self.add(fs, self.root_entry(fs), flags, source)
        self.graft(mount, at)
        return mount

    def bind(self, what: Location, at: Location, *, recursive: bool = False) -> Mountpoint:
        """Show ``what`` at a second place (MS_BIND); raise ``ENOTDIR``, ``EINVAL``, ``ENOENT``."""
        made = self.copy_of(what, recursive=recursive)
        if made.is_directory != (at.node.kind == DIRECTORY):
            self.dissolve(made)
            raise ENOTDIR
        self.graft(made, at)
        return made

    def copy_of(self, what: Location, *, recursive: bool) -> Mountpoint:
        """Copy a mount from ``what`` on, which then hangs nowhere; raise ``EINVAL``."""
        if what.mount.unbindable:
            raise EINVAL("an unbindable mount")
        if recursive:
            return copy_tree(what, self)
        if any(child.locked for child in mounted_inside(what)):
            raise EINVAL("it would show what a locked mount covers")
        return clone(what.mount, what.entry, self)

    def graft(self, tree: Mountpoint, at: Location) -> None:
        """Hang a tree that hangs nowhere at a place, and its copies where that is heard of.

        Raises ``ENOENT`` for a removed directory, and lets the tree go then.
        """
        at = at.topmost()
        if at.entry.unlinked:
            self.dissolve(tree)
            attach(tree, at)  # says why
        self._put(tree, at)

    def _put(self, tree: Mountpoint, at: Location) -> None:
        """Hang a tree, which may hang elsewhere, at a place, and copies where that is heard of."""
        moving = tree.parent is not None
        copies = propagation.copies_for_peers(tree, at.mount, at.entry, moving=moving)
        if moving:
            detach(tree)
        elif tree.namespace.root is tree:
            tree.namespace.root = None
        self.adopt(tree, at.mount.namespace)
        propagation.hang_beneath(tree, at.mount, at.entry)
        for copy, parent in copies:
            propagation.hang_beneath(copy, parent, at.entry)
        for copy, parent in copies:
            if parent.namespace.owner is not self.owner:
                propagation.lock_tree(copy)

    def adopt(self, tree: Mountpoint, namespace: MountNamespace) -> None:
        """Make the mounts of a tree ones of ``namespace``."""
        for mount in subtree(tree):
            if mount.namespace is not namespace:
                mount.namespace.mounts.pop(mount.id, None)
                mount.namespace = namespace
                namespace.mounts[mount.id] = mount

    def move(self, mount: Mountpoint, at: Location) -> None:
        """Move a mount to another place (MS_MOVE); raise ``EINVAL``, ``ELOOP``, ``ENOENT``.

        The tree may come from a namespace that only a descriptor holds.
        """
        self._check_kinds(mount, at)
        at = locked_place(at)
        self._check_move(mount, at)
        self._check_target(mount, at)
        self._put(mount, at)

    def move_beneath(self, mount: Mountpoint, at: Location, root: Mountpoint) -> None:
        """Put a mount below the one whose root is ``at`` (MOVE_MOUNT_BENEATH).

        ``root`` is the caller's root, below which nothing goes.  Raises ``EINVAL``, ``ELOOP``,
        ``ENOENT``.
        """
        self._check_kinds(mount, at)
        at = locked_place(at)
        top = at.mount
        self._check_move(mount, at)
        below, entry = top.parent, top.at
        if below is None or entry is None or at.entry is not top.root or top.locked:
            raise EINVAL
        if top is root or below is self.root or is_ancestor(top, mount):
            raise EINVAL
        if mount.root.mounts is not None and mount in mount.root.mounts:
            raise EINVAL("something is mounted on top of it")
        movers = (top, mount) if mount.namespace is self else (top,)
        if any(propagation.would_cover(below, entry, m) for m in movers):
            raise EINVAL("propagation would put it on top")
        place = Location(below, entry)
        self._check_target(mount, place)
        self._put(mount, place)

    @staticmethod
    def _check_kinds(mount: Mountpoint, at: Location) -> None:
        if mount.is_directory != (at.node.kind == DIRECTORY):
            raise EINVAL

    @staticmethod
    def _check_target(mount: Mountpoint, at: Location) -> None:
        if at.mount.group is not None and any(m.unbindable for m in subtree(mount)):
            raise EINVAL("unbindable mounts do not go into a shared one")
        if is_ancestor(mount, at.mount):
            raise ELOOP

    def _check_move(self, mount: Mountpoint, at: Location) -> None:
        """Raise ``EINVAL`` unless ``mount`` may leave its place, and go to where ``at`` is."""
        target = at.mount.namespace
        if not mount.is_attached or not at.mount.is_attached:
            raise EINVAL
        if mount.namespace is self:
            if mount.parent is None or mount.locked or mount.parent.group is not None:
                raise EINVAL("it cannot be taken from where it is")
        elif not mount.namespace.is_anonymous or mount.parent is not None:
            raise EINVAL("part of a tree that is not here")
        elif self.may_use(target) and target is not mount.namespace:
            return
        if target is not self:
            raise EINVAL("a place in another namespace")

    def set_group(self, source: Mountpoint, to: Mountpoint) -> None:
        """Give a private mount the peers and the master of another; raise ``EINVAL``.

        Both show the same file system, and ``source`` at least what ``to`` shows.
        """
        if source.fs is not to.fs or not source.root.is_ancestor_of(to.root):
            raise EINVAL
        if any(child.locked for child in mounted_inside(Location(source, to.root))):
            raise EINVAL
        if to.group is not None or to.master is not None:
            raise EINVAL("it has a group already")
        if source.group is None and source.master is None:
            raise EINVAL("a private mount has no group")
        propagation.join(to, source)
        self.changed()

    # -- unmounting --------------------------------------------------------------------------

    def unmount(self, mount: Mountpoint, *, lazy: bool = False) -> None:
        """Take a mount away; raise ``EBUSY`` while it is used, ``EINVAL`` for the root.

        ``lazy`` (MNT_DETACH) takes the mounts below it along, and whoever is inside stays.
        """
        if mount.parent is None or mount.locked or not mount.is_attached:
            raise EINVAL
        if not lazy and propagation.is_busy(mount):
            raise EBUSY
        self._take_away(propagation.with_echoes(subtree(mount)))

    def dissolve(self, tree: Mountpoint | None = None) -> None:
        """Let a tree go that nobody can reach any more, or all of this namespace; no one hears."""
        top = self.root if tree is None else tree
        if top is not None:
            self._take_away(dict.fromkeys(subtree(top)))

    def _take_away(self, mounts: dict[Mountpoint, None]) -> None:
        for mount in reversed(list(mounts)):
            self._save_cover(mount, mounts)
        for mount in mounts:
            if mount.parent is not None:
                detach(mount)
        for mount in reversed(list(mounts)):
            propagation.change_type(mount, MS_PRIVATE)
            self._remove(mount)

    @staticmethod
    def _save_cover(mount: Mountpoint, going: dict[Mountpoint, None]) -> None:
        """Hang what covers ``mount`` completely, and stays, where ``mount`` hung."""
        cover = next((m for m in mount.children if m not in going), None)
        if cover is not None and mount.parent is not None and mount.at is not None:
            parent, at = mount.parent, mount.at
            detach(cover)
            detach(mount)
            hang(cover, parent, at)

    def _remove(self, mount: Mountpoint) -> None:
        del mount.namespace.mounts[mount.id]
        if mount.namespace.root is mount:
            mount.namespace.root = None
        fs = mount.fs
        fs.mounts -= 1
        shown = self.table.shown[fs]
        shown.pop(mount, None)
        if shown:
            return
        del self.table.shown[fs]
        fs.sync()
        # A lazy unmount leaves users inside; the file system lives on as long as they
        # hold its nodes, and only the caches between its entries are cut.
        entry = self.table.roots.pop(fs, None)
        if not mount.users:
            tell_unmount(fs)
            if entry is not None:
                entry.forget()
            fs.unmounted()

    def pivot(self, new_root: Location, put_old: Location, old_root: Location) -> None:
        """Swap the root mount (pivot_root(2)); raise ``EINVAL``, ``EBUSY``, ``ENOENT``."""
        put_old = locked_place(put_old)
        new, old = new_root.mount, old_root.mount
        above = (put_old.mount, new.parent, old.parent)
        if any(m is not None and m.group is not None for m in above):
            raise EINVAL("a shared mount does not change its place")
        if new.namespace is not self or old.namespace is not self or new.locked:
            raise EINVAL
        if new is old or put_old.mount is old:
            raise EBUSY
        if new.parent is None or new_root.entry is not new.root or old_root.entry is not old.root:
            raise EINVAL
        if not put_old.is_below(new_root) or not new_root.is_below(old_root):
            raise EINVAL
        parent, at = old.parent, old.at
        detach(new)
        if parent is not None and at is not None:
            detach(old)
            attach(new, Location(parent, at))
        else:
            self.root = new
        attach(old, put_old)
        if old.locked:
            old.locked, new.locked = False, True

    def close(self) -> None:
        """Unmount everything (the system goes down)."""
        for mount in reversed(list(self)):
            if mount.parent is not None:
                detach(mount)
            mount.users = 0
            self._remove(mount)
