"""Trees of mounts: open_tree(2), move_mount(2), mount_setattr(2), open_tree_attr(2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi.errno import E2BIG, EINVAL
from ...abi.fcntl import (
    AT_EMPTY_PATH,
    AT_NO_AUTOMOUNT,
    AT_RECURSIVE,
    AT_SYMLINK_NOFOLLOW,
    O_PATH,
)
from ...abi.mount import (
    MOUNT_ATTR,
    MOUNT_ATTR_SIZE_VER0,
    MOVE_MOUNT__MASK,
    MOVE_MOUNT_BENEATH,
    MOVE_MOUNT_F_EMPTY_PATH,
    MOVE_MOUNT_F_SYMLINKS,
    MOVE_MOUNT_SET_GROUP,
    MOVE_MOUNT_T_EMPTY_PATH,
    MOVE_MOUNT_T_SYMLINKS,
    OPEN_TREE_CLOEXEC,
    OPEN_TREE_CLONE,
)
from ..files.file import File
from ..files.path import PathFile
from ..files.tree import TreeFile
from ..vfs.context import EMPTY_PATH, NOFOLLOW
from ..vfs.mount import Location
from ._at import place_at, start_of
from ._declare import syscall
from ._mount_attributes import Change, apply
from ._mount_types import InMountAttr, MoveMountFlags, OpenTreeFlags, PathAddr, SetattrFlags
from ._mounts import (
    check_room,
    is_own,
    may_bind,
    namespace_of,
    read_struct,
    require_changer,
    require_mounter,
)
from ._types import FdNum, Size

if TYPE_CHECKING:
    from ..thread import Thread

_SETATTR: Final = AT_EMPTY_PATH | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT
_OPEN_TREE: Final = _SETATTR | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC
_NO_MAPS: Final = "MOUNT_ATTR_IDMAP is refused: no file system maps ids"
_BOTH: Final = MOVE_MOUNT_SET_GROUP | MOVE_MOUNT_BENEATH


@syscall()
def open_tree(t: Thread, dirfd: FdNum, path: PathAddr, flags: OpenTreeFlags) -> FdNum:
    """open_tree(2)."""
    return t.install(_tree(t, dirfd, path, flags), cloexec=bool(flags & OPEN_TREE_CLOEXEC))


def _tree(t: Thread, dirfd: int, path: int, flags: int) -> File:
    if flags & ~_OPEN_TREE or flags & (AT_RECURSIVE | OPEN_TREE_CLONE) == AT_RECURSIVE:
        raise EINVAL
    if flags & OPEN_TREE_CLONE:
        require_mounter(t)
    check_room(t)
    place = place_at(t, dirfd, t.mm.read_cstr(path), flags)
    if not flags & OPEN_TREE_CLONE:
        return PathFile(place, O_PATH, t.cred)
    source = place.mount
    ours = namespace_of(t)
    if not may_bind(t, place) and not (source.is_attached and ours.may_use(source.namespace)):
        raise EINVAL
    namespace = ours.anonymous(source.namespace)
    namespace.root = namespace.copy_of(place, recursive=bool(flags & AT_RECURSIVE))
    return TreeFile(namespace.root, t.cred)


@syscall(partial=_NO_MAPS)
def open_tree_attr(
    t: Thread,
    dirfd: FdNum,
    path: PathAddr,
    flags: OpenTreeFlags,
    attributes: InMountAttr,
    size: Size,
) -> FdNum:
    """open_tree_attr(): open_tree(2) with the change of mount_setattr(2)."""
    if not attributes and size:
        raise EINVAL
    file = _tree(t, dirfd, path, flags)
    try:
        if attributes:
            change = _change(t, attributes, size, recursive=bool(flags & AT_RECURSIVE))
            if change is not None and file.place is not None:
                apply(t, file.place, change)
    except BaseException:
        file.closed()
        raise
    return t.install(file, cloexec=bool(flags & OPEN_TREE_CLOEXEC))


@syscall(partial=_NO_MAPS)
def mount_setattr(
    t: Thread,
    dirfd: FdNum,
    path: PathAddr,
    flags: SetattrFlags,
    attributes: InMountAttr,
    size: Size,
) -> None:
    """mount_setattr(2)."""
    if flags & ~_SETATTR:
        raise EINVAL
    change = _change(t, attributes, size, recursive=bool(flags & AT_RECURSIVE))
    if change is not None:
        apply(t, place_at(t, dirfd, t.mm.read_cstr(path), flags), change)


def _change(t: Thread, addr: int, size: int, *, recursive: bool) -> Change | None:
    """Read a struct mount_attr; ``None`` if it changes nothing."""
    if size > 4096:
        raise E2BIG
    if size < MOUNT_ATTR_SIZE_VER0:
        raise EINVAL
    require_mounter(t)
    fields = MOUNT_ATTR.unpack(read_struct(t, addr, size, MOUNT_ATTR.size))
    if not any(fields[:3]):
        return None
    return Change.checked(t, fields, recursive=recursive)


@syscall()
def move_mount(
    t: Thread,
    from_dirfd: FdNum,
    from_path: PathAddr,
    to_dirfd: FdNum,
    to_path: PathAddr,
    flags: MoveMountFlags,
) -> None:
    """move_mount(2)."""
    require_changer(t)
    if flags & ~MOVE_MOUNT__MASK or flags & _BOTH == _BOTH:
        raise EINVAL
    to_walk = 0 if flags & MOVE_MOUNT_T_SYMLINKS else NOFOLLOW
    to_walk |= EMPTY_PATH if flags & MOVE_MOUNT_T_EMPTY_PATH else 0
    from_walk = 0 if flags & MOVE_MOUNT_F_SYMLINKS else NOFOLLOW
    from_walk |= EMPTY_PATH if flags & MOVE_MOUNT_F_EMPTY_PATH else 0
    to = _walk(t, to_dirfd, to_path, to_walk)
    what = _walk(t, from_dirfd, from_path, from_walk)
    if flags & MOVE_MOUNT_SET_GROUP:
        _set_group(t, what, to)
        return
    if what.entry is not what.mount.root:
        raise EINVAL
    if flags & MOVE_MOUNT_BENEATH:
        namespace_of(t).move_beneath(what.mount, to, t.fs.root.mount)
    else:
        namespace_of(t).move(what.mount, to)


def _walk(t: Thread, dirfd: int, addr: int, flags: int) -> Location:
    path = t.mm.read_cstr(addr)
    return t.fs.walk(path, t.cred, start_of(t, dirfd, path), flags)


def _set_group(t: Thread, what: Location, to: Location) -> None:
    """Give a private mount the peers and the master of another (MOVE_MOUNT_SET_GROUP)."""
    for place in (what, to):
        if not is_own(t, place.mount):
            raise EINVAL
    if what.entry is not what.mount.root or to.entry is not to.mount.root:
        raise EINVAL
    namespace_of(t).set_group(what.mount, to.mount)
