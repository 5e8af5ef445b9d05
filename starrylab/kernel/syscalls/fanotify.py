"""fanotify_init(2), fanotify_mark(2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from ...abi.capability import CAP_SYS_ADMIN
from ...abi.errno import (
    EEXIST,
    EINVAL,
    EISDIR,
    EMFILE,
    ENOENT,
    ENOSPC,
    ENOTDIR,
    EOPNOTSUPP,
    EPERM,
)
from ...abi.fanotify import (
    ADMIN_INIT_FLAGS,
    CLASS_BITS,
    DIRENT_EVENTS,
    EVENT_FLAGS,
    EVENTS,
    FAN_CLOEXEC,
    FAN_EVENT_ON_CHILD,
    FAN_FS_ERROR,
    FAN_MARK_ADD,
    FAN_MARK_DONT_FOLLOW,
    FAN_MARK_EVICTABLE,
    FAN_MARK_FILESYSTEM,
    FAN_MARK_FLUSH,
    FAN_MARK_IGNORE,
    FAN_MARK_IGNORED_MASK,
    FAN_MARK_IGNORED_SURV_MODIFY,
    FAN_MARK_INODE,
    FAN_MARK_MNTNS,
    FAN_MARK_MOUNT,
    FAN_MARK_ONLYDIR,
    FAN_MARK_REMOVE,
    FAN_ONDIR,
    FAN_PRE_ACCESS,
    FAN_RENAME,
    FAN_REPORT_DIR_FID,
    FAN_REPORT_FD_ERROR,
    FAN_REPORT_FID,
    FAN_REPORT_MNT,
    FAN_REPORT_NAME,
    FAN_REPORT_PIDFD,
    FAN_REPORT_TARGET_FID,
    FAN_REPORT_TID,
    FAN_UNLIMITED_MARKS,
    FAN_UNLIMITED_QUEUE,
    FD_EVENTS,
    FID_BITS,
    INIT_FLAGS,
    MARK_COMMANDS,
    MARK_FLAGS,
    MARK_IGNORES,
    MARK_TYPES,
    MOUNT_EVENTS,
    PERM_EVENTS,
)
from ...abi.fcntl import (
    O_ACCMODE,
    O_APPEND,
    O_CLOEXEC,
    O_DSYNC,
    O_LARGEFILE,
    O_NOATIME,
    O_NONBLOCK,
    O_SYNC,
)
from ..files.fanotify import Fanotify
from ..files.fanotify_mark import Mark, table_of
from ..files.fanotify_mounts import NamespaceMark
from ..files.watching import Kind, Share
from ..fs.proc._namespaces import NamespaceNode
from ..namespaces.mnt import MntNamespace
from ..vfs.context import NOFOLLOW
from ..vfs.mount import Location
from ..vfs.node import DIRECTORY, FileNodeOps
from ..vfs.permission import MAY_READ, check
from ._at import start_of
from ._declare import syscall
from ._reporting import guard, listen
from ._shown import FanotifyEventFlags, FanotifyFlags, FanotifyMarkFlags, FanotifyMask, FanotifyPath
from ._types import FdNum

if TYPE_CHECKING:
    from ..thread import Thread

_EVENT_FILE_FLAGS: Final = (
    O_ACCMODE | O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC | O_CLOEXEC | O_LARGEFILE | O_NOATIME
)
_MASK: Final = EVENTS | PERM_EVENTS | MOUNT_EVENTS | EVENT_FLAGS
#: FANOTIFY_DIRONLY_EVENT_BITS
_DIRECTORY_ONLY: Final = DIRENT_EVENTS | EVENT_FLAGS


@syscall()
def fanotify_init(t: Thread, flags: FanotifyFlags, event_f_flags: FanotifyEventFlags) -> FdNum:
    """fanotify_init(2)."""
    privileged = t.cred.capable(CAP_SYS_ADMIN)
    told = flags & (FID_BITS | FAN_REPORT_MNT)
    if not privileged and (flags & ADMIN_INIT_FLAGS or not told):
        raise EPERM
    _check_init(flags, event_f_flags)
    kernel = t.kernel
    watching = kernel.watching
    share = watching.take(Kind.FANOTIFY_GROUPS, t.cred.euid)
    asks = 1 if flags & CLASS_BITS else 0

    def closed() -> None:
        share.give_back()
        listen(kernel, -1)
        guard(kernel, -asks)

    file = Fanotify(
        flags,
        event_f_flags | O_LARGEFILE,
        None if flags & FAN_UNLIMITED_QUEUE else watching.queued_events["fanotify"],
        lambda: cast("Thread | None", kernel.executor.current),
        closed,
        uid=t.cred.euid,
        privileged=privileged,
    )
    listen(kernel, 1)
    guard(kernel, asks)
    try:
        return t.install(file, cloexec=bool(flags & FAN_CLOEXEC))
    except EMFILE:
        closed()
        raise


def _check_init(flags: int, event_f_flags: int) -> None:
    """Raise ``EINVAL`` for flags that do not go together."""
    reports = flags & FID_BITS
    if flags & ~INIT_FLAGS or event_f_flags & ~_EVENT_FILE_FLAGS:
        raise EINVAL
    if flags & FAN_REPORT_PIDFD and flags & FAN_REPORT_TID:
        raise EINVAL
    if flags & FAN_REPORT_MNT and flags & (CLASS_BITS | FID_BITS | FAN_REPORT_FD_ERROR):
        raise EINVAL
    if event_f_flags & O_ACCMODE == O_ACCMODE or flags & CLASS_BITS == CLASS_BITS:
        raise EINVAL
    if reports and flags & CLASS_BITS:
        raise EINVAL
    if reports & FAN_REPORT_NAME and not reports & FAN_REPORT_DIR_FID:
        raise EINVAL
    whole = FAN_REPORT_NAME | FAN_REPORT_FID
    if reports & FAN_REPORT_TARGET_FID and reports & whole != whole:
        raise EINVAL


@syscall()
def fanotify_mark(
    t: Thread,
    fd: FdNum,
    flags: FanotifyMarkFlags,
    mask: FanotifyMask,
    dirfd: FdNum,
    path: FanotifyPath,
) -> None:
    """fanotify_mark(2)."""
    kind = flags & MARK_TYPES
    ignore = flags & MARK_IGNORES
    _check_mark(flags, mask, kind)
    kept = 0  #: what the caller cannot take away
    if ignore == FAN_MARK_IGNORED_MASK:
        mask &= ~EVENT_FLAGS
        kept = EVENT_FLAGS
    group = t.fds[fd]
    if not isinstance(group, Fanotify):
        raise EINVAL
    _check_mounts(group, mask, kind)
    _check_group(group, flags, mask, kind)
    if flags & FAN_MARK_FLUSH:
        for mark in [mark for mark in group.marks if mark.kind == kind]:
            mark.end()
        return
    place = _find(t, flags, dirfd, path)
    if kind == FAN_MARK_MNTNS:
        _mark_namespace(t, group, place, mask, flags)
        return
    if flags & FAN_MARK_ADD:
        _check_supported(group, place, flags, mask, kind)
    if group.mode & FID_BITS and kind != FAN_MARK_INODE and not place.mount.fs.exports:
        raise EOPNOTSUPP
    node = place.node if kind == FAN_MARK_INODE else None
    directory = node is not None and node.kind == DIRECTORY
    if flags & FAN_MARK_ADD and ignore and not flags & FAN_MARK_IGNORED_SURV_MODIFY:
        if ignore == FAN_MARK_IGNORE and (node is None or directory):
            raise EINVAL if node is None else EISDIR
        if isinstance(node, FileNodeOps) and node.writers > 0:
            return  # it would not last
    if not directory:
        mask &= ~FAN_EVENT_ON_CHILD
        kept = FAN_EVENT_ON_CHILD
        if group.mode & FAN_REPORT_DIR_FID and flags & FAN_MARK_ADD and not ignore:
            mask |= FAN_EVENT_ON_CHILD
    if flags & FAN_MARK_ADD:
        _add(t, group, place, kind, mask, flags)
    else:
        _remove(group, place, kind, mask, flags, kept)


def _check_mark(flags: int, mask: int, kind: int) -> None:
    """Raise ``EINVAL`` for flags without a meaning."""
    if mask >> 32 or flags & ~MARK_FLAGS:
        raise EINVAL
    command = flags & MARK_COMMANDS
    if command in (FAN_MARK_ADD, FAN_MARK_REMOVE):
        if not mask:
            raise EINVAL
    elif command != FAN_MARK_FLUSH or flags & ~(MARK_TYPES | FAN_MARK_FLUSH):
        raise EINVAL
    if mask & ~_MASK or flags & MARK_IGNORES == MARK_IGNORES:
        raise EINVAL


def _check_mounts(group: Fanotify, mask: int, kind: int) -> None:
    """Raise ``EINVAL`` unless mounts are for those who listen to mounts, and nothing else is."""
    if group.mode & FAN_REPORT_MNT:
        if mask & ~MOUNT_EVENTS or kind != FAN_MARK_MNTNS:
            raise EINVAL
    elif mask & MOUNT_EVENTS or kind == FAN_MARK_MNTNS:
        raise EINVAL


def _check_group(group: Fanotify, flags: int, mask: int, kind: int) -> None:
    """Raise ``EINVAL``, ``EPERM`` for what a group of this kind cannot mark."""
    if not group.privileged and kind != FAN_MARK_INODE:
        raise EPERM
    if mask & PERM_EVENTS and not group.priority:
        raise EINVAL
    if mask & FAN_PRE_ACCESS and group.priority == 1:
        raise EINVAL
    if mask & FAN_FS_ERROR and kind != FAN_MARK_FILESYSTEM:
        raise EINVAL
    if flags & FAN_MARK_EVICTABLE and kind != FAN_MARK_INODE:
        raise EINVAL
    by_handle = group.mode & FID_BITS and kind != FAN_MARK_MOUNT
    if mask & ~(FD_EVENTS | EVENT_FLAGS | MOUNT_EVENTS) and not by_handle:
        raise EINVAL
    if mask & FAN_RENAME and not group.mode & FAN_REPORT_NAME:
        raise EINVAL
    if mask & FAN_PRE_ACCESS and mask & FAN_ONDIR:
        raise EINVAL


def _find(t: Thread, flags: int, dirfd: int, path: int) -> Location:
    """Return what is to be marked; a null path is the file ``dirfd`` itself."""
    if path:
        name = t.mm.read_cstr(path)
        walk = NOFOLLOW if flags & FAN_MARK_DONT_FOLLOW else 0
        place = t.fs.walk(name, t.cred, start_of(t, dirfd, name), walk)
    else:
        opened = t.fds[dirfd].place
        if opened is None:
            raise EINVAL
        place = opened
    if flags & FAN_MARK_ONLYDIR and place.node.kind != DIRECTORY:
        raise ENOTDIR
    check(place.node, t.cred, MAY_READ)
    return place


def _check_supported(group: Fanotify, place: Location, flags: int, mask: int, kind: int) -> None:
    """Raise what fanotify_events_supported() of Linux does."""
    fs = place.mount.fs
    if mask & FAN_PRE_ACCESS:
        raise EOPNOTSUPP  # no file system here lets others fill its files
    if mask & PERM_EVENTS and fs.name == "proc":
        raise EINVAL
    if kind != FAN_MARK_INODE and place.mount in (
        place.mount.namespace.hidden, place.mount.namespace.nameless
    ):  # fmt: skip
        raise EINVAL
    strict = group.mode & FAN_REPORT_TARGET_FID or mask & FAN_RENAME or flags & FAN_MARK_IGNORE
    file = kind == FAN_MARK_INODE and place.node.kind != DIRECTORY
    if strict and file and mask & _DIRECTORY_ONLY:
        raise ENOTDIR


def _add(t: Thread, group: Fanotify, place: Location, kind: int, mask: int, flags: int) -> None:
    table = table_of(kind, place)
    mark = None if table is None else table.get(group)
    if mark is None:
        mark = Mark(group, kind, place, _share(t, group))
        mark.flags = flags & FAN_MARK_EVICTABLE
    elif flags & FAN_MARK_EVICTABLE and not mark.flags & FAN_MARK_EVICTABLE:
        raise EEXIST
    if flags & FAN_MARK_IGNORED_MASK and mark.flags & FAN_MARK_IGNORE:
        raise EEXIST
    survives = flags & FAN_MARK_IGNORED_SURV_MODIFY
    if flags & FAN_MARK_IGNORE and not survives and mark.flags & FAN_MARK_IGNORED_SURV_MODIFY:
        raise EEXIST
    if flags & MARK_IGNORES:
        mark.ignored |= mask
        mark.flags |= survives | flags & FAN_MARK_IGNORE
    else:
        mark.mask |= mask
    if not flags & FAN_MARK_EVICTABLE:
        mark.flags &= ~FAN_MARK_EVICTABLE


def _share(t: Thread, group: Fanotify) -> Share | None:
    """Count one more mark; raise ``ENOSPC``."""
    if group.mode & FAN_UNLIMITED_MARKS:
        return None
    return t.kernel.watching.take(Kind.FANOTIFY_MARKS, group.uid, ENOSPC)


def _mark_namespace(t: Thread, group: Fanotify, place: Location, mask: int, flags: int) -> None:
    """Add or remove a mark of a mount namespace; raise ``EINVAL``, ``ENOENT``."""
    namespace = place.node.namespace if isinstance(place.node, NamespaceNode) else None
    if not isinstance(namespace, MntNamespace):
        raise EINVAL
    mark = next((mark for mark in group.marks if mark.object() is namespace), None)
    if flags & FAN_MARK_ADD:
        if mark is None:
            mark = NamespaceMark(group, namespace, t.kernel.watching, _share(t, group))
        if flags & MARK_IGNORES:
            mark.ignored |= mask
        else:
            mark.mask |= mask
        return
    if mark is None:
        raise ENOENT
    _take(mark, mask, flags, 0)


def _remove(group: Fanotify, place: Location, kind: int, mask: int, flags: int, kept: int) -> None:
    table = table_of(kind, place)
    mark: Mark | None = None if table is None else table.get(group)
    if mark is None:
        raise ENOENT
    _take(mark, mask, flags, kept)


def _take(mark: Mark | NamespaceMark, mask: int, flags: int, kept: int) -> None:
    """Take bits out of a mark, which ends when none are left; ``kept`` stay."""
    mask &= ~kept
    if flags & MARK_IGNORES:
        mark.ignored &= ~mask
    else:
        mark.mask &= ~mask
    if not (mark.mask | mark.ignored) & ~kept:
        mark.end()
