"""Operations on names: create, link, unlink, rename (design document 7.1.3; their man pages, 2).

Each function takes places that path resolution found, makes the checks that are the same
for every file system in Linux's order, calls the node, and keeps the dentry cache right.
"""

from __future__ import annotations

from typing import Final, cast

from ...abi.capability import CAP_MKNOD
from ...abi.errno import (
    EBUSY,
    EEXIST,
    EINVAL,
    EISDIR,
    EMLINK,
    ENOENT,
    ENOTDIR,
    ENOTEMPTY,
    EPERM,
    EXDEV,
)
from ...abi.fcntl import RENAME_EXCHANGE, RENAME_NOREPLACE
from ...abi.inotify import (
    IN_ATTRIB,
    IN_CREATE,
    IN_DELETE,
    IN_MOVE_SELF,
    IN_MOVED_FROM,
    IN_MOVED_TO,
)
from ...abi.stat import S_IFBLK, S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT
from . import acl, file_flags
from .acl import AccessAcl, Acl, DefaultAcl
from .context import FsContext
from .dentry import DirEntry
from .mount import Location
from .mount.tree import drop_mounts, refuse_mounted
from .node import DIRECTORY, Credentials, DirNodeOps, NodeOps
from .notify import tell_name, tell_node, tell_rename, will_go
from .permission import (
    MAY_EXEC,
    MAY_WRITE,
    check,
    inherit,
    require_delete,
    require_writable,
)

LINK_MAX: Final = 65000
_SPECIAL: Final = (b"", b".", b"..")


def prepare(place: Location, name: bytes, trailing: bool, *, directory: bool) -> DirEntry:
    """Return the negative entry that something new called ``name`` is to fill.

    Raises ``EEXIST``, and ``ENOENT`` for "name/" that is not to become a directory.
    """
    if name in _SPECIAL:
        raise EEXIST
    child = place.entry.lookup(name)
    if child.node is not None:
        raise EEXIST
    if trailing and not directory:
        raise ENOENT
    require_writable(place.mount)
    return child


def _may_create(directory: NodeOps, cred: Credentials) -> DirNodeOps:
    made = cast("DirNodeOps", directory)
    if made.dead:
        raise ENOENT
    check(made, cred, MAY_WRITE | MAY_EXEC)
    return made


def create(
    place: Location, name: bytes, mode: int, cred: Credentials, umask: int, rdev: int = 0
) -> Location:
    """Make a node of the type and permissions in ``mode`` in the directory ``place``.

    The caller has checked with `prepare` that the name is free.
    """
    kind = mode & S_IFMT
    if cred.landlock is not None:
        cred.landlock.check_create(place, kind)
    directory = _may_create(place.node, cred)
    whiteout = kind == S_IFCHR and not rdev  # device 0:0 opens nothing: anybody may make it
    if kind in (S_IFCHR, S_IFBLK) and not whiteout and not cred.capable(CAP_MKNOD):
        raise EPERM
    if kind == S_IFDIR and directory.nlink >= LINK_MAX:
        raise EMLINK
    access, mode = initial_access(directory, mode, umask)
    mode, gid = inherit(directory, mode, cred)
    node = directory.create(name, mode, cred.fsuid, gid, rdev)
    if directory.data is not None:
        pass_on(directory, node, access)
    tell_name(directory, IN_CREATE, name, node)
    return Location(place.mount, place.entry.attach(name, node))


def initial_access(directory: NodeOps, mode: int, umask: int) -> tuple[Acl | None, int]:
    """Return list and mode of a new node: the umask counts only without a default list."""
    default: Acl | None = None if directory.data is None else directory.data.get(DefaultAcl)
    return (None, mode & ~umask) if default is None else default.inherited(mode)


def pass_on(directory: NodeOps, node: NodeOps, access: Acl | None) -> None:
    """Give a new node its list, and the lists and flags that its directory passes on."""
    file_flags.inherit(directory, node)
    if access is not None:
        acl.bind(node, AccessAcl, access)
    if node.kind == DIRECTORY and (default := directory.bound(DefaultAcl)) is not None:
        acl.bind(node, DefaultAcl, default)


def make_directory(
    fs: FsContext, path: bytes, mode: int, cred: Credentials, start: Location | None = None
) -> Location:
    """mkdir(2)."""
    place, name, trailing = fs.walk_parent(path, cred, start)
    prepare(place, name, trailing, directory=True)
    return create(place, name, S_IFDIR | mode & 0o1777, cred, fs.umask)


