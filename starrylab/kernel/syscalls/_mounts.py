"""What the system calls on mounts have in common: who may, where, and flags of mounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from ...abi.capability import CAP_SYS_ADMIN
from ...abi.errno import E2BIG, EBUSY, EINVAL, EMFILE, ENAMETOOLONG, EPERM
from ...abi.fcntl import (
    MS_NOATIME,
    MS_NODEV,
    MS_NODIRATIME,
    MS_NOEXEC,
    MS_NOSUID,
    MS_NOSYMFOLLOW,
    MS_RDONLY,
    MS_RELATIME,
    MS_STRICTATIME,
)
from ...abi.sched import CLONE_NEWNS
from ..vfs.mount import Location, MountNamespace, Mountpoint
from ..vfs.node import DIRECTORY, DirNodeOps, FilesystemOps

if TYPE_CHECKING:
    from ..thread import Thread

#: what a mount has of its own; the other flags are the file system's
PER_MOUNT: Final = (
    MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_STRICTATIME
    | MS_NOSYMFOLLOW
)  # fmt: skip
_ATIME: Final = MS_NOATIME | MS_NODIRATIME | MS_STRICTATIME
_PAGE: Final = 4096
_TELLING: Final = ("proc", "sysfs")


def namespace_of(t: Thread) -> MountNamespace:
    """Return the mount namespace that ``t`` is in."""
    return t.namespaces.mnt.tree


def require_mounter(t: Thread) -> None:
    """Raise ``EPERM`` unless ``t`` may mount in its namespace."""
    t.cred.require_in(t.namespaces.mnt.user_ns, CAP_SYS_ADMIN)


def require_changer(t: Thread) -> None:
    """Raise ``EPERM`` unless ``t`` may change which mounts its namespace has."""
    require_mounter(t)
    if t.cred.landlock is not None:
        t.cred.landlock.check_topology()


def own_mount(t: Thread, place: Location) -> Mountpoint:
    """Return the mount whose root ``place`` is; ``EINVAL`` for others, and for those elsewhere."""
    mount = place.mount
    if place.entry is not mount.root:
        raise EINVAL("not the root of a mount")
    if not is_own(t, mount):
        raise EINVAL("a mount of another namespace")
    return mount


def is_own(t: Thread, mount: Mountpoint) -> bool:
    """Tell whether a mount is in the namespace of ``t``."""
    return mount.namespace is namespace_of(t) and mount.is_attached


def may_bind(t: Thread, what: Location) -> bool:
    """Tell whether ``t`` may show ``what`` at another place: its own mounts, and namespaces.

    Not a mount namespace that is as old as its own, which would then hold itself (mnt_ns_loop()).
    """
    if what.mount.fs.name != "nsfs":
        return is_own(t, what.mount)
    namespace = getattr(what.node, "namespace", None)
    return (
        namespace is None or namespace.flag != CLONE_NEWNS or (namespace.ino > t.namespaces.mnt.ino)
    )


def per_mount(flags: int) -> int:
    """Return what of mount(2)'s flags a mount keeps; relatime is what has no flag."""
    if flags & MS_STRICTATIME:
        flags &= ~MS_NOATIME
    return flags & PER_MOUNT


def remounted(mount: Mountpoint, flags: int) -> int:
    """Return the flags that MS_REMOUNT gives; without a word on access times they stay.

    Raises ``EPERM`` if a flag would go that this namespace must keep.
    """
    wanted = per_mount(flags)
    if not flags & (_ATIME | MS_RELATIME):
        wanted |= mount.flags & _ATIME
    check_locked(mount, wanted)
    return wanted


def check_locked(mount: Mountpoint, flags: int) -> None:
    """Raise ``EPERM`` unless ``flags`` keep what another user namespace set."""
    locked = mount.locked_flags & PER_MOUNT
    if locked & ~flags or (locked & _ATIME and (mount.flags ^ flags) & _ATIME):
        raise EPERM("flags that came with the mount cannot be changed here")


def check_writers(mount: Mountpoint, flags: int) -> None:
    """Raise ``EBUSY`` if a mount with files open for writing would become read-only."""
    if flags & ~mount.flags & MS_RDONLY and mount.writers:
        raise EBUSY


def check_room(t: Thread) -> None:
    """Raise ``EMFILE`` if there is no room for one more descriptor."""
    limit = t.process.limits.nofile
    if len(t.fds) >= limit and t.fds.full(limit):
        raise EMFILE


def read_struct(t: Thread, addr: int, size: int, known: int) -> bytes:
    """Return the ``known`` bytes of a structure that may be longer or shorter in user memory.

    Raises ``E2BIG`` if what is unknown here is not 0 (copy_struct_from_user()).
    """
    if size > _PAGE:
        raise E2BIG
    data = t.mm.read(addr, size)
    if any(data[known:]):
        raise E2BIG
    return data[:known].ljust(known, b"\0")


def read_name(t: Thread, addr: int, room: int) -> bytes:
    """Read a string of less than ``room`` bytes; ``EINVAL`` for a longer one (strndup_user())."""
    try:
        return t.mm.read_cstr(addr, room)
    except ENAMETOOLONG:
        raise EINVAL from None


def check_revealing(t: Thread, fs: FilesystemOps, flags: int) -> None:
    """Raise ``EPERM`` if a new proc or sysfs would show a user what is covered (mount(2)).

    In a user namespace's own tree there has to be one already that nothing covers, and not with
    fewer rights (mount_too_revealing() of Linux's fs/namespace.c).
    """
    if t.namespaces.mnt.user_ns is None or fs.name not in _TELLING:
        return
    for mount in namespace_of(t):
        if mount.fs.name != fs.name or mount.root.parent is not None:
            continue
        if mount.locked_flags & ~flags & MS_RDONLY:
            continue
        if not any(_covers_something(child) for child in mount.children if child.locked):
            return
    raise EPERM


def _covers_something(mount: Mountpoint) -> bool:
    node = None if mount.at is None else mount.at.node
    return node is None or node.kind != DIRECTORY or any(cast("DirNodeOps", node).entries(2))
