"""Directories: getdents64(2), getcwd(2), chdir(2), chroot(2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...abi.capability import CAP_SYS_CHROOT
from ...abi.errno import ENAMETOOLONG, ENOENT, ENOTDIR, EPERM, ERANGE
from ..files.directory import DirectoryFile
from ..mm.user import PATH_MAX
from ..vfs.mount import Location
from ..vfs.node import DIRECTORY, Credentials
from ..vfs.permission import MAY_EXEC, check
from ._declare import syscall
from ._shown import OutEntries, OutString
from ._types import Fd, Path, Size, UInt

if TYPE_CHECKING:
    from ..thread import Thread


@syscall()
def getdents64(t: Thread, file: Fd, buf: OutEntries, count: UInt) -> int:
    """getdents64(2)."""
    if not isinstance(file, DirectoryFile):
        raise ENOTDIR
    offset = file.offset
    data = file.entries(count)
    try:
        t.mm.write(buf, data)
    except BaseException:
        file.offset = offset
        raise
    return len(data)


@syscall()
def getcwd(t: Thread, buf: OutString, size: Size) -> int:
    """getcwd(2)."""
    cwd = t.fs.cwd
    if cwd.entry.unlinked:
        raise ENOENT
    path = cwd.path(t.fs.root)
    if not cwd.is_below(t.fs.root):
        path = b"(unreachable)" + path
    if len(path) >= PATH_MAX:  # whatever the size: the C library goes another way then
        raise ENAMETOOLONG
    if len(path) >= size:
        raise ERANGE
    t.mm.write(buf, path + b"\0")
    return len(path) + 1


def _enterable(place: Location, cred: Credentials) -> Location:
    if place.node.kind != DIRECTORY:
        raise ENOTDIR
    check(place.node, cred, MAY_EXEC)
    return place


@syscall()
def chdir(t: Thread, path: Path) -> None:
    """chdir(2)."""
    t.fs.set_cwd(_enterable(t.fs.walk(path, t.cred), t.cred))


@syscall()
def fchdir(t: Thread, file: Fd) -> None:
    """fchdir(2)."""
    if file.place is None:
        raise ENOTDIR
    t.fs.set_cwd(_enterable(file.place, t.cred))


@syscall()
def chroot(t: Thread, path: Path) -> None:
    """chroot(2)."""
    place = _enterable(t.fs.walk(path, t.cred), t.cred)
    if not t.cred.capable_here(CAP_SYS_CHROOT):
        raise EPERM
    t.fs.set_root(place)
