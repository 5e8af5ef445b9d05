"""Where the path of an *at call starts (openat(2), "Rationale for openat()")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...abi.errno import ENOTDIR
from ...abi.fcntl import AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_FOLLOW, AT_SYMLINK_NOFOLLOW
from ..vfs.context import EMPTY_PATH, NOFOLLOW
from ..vfs.mount import Location

if TYPE_CHECKING:
    from ..thread import Thread


def start_of(t: Thread, dirfd: int, path: bytes) -> Location | None:
    """Return where ``path`` starts; ``None`` is the working directory (or the root).

    Raises ``EBADF``, and ``ENOTDIR`` for a descriptor that no path led to.
    """
    if dirfd == AT_FDCWD or path[:1] == b"/":
        return None
    place = t.fds[dirfd].place
    if place is None:
        raise ENOTDIR
    return place


def place_at(t: Thread, dirfd: int, path: bytes, flags: int, *, follow: bool = True) -> Location:
    """Return the place an *at call names; ``flags`` may have AT_* bits that say how."""
    walk = 0
    if flags & AT_SYMLINK_NOFOLLOW or not (follow or flags & AT_SYMLINK_FOLLOW):
        walk = NOFOLLOW
    if flags & AT_EMPTY_PATH:
        walk |= EMPTY_PATH
    return t.fs.walk(path, t.cred, start_of(t, dirfd, path), walk)
