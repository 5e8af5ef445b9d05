"""File systems step by step: fsopen(2), fsconfig(2), fsmount(2), fspick(2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi.errno import EBADF, EBUSY, EINVAL, ENODEV, EOPNOTSUPP
from ...abi.fcntl import AT_FDCWD
from ...abi.mount import (
    FSCONFIG_CMD_CREATE,
    FSCONFIG_CMD_CREATE_EXCL,
    FSCONFIG_CMD_RECONFIGURE,
    FSCONFIG_SET_BINARY,
    FSCONFIG_SET_FD,
    FSCONFIG_SET_FLAG,
    FSCONFIG_SET_PATH,
    FSCONFIG_SET_PATH_EMPTY,
    FSCONFIG_SET_STRING,
    FSMOUNT_CLOEXEC,
    FSOPEN_CLOEXEC,
    FSPICK_CLOEXEC,
    FSPICK_EMPTY_PATH,
    FSPICK_NO_AUTOMOUNT,
    FSPICK_SYMLINK_NOFOLLOW,
    MOUNT_ATTR__ATIME,
    MOUNT_ATTR_KNOWN,
    MOUNT_ATTR_NOATIME,
    MOUNT_ATTR_RELATIME,
    MOUNT_ATTR_STRICTATIME,
    to_mount_flags,
)
from ..files.tree import TreeFile
from ..fs.context_file import FilesystemContext, Phase
from ..vfs.context import EMPTY_PATH, NOFOLLOW
from ._at import start_of
from ._declare import syscall
from ._mount_types import (
    Auxiliary,
    FsconfigCommand,
    FsmountFlags,
    FsopenFlags,
    FspickFlags,
    MountAttributes,
    PathAddr,
)
from ._mounts import check_revealing, check_room, namespace_of, read_name, require_mounter
from ._shown import InString
from ._types import FdNum, Ptr

if TYPE_CHECKING:
    from ..thread import Thread

_PAGE: Final = 4096
_NAME: Final = 256  #: bytes: of a key, and of a value that is text
_BLOB: Final = 1 << 20
_ATIMES: Final = (MOUNT_ATTR_RELATIME, MOUNT_ATTR_NOATIME, MOUNT_ATTR_STRICTATIME)
_PICK: Final = FSPICK_CLOEXEC | FSPICK_SYMLINK_NOFOLLOW | FSPICK_NO_AUTOMOUNT | FSPICK_EMPTY_PATH
_COMMANDS: Final = (FSCONFIG_CMD_CREATE, FSCONFIG_CMD_CREATE_EXCL, FSCONFIG_CMD_RECONFIGURE)
_PATHS: Final = (FSCONFIG_SET_PATH, FSCONFIG_SET_PATH_EMPTY)


@syscall()
def fsopen(t: Thread, name: InString, flags: FsopenFlags) -> FdNum:
    """fsopen(2)."""
    require_mounter(t)
    if flags & ~FSOPEN_CLOEXEC:
        raise EINVAL
    kind = read_name(t, name, _PAGE)
    if kind.decode("ascii", "replace") not in t.kernel.filesystems:
        raise ENODEV
    return t.install(FilesystemContext(t.kernel, kind), cloexec=bool(flags & FSOPEN_CLOEXEC))


@syscall()
def fspick(t: Thread, dirfd: FdNum, path: PathAddr, flags: FspickFlags) -> FdNum:
    """fspick(2)."""
    require_mounter(t)
    if flags & ~_PICK:
        raise EINVAL
    walk = NOFOLLOW if flags & FSPICK_SYMLINK_NOFOLLOW else 0
    walk |= EMPTY_PATH if flags & FSPICK_EMPTY_PATH else 0
    name = t.mm.read_cstr(path)
    place = t.fs.walk(name, t.cred, start_of(t, dirfd, name), walk)
    if place.entry is not place.mount.root:
        raise EINVAL
    fs = place.mount.fs
    file = FilesystemContext(t.kernel, fs.name.encode(), fs)
    return t.install(file, cloexec=bool(flags & FSPICK_CLOEXEC))


@syscall()
def fsconfig(
    t: Thread, fd: FdNum, command: FsconfigCommand, key: InString, value: Ptr, aux: Auxiliary
) -> None:
    """fsconfig(2)."""
    if fd < 0:
        raise EINVAL
    _check_arguments(command, key, value, aux)
    file = _context(t, fd)
    if command in _COMMANDS:
        _carry_out(t, file, command)
        return
    name = read_name(t, key, _NAME)
    if command == FSCONFIG_SET_FLAG:
        file.set_option(name, None)
    elif command == FSCONFIG_SET_STRING:
        file.set_option(name, read_name(t, value, _NAME))
    else:
        _read_other(t, command, value, aux)
        file.set_option(name, b"", is_text=False)


def _context(t: Thread, fd: int) -> FilesystemContext:
    """Return what fsopen(2) gave; raise ``EBADF``, ``EINVAL`` for another descriptor."""
    file = t.fds[fd]
    if file.kind == "path":
        raise EBADF
    if not isinstance(file, FilesystemContext):
        raise EINVAL
    return file


def _check_arguments(command: int, key: int, value: int, aux: int) -> None:
    """Raise ``EINVAL`` unless just what a command wants is there, ``EOPNOTSUPP`` for others."""
    if command == FSCONFIG_SET_FLAG:
        fits = bool(key) and not value and not aux
    elif command == FSCONFIG_SET_STRING:
        fits = bool(key and value) and not aux
    elif command == FSCONFIG_SET_BINARY:
        fits = bool(key and value) and 0 < aux <= _BLOB
    elif command in _PATHS:
        fits = bool(key and value) and (aux == AT_FDCWD or aux >= 0)
    elif command == FSCONFIG_SET_FD:
        fits = bool(key) and not value and aux >= 0
    elif command in _COMMANDS:
        fits = not key and not value and not aux
    else:
        raise EOPNOTSUPP
    if not fits:
        raise EINVAL


def _read_other(t: Thread, command: int, value: int, aux: int) -> None:
    """Look at an argument that is no text: it has to be there, whatever becomes of it."""
    if command == FSCONFIG_SET_BINARY:
        t.mm.read(value, aux)
    elif command in _PATHS:
        t.mm.read_cstr(value)
    else:
        _ = t.fds[aux]


def _carry_out(t: Thread, file: FilesystemContext, command: int) -> None:
    if command == FSCONFIG_CMD_RECONFIGURE:
        file.reconfigure(t.cred)
        namespace_of(t).changed()
    else:
        file.create(exclusive=command == FSCONFIG_CMD_CREATE_EXCL)


@syscall()
def fsmount(t: Thread, fd: FdNum, flags: FsmountFlags, attributes: MountAttributes) -> FdNum:
    """fsmount(2)."""
    require_mounter(t)
    if flags & ~FSMOUNT_CLOEXEC or attributes & ~MOUNT_ATTR_KNOWN:
        raise EINVAL
    if attributes & MOUNT_ATTR__ATIME not in _ATIMES:
        raise EINVAL
    file = _context(t, fd)
    if file.fs is None:
        raise EINVAL
    if file.phase is not Phase.MADE:
        raise EBUSY
    check_revealing(t, file.fs, to_mount_flags(attributes))
    check_room(t)
    source = b"none" if file.source is None else file.source
    tree = namespace_of(t).anonymous().new_root(file.fs, to_mount_flags(attributes), source)
    file.mounted()
    return t.install(TreeFile(tree, t.cred), cloexec=bool(flags & FSMOUNT_CLOEXEC))
