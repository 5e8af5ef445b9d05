"""File handles: name_to_handle_at(2), open_by_handle_at(2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi.capability import CAP_DAC_READ_SEARCH
from ...abi.errno import EINVAL, EMFILE, EOPNOTSUPP, EOVERFLOW, EPERM
from ...abi.fcntl import (
    AT_EMPTY_PATH,
    AT_FDCWD,
    AT_SYMLINK_FOLLOW,
    O_CLOEXEC,
    O_CREAT,
    O_EXCL,
    O_LARGEFILE,
    O_PATH,
)
from ...abi.handles import (
    AT_HANDLE_CONNECTABLE,
    AT_HANDLE_FID,
    AT_HANDLE_MNT_ID_UNIQUE,
    FILE_HANDLE,
    FILEID_INVALID,
    FILEID_USER_FLAGS_MASK,
    MAX_HANDLE_SZ,
)
from ..files.opening import open_place
from ..vfs.context import EMPTY_PATH
from ..vfs.handles import Handle, decode, encode, identify
from ..vfs.mount import Location
from ..vfs.open_options import locate
from ._at import place_at
from ._declare import syscall
from ._shown import HandleFlags, InHandle, OpenFlags, OutHandle
from ._types import FdNum, Path, Ptr

if TYPE_CHECKING:
    from ..thread import Thread

_FLAGS: Final = (
    AT_SYMLINK_FOLLOW | AT_EMPTY_PATH | AT_HANDLE_FID | AT_HANDLE_MNT_ID_UNIQUE
    | AT_HANDLE_CONNECTABLE
)  # fmt: skip


@syscall()
def name_to_handle_at(
    t: Thread, dirfd: FdNum, path: Path, handle: OutHandle, mount_id: Ptr, flags: HandleFlags
) -> int:
    """name_to_handle_at(2)."""
    if flags & ~_FLAGS or (flags & AT_HANDLE_FID and flags & AT_HANDLE_CONNECTABLE):
        raise EINVAL
    place = place_at(t, dirfd, path, flags & (AT_EMPTY_PATH | AT_SYMLINK_FOLLOW), follow=False)
    if flags & AT_HANDLE_CONNECTABLE:
        raise EOPNOTSUPP  # as on Linux's tmpfs
    made = identify(place.node) if flags & AT_HANDLE_FID else encode(place.node)
    room, _ = FILE_HANDLE.unpack(t.mm.read(handle, FILE_HANDLE.size))
    if room > MAX_HANDLE_SZ:
        raise EINVAL
    if flags & AT_HANDLE_MNT_ID_UNIQUE:
        t.mm.write_u64(mount_id, place.mount.unique_id)
    else:
        t.mm.write_u32(mount_id, place.mount.id)
    if room < len(made.data):
        t.mm.write(handle, FILE_HANDLE.pack(len(made.data), FILEID_INVALID))
        raise EOVERFLOW
    t.mm.write(handle, FILE_HANDLE.pack(len(made.data), made.type) + made.data)
    return 0


@syscall()
def open_by_handle_at(t: Thread, mount_fd: FdNum, handle: InHandle, flags: OpenFlags) -> FdNum:
    """open_by_handle_at(2)."""
    place = place_of(t, mount_fd, handle)
    if not flags & O_PATH:
        flags |= O_LARGEFILE
    limit = t.process.limits.nofile
    if t.fds.full(limit):
        raise EMFILE
    place = locate(t.fs, b"", flags & ~(O_CREAT | O_EXCL), 0, t.cred, place, EMPTY_PATH)
    file = open_place(t, place, flags, t.cred)
    return t.fds.install(file, limit, cloexec=bool(flags & O_CLOEXEC))


def place_of(t: Thread, mount_fd: int, handle: int) -> Location:
    """Return what a ``struct file_handle`` names in the file system of ``mount_fd``.

    Raises ``EPERM``, ``EINVAL``, ``ESTALE``.
    """
    if not t.cred.capable(CAP_DAC_READ_SEARCH):
        raise EPERM
    size, kind = FILE_HANDLE.unpack(t.mm.read(handle, FILE_HANDLE.size))
    if not 0 < size <= MAX_HANDLE_SZ or kind < 0 or kind & FILEID_USER_FLAGS_MASK:
        raise EINVAL
    start = place_at(t, mount_fd, b"." if mount_fd == AT_FDCWD else b"", AT_EMPTY_PATH)
    top = start.mount.root
    while top.parent is not None:
        top = top.parent
    data = t.mm.read(handle + FILE_HANDLE.size, size)
    return Location(start.mount, decode(start.mount.fs, top, Handle(kind, data)))
