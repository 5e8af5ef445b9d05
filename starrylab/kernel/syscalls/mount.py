"""Mounts by one call: mount(2), umount2(2), pivot_root(2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi.errno import EAGAIN, EBUSY, EINVAL, ENAMETOOLONG, ENOTDIR
from ...abi.fcntl import (
    MS_BIND,
    MS_DIRSYNC,
    MS_LAZYTIME,
    MS_MANDLOCK,
    MS_MGC_MSK,
    MS_MGC_VAL,
    MS_MOVE,
    MS_NOUSER,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    MS_REMOUNT,
    MS_SHARED,
    MS_SILENT,
    MS_SLAVE,
    MS_SYNCHRONOUS,
    MS_UNBINDABLE,
)
from ...abi.mount import MNT_DETACH, MNT_EXPIRE, MNT_FORCE, UMOUNT_NOFOLLOW
from ..fs.proc._namespaces import NamespaceNode
from ..fs.superblock import make, reconfigure, throw_away
from ..namespaces.mnt import MntNamespace
from ..vfs.context import NOFOLLOW
from ..vfs.mount import Location, Mountpoint
from ..vfs.mount.propagation import change_type
from ..vfs.mount.tree import locked_place, subtree
from ..vfs.node import DIRECTORY
from ._declare import syscall
from ._mount_types import PathAddr
from ._mounts import (
    check_revealing,
    check_writers,
    is_own,
    namespace_of,
    own_mount,
    per_mount,
    read_name,
    remounted,
    require_changer,
    require_mounter,
)
from ._shown import InString, MountFlags, UmountFlags
from ._types import Ptr

if TYPE_CHECKING:
    from ..thread import Thread

_PROPAGATION: Final = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE
_SUPERBLOCK: Final = MS_RDONLY | MS_SYNCHRONOUS | MS_MANDLOCK | MS_DIRSYNC | MS_LAZYTIME
#: what a remount may change of a file system (MS_RMT_MASK)
_RECONFIGURED: Final = MS_RDONLY | MS_SYNCHRONOUS | MS_MANDLOCK | MS_LAZYTIME
_PAGE: Final = 4096


@syscall()
def mount(
    t: Thread, source: InString, target: PathAddr, kind: InString, flags: MountFlags, data: Ptr
) -> None:
    """mount(2)."""
    if flags & MS_MGC_MSK == MS_MGC_VAL:
        flags &= ~MS_MGC_MSK
    fs_name = read_name(t, kind, _PAGE) if kind else b""
    name = read_name(t, source, _PAGE) if source else b""
    options = _options(t, data)
    place = t.fs.walk(t.mm.read_cstr(target), t.cred)
    if flags & MS_NOUSER & 0xFFFFFFFF:
        raise EINVAL
    require_changer(t)
    if flags & (MS_REMOUNT | MS_BIND) == MS_REMOUNT | MS_BIND:
        _change_flags(t, place, flags)
    elif flags & MS_REMOUNT:
        _remount(t, place, flags, options)
    elif flags & MS_BIND:
        _bind(t, name, place, recursive=bool(flags & MS_REC))
    elif flags & _PROPAGATION:
        _propagate(t, place, flags)
    elif flags & MS_MOVE:
        _move(t, name, place)
    else:
        _mount_new(t, place, name, fs_name, flags, options)


def _options(t: Thread, addr: int) -> bytes:
    """Read the option string, of which a page counts."""
    if not addr:
        return b""
    try:
        return t.mm.read_cstr(addr, _PAGE)
    except ENAMETOOLONG:
        return t.mm.read(addr, _PAGE - 1)


def _mount_new(
    t: Thread, place: Location, source: bytes, kind: bytes, flags: int, options: bytes
) -> None:
    if not kind:
        raise EINVAL
    fs = make(t.kernel, kind, source or b"none", flags & _SUPERBLOCK, options)
    try:
        check_revealing(t, fs, per_mount(flags))
        place = locked_place(place)
        if not is_own(t, place.mount):
            raise EINVAL
        namespace_of(t).mount(fs, place, per_mount(flags), source or b"none")
    except BaseException:
        throw_away(fs)
        raise


def _bind(t: Thread, source: bytes, place: Location, *, recursive: bool) -> None:
    if not source:
        raise EINVAL
    what = t.fs.walk(source, t.cred)
    from_namespace = _is_namespace(t, what)
    place = locked_place(place)
    if not is_own(t, place.mount) or not (from_namespace or is_own(t, what.mount)):
        raise EINVAL
    namespace_of(t).bind(what, place, recursive=recursive)


def _is_namespace(t: Thread, what: Location) -> bool:
    """Tell whether ``what`` is a namespace; raise ``EINVAL`` for an older or the own mount one.

    Such a mount would keep the namespace that it is in (mnt_ns_loop() of Linux's fs/namespace.c).
    """
    if not isinstance(what.node, NamespaceNode):
        return False
    found = what.node.namespace
    if isinstance(found, MntNamespace) and found.tree.id <= namespace_of(t).id:
        raise EINVAL
    return True


def _move(t: Thread, source: bytes, place: Location) -> None:
    if not source:
        raise EINVAL
    what = t.fs.walk(source, t.cred)
    if what.entry is not what.mount.root:
        raise EINVAL
    namespace_of(t).move(what.mount, place)


def _change_flags(t: Thread, place: Location, flags: int) -> None:
    """Change what is the mount's own (MS_REMOUNT with MS_BIND)."""
    mount = own_mount(t, place)
    wanted = remounted(mount, flags)
    check_writers(mount, wanted)
    mount.flags = wanted
    mount.namespace.changed()


def _remount(t: Thread, place: Location, flags: int, options: bytes) -> None:
    mount = own_mount(t, place)
    wanted = remounted(mount, flags)
    reconfigure(t.kernel, t.cred, mount.fs, flags & _RECONFIGURED, _RECONFIGURED, options)
    mount.flags = wanted
    mount.namespace.changed()


def _propagate(t: Thread, place: Location, flags: int) -> None:
    if place.entry is not place.mount.root:
        raise EINVAL
    kind = flags & ~(MS_REC | MS_SILENT)
    if kind & ~_PROPAGATION or kind & (kind - 1):
        raise EINVAL
    top = own_mount(t, place)
    for each in list(subtree(top)) if flags & MS_REC else [top]:
        change_type(each, kind)


@syscall()
def umount2(t: Thread, target: PathAddr, flags: UmountFlags) -> None:
    """umount2(2)."""
    if flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW):
        raise EINVAL
    namespace = namespace_of(t)
    expiring = [m for m in namespace if m.expiring] if flags & MNT_EXPIRE else []
    path = t.mm.read_cstr(target)
    place = t.fs.walk(path, t.cred, None, NOFOLLOW if flags & UMOUNT_NOFOLLOW else 0)
    require_mounter(t)
    mount = own_mount(t, place)
    if mount.locked:
        raise EINVAL
    require_changer(t)
    is_root = mount is t.fs.root.mount
    if flags & MNT_EXPIRE:
        if is_root or flags & (MNT_FORCE | MNT_DETACH):
            raise EINVAL
        _expire(mount, marked=mount in expiring)
    if is_root and not flags & MNT_DETACH:
        reconfigure(t.kernel, t.cred, mount.fs, MS_RDONLY, MS_RDONLY, b"")
        namespace.changed()
        return
    namespace.unmount(mount, lazy=bool(flags & MNT_DETACH))


def _expire(mount: Mountpoint, *, marked: bool) -> None:
    """Mark an unused mount (``EAGAIN``); one that was marked and not used since may go."""
    if mount.users or mount.children:
        raise EBUSY
    mount.expiring = True
    if not marked:
        raise EAGAIN


@syscall()
def pivot_root(t: Thread, new_root: PathAddr, put_old: PathAddr) -> None:
    """pivot_root(2)."""
    require_changer(t)
    new = t.fs.walk(t.mm.read_cstr(new_root), t.cred)
    if new.node.kind != DIRECTORY:
        raise ENOTDIR
    put = t.fs.walk(t.mm.read_cstr(put_old), t.cred)
    if put.node.kind != DIRECTORY:
        raise ENOTDIR
    old = t.fs.root
    namespace_of(t).pivot(new, put, old)
    # Everybody whose root or working directory was the old root moves along.
    for thread in list(t.kernel.threads.values()):
        fs = thread.fs
        if fs.root.same(old):
            fs.set_root(new)
        if fs.cwd.same(old):
            fs.set_cwd(new)
