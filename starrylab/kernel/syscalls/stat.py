"""Attributes read: newfstatat(2), fstat(2), statx(2), statfs(2), faccessat(2)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ...abi import layouts
from ...abi.errno import EINVAL
from ...abi.fcntl import (
    AT_EACCESS,
    AT_EMPTY_PATH,
    AT_FDCWD,
    AT_NO_AUTOMOUNT,
    AT_STATX_DONT_SYNC,
    AT_STATX_FORCE_SYNC,
    AT_STATX_SYNC_TYPE,
    AT_SYMLINK_NOFOLLOW,
    MS_NOATIME,
    MS_NODEV,
    MS_NODIRATIME,
    MS_NOEXEC,
    MS_NOSUID,
    MS_RDONLY,
    MS_STRICTATIME,
)
from ...abi.stat import (
    ANON_INODE_FS_MAGIC,
    PIPEFS_MAGIC,
    S_IFIFO,
    S_IFSOCK,
    SOCKFS_MAGIC,
    STATX__RESERVED,
    STATX_ATTR_APPEND,
    STATX_ATTR_AUTOMOUNT,
    STATX_ATTR_DAX,
    STATX_ATTR_IMMUTABLE,
    STATX_ATTR_MOUNT_ROOT,
    STATX_ATTR_NODUMP,
    STATX_BASIC_STATS,
    STATX_BTIME,
    STATX_MNT_ID,
    STATX_MNT_ID_UNIQUE,
)
from ..files.file import File
from ..task.cred import Credentials
from ..vfs.attributes import check_access
from ..vfs.context import EMPTY_PATH, NOFOLLOW
from ..vfs.file_flags import flags_of
from ..vfs.mount import Location, Mountpoint
from ..vfs.node import NodeOps
from ._at import place_at, start_of
from ._declare import syscall
from ._shown import (
    AccessFlags,
    AccessMode,
    AtFlags,
    OutStat,
    OutStatfs,
    OutStatx,
    StatxFlags,
    StatxMask,
)
from ._types import Fd, FdNum, Path

if TYPE_CHECKING:
    from ..thread import Thread

_SECOND: Final = 1_000_000_000
#: what each file system tells of, and what those with chattr(1) do; the bits are FS_*_FL's
_ATTRIBUTES: Final = STATX_ATTR_MOUNT_ROOT | STATX_ATTR_AUTOMOUNT | STATX_ATTR_DAX
_FILE_FLAGS: Final = STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND | STATX_ATTR_NODUMP
_ANONYMOUS_DEV: Final = 15  #: st_dev of what no file system shows (pipes, sockets, eventfd)
_ANONYMOUS: Final = {"pipe": S_IFIFO | 0o600, "socket": S_IFSOCK | 0o777}
_MAGIC: Final = {"pipe": PIPEFS_MAGIC, "socket": SOCKFS_MAGIC}
#: MS_* -> ST_* of statvfs(3)
_MOUNT_FLAGS: Final = (
    (MS_RDONLY, 1), (MS_NOSUID, 2), (MS_NODEV, 4), (MS_NOEXEC, 8), (MS_NOATIME, 0x400),
    (MS_NODIRATIME, 0x800),
)  # fmt: skip
_ST_VALID: Final = 0x20
_ST_RELATIME: Final = 0x1000


def pack_stat(node: NodeOps, cred: Credentials) -> bytes:
    """Return the node's ``struct stat``, with owners as ``cred`` sees them."""
    node.refresh()
    atime, mtime, ctime = node.atime, node.mtime, node.ctime
    uid, gid = node.uid, node.gid
    if cred.user_ns is not None:
        uid, gid = cred.shown_uid(uid), cred.shown_gid(gid)
    return layouts.STAT.pack(
        node.fs.dev, node.ino, node.mode, node.nlink, uid, gid, node.rdev, node.size,
        node.block_size, node.blocks,
        atime // _SECOND, atime % _SECOND, mtime // _SECOND, mtime % _SECOND,
        ctime // _SECOND, ctime % _SECOND,
    )  # fmt: skip


