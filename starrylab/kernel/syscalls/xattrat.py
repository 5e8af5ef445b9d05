"""Extended attributes by directory and path: setxattrat(2) and its kin.

Flags and sizes that do not fit the registers come in a ``struct xattr_args``.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final

from ...abi.errno import EINVAL
from ...abi.fcntl import AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW
from ..vfs.mount import Location
from ..vfs.node import NodeOps
from ._at import place_at
from ._declare import syscall
from ._mounts import read_struct
from ._shown import InString, OutData, UnsignedAtFlags
from ._types import FdNum, Ptr, Size
from .xattr import get_attribute, list_attributes, opened, remove_attribute, set_attribute

if TYPE_CHECKING:
    from ..thread import Thread

_ARGS: Final = Struct("<QII")  #: value, size, flags


def _target(t: Thread, dirfd: int, path: int, flags: int) -> tuple[NodeOps, Location]:
    """Return what is meant; with AT_EMPTY_PATH and no path it is the descriptor itself."""
    if flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH):
        raise EINVAL
    name = b""
    if path or not flags & AT_EMPTY_PATH:
        name = t.mm.read_cstr(path)
    if not name and flags & AT_EMPTY_PATH and dirfd >= 0:
        return opened(t.fds[dirfd])
    place = place_at(t, dirfd, name, flags)
    return place.node, place


def _args(t: Thread, addr: int, size: int) -> tuple[int, int, int]:
    """Return value, size and flags; raise ``EINVAL``, ``E2BIG``."""
    if size < _ARGS.size:
        raise EINVAL
    value, length, flags = _ARGS.unpack(read_struct(t, addr, size, _ARGS.size))
    return value, length, flags


@syscall()
def setxattrat(
    t: Thread, dirfd: FdNum, path: InString, at: UnsignedAtFlags, name: InString, args: Ptr,
    size: Size,
) -> None:  # fmt: skip
    """setxattrat(2)."""
    value, length, flags = _args(t, args, size)
    set_attribute(t, _target(t, dirfd, path, at), name, value, length, flags)


@syscall()
def getxattrat(
    t: Thread, dirfd: FdNum, path: InString, at: UnsignedAtFlags, name: InString, args: Ptr,
    size: Size,
) -> int:  # fmt: skip
    """getxattrat(2): the structure has no flags here."""
    value, length, flags = _args(t, args, size)
    if flags:
        raise EINVAL
    return get_attribute(t, _target(t, dirfd, path, at), name, value, length)


@syscall()
def listxattrat(
    t: Thread, dirfd: FdNum, path: InString, at: UnsignedAtFlags, names: OutData, size: Size
) -> int:
    """listxattrat(2)."""
    return list_attributes(t, _target(t, dirfd, path, at), names, size)


@syscall()
def removexattrat(
    t: Thread, dirfd: FdNum, path: InString, at: UnsignedAtFlags, name: InString
) -> None:
    """removexattrat(2)."""
    remove_attribute(t, _target(t, dirfd, path, at), name)
