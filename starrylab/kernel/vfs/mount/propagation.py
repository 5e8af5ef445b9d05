"""Shared, slave, private and unbindable mounts (mount_namespaces(7), shared subtrees).

What is mounted in a shared mount appears in its peers, and in the slaves of the group, and in
their peers and slaves; what is unmounted goes there as well.  The other direction is closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ....abi.fcntl import MS_PRIVATE, MS_SHARED, MS_SLAVE, MS_UNBINDABLE
from ..dentry import DirEntry
from .point import Location, Mountpoint, PeerGroup
from .tree import copy_tree, detach, hang, subtree


def change_type(mount: Mountpoint, kind: int) -> None:
    """Make a mount MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE."""
    if kind == MS_SHARED:
        share(mount)
    else:
        _leave(mount)
        if kind != MS_SLAVE:
            _obey(mount, None)
            mount.unbindable = kind == MS_UNBINDABLE


def kind_of(mount: Mountpoint) -> int:
    """Return the MS_* bits that say how ``mount`` propagates, as statmount(2) tells them."""
    kind = MS_SHARED if mount.group is not None else 0
    if mount.master is not None:
        kind |= MS_SLAVE
    if mount.unbindable:
        kind |= MS_UNBINDABLE
    return kind or MS_PRIVATE


def share(mount: Mountpoint) -> None:
    """Put a mount that is in no peer group into one of its own."""
    mount.unbindable = False
    if mount.group is None:
        mount.group = mount.namespace.table.new_group()
        mount.group.members[mount] = None


def join(mount: Mountpoint, like: Mountpoint) -> None:
    """Put a private mount into the group of ``like``, and below its master."""
    _obey(mount, like.master)
    if like.group is not None:
        mount.unbindable = False
        mount.group = like.group
        mount.group.members[mount] = None


def _obey(mount: Mountpoint, master: PeerGroup | None) -> None:
    """Make ``mount`` a slave of ``master``, or of nobody."""
    if mount.master is not None:
        del mount.master.slaves[mount]
    mount.master = master
    if master is not None:
        master.slaves[mount] = None


def _leave(mount: Mountpoint) -> None:
    """Take a mount out of its peer group, whose slave it becomes.

    The last one takes the group along, and the group's slaves get its own master.
    """
    group = mount.group
    if group is None:
        return
    mount.group = None
    del group.members[mount]
    if group.members:
        _obey(mount, group)
        return
    mount.namespace.table.drop_group(group)
    for slave in list(group.slaves):
        _obey(slave, mount.master)


def visible_master(mount: Mountpoint, top: Location) -> PeerGroup | None:
    """Return the nearest group above ``mount``'s that has a member below ``top``.

    That is mountinfo's propagate_from; ``None`` if it is the master itself, or there is none.
    """
    group = mount.master
    while group is not None:
        inside = (m for m in group.members if m.namespace is top.mount.namespace)
        if any(m.root_location.is_below(top) for m in inside):
            return group
        group = next(iter(group.members)).master
    return None


# -- mounting --------------------------------------------------------------------------------


class _Copy(NamedTuple):
    """A copy of what is mounted, and where it goes."""

    tree: Mountpoint
    parent: Mountpoint


def copies_for_peers(
    source: Mountpoint, parent: Mountpoint, at: DirEntry, *, moving: bool
) -> list[_Copy]:
    """Copy the tree ``source`` for all who hear what is mounted on ``at`` of ``parent``.

    All of the tree is shared afterwards if ``parent`` is.  A new tree hears nothing yet, though
    it may be a copy of its own parent; one that is ``moving`` does.
    """
    if parent.group is None:
        return []
    fresh = {mount for mount in subtree(source) if mount.group is None}
    for mount in subtree(source):
        share(mount)
    # The copies, which may get into the same groups, hear nothing of this.
    waiting = {mount for mount in hearers(parent) if not mount.namespace.is_anonymous}
    if not moving:
        waiting.difference_update(subtree(source))
    spreading = _Spreading(at, waiting, fresh)
    spreading.to_group(source, parent.group)
    return spreading.made


class _Spreading:
    """A tree on its way to all who hear what is mounted (propagate_mnt() of Linux's fs/pnode.c)."""

    def __init__(self, at: DirEntry, waiting: set[Mountpoint], fresh: set[Mountpoint]) -> None:
        self.at = at
        self.waiting = waiting  #: who has no copy yet
        self.fresh = fresh  #: who is shared only since the tree was made so
        self.made: list[_Copy] = []

    def to_group(self, source: Mountpoint, group: PeerGroup) -> None:
        """Copy ``source`` for the members of a group as peers, then for its slaves."""
        for member in self._waiting(group.members):
            self.waiting.remove(member)
            if member.root.is_ancestor_of(self.at):
                copy = copy_tree(source.root_location, member.namespace)
                self.made.append(_Copy(copy, member))
        for slave in self._waiting(group.slaves):
            if slave in self.waiting:  # it may have had its copy as a peer of the one before
                self._to_slave(source, slave)

    def _waiting(self, mounts: Iterable[Mountpoint]) -> list[Mountpoint]:
        return [mount for mount in mounts if mount in self.waiting]

    def _to_slave(self, source: Mountpoint, slave: Mountpoint) -> None:
        """Copy ``source`` as its own slave for a slave, or for the first of its peers; go on."""
        group = None if slave in self.fresh else slave.group
        peers = [slave] if group is None else self._waiting(group.members)
        first = next((peer for peer in peers if peer.root.is_ancestor_of(self.at)), None)
        below = source
        if first is not None:
            self.waiting.remove(first)
            below = copy_tree(source.root_location, first.namespace, slaves=True)
            if group is not None:
                for mount in subtree(below):
                    share(mount)
            self.made.append(_Copy(below, first))
        if group is None:
            self.waiting.discard(slave)
        else:
            self.to_group(below, group)


def hang_beneath(tree: Mountpoint, parent: Mountpoint, at: DirEntry) -> None:
    """Hang a tree on ``at``; what is mounted there already comes to lie on it."""
    above = None if at.mounts is None else at.mounts.get(parent)
    if above is not None:
        detach(above)
    hang(tree, parent, at)
    if above is not None:
        top = tree.root_location.topmost()
        hang(above, top.mount, top.entry)


# -- unmounting -------------------------------------------------------------------------------


def hearers(mount: Mountpoint) -> Iterator[Mountpoint]:
    """Yield all mounts that hear of changes in ``mount``, itself excepted."""
    if mount.group is None:
        return
    seen: dict[Mountpoint, None] = {}
    _collect(mount.group, seen)
    yield from (m for m in seen if m is not mount)


def _collect(group: PeerGroup, seen: dict[Mountpoint, None]) -> None:
    for member in group.members:
        seen[member] = None
    for slave in group.slaves:
        if slave not in seen:
            seen[slave] = None
            if slave.group is not None:
                _collect(slave.group, seen)


def echoes(mount: Mountpoint) -> list[Mountpoint]:
    """Return what is mounted in place of ``mount`` wherever its parent's changes are heard."""
    if mount.parent is None or mount.at is None or mount.at.mounts is None:
        return []
    found = (mount.at.mounts.get(hearer) for hearer in hearers(mount.parent))
    return [m for m in found if m is not None]


def would_cover(parent: Mountpoint, at: DirEntry, mount: Mountpoint) -> bool:
    """Tell whether what is mounted on ``at`` of ``parent`` comes to lie on ``mount`` as well.

    That is so if ``mount`` hears of it and begins just there (propagation_would_overmount() of
    Linux's fs/pnode.c).
    """
    return mount.root is at and any(m is mount for m in hearers(parent))


def topper(mount: Mountpoint) -> Mountpoint | None:
    """Return the one mount that covers ``mount`` completely, if nothing else is mounted in it."""
    if len(mount.children) != 1:
        return None
    child = next(iter(mount.children))
    return child if child.at is mount.root else None


def is_busy(mount: Mountpoint) -> bool:
    """Tell whether somebody uses a mount, or one that would go together with it (EBUSY)."""
    if mount.users or mount.children:
        return True
    return any(m.users and (not m.children or topper(m)) for m in echoes(mount))


def with_echoes(mounts: Iterable[Mountpoint]) -> dict[Mountpoint, None]:
    """Return the mounts that go when ``mounts`` go, parents first where it matters.

    One that has something else mounted inside stays, unless that covers it completely.
    """
    going = dict.fromkeys(mounts)
    candidates = {echo: None for mount in going for echo in echoes(mount) if echo not in going}
    while True:
        staying = [m for m in candidates if not _may_go(m, going, candidates)]
        if not staying:
            return going | candidates
        for mount in staying:
            del candidates[mount]


def _may_go(
    mount: Mountpoint, going: dict[Mountpoint, None], candidates: dict[Mountpoint, None]
) -> bool:
    if mount.locked and mount.parent not in going and mount.parent not in candidates:
        return False
    others = [c for c in mount.children if c not in going and c not in candidates]
    return not others or (len(others) == 1 and others[0].at is mount.root)


def lock_tree(top: Mountpoint) -> None:
    """Keep a tree that another user namespace made as it is, for who gets it from there."""
    for mount in subtree(top):
        mount.locked_flags |= mount.flags
        mount.locked = mount is not top