@syscall()
def newfstatat(t: Thread, dirfd: FdNum, path: Path, buf: OutStat, flags: AtFlags) -> None:
    """newfstatat(2)."""
    if not flags and (dirfd == AT_FDCWD or path[:1] == b"/"):
        node = t.fs.walk(path, t.cred).entry.node
        assert node is not None
        t.mm.write(buf, pack_stat(node, t.cred))
        return
    if flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT):
        raise EINVAL
    if not path and flags & AT_EMPTY_PATH and dirfd != AT_FDCWD:
        t.mm.write(buf, _stat_file(t, t.fds[dirfd]))
        return
    walk = NOFOLLOW if flags & AT_SYMLINK_NOFOLLOW else 0
    if flags & AT_EMPTY_PATH:
        walk |= EMPTY_PATH
    place = t.fs.walk(path, t.cred, start_of(t, dirfd, path), walk)
    t.mm.write(buf, pack_stat(place.node, t.cred))


@syscall()
def fstat(t: Thread, file: Fd, buf: OutStat) -> None:
    """fstat(2)."""
    t.mm.write(buf, _stat_file(t, file))


def _stat_file(t: Thread, file: File) -> bytes:
    node = file.node
    if node is not None:
        return pack_stat(node, t.cred)
    mode, ino = _anonymous(file)
    boot = t.kernel.boot_time_ns
    return layouts.STAT.pack(
        _ANONYMOUS_DEV, ino, mode, 1, 0, 0, 0, 0, 4096, 0,
        *(boot // _SECOND, boot % _SECOND) * 3,
    )  # fmt: skip


def _anonymous(file: File) -> tuple[int, int]:
    """Return mode and inode number of a file without a node; /proc shows the same number."""
    return _ANONYMOUS.get(_kind(file), 0o600), file.number


def _kind(file: File) -> str:
    return file.path().partition(b":[")[0].decode("ascii", "replace")


@syscall()
def statx(
    t: Thread, dirfd: FdNum, path: Path, flags: StatxFlags, mask: StatxMask, buf: OutStatx
) -> None:
    """statx(2)."""
    known = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE
    sync = flags & AT_STATX_SYNC_TYPE
    if mask & STATX__RESERVED or flags & ~known:
        raise EINVAL
    if sync == AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC:
        raise EINVAL
    if not path and flags & AT_EMPTY_PATH and dirfd != AT_FDCWD:
        file = t.fds[dirfd]
        if file.node is None:
            t.mm.write(buf, _statx_anonymous(t, file))
            return
        t.mm.write(buf, _pack_statx(file.node, file.place, t.cred, mask))
        return
    place = place_at(t, dirfd, path, flags)
    t.mm.write(buf, _pack_statx(place.node, place, t.cred, mask))


def _pack_statx(node: NodeOps, place: Location | None, cred: Credentials, mask: int) -> bytes:
    node.refresh()
    given, number = 0, 0
    if place is not None and mask & STATX_MNT_ID_UNIQUE:
        given, number = STATX_MNT_ID_UNIQUE, place.mount.unique_id
    elif place is not None:
        given, number = STATX_MNT_ID, place.mount.id
    at_root = place is not None and place.entry is place.mount.root
    dev, rdev = node.fs.dev, node.rdev
    attributes, known = flags_of(node) & _FILE_FLAGS, _ATTRIBUTES
    if node.fs.has_file_flags:
        known |= _FILE_FLAGS
    atime, btime, ctime, mtime = node.atime, node.btime, node.ctime, node.mtime
    return layouts.STATX.pack(
        STATX_BASIC_STATS | STATX_BTIME | given, node.block_size,
        attributes | (STATX_ATTR_MOUNT_ROOT if at_root else 0),
        node.nlink, cred.shown_uid(node.uid), cred.shown_gid(node.gid), node.mode,
        node.ino, node.size, node.blocks, known,
        atime // _SECOND, atime % _SECOND, btime // _SECOND, btime % _SECOND,
        ctime // _SECOND, ctime % _SECOND, mtime // _SECOND, mtime % _SECOND,
        _major(rdev) if rdev else 0, _minor(rdev) if rdev else 0, _major(dev), _minor(dev),
        number,
    )  # fmt: skip


def _statx_anonymous(t: Thread, file: File) -> bytes:
    mode, ino = _anonymous(file)
    boot = divmod(t.kernel.boot_time_ns, _SECOND)
    return layouts.STATX.pack(
        STATX_BASIC_STATS, 4096, 0, 1, 0, 0, mode, ino, 0, 0, _ATTRIBUTES,
        *boot, 0, 0, *boot, *boot, 0, 0, 0, _ANONYMOUS_DEV, 0,
    )  # fmt: skip


def _major(dev: int) -> int:
    return dev >> 8 & 0xFFF


def _minor(dev: int) -> int:
    return dev & 0xFF | dev >> 12 & 0xFFF00


@syscall()
def statfs(t: Thread, path: Path, buf: OutStatfs) -> None:
    """statfs(2)."""
    t.mm.write(buf, _pack_statfs(t.fs.walk(path, t.cred).mount))


@syscall()
def fstatfs(t: Thread, file: Fd, buf: OutStatfs) -> None:
    """fstatfs(2)."""
    if file.place is None:
        t.mm.write(buf, _statfs_anonymous(file))
        return
    t.mm.write(buf, _pack_statfs(file.place.mount))


def _statfs_anonymous(file: File) -> bytes:
    """Return what fs/libfs.c, ``simple_statfs``, tells of pipefs, sockfs and anon_inodefs."""
    magic = _MAGIC.get(_kind(file), ANON_INODE_FS_MAGIC)
    return layouts.STATFS.pack(magic, 4096, 0, 0, 0, 0, 0, _ANONYMOUS_DEV, 0, 255, 4096, _ST_VALID)


def _pack_statfs(mount: Mountpoint) -> bytes:
    s = mount.fs.statfs()
    flags = _ST_VALID
    for bit, shown in _MOUNT_FLAGS:
        if mount.flags & bit:
            flags |= shown
    if mount.fs.read_only:
        flags |= 1
    if not mount.flags & (MS_NOATIME | MS_STRICTATIME):
        flags |= _ST_RELATIME
    return layouts.STATFS.pack(
        s.magic, s.block_size, s.blocks, s.blocks_free, s.blocks_available, s.files,
        s.files_free, mount.fs.dev, 0, s.name_max, s.block_size, flags,
    )  # fmt: skip


# access(2).


@syscall()
def faccessat(t: Thread, dirfd: FdNum, path: Path, mode: AccessMode) -> None:
    """faccessat(2), the system call, which has no flags."""
    _access(t, dirfd, path, mode, 0)


@syscall()
def faccessat2(t: Thread, dirfd: FdNum, path: Path, mode: AccessMode, flags: AccessFlags) -> None:
    """faccessat2(2)."""
    if flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH):
        raise EINVAL
    _access(t, dirfd, path, mode, flags)


def _access(t: Thread, dirfd: int, path: bytes, mode: int, flags: int) -> None:
    if mode & ~7:
        raise EINVAL
    cred = t.cred
    if not flags & AT_EACCESS and (cred.fsuid != cred.uid or cred.fsgid != cred.gid):
        cred = real_credentials(cred)
    walk = NOFOLLOW if flags & AT_SYMLINK_NOFOLLOW else 0
    if flags & AT_EMPTY_PATH:
        walk |= EMPTY_PATH
    place = t.fs.walk(path, cred, start_of(t, dirfd, path), walk)
    check_access(place, mode, cred)


def real_credentials(cred: Credentials) -> Credentials:
    """Return the credentials with which access(2) asks: the real ids."""
    return replace(
        cred,
        fsuid=cred.uid,
        fsgid=cred.gid,
        effective=cred.permitted if cred.uid == cred.root_uid else 0,
    )
