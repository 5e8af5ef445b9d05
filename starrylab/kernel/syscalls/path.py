"""Names and attributes by path: mkdirat(2), unlinkat(2), renameat2(2), fchmodat(2), ..."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final, cast

from ...abi.capability import CAP_DAC_READ_SEARCH
from ...abi.errno import EBADF, EFAULT, EINVAL, ENOENT, EOPNOTSUPP, EPERM
from ...abi.fcntl import (
    AT_EMPTY_PATH,
    AT_FDCWD,
    AT_REMOVEDIR,
    AT_SYMLINK_FOLLOW,
    AT_SYMLINK_NOFOLLOW,
)
from ...abi.stat import (
    S_IFBLK,
    S_IFCHR,
    S_IFDIR,
    S_IFIFO,
    S_IFLNK,
    S_IFMT,
    S_IFREG,
    S_IFSOCK,
    UTIME_NOW,
    UTIME_OMIT,
)
from ..files.file import File
from ..files.node_file import touch_atime
from ..vfs import attributes, operations
from ..vfs.context import EMPTY_PATH, NOFOLLOW
from ..vfs.mount import Location
from ..vfs.node import SYMLINK, SymlinkNodeOps
from ._at import place_at, start_of
from ._declare import syscall
from ._shown import (
    AtFlags,
    Device,
    FileMode,
    InString,
    InTimes,
    LinkFlags,
    OutData,
    RenameFlags,
    UnlinkFlags,
    UnsignedAtFlags,
    UserId,
)
from ._types import Fd, FdNum, Int, Mode, Path

if TYPE_CHECKING:
    from ..thread import Thread

_TIMES: Final = Struct("<qqqq")
_SECOND: Final = 1_000_000_000
_NODE_TYPES: Final = frozenset({0, S_IFREG, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK})


@syscall()
def mkdirat(t: Thread, dirfd: FdNum, path: Path, mode: Mode) -> None:
    """mkdirat(2)."""
    operations.make_directory(t.fs, path, mode, t.cred, start_of(t, dirfd, path))


@syscall()
def mknodat(t: Thread, dirfd: FdNum, path: Path, mode: FileMode, dev: Device) -> None:
    """mknodat(2)."""
    kind = mode & S_IFMT
    if kind not in _NODE_TYPES:
        raise EPERM if kind == S_IFDIR else EINVAL
    rdev = dev if kind in (S_IFCHR, S_IFBLK) else 0
    mode = mode & 0o7777 | (kind or S_IFREG)
    operations.make_node(t.fs, path, mode, rdev, t.cred, start_of(t, dirfd, path))


@syscall()
def unlinkat(t: Thread, dirfd: FdNum, path: Path, flags: UnlinkFlags) -> None:
    """unlinkat(2)."""
    if flags & ~AT_REMOVEDIR:
        raise EINVAL
    remove = operations.remove_directory if flags else operations.unlink
    remove(t.fs, path, t.cred, start_of(t, dirfd, path))


@syscall()
def symlinkat(t: Thread, target: Path, dirfd: FdNum, path: Path) -> None:
    """symlinkat(2)."""
    operations.make_symlink(t.fs, target, path, t.cred, start_of(t, dirfd, path))


@syscall()
def linkat(
    t: Thread, old_dirfd: FdNum, old: Path, new_dirfd: FdNum, new: Path, flags: LinkFlags
) -> None:
    """linkat(2)."""
    if flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH):
        raise EINVAL
    if flags & AT_EMPTY_PATH and not old and not t.cred.capable_here(CAP_DAC_READ_SEARCH):
        raise ENOENT
    place = place_at(t, old_dirfd, old, flags, follow=False)
    operations.make_link(t.fs, place, new, t.cred, start_of(t, new_dirfd, new))


@syscall()
def renameat2(
    t: Thread, old_dirfd: FdNum, old: Path, new_dirfd: FdNum, new: Path, flags: RenameFlags
) -> None:
    """renameat2(2)."""
    operations.rename(
        t.fs, old, new, flags, t.cred, start_of(t, old_dirfd, old), start_of(t, new_dirfd, new)
    )


@syscall()
def renameat(t: Thread, old_dirfd: FdNum, old: Path, new_dirfd: FdNum, new: Path) -> None:
    """renameat(2)."""
    operations.rename(
        t.fs, old, new, 0, t.cred, start_of(t, old_dirfd, old), start_of(t, new_dirfd, new)
    )


@syscall()
def readlinkat(t: Thread, dirfd: FdNum, path: Path, buf: OutData, size: Int) -> int:
    """readlinkat(2)."""
    if size <= 0:
        raise EINVAL
    place = t.fs.walk(path, t.cred, start_of(t, dirfd, path), NOFOLLOW | EMPTY_PATH)
    if not path and dirfd == AT_FDCWD:
        raise ENOENT
    node = place.node
    if node.kind != SYMLINK:
        raise EINVAL if path else ENOENT
    text = cast("SymlinkNodeOps", node).readlink()[:size]
    touch_atime(place, 0)
    t.mm.write(buf, text)
    return len(text)


# Attributes.


def _place_of(file: File) -> Location:
    """Return what a descriptor is open on; ``EBADF`` for O_PATH."""
    if file.kind == "path":
        raise EBADF
    if file.place is None:
        raise EPERM  # pipes and sockets: their attributes are fixed
    return file.place


@syscall()
def fchmod(t: Thread, file: Fd, mode: Mode) -> None:
    """fchmod(2)."""
    attributes.set_mode(_place_of(file), mode, t.cred)


@syscall()
def fchmodat(t: Thread, dirfd: FdNum, path: Path, mode: Mode) -> None:
    """fchmodat(2), the system call, which has no flags."""
    attributes.set_mode(place_at(t, dirfd, path, 0), mode, t.cred)


@syscall()
def fchmodat2(t: Thread, dirfd: FdNum, path: Path, mode: Mode, flags: UnsignedAtFlags) -> None:
    """fchmodat2(2)."""
    if flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH):
        raise EINVAL
    place = place_at(t, dirfd, path, flags)
    if place.node.mode & S_IFMT == S_IFLNK:
        raise EOPNOTSUPP
    attributes.set_mode(place, mode, t.cred)


def _ids(t: Thread, uid: int, gid: int) -> tuple[int, int]:
    """Return the kernel's ids, -1 for those that stay; ``EINVAL`` for ids without a mapping."""
    known = t.cred.meant_uid(uid), t.cred.meant_gid(gid)
    found = []
    for given, meant in zip((uid, gid), known, strict=True):
        if meant is None and given != 0xFFFFFFFF:
            raise EINVAL
        found.append(-1 if meant is None else meant)
    return found[0], found[1]


