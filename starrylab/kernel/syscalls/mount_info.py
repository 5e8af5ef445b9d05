"""What mounts there are, by their numbers: statmount(2), listmount(2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ...abi.capability import CAP_SYS_ADMIN
from ...abi.errno import E2BIG, EFAULT, EINVAL, ENOENT, EOVERFLOW, EPERM
from ...abi.mount import (
    LISTMOUNT_REVERSE,
    LSMT_ROOT,
    MNT_ID_REQ,
    MNT_ID_REQ_SIZE_VER0,
)
from ..fs.proc._namespaces import NamespaceFile
from ..namespaces.mnt import MntNamespace
from ..vfs.mount import Mountpoint
from ._declare import syscall
from ._mount_types import InMountRequest, ListmountFlags, OutMountIds, OutStatmount
from ._mounts import read_struct
from ._statmount import describe
from ._types import Size, UInt

if TYPE_CHECKING:
    from ..thread import Thread

_FIRST: Final = 1 << 31  #: numbers up to this one are not those of statmount(2)
_PAGE: Final = 4096
_MOST: Final = 1_000_000  #: numbers that one call gives
_USER_END: Final = 1 << 47


@syscall()
def statmount(
    t: Thread, request: InMountRequest, buffer: OutStatmount, size: Size, flags: UInt
) -> None:
    """statmount(2)."""
    if flags:
        raise EINVAL
    namespace, ident, mask = _request(t, request)
    if ident <= _FIRST:
        raise EINVAL
    mount = _find(namespace, ident)
    if not mount.root_location.is_below(t.fs.root) and not _may_see(t, namespace):
        raise EPERM
    data, has_text = describe(mount, mask, t.fs.root)
    if has_text and len(data) > size:
        raise EOVERFLOW
    if size < len(data):
        data = size.to_bytes(4, "little") + data[4:size]
    t.mm.write(buffer, data[:size])


@syscall()
def listmount(
    t: Thread, request: InMountRequest, ids: OutMountIds, count: Size, flags: ListmountFlags
) -> int:
    """listmount(2)."""
    if flags & ~LISTMOUNT_REVERSE:
        raise EINVAL
    if count > _MOST:
        raise EOVERFLOW
    if ids + count * 8 > _USER_END:
        raise EFAULT
    namespace, ident, last = _request(t, request)
    if ident <= _FIRST or 0 < last <= _FIRST:
        raise EINVAL
    root = t.fs.root
    top = root if ident == LSMT_ROOT else _find(namespace, ident).root_location
    if not top.is_below(root) and not _may_see(t, namespace):
        raise EPERM
    found = [m.unique_id for m in namespace.tree if m.root_location.is_below(top)]
    if flags & LISTMOUNT_REVERSE:
        found = [each for each in reversed(found) if not last or each < last]
    else:
        found = [each for each in found if each > last]
    chosen = [each for each in found if each != ident][:count]
    t.mm.write(ids, b"".join(each.to_bytes(8, "little") for each in chosen))
    return len(chosen)


def _request(t: Thread, addr: int) -> tuple[MntNamespace, int, int]:
    """Read a struct mnt_id_req; return the namespace, the mount's number and the parameter."""
    size = int.from_bytes(t.mm.read(addr, 4), "little")
    if size > _PAGE:
        raise E2BIG
    if size < MNT_ID_REQ_SIZE_VER0:
        raise EINVAL
    fields: tuple[Any, ...] = MNT_ID_REQ.unpack(read_struct(t, addr, size, MNT_ID_REQ.size))
    _, fd, ident, param, number = fields
    if fd and number:
        raise EINVAL
    return _namespace(t, fd, number), ident, param


def _namespace(t: Thread, fd: int, number: int) -> MntNamespace:
    """Return the namespace asked about: by descriptor, by number, or the caller's own."""
    own: MntNamespace = t.namespaces.mnt
    if fd:
        file = t.fds[fd]
        if not isinstance(file, NamespaceFile) or not isinstance(file.namespace, MntNamespace):
            raise EINVAL
        return file.namespace
    if not number or number == own.tree.id:
        return own
    for other in t.kernel.registry.living:
        if isinstance(other, MntNamespace) and other.tree.id == number and _may_see(t, other):
            return other
    raise ENOENT


def _may_see(t: Thread, namespace: MntNamespace) -> bool:
    return t.cred.capable_in(namespace.user_ns, CAP_SYS_ADMIN)


def _find(namespace: MntNamespace, ident: int) -> Mountpoint:
    mount = namespace.tree.mounts.get(ident - _FIRST)
    if mount is None:
        raise ENOENT
    return mount
