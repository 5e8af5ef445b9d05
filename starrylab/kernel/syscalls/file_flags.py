"""What chattr(1) sets, by directory and path: file_getattr(2), file_setattr(2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi.errno import E2BIG, EBADF, EINVAL, ENOTTY, EOPNOTSUPP
from ...abi.fcntl import AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW
from ...abi.file_flags import FILE_ATTR, FS_XFLAGS
from ...abi.inotify import IN_ATTRIB
from ..vfs.notify import tell_place
from ..vfs.permission import require_writable
from ._at import place_at
from ._declare import syscall
from ._file_flags import get_xflags, set_xflags
from ._mounts import read_struct
from ._shown import InString, UnsignedAtFlags
from ._types import FdNum, Ptr, Size

if TYPE_CHECKING:
    from ..thread import Thread
    from ..vfs.mount import Location

_PAGE: Final = 4096


def _check(flags: int, size: int) -> None:
    if flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH):
        raise EINVAL
    if size > _PAGE:
        raise E2BIG
    if size < FILE_ATTR.size:
        raise EINVAL


def _place(t: Thread, dirfd: int, path: int, flags: int) -> Location:
    """Return what is meant; with AT_EMPTY_PATH and no path it is the descriptor itself."""
    name = t.mm.read_cstr(path) if path or not flags & AT_EMPTY_PATH else b""
    if not name and flags & AT_EMPTY_PATH and dirfd >= 0:
        file = t.fds[dirfd]
        if file.kind == "path":
            raise EBADF
        if file.place is None:
            raise EOPNOTSUPP
        return file.place
    return place_at(t, dirfd, name, flags)


@syscall()
def file_getattr(
    t: Thread, dirfd: FdNum, path: InString, attr: Ptr, size: Size, flags: UnsignedAtFlags
) -> None:
    """file_getattr(2): this file system has no extents and projects to tell of."""
    _check(flags, size)
    place = _place(t, dirfd, path, flags)
    try:
        xflags = get_xflags(place.node)
    except ENOTTY:
        raise EOPNOTSUPP from None
    t.mm.write(attr, FILE_ATTR.pack(xflags, 0, 0, 0, 0).ljust(size, b"\0"))


@syscall()
def file_setattr(
    t: Thread, dirfd: FdNum, path: InString, attr: Ptr, size: Size, flags: UnsignedAtFlags
) -> None:
    """file_setattr(2)."""
    _check(flags, size)
    fields = FILE_ATTR.unpack(read_struct(t, attr, size, FILE_ATTR.size))
    xflags, extent, _, project, copies = fields
    if xflags & ~FS_XFLAGS:
        raise EINVAL
    place = _place(t, dirfd, path, flags)
    require_writable(place.mount)
    try:
        set_xflags(place.node, xflags, (extent, project, copies), t.cred)
    except ENOTTY:
        raise EOPNOTSUPP from None
    tell_place(place, IN_ATTRIB)