def make_node(
    fs: FsContext,
    path: bytes,
    mode: int,
    rdev: int,
    cred: Credentials,
    start: Location | None = None,
) -> Location:
    """mknod(2); ``mode`` has the type."""
    place, name, trailing = fs.walk_parent(path, cred, start)
    prepare(place, name, trailing, directory=False)
    return create(place, name, mode, cred, fs.umask, rdev)


def make_symlink(
    fs: FsContext, target: bytes, path: bytes, cred: Credentials, start: Location | None = None
) -> Location:
    """symlink(2)."""
    if not target:
        raise ENOENT
    place, name, trailing = fs.walk_parent(path, cred, start)
    prepare(place, name, trailing, directory=False)
    if cred.landlock is not None:
        cred.landlock.check_create(place, S_IFLNK)
    directory = _may_create(place.node, cred)
    _, gid = inherit(directory, 0, cred)
    node = directory.symlink(name, target, cred.fsuid, gid)
    tell_name(directory, IN_CREATE, name, node)
    return Location(place.mount, place.entry.attach(name, node))


def make_link(
    fs: FsContext, old: Location, path: bytes, cred: Credentials, start: Location | None = None
) -> None:
    """link(2): give what is at ``old`` a further name."""
    place, name, trailing = fs.walk_parent(path, cred, start)
    prepare(place, name, trailing, directory=False)
    node = old.node
    if old.mount is not place.mount:
        raise EXDEV
    fs.protections.check_link(node, cred)
    if cred.landlock is not None and old.entry.parent is not None:
        source = Location(old.mount, old.entry.parent)
        cred.landlock.check_refer(old.entry, source, place, moves=False)
    directory = _may_create(place.node, cred)
    file_flags.refuse(node, file_flags.FIXED)
    if node.kind == DIRECTORY:
        raise EPERM
    if node.nlink == 0 and not node.bound(Linkable):
        raise ENOENT
    if node.nlink >= LINK_MAX:
        raise EMLINK
    directory.link(name, node)
    node.bind(Linkable, None)
    place.entry.attach(name, node)
    tell_node(node, IN_ATTRIB)
    tell_name(directory, IN_CREATE, name, node)


class Linkable:
    """Bound to a file of O_TMPFILE: it has no name, and may be given one."""


def _victim(place: Location, name: bytes, trailing: bool) -> DirEntry:
    child = place.entry.lookup(name)
    node = child.node
    if node is None:
        raise ENOENT
    if trailing and node.kind != DIRECTORY:
        raise ENOTDIR
    return child


def unlink(fs: FsContext, path: bytes, cred: Credentials, start: Location | None = None) -> None:
    """unlink(2)."""
    place, name, trailing = fs.walk_parent(path, cred, start)
    if name in _SPECIAL:
        raise EISDIR
    require_writable(place.mount)
    child = _victim(place, name, trailing)
    node = cast("NodeOps", child.node)
    if cred.landlock is not None:
        cred.landlock.check_remove(place, node)
    require_delete(place.node, node, cred)
    if node.kind == DIRECTORY:
        raise EISDIR
    if child.mounts:
        refuse_mounted(child, place.mount.namespace)
    place.entry.directory.unlink(name, node)
    place.entry.detach(child)
    drop_mounts(child)
    tell_node(node, IN_ATTRIB)
    left = will_go(child)
    del child, node  # that it is gone is told first, if it is
    if left is not None:
        tell_name(place.node, IN_DELETE, name, left)


def remove_directory(
    fs: FsContext, path: bytes, cred: Credentials, start: Location | None = None
) -> None:
    """rmdir(2)."""
    place, name, _ = fs.walk_parent(path, cred, start)
    if name == b"":
        raise EBUSY
    if name == b".":
        raise EINVAL
    if name == b"..":
        raise ENOTEMPTY
    require_writable(place.mount)
    child = _victim(place, name, False)
    node = cast("NodeOps", child.node)
    if cred.landlock is not None:
        cred.landlock.check_remove(place, node)
    require_delete(place.node, node, cred)
    if node.kind != DIRECTORY:
        raise ENOTDIR
    if child.mounts:
        refuse_mounted(child, place.mount.namespace)
    directory = cast("DirNodeOps", node)
    place.entry.directory.rmdir(name, directory)
    directory.dead = True
    place.entry.detach(child)
    drop_mounts(child)
    child.forget()
    left = will_go(child)
    del child, node, directory  # that it is gone is told first, if it is
    if left is not None:
        tell_name(place.node, IN_DELETE, name, left)


