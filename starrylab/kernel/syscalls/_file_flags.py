"""Requests of ioctl(2) that every file system answers: what chattr(1) sets (ioctl_iflags(2)).

The order of the checks is that of fs/file_attr.c.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ...abi.capability import CAP_LINUX_IMMUTABLE
from ...abi.errno import EINVAL, ENOTTY, EOPNOTSUPP, EPERM
from ...abi.file_flags import (
    FS_NOATIME_FL,
    FS_NODUMP_FL,
    FS_XFLAG_COWEXTSIZE,
    FS_XFLAG_EXTSIZE,
    FS_XFLAG_EXTSZINHERIT,
    FS_XFLAG_HASATTR,
    FS_XFLAG_PREALLOC,
    FSXATTR,
    XFLAGS,
)
from ...abi.inotify import IN_ATTRIB
from ...abi.ioctl import FS_IOC_FSGETXATTR, FS_IOC_FSSETXATTR, FS_IOC_GETFLAGS, FS_IOC_SETFLAGS
from ...abi.stat import S_IFDIR, S_IFMT, S_IFREG
from ..vfs.file_flags import FIXED, bind, flags_of
from ..vfs.notify import tell_place
from ..vfs.permission import require_owner, require_writable

if TYPE_CHECKING:
    from ..thread import Thread
    from ..vfs.mount import Location
    from ..vfs.node import Credentials, NodeOps

_SETTABLE: Final = FIXED | FS_NODUMP_FL | FS_NOATIME_FL
#: what only tells, and which sizes count: all sizes are 0 here
_WITHOUT_EFFECT: Final = (
    FS_XFLAG_PREALLOC | FS_XFLAG_HASATTR | FS_XFLAG_EXTSIZE | FS_XFLAG_EXTSZINHERIT
    | FS_XFLAG_COWEXTSIZE
)  # fmt: skip


def _flags(node: NodeOps) -> int:
    """FS_IOC_GETFLAGS: raise ``ENOTTY`` where there are none."""
    if not node.fs.has_file_flags or node.mode & S_IFMT not in (S_IFREG, S_IFDIR):
        raise ENOTTY
    return flags_of(node)


def _set_flags(node: NodeOps, flags: int, cred: Credentials) -> None:
    """FS_IOC_SETFLAGS: raise ``ENOTTY``, ``EPERM``, ``EOPNOTSUPP``."""
    old = _flags(node)
    require_owner(node, cred)
    if (flags ^ old) & FIXED and not cred.capable(CAP_LINUX_IMMUTABLE):
        raise EPERM
    if flags & ~_SETTABLE:
        raise EOPNOTSUPP
    bind(node, flags)
    node.ctime = node.fs.now()


def set_xflags(node: NodeOps, xflags: int, sizes: tuple[int, ...], cred: Credentials) -> None:
    """FS_IOC_FSSETXATTR; ``sizes`` are extents' and the project's: this file system has none."""
    old = _flags(node)
    require_owner(node, cred)
    flags = sum(flag for flag, shown in XFLAGS.items() if xflags & shown)
    if (flags ^ old) & FIXED and not cred.capable(CAP_LINUX_IMMUTABLE):
        raise EPERM
    wrong = FS_XFLAG_EXTSZINHERIT if node.mode & S_IFMT == S_IFREG else FS_XFLAG_EXTSIZE
    if xflags & wrong:
        raise EINVAL
    xflags &= ~_WITHOUT_EFFECT
    if any(sizes) or xflags & ~sum(XFLAGS.values()) or flags & ~_SETTABLE:
        raise EOPNOTSUPP
    bind(node, flags)
    node.ctime = node.fs.now()


def get_xflags(node: NodeOps) -> int:
    """FS_IOC_FSGETXATTR: the same as FS_XFLAG_*."""
    flags = _flags(node)
    return sum(shown for flag, shown in XFLAGS.items() if flags & flag)


def _get(t: Thread, place: Location, arg: int) -> int:
    t.mm.write_u32(arg, _flags(place.node))
    return 0


def _set(t: Thread, place: Location, arg: int) -> int:
    flags = t.mm.read_u32(arg)
    require_writable(place.mount)
    _set_flags(place.node, flags, t.cred)
    tell_place(place, IN_ATTRIB)
    return 0


def _get_extended(t: Thread, place: Location, arg: int) -> int:
    t.mm.write(arg, FSXATTR.pack(get_xflags(place.node), 0, 0, 0, 0))
    return 0


def _set_extended(t: Thread, place: Location, arg: int) -> int:
    xflags, extent, _, project, copies = FSXATTR.unpack(t.mm.read(arg, FSXATTR.size))
    require_writable(place.mount)
    set_xflags(place.node, xflags, (extent, project, copies), t.cred)
    tell_place(place, IN_ATTRIB)
    return 0


#: by request: thread, open file's place, argument
FLAG_REQUESTS: Final[dict[int, Callable[[Thread, Location, int], int]]] = {
    FS_IOC_GETFLAGS: _get,
    FS_IOC_SETFLAGS: _set,
    FS_IOC_FSGETXATTR: _get_extended,
    FS_IOC_FSSETXATTR: _set_extended,
}
