"""How mounts are hung into each other, taken out, and copied as a tree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ....abi.errno import EBUSY, EINVAL, ENOENT
from ..dentry import DirEntry
from .point import Location, Mountpoint

if TYPE_CHECKING:
    from .namespace import MountNamespace


def attach(mount: Mountpoint, at: Location) -> None:
    """Hang ``mount`` on top of what is at a place; raise ``ENOENT`` if that was removed."""
    at = at.topmost()
    if at.entry.unlinked:
        raise ENOENT
    hang(mount, at.mount, at.entry)


def locked_place(at: Location) -> Location:
    """Return what is on top of a place to mount at; ``ENOENT`` if that is in no tree any more."""
    at = at.topmost()
    if at.entry.unlinked or not at.mount.is_attached:
        raise ENOENT
    return at


def hang(mount: Mountpoint, parent: Mountpoint, entry: DirEntry) -> None:
    """Make ``mount`` what is mounted on ``entry`` of ``parent``, where nothing is."""
    if entry.mounts is None:
        entry.mounts = {}
    entry.mounts[parent] = mount
    mount.parent, mount.at = parent, entry
    parent.children[mount] = None
    parent.namespace.changed()


def detach(mount: Mountpoint) -> None:
    """Take ``mount`` out of its parent; raise ``EINVAL`` if it has none."""
    parent, entry = mount.parent, mount.at
    if parent is None or entry is None or entry.mounts is None:
        raise EINVAL
    del entry.mounts[parent]
    if not entry.mounts:
        entry.mounts = None
    del parent.children[mount]
    mount.parent = mount.at = None
    parent.namespace.changed()


def subtree(top: Mountpoint) -> Iterator[Mountpoint]:
    """Yield a mount and all that hang below it, parents first."""
    yield top
    for child in list(top.children):
        yield from subtree(child)


def is_ancestor(top: Mountpoint, mount: Mountpoint | None) -> bool:
    """Tell whether ``mount`` is ``top`` or hangs below it."""
    while mount is not None and mount is not top:
        mount = mount.parent
    return mount is top


def mounted_inside(what: Location) -> list[Mountpoint]:
    """Return the mounts that hang in ``what``'s mount at or below that place."""
    return [
        child
        for child in what.mount.children
        if child.at is not None and what.entry.is_ancestor_of(child.at)
    ]


def clone(
    mount: Mountpoint, root: DirEntry, namespace: MountNamespace, *, slaves: bool = False
) -> Mountpoint:
    """Show ``root`` once more, with the flags, the peers and the master of ``mount``.

    ``slaves``: the copy of a shared mount is its slave and not its peer.  That of an unbindable
    one, which only a new namespace gets, may be bound, as on Linux 6.18.
    """
    made = namespace.add(mount.fs, root, mount.flags, mount.source)
    made.locked_flags = mount.locked_flags
    if mount.group is not None and slaves:
        made.master = mount.group
        made.master.slaves[made] = None
        return made
    if mount.group is not None:
        made.group = mount.group
        made.group.members[made] = None
    if mount.master is not None:
        made.master = mount.master
        made.master.slaves[made] = None
    return made


def copy_tree(
    what: Location,
    namespace: MountNamespace,
    *,
    unbindable: bool = False,
    slaves: bool = False,
    copies: dict[Mountpoint, Mountpoint] | None = None,
) -> Mountpoint:
    """Copy a mount from a place on, and those inside; return the copy, which hangs nowhere.

    Unbindable mounts are left out unless ``unbindable``.  ``copies`` takes in which is whose copy.
    """
    inside = mounted_inside(what)  # before the copy is there, which may get into it
    made = clone(what.mount, what.entry, namespace, slaves=slaves)
    if copies is not None:
        copies[what.mount] = made
    for child in inside:
        if child.unbindable and not unbindable:
            continue
        assert child.at is not None
        copy = copy_tree(
            child.root_location, namespace, unbindable=unbindable, slaves=slaves, copies=copies
        )
        copy.locked = child.locked
        hang(copy, made, child.at)
    return made


def refuse_mounted(entry: DirEntry, namespace: MountNamespace) -> None:
    """Raise ``EBUSY`` if something is mounted on ``entry`` in ``namespace``.

    In others it is no hindrance: nobody must keep a name by mounting on it elsewhere.
    """
    if any(parent.namespace is namespace for parent in entry.mounts or ()):
        raise EBUSY


def drop_mounts(entry: DirEntry) -> None:
    """Unmount what is mounted on a name that is gone (Linux's detach_mounts())."""
    while entry.mounts:
        mount = next(iter(entry.mounts.values()))
        mount.namespace.dissolve(mount)