def rename(
    fs: FsContext,
    old_path: bytes,
    new_path: bytes,
    flags: int,
    cred: Credentials,
    old_start: Location | None = None,
    new_start: Location | None = None,
) -> None:
    """rename(2), renameat2(2) with RENAME_NOREPLACE and RENAME_EXCHANGE."""
    if flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE) or flags == (
        RENAME_NOREPLACE | RENAME_EXCHANGE
    ):
        raise EINVAL
    source, old_name, old_slash = fs.walk_parent(old_path, cred, old_start)
    target, new_name, new_slash = fs.walk_parent(new_path, cred, new_start)
    if source.mount is not target.mount:
        raise EXDEV
    if old_name in _SPECIAL:
        raise EBUSY
    if new_name in _SPECIAL:
        raise EEXIST if flags & RENAME_NOREPLACE else EBUSY
    require_writable(source.mount)
    old = _victim(source, old_name, False)
    new = target.entry.lookup(new_name)
    node = cast("NodeOps", old.node)
    if flags & RENAME_NOREPLACE and new.node is not None:
        raise EEXIST
    if flags & RENAME_EXCHANGE:
        if new.node is None:
            raise ENOENT
        if new_slash and new.node.kind != DIRECTORY:
            raise ENOTDIR
    if node.kind != DIRECTORY and (old_slash or (new_slash and not flags & RENAME_EXCHANGE)):
        raise ENOTDIR
    if old.is_ancestor_of(target.entry):
        raise EINVAL
    if new.node is not None and new.is_ancestor_of(source.entry):
        raise EINVAL if flags & RENAME_EXCHANGE else ENOTEMPTY
    exchange = bool(flags & RENAME_EXCHANGE)
    if cred.landlock is not None:
        cred.landlock.check_refer(old, source, target, new, exchange=exchange)
    _rename(source, old, target, new, exchange, cred)


def _rename(
    source: Location,
    old: DirEntry,
    target: Location,
    new: DirEntry,
    exchange: bool,
    cred: Credentials,
) -> None:
    node = cast("NodeOps", old.node)
    if node is new.node:
        return  # two names of one file: POSIX wants nothing to happen
    require_delete(source.node, node, cred)
    directory = cast("DirNodeOps", target.node)
    if directory.dead:
        raise ENOENT
    if new.node is None:
        check(directory, cred, MAY_WRITE | MAY_EXEC)
    else:
        require_delete(directory, new.node, cred)
        if not exchange:
            _may_replace(node, new.node)
    if source.entry is not target.entry:
        # ".." of a directory changes, which is a write to it.
        if node.kind == DIRECTORY:
            check(node, cred, MAY_WRITE)
        if exchange and new.node is not None and new.node.kind == DIRECTORY:
            check(new.node, cred, MAY_WRITE)
    for entry in (old, new):
        if entry.mounts:
            refuse_mounted(entry, source.mount.namespace)
    old_name, new_name, source_dir = old.name, new.name, source.entry.directory
    source_dir.rename(old_name, node, directory, new_name, new.node, exchange=exchange)
    if exchange:
        old.move(target.entry, new_name)
        new.move(source.entry, old_name)
        _moved(source.node, old_name, target.node, new_name, node, None)
        _moved(target.node, new_name, source.node, old_name, cast("NodeOps", new.node), None)
        return
    replaced = new.node
    if replaced is not None:
        _replaced(target.entry, new)
    old.move(target.entry, new_name)
    _moved(source.node, old_name, target.node, new_name, node, None if replaced is None else new)


def _moved(
    source: NodeOps,
    old_name: bytes,
    target: NodeOps,
    new_name: bytes,
    node: NodeOps,
    replaced: DirEntry | None,
) -> None:
    """Tell who watches (fsnotify_move()); both halves of a move have the same cookie."""
    if not node.fs.watched:
        return
    cookie = next(node.fs.cookies)
    tell_rename(source, old_name, target, new_name, node)
    tell_name(source, IN_MOVED_FROM, old_name, node, cookie)
    tell_name(target, IN_MOVED_TO, new_name, node, cookie)
    if replaced is not None:
        tell_node(cast("NodeOps", replaced.node), IN_ATTRIB)
        will_go(replaced)
    tell_node(node, IN_MOVE_SELF)


def _replaced(parent: DirEntry, victim: DirEntry) -> None:
    parent.detach(victim)
    drop_mounts(victim)
    if victim.node is not None and victim.node.kind == DIRECTORY:
        cast("DirNodeOps", victim.node).dead = True
        victim.forget()


def _may_replace(node: NodeOps, victim: NodeOps) -> None:
    if node.kind == DIRECTORY:
        if victim.kind != DIRECTORY:
            raise ENOTDIR
    elif victim.kind == DIRECTORY:
        raise EISDIR
