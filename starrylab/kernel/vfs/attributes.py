"""Operations on attributes: access(2), chmod(2), chown(2), utimensat(2), truncate(2)."""

from __future__ import annotations

from typing import Final, cast

from ...abi.errno import EACCES, EINVAL, EISDIR, EPERM, EROFS, ETXTBSY
from ...abi.fcntl import MS_NOEXEC
from ...abi.file_flags import FS_APPEND_FL, FS_IMMUTABLE_FL
from ...abi.inotify import IN_ACCESS, IN_ATTRIB, IN_MODIFY
from ...abi.landlock import LANDLOCK_ACCESS_FS_TRUNCATE
from ...abi.stat import S_IFDIR, S_IFLNK, S_IFMT, S_IFREG
from .file_flags import FIXED, refuse
from .mount import Location
from .node import DIRECTORY, Credentials, FileNodeOps
from .notify import tell_place
from .permission import (
    MAY_EXEC,
    MAY_WRITE,
    change_mode,
    change_owner,
    check,
    drop_privileges,
    is_owner,
    require_writable,
)

NOW: Final = 1 << 80  #: a time that `set_times` takes from the clock
OMIT: Final = 2 << 80  #: a time that `set_times` leaves as it is


def check_access(place: Location, mask: int, cred: Credentials) -> None:
    """access(2): raise ``EACCES``, ``EROFS`` unless the MAY_* rights of ``mask`` are there."""
    node = place.node
    kind = node.mode & S_IFMT
    if mask & MAY_EXEC and kind == S_IFREG and place.mount.flags & MS_NOEXEC:
        raise EACCES
    if mask:
        check(node, cred, mask)
    if mask & MAY_WRITE and place.mount.read_only and kind in (S_IFREG, S_IFDIR, S_IFLNK):
        raise EROFS


def set_mode(place: Location, mode: int, cred: Credentials) -> None:
    """chmod(2)."""
    require_writable(place.mount)
    refuse(place.node, FIXED)
    change_mode(place.node, mode, cred)
    tell_place(place, IN_ATTRIB)


def set_owner(place: Location, uid: int, gid: int, cred: Credentials) -> None:
    """chown(2); -1 leaves an id as it is."""
    require_writable(place.mount)
    if uid != -1 or gid != -1:
        refuse(place.node, FIXED)
    change_owner(place.node, uid, gid, cred)
    tell_place(place, IN_ATTRIB)


def set_times(place: Location, atime: int, mtime: int, cred: Credentials) -> None:
    """utimensat(2); times in nanoseconds, `NOW` or `OMIT`."""
    if atime == OMIT and mtime == OMIT:
        return
    require_writable(place.mount)
    node = place.node
    touched = atime == NOW and mtime == NOW
    refuse(node, FS_IMMUTABLE_FL if touched else FIXED)
    if not is_owner(node, cred):
        if not touched:
            raise EPERM
        check(node, cred, MAY_WRITE)
    now = node.fs.now()
    node.update(
        atime=None if atime == OMIT else now if atime == NOW else atime,
        mtime=None if mtime == OMIT else now if mtime == NOW else mtime,
    )
    tell_place(place, IN_MODIFY if atime == OMIT else IN_ACCESS if mtime == OMIT else IN_ATTRIB)


def truncate(place: Location, size: int, cred: Credentials) -> None:
    """truncate(2); raise ``EISDIR``, ``EINVAL``, ``EACCES``, ``EROFS``, ``ETXTBSY``."""
    node = place.node
    if node.kind == DIRECTORY:
        raise EISDIR
    if node.mode & S_IFMT != S_IFREG:
        raise EINVAL
    require_writable(place.mount)
    check(node, cred, MAY_WRITE)
    refuse(node, FS_APPEND_FL)
    file = cast("FileNodeOps", node)
    if file.writers < 0:
        raise ETXTBSY
    if cred.landlock is not None:
        cred.landlock.require(place, LANDLOCK_ACCESS_FS_TRUNCATE)
    drop_privileges(file, cred)
    file.truncate(size)
    tell_place(place, IN_MODIFY)
