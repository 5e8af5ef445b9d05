"""Mounts: mount(2), umount2(2), pivot_root(2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi.capability import CAP_SYS_ADMIN
from ...abi.errno import EAGAIN, EBUSY, EINVAL, ENAMETOOLONG, ENOTDIR, EPERM
from ...abi.fcntl import (
    MS_BIND,
    MS_DIRSYNC,
    MS_LAZYTIME,
    MS_MGC_MSK,
    MS_MGC_VAL,
    MS_MOVE,
    MS_NOATIME,
    MS_NODEV,
    MS_NODIRATIME,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    MS_RELATIME,
    MS_REMOUNT,
    MS_SHARED,
    MS_SILENT,
    MS_SLAVE,
    MS_STRICTATIME,
    MS_SYNCHRONOUS,
    MS_UNBINDABLE,
)
from ..fs.system import make_filesystem
from ..vfs.context import NOFOLLOW
from ..vfs.mount import Location
from ..vfs.node import DIRECTORY
from ._declare import syscall
from ._shown import InString, MountFlags, UmountFlags
from ._types import Path, Ptr

if TYPE_CHECKING:
    from ..thread import Thread

_PER_MOUNT: Final = (
    MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME
    | MS_STRICTATIME
)  # fmt: skip
_PROPAGATION: Final = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE
_PAGE: Final = 4096
_MNT_FORCE, _MNT_DETACH, _MNT_EXPIRE, _UMOUNT_NOFOLLOW = 1, 2, 4, 8


@syscall(partial="all mounts are private: MS_SHARED and MS_SLAVE are refused")
def mount(
    t: Thread, source: InString, target: Path, kind: InString, flags: MountFlags, data: Ptr
) -> None:
    """mount(2)."""
    if flags & MS_MGC_MSK == MS_MGC_VAL:
        flags &= ~MS_MGC_MSK
    options = _options(t, data)
    place = t.fs.walk(target, t.cred)
    if not t.cred.capable(CAP_SYS_ADMIN):
        raise EPERM
    if flags & MS_REMOUNT:
        _remount(place, flags, options)
    elif flags & MS_BIND:
        if not source:
            raise EINVAL
        what = t.fs.walk(t.mm.read_cstr(source), t.cred)
        made = place.mount.namespace.bind(what, place, recursive=bool(flags & MS_REC))
        made.flags = what.mount.flags
    elif flags & _PROPAGATION:
        _propagate(place, flags)
    elif flags & MS_MOVE:
        what = t.fs.walk(t.mm.read_cstr(source), t.cred)
        if what.entry is not what.mount.root:
            raise EINVAL
        place.mount.namespace.move(what.mount, place)
    else:
        _mount_new(t, place, source, kind, flags, options)


def _options(t: Thread, addr: int) -> bytes:
    """Read the option string, which is at most a page."""
    if not addr:
        return b""
    try:
        return t.mm.read_cstr(addr, _PAGE)
    except ENAMETOOLONG:
        raise EINVAL from None


def _mount_new(
    t: Thread, place: Location, source: int, kind: int, flags: int, options: bytes
) -> None:
    if not kind:
        raise EINVAL
    if place.node.kind != DIRECTORY:
        raise ENOTDIR
    name = t.mm.read_cstr(source) if source else b"none"
    fs = make_filesystem(t.kernel, t.mm.read_cstr(kind), name, flags, options)
    place.mount.namespace.mount(fs, place, flags & _PER_MOUNT, name)


def _remount(place: Location, flags: int, options: bytes) -> None:
    mount = place.mount
    if place.entry is not mount.root:
        raise EINVAL
    known = (
        _PER_MOUNT | MS_REMOUNT | MS_BIND | MS_SILENT | MS_SYNCHRONOUS | MS_DIRSYNC | MS_LAZYTIME
    )
    if flags & ~known:
        raise EINVAL
    if flags & MS_RDONLY and not mount.read_only and mount.writers:
        raise EBUSY
    if not flags & MS_BIND:
        mount.fs.remount(options)
    mount.flags = flags & _PER_MOUNT
    mount.namespace.generation += 1


def _propagate(place: Location, flags: int) -> None:
    if place.entry is not place.mount.root:
        raise EINVAL
    kind = flags & _PROPAGATION
    if kind & (kind - 1):
        raise EINVAL
    if kind in (MS_SHARED, MS_SLAVE):
        raise EINVAL("mounts do not propagate")


@syscall(partial="MNT_EXPIRE is refused")
def umount2(t: Thread, target: Path, flags: UmountFlags) -> None:
    """umount2(2)."""
    if flags & ~(_MNT_FORCE | _MNT_DETACH | _MNT_EXPIRE | _UMOUNT_NOFOLLOW):
        raise EINVAL
    if flags & _MNT_EXPIRE:
        raise EINVAL if flags & (_MNT_FORCE | _MNT_DETACH) else EAGAIN
    place = t.fs.walk(target, t.cred, None, NOFOLLOW if flags & _UMOUNT_NOFOLLOW else 0)
    if not t.cred.capable(CAP_SYS_ADMIN):
        raise EPERM
    mount = place.mount
    if place.entry is not mount.root:
        raise EINVAL
    mount.namespace.unmount(mount, lazy=bool(flags & _MNT_DETACH))


@syscall()
def pivot_root(t: Thread, new_root: Path, put_old: Path) -> None:
    """pivot_root(2)."""
    if not t.cred.capable(CAP_SYS_ADMIN):
        raise EPERM
    new = t.fs.walk(new_root, t.cred)
    put = t.fs.walk(put_old, t.cred)
    if new.node.kind != DIRECTORY or put.node.kind != DIRECTORY:
        raise ENOTDIR
    old = t.fs.root
    new.mount.namespace.pivot(new, put, old)
    # Everybody whose root or working directory was the old root moves along.
    for thread in list(t.kernel.threads.values()):
        fs = thread.fs
        if fs.root.same(old):
            fs.set_root(new)
        if fs.cwd.same(old):
            fs.set_cwd(new)
