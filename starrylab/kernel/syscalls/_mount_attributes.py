"""What mount_setattr(2) changes of a mount, or of a tree: all of it or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ...abi.errno import EINVAL
from ...abi.fcntl import (
    MS_NOATIME,
    MS_PRIVATE,
    MS_SHARED,
    MS_SLAVE,
    MS_STRICTATIME,
    MS_UNBINDABLE,
)
from ...abi.mount import (
    MOUNT_ATTR__ATIME,
    MOUNT_ATTR_IDMAP,
    MOUNT_ATTR_KNOWN,
    MOUNT_ATTR_NOATIME,
    MOUNT_ATTR_RELATIME,
    MOUNT_ATTR_STRICTATIME,
    to_mount_flags,
)
from ..vfs.mount import Location
from ..vfs.mount.propagation import change_type
from ..vfs.mount.tree import subtree
from ._mounts import check_locked, check_writers, is_own

if TYPE_CHECKING:
    from ..thread import Thread

_PROPAGATION: Final = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE
_VALID: Final = MOUNT_ATTR_KNOWN | MOUNT_ATTR_IDMAP
_ATIMES: Final = (MOUNT_ATTR_RELATIME, MOUNT_ATTR_NOATIME, MOUNT_ATTR_STRICTATIME)
_INT_MAX: Final = 0x7FFFFFFF


@dataclass(frozen=True, slots=True)
class Change:
    """MS_* bits that go and come, and the kind of propagation, or 0."""

    cleared: int
    set: int
    propagation: int
    recursive: bool
    maps_ids: bool = False  #: MOUNT_ATTR_IDMAP

    @classmethod
    def checked(cls, t: Thread, fields: tuple[int, int, int, int], *, recursive: bool) -> Change:
        """Return what a struct mount_attr asks for; raise ``EINVAL`` if it makes no sense.

        The times of access are one value and not bits: who sets one has to clear all.
        """
        wanted, unwanted, propagation, userns_fd = fields
        if propagation & ~_PROPAGATION or propagation & (propagation - 1):
            raise EINVAL
        if (wanted | unwanted) & ~_VALID:
            raise EINVAL
        cleared = to_mount_flags(unwanted)
        if unwanted & MOUNT_ATTR__ATIME:
            if unwanted & MOUNT_ATTR__ATIME != MOUNT_ATTR__ATIME:
                raise EINVAL
            if wanted & MOUNT_ATTR__ATIME not in _ATIMES:
                raise EINVAL
            cleared |= MS_NOATIME | MS_STRICTATIME
        elif wanted & MOUNT_ATTR__ATIME:
            raise EINVAL
        maps = bool((wanted | unwanted) & MOUNT_ATTR_IDMAP)
        if maps and userns_fd > _INT_MAX:
            raise EINVAL
        if maps:
            _ = t.fds[userns_fd]
        return cls(cleared, to_mount_flags(wanted), propagation, recursive, maps)

    def of(self, flags: int) -> int:
        """Return what becomes of a mount's flags."""
        return flags & ~self.cleared | self.set


def apply(t: Thread, place: Location, change: Change) -> None:
    """Change the mount at ``place``, or its tree.

    Raises ``EINVAL``, ``EBUSY``, ``EPERM`` before anything is changed.
    """
    if change.maps_ids:
        raise EINVAL("no file system here maps ids")
    mount = place.mount
    if place.entry is not mount.root or not mount.is_attached:
        raise EINVAL
    detached = mount.parent is None and mount.namespace.is_anonymous
    if not detached and not is_own(t, mount):
        raise EINVAL
    mounts = list(subtree(mount)) if change.recursive else [mount]
    for each in mounts:
        check_locked(each, change.of(each.flags))
        check_writers(each, change.of(each.flags))
    for each in mounts:
        each.flags = change.of(each.flags)
        if change.propagation:
            change_type(each, change.propagation)
    mount.namespace.changed()