@syscall()
def fchown(t: Thread, file: Fd, uid: UserId, gid: UserId) -> None:
    """fchown(2)."""
    attributes.set_owner(_place_of(file), *_ids(t, uid, gid), t.cred)


@syscall()
def fchownat(t: Thread, dirfd: FdNum, path: Path, uid: UserId, gid: UserId, flags: AtFlags) -> None:
    """fchownat(2)."""
    if flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH):
        raise EINVAL
    attributes.set_owner(place_at(t, dirfd, path, flags), *_ids(t, uid, gid), t.cred)


@syscall()
def utimensat(t: Thread, dirfd: FdNum, path: InString, times: InTimes, flags: AtFlags) -> None:
    """utimensat(2)."""
    if flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH):
        raise EINVAL
    atime = mtime = attributes.NOW
    if times:
        atime_s, atime_ns, mtime_s, mtime_ns = _TIMES.unpack(t.mm.read(times, _TIMES.size))
        atime, mtime = _time(atime_s, atime_ns), _time(mtime_s, mtime_ns)
        if atime == attributes.OMIT and mtime == attributes.OMIT:
            return
    if not path:
        if dirfd == AT_FDCWD:
            raise EFAULT
        if flags:
            raise EINVAL
        place = _place_of(t.fds[dirfd])
    else:
        place = place_at(t, dirfd, t.mm.read_cstr(path), flags)
    attributes.set_times(place, atime, mtime, t.cred)


def _time(seconds: int, nanoseconds: int) -> int:
    if nanoseconds == UTIME_NOW:
        return attributes.NOW
    if nanoseconds == UTIME_OMIT:
        return attributes.OMIT
    if not 0 <= nanoseconds < _SECOND:
        raise EINVAL
    return seconds * _SECOND + nanoseconds


@syscall()
def umask(t: Thread, mask: Mode) -> Mode:
    """umask(2)."""
    old = t.fs.umask
    t.fs.umask = mask & 0o777
    return old
