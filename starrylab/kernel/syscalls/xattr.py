"""Extended attributes (xattr(7)): setxattr(2), getxattr(2), listxattr(2), removexattr(2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi.capability import CAP_SYS_ADMIN
from ...abi.errno import E2BIG, EBADF, EINVAL, ENAMETOOLONG, ERANGE
from ...abi.fcntl import XATTR_CREATE, XATTR_LIST_MAX, XATTR_NAME_MAX, XATTR_REPLACE, XATTR_SIZE_MAX
from ...abi.inotify import IN_ATTRIB
from ..files.file import File
from ..vfs import acl as acls
from ..vfs.context import NOFOLLOW
from ..vfs.mount import Location
from ..vfs.node import NodeOps
from ..vfs.notify import tell_place
from ..vfs.permission import require_writable
from ..vfs.xattr import check_access, get_acl, set_acl
from ._declare import syscall
from ._shown import InData, InString, OutData, XattrFlags
from ._types import Fd, Path, Size

if TYPE_CHECKING:
    from ..thread import Thread

_NAME_LIMIT: Final = XATTR_NAME_MAX + 1


def read_name(t: Thread, addr: int) -> bytes:
    """Read an attribute's name; raise ``ERANGE`` for an empty or too long one."""
    name = _cstring(t, addr)
    if not name or len(name) > XATTR_NAME_MAX:
        raise ERANGE
    return name


def _cstring(t: Thread, addr: int) -> bytes:
    try:
        return t.mm.read_cstr(addr, _NAME_LIMIT)
    except ENAMETOOLONG:
        raise ERANGE from None


def opened(file: File) -> tuple[NodeOps, Location]:
    """Return what a descriptor is open on; raise ``EBADF``."""
    if file.kind == "path" or file.node is None or file.place is None:
        raise EBADF
    return file.node, file.place


def found(t: Thread, path: bytes, flags: int) -> tuple[NodeOps, Location]:
    """Return what a path leads to."""
    place = t.fs.walk(path, t.cred, None, flags)
    return place.node, place


def set_attribute(
    t: Thread, target: tuple[NodeOps, Location], name: int, value: int, size: int, flags: int
) -> None:
    """Follow setxattr(2) for what was found."""
    set_value(t, target, *read_attribute(t, name, value, size, flags), flags)


def read_attribute(t: Thread, name: int, value: int, size: int, flags: int) -> tuple[bytes, bytes]:
    """Read the name and the value that setxattr(2) is to set."""
    if flags & ~(XATTR_CREATE | XATTR_REPLACE):
        raise EINVAL
    key = read_name(t, name)
    if size > XATTR_SIZE_MAX:
        raise E2BIG
    return key, t.mm.read(value, size) if size else b""


def set_value(
    t: Thread, target: tuple[NodeOps, Location], key: bytes, data: bytes, flags: int
) -> None:
    """Set an attribute."""
    node, place = target
    require_writable(place.mount)
    if key in acls.KINDS:
        set_acl(node, key, acls.parse(data, t.cred.meant_uid, t.cred.meant_gid), t.cred)
    else:
        check_access(node, key, t.cred, write=True)
        node.set_xattr(key, data, flags)
    tell_place(place, IN_ATTRIB)


def get_attribute(
    t: Thread, target: tuple[NodeOps, Location], name: int, value: int, size: int
) -> int:
    """Follow getxattr(2) for what was found."""
    return get_value(t, target, read_name(t, name), value, size)


def get_value(
    t: Thread, target: tuple[NodeOps, Location], key: bytes, value: int, size: int
) -> int:
    """Store the value of an attribute at ``value``."""
    node = target[0]
    if key in acls.KINDS:
        data = acls.pack(get_acl(node, key), t.cred.known_uid, t.cred.known_gid)
    else:
        check_access(node, key, t.cred, write=False)
        data = node.get_xattr(key)
    if not size:
        return len(data)
    if len(data) > size:
        raise ERANGE
    t.mm.write(value, data)
    return len(data)


