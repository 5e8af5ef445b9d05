"""``OpenOptions``: what to open and how (design document 7.1.6; open(2), openat2(2)).

This part finds or makes the node and checks that it may be opened; the kinds of file, which
live above, make the open file of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from ...abi.errno import (
    EACCES,
    EEXIST,
    EISDIR,
    ELOOP,
    ENOENT,
    ENOTDIR,
    ENXIO,
    EROFS,
    ETXTBSY,
)
from ...abi.fcntl import (
    MS_NODEV,
    O_ACCMODE,
    O_APPEND,
    O_CREAT,
    O_DIRECTORY,
    O_EXCL,
    O_NOATIME,
    O_NOFOLLOW,
    O_PATH,
    O_TMPFILE,
    O_TRUNC,
)
from ...abi.file_flags import FS_APPEND_FL, FS_IMMUTABLE_FL
from ...abi.inotify import IN_MODIFY
from ...abi.stat import S_IFBLK, S_IFCHR, S_IFMT, S_IFREG, S_IFSOCK
from . import operations
from .context import NOFOLLOW, RESOLVE_MASK, FsContext
from .file_flags import refuse
from .mount import Location
from .node import (
    DIRECTORY,
    SYMLINK,
    Credentials,
    DirNodeOps,
    FileNodeOps,
    NodeOps,
    SymlinkNodeOps,
)
from .notify import tell_place
from .permission import (
    MAY_EXEC,
    MAY_READ,
    MAY_WRITE,
    allowed,
    check,
    drop_privileges,
    inherit,
    require_owner,
    require_writable,
)

_ACCESS = (MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE)
_TMPFILE = O_TMPFILE & ~O_DIRECTORY


@dataclass(frozen=True, slots=True)
class OpenOptions:
    """Flags (O_*), permissions for a new file, and RESOLVE_* restrictions."""

    flags: int
    mode: int = 0
    resolve: int = 0

    def locate(
        self, fs: FsContext, path: bytes, cred: Credentials, start: Location | None = None
    ) -> Location:
        """Return the place to open, made or truncated where the flags say so."""
        return locate(fs, path, self.flags, self.mode, cred, start, self.resolve)


def locate(
    fs: FsContext,
    path: bytes,
    flags: int,
    mode: int,
    cred: Credentials,
    start: Location | None = None,
    resolve: int = 0,
) -> Location:
    """Return the place that open(2) with these arguments opens.

    Raises what open(2) lists.
    """
    if flags & O_PATH:
        place = fs.walk(path, cred, start, resolve | (NOFOLLOW if flags & O_NOFOLLOW else 0))
        if flags & O_DIRECTORY and place.node.kind != DIRECTORY:
            raise ENOTDIR
        return place
    if flags & _TMPFILE:
        return _temporary(fs, path, flags, mode, cred, start, resolve)
    if flags & O_CREAT:
        place, created = _find_or_create(fs, path, flags, mode, cred, start, resolve)
        if created:
            if cred.landlock is not None:
                cred.landlock.check_open(place, flags & ~O_TRUNC)
            return place
        if flags & O_EXCL:
            raise EEXIST
        if place.node.kind == DIRECTORY:
            raise EISDIR
        if place.entry.parent is not None:
            fs.protections.check_create(place.entry.parent.directory, place.node, cred)
    else:
        place = fs.walk(path, cred, start, resolve | (NOFOLLOW if flags & O_NOFOLLOW else 0))
    check_open(place, flags, cred)
    if flags & O_TRUNC and place.node.mode & S_IFMT == S_IFREG:
        file = cast("FileNodeOps", place.node)
        if file.writers < 0:
            raise ETXTBSY
        drop_privileges(file, cred)
        file.truncate(0)
        tell_place(place, IN_MODIFY)
    return place


def check_open(place: Location, flags: int, cred: Credentials) -> None:
    """Raise what forbids opening an existing file (may_open in Linux)."""
    node = cast("NodeOps", place.entry.node)
    access = _ACCESS[flags & O_ACCMODE]
    if flags & O_TRUNC:
        access |= MAY_WRITE
    if node.kind:
        if flags & O_DIRECTORY and node.kind != DIRECTORY:
            raise ENOTDIR
        if node.kind == SYMLINK:
            raise ELOOP
        if access & MAY_WRITE:
            raise EISDIR
    else:
        if flags & O_DIRECTORY:
            raise ENOTDIR
        kind = node.mode & S_IFMT
        if kind == S_IFREG:
            if access & MAY_WRITE and place.mount.read_only:
                raise EROFS
        elif kind in (S_IFCHR, S_IFBLK) and (
            place.mount.flags & MS_NODEV or place.mount.fs.user_ns is not None
        ):
            raise EACCES
    # `check` in line: opening is hot.
    if node.data is not None and access & MAY_WRITE:
        refuse(node, FS_IMMUTABLE_FL)
    if not allowed(node, cred, access):
        raise EACCES
    if node.data is not None:
        _check_flags(node, flags)
    if flags & O_NOATIME:
        require_owner(node, cred)
    if cred.landlock is not None:
        cred.landlock.check_open(place, flags)
    if node.mode & S_IFMT == S_IFSOCK:
        raise ENXIO


def _check_flags(node: NodeOps, flags: int) -> None:
    """Raise ``EPERM`` for what an append-only file is not opened for."""
    if flags & O_TRUNC or (flags & O_ACCMODE and not flags & O_APPEND):
        refuse(node, FS_APPEND_FL)


def _find_or_create(
    fs: FsContext,
    path: bytes,
    flags: int,
    mode: int,
    cred: Credentials,
    start: Location | None,
    resolve: int,
) -> tuple[Location, bool]:
    """Resolve with O_CREAT: the last component may be missing, or be a link to follow."""
    links = 0
    while True:
        parent, name, trailing = fs.walk_parent(path, cred, start, resolve)
        if name in (b"", b".", b".."):
            return fs.walk(path, cred, start, resolve), False
        if trailing:
            raise EISDIR
        child = parent.entry.lookup(name)
        node = child.node
        if node is None:
            require_writable(parent.mount)
            mode = mode & 0o7777 | S_IFREG
            return operations.create(parent, name, mode, cred, fs.umask), True
        if node.kind != SYMLINK or flags & (O_EXCL | O_NOFOLLOW):
            return Location(parent.mount, child).topmost(), False
        if resolve & RESOLVE_MASK:
            # The restricted walk follows the link itself; only a missing target differs.
            return fs.walk(path, cred, start, resolve), False
        links += 1
        target = fs.follow_link(parent, cast("SymlinkNodeOps", node), cred, links)
        if isinstance(target, Location):
            return target, False
        path, start = target, parent
        if path[:1] == b"/":
            start = None


def _temporary(
    fs: FsContext,
    path: bytes,
    flags: int,
    mode: int,
    cred: Credentials,
    start: Location | None,
    resolve: int,
) -> Location:
    """O_TMPFILE: a file without a name in the directory ``path``."""
    place = fs.walk(path, cred, start, resolve)
    node = place.node
    if node.kind != DIRECTORY:
        raise ENOTDIR
    if not flags & O_ACCMODE:
        raise EISDIR
    require_writable(place.mount)
    check(node, cred, MAY_WRITE | MAY_EXEC)
    directory = cast("DirNodeOps", node)
    if directory.dead:
        raise ENOENT
    access, mode = operations.initial_access(directory, mode & 0o7777 | S_IFREG, fs.umask)
    mode, gid = inherit(directory, mode, cred)
    made = directory.temporary(mode, cred.fsuid, gid)
    operations.pass_on(directory, made, access)
    if flags & O_EXCL:
        made.bind(operations.Linkable, None)
    entry = type(place.entry)(b"#%d" % made.ino, place.entry, made)
    entry.unlinked = True
    place = Location(place.mount, entry)
    if cred.landlock is not None:
        cred.landlock.check_open(place, flags & ~O_TRUNC)
    return place
