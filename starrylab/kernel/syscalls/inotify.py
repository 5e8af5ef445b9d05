"""inotify_init1(2), inotify_add_watch(2), inotify_rm_watch(2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...abi.errno import EINVAL, EMFILE, ENOTDIR
from ...abi.inotify import (
    IN_CLOEXEC,
    IN_DONT_FOLLOW,
    IN_KNOWN,
    IN_MASK_ADD,
    IN_MASK_CREATE,
    IN_NONBLOCK,
    IN_ONLYDIR,
)
from ..files.inotify import Inotify
from ..files.watching import Kind
from ..vfs.context import NOFOLLOW
from ..vfs.node import DIRECTORY
from ..vfs.permission import MAY_READ, check
from ._declare import syscall
from ._reporting import listen
from ._shown import InotifyFlags, InotifyMask
from ._types import Fd, FdNum, Int, Path

if TYPE_CHECKING:
    from ..thread import Thread


@syscall()
def inotify_init1(t: Thread, flags: InotifyFlags) -> FdNum:
    """inotify_init1(2)."""
    if flags & ~(IN_CLOEXEC | IN_NONBLOCK):
        raise EINVAL
    kernel = t.kernel
    uid = t.cred.euid
    share = kernel.watching.take(Kind.INOTIFY_INSTANCES, uid)

    def closed() -> None:
        share.give_back()
        listen(kernel, -1)

    file = Inotify(flags & IN_NONBLOCK, kernel.watching, uid, closed)
    listen(kernel, 1)
    try:
        return t.install(file, cloexec=bool(flags & IN_CLOEXEC))
    except EMFILE:
        closed()
        raise


@syscall()
def inotify_add_watch(t: Thread, file: Fd, path: Path, mask: InotifyMask) -> int:
    """inotify_add_watch(2)."""
    if not mask & IN_KNOWN or (mask & IN_MASK_ADD and mask & IN_MASK_CREATE):
        raise EINVAL
    if not isinstance(file, Inotify):
        raise EINVAL
    place = t.fs.walk(path, t.cred, None, NOFOLLOW if mask & IN_DONT_FOLLOW else 0)
    if mask & IN_ONLYDIR and place.node.kind != DIRECTORY:
        raise ENOTDIR
    check(place.node, t.cred, MAY_READ)
    return file.watch(place, mask)


@syscall()
def inotify_rm_watch(t: Thread, file: Fd, wd: Int) -> None:
    """inotify_rm_watch(2)."""
    if not isinstance(file, Inotify):
        raise EINVAL
    file.remove(file.find(wd))