def list_attributes(t: Thread, target: tuple[NodeOps, Location], buf: int, size: int) -> int:
    """Follow listxattr(2) for what was found."""
    node = target[0]
    names = node.list_xattrs()
    if node.data is not None:
        names = [name for name, kind in acls.KINDS.items() if kind in node.data] + names
    if not names:  # so it is nearly always, and ls asks for every file
        return 0
    if not t.cred.capable(CAP_SYS_ADMIN):
        names = [n for n in names if not n.startswith(b"trusted.")]
    data = b"".join([n + b"\0" for n in names])
    if len(data) > XATTR_LIST_MAX:
        raise E2BIG
    if not size:
        return len(data)
    if len(data) > size:
        raise ERANGE
    t.mm.write(buf, data)
    return len(data)


def remove_attribute(t: Thread, target: tuple[NodeOps, Location], name: int) -> None:
    """Follow removexattr(2) for what was found."""
    key = read_name(t, name)
    node, place = target
    require_writable(place.mount)
    if key in acls.KINDS:
        set_acl(node, key, None, t.cred)
    else:
        check_access(node, key, t.cred, write=True)
        node.remove_xattr(key)
    tell_place(place, IN_ATTRIB)


@syscall()
def setxattr(
    t: Thread, path: Path, name: InString, value: InData, size: Size, flags: XattrFlags
) -> None:
    """setxattr(2)."""
    set_attribute(t, found(t, path, 0), name, value, size, flags)


@syscall()
def lsetxattr(
    t: Thread, path: Path, name: InString, value: InData, size: Size, flags: XattrFlags
) -> None:
    """lsetxattr(2)."""
    set_attribute(t, found(t, path, NOFOLLOW), name, value, size, flags)


@syscall()
def fsetxattr(
    t: Thread, file: Fd, name: InString, value: InData, size: Size, flags: XattrFlags
) -> None:
    """fsetxattr(2)."""
    set_attribute(t, opened(file), name, value, size, flags)


@syscall()
def getxattr(t: Thread, path: Path, name: InString, value: OutData, size: Size) -> int:
    """getxattr(2)."""
    return get_attribute(t, found(t, path, 0), name, value, size)


@syscall()
def lgetxattr(t: Thread, path: Path, name: InString, value: OutData, size: Size) -> int:
    """lgetxattr(2)."""
    return get_attribute(t, found(t, path, NOFOLLOW), name, value, size)


@syscall()
def fgetxattr(t: Thread, file: Fd, name: InString, value: OutData, size: Size) -> int:
    """fgetxattr(2)."""
    return get_attribute(t, opened(file), name, value, size)


@syscall()
def listxattr(t: Thread, path: Path, buf: OutData, size: Size) -> int:
    """listxattr(2)."""
    return list_attributes(t, found(t, path, 0), buf, size)


@syscall()
def llistxattr(t: Thread, path: Path, buf: OutData, size: Size) -> int:
    """llistxattr(2)."""
    return list_attributes(t, found(t, path, NOFOLLOW), buf, size)


@syscall()
def flistxattr(t: Thread, file: Fd, buf: OutData, size: Size) -> int:
    """flistxattr(2)."""
    return list_attributes(t, opened(file), buf, size)


@syscall()
def removexattr(t: Thread, path: Path, name: InString) -> None:
    """removexattr(2)."""
    remove_attribute(t, found(t, path, 0), name)


@syscall()
def lremovexattr(t: Thread, path: Path, name: InString) -> None:
    """lremovexattr(2)."""
    remove_attribute(t, found(t, path, NOFOLLOW), name)


@syscall()
def fremovexattr(t: Thread, file: Fd, name: InString) -> None:
    """fremovexattr(2)."""
    remove_attribute(t, opened(file), name)
