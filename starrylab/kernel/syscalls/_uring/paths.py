"""Files by name: IORING_OP_OPENAT, OPENAT2, CLOSE, STATX, RENAMEAT, UNLINKAT, MKDIRAT, ..."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ....abi.errno import EBADF, EINVAL, ENXIO
from ....abi.fcntl import AT_REMOVEDIR, O_CLOEXEC
from ...uring.request import Request, Result
from ...uring.ring import Ring
from .. import fd, path, stat, sync, xattr
from .. import open as opening
from .._reporting import reported
from .operation import Operation, file_of, goes_direct, no, plain_fd, signed, thread_of

if TYPE_CHECKING:
    from ...vfs.mount import Location
    from ...vfs.node import NodeOps


def _path(request: Request, addr: int) -> bytes:
    return request.mm.read_cstr(addr)


# -- opening and closing -----------------------------------------------------------------------


def _prepare_open(request: Request) -> None:
    no(request.buf_index)
    plain_fd(request)
    request.data = _path(request, request.addr)
    goes_direct(request, cloexec=bool(request.op_flags & O_CLOEXEC))


def _open(request: Request) -> Result:
    thread = thread_of(request)
    if any(thread.kernel.watching.reporting):
        where = (request.fd, request.addr, request.op_flags, request.length)
        opened: Result = reported(thread, "openat", where)
        return opened
    return opening.openat(thread, request.fd, request.data, request.op_flags, request.length)


def _prepare_open2(request: Request) -> None:
    no(request.buf_index)
    plain_fd(request)
    how = opening.read_how(thread_of(request), request.off, request.length)
    request.data = (_path(request, request.addr), how)
    goes_direct(request, cloexec=bool(how[0] & O_CLOEXEC))


def _open2(request: Request) -> Result:
    thread = thread_of(request)
    if any(thread.kernel.watching.reporting):
        where = (request.fd, request.addr, request.off, request.length)
        opened: Result = reported(thread, "openat2", where)
        return opened
    name, how = request.data
    return opening.open_as(thread, request.fd, name, *how)


def _prepare_close(request: Request) -> None:
    no(request.off, request.addr, request.length, request.op_flags, request.buf_index)
    plain_fd(request)
    if request.file_index and request.fd:
        raise EINVAL


def _close(request: Request) -> None:
    slot = request.file_index
    if slot:
        close_slot(request.ring, slot - 1)
        return
    if isinstance(request.fds[request.fd], Ring):
        raise EBADF
    fd.close(thread_of(request), request.fd)


def close_slot(ring: Ring, index: int) -> None:
    """Empty a slot of the registered files; ``ENXIO``, ``EINVAL``, ``EBADF``."""
    if ring.files is None:
        raise ENXIO
    if index >= len(ring.files):
        raise EINVAL
    if not ring.files.clear(index):
        raise EBADF


# -- names -------------------------------------------------------------------------------------


def _prepare_statx(request: Request) -> None:
    no(request.buf_index, request.file_index)
    plain_fd(request)
    request.data = _path(request, request.addr)


def _statx(request: Request) -> None:
    stat.statx(
        thread_of(request), request.fd, request.data, _int(request.op_flags), request.length,
        request.off,
    )  # fmt: skip


def _int(value: int) -> int:
    return value - (1 << 32) if value >> 31 else value


def _prepare_two(request: Request) -> None:
    no(request.buf_index, request.file_index)
    plain_fd(request)
    request.data = (_path(request, request.addr), _path(request, request.off))


def _rename(request: Request) -> None:
    old, new = request.data
    t = thread_of(request)
    path.renameat2(t, request.fd, old, _int(request.length), new, request.op_flags)


def _link(request: Request) -> None:
    old, new = request.data
    t = thread_of(request)
    path.linkat(t, request.fd, old, _int(request.length), new, _int(request.op_flags))


def _prepare_symlink(request: Request) -> None:
    no(request.length, request.op_flags)
    _prepare_two(request)


def _symlink(request: Request) -> None:
    target, name = request.data
    path.symlinkat(thread_of(request), target, request.fd, name)


def _prepare_unlink(request: Request) -> None:
    no(request.off, request.length, request.buf_index, request.file_index)
    plain_fd(request)
    if request.op_flags & ~AT_REMOVEDIR:
        raise EINVAL
    request.data = _path(request, request.addr)


def _unlink(request: Request) -> None:
    path.unlinkat(thread_of(request), request.fd, request.data, request.op_flags)


def _prepare_mkdir(request: Request) -> None:
    no(request.off, request.op_flags, request.buf_index, request.file_index)
    plain_fd(request)
    request.data = _path(request, request.addr)


def _mkdir(request: Request) -> None:
    path.mkdirat(thread_of(request), request.fd, request.data, request.length)


# -- extended attributes -----------------------------------------------------------------------


def _prepare_get(request: Request) -> None:
    path = _attribute_path(request)
    request.data = (path, xattr.read_name(thread_of(request), request.addr))


def _prepare_set(request: Request) -> None:
    path, flags = _attribute_path(request), _int(request.op_flags)
    t = thread_of(request)
    pair = xattr.read_attribute(t, request.addr, request.off, request.length, flags)
    request.data = (path, *pair)


def _attribute_path(request: Request) -> bytes | None:
    """Return the path of an operation that has one."""
    if request.op.name.startswith("F"):
        return None
    plain_fd(request)
    return _path(request, request.addr3)


def _attribute_target(request: Request) -> tuple[NodeOps, Location]:
    path: bytes | None = request.data[0]
    if path is None:
        return xattr.opened(file_of(request))
    return xattr.found(thread_of(request), path, 0)


def _get_attribute(request: Request) -> int:
    t, target = thread_of(request), _attribute_target(request)
    return xattr.get_value(t, target, request.data[1], request.off, request.length)


def _set_attribute(request: Request) -> None:
    t, target = thread_of(request), _attribute_target(request)
    _, name, value = request.data
    xattr.set_value(t, target, name, value, _int(request.op_flags))


# -- size and storage --------------------------------------------------------------------------


def _prepare_truncate(request: Request) -> None:
    no(request.op_flags, request.addr, request.length, request.buf_index, request.file_index,
       request.addr3)  # fmt: skip


def _truncate(request: Request) -> None:
    sync.ftruncate(thread_of(request), file_of(request), signed(request.off))


def _prepare_fsync(request: Request) -> None:
    no(request.addr, request.buf_index, request.file_index)
    if request.op_flags & ~1:
        raise EINVAL


def _fsync(request: Request) -> None:
    call = sync.fdatasync if request.op_flags else sync.fsync
    call(thread_of(request), file_of(request))


def _prepare_range(request: Request) -> None:
    no(request.addr, request.buf_index, request.file_index)


def _sync_range(request: Request) -> None:
    t, file = thread_of(request), file_of(request)
    sync.sync_file_range(t, file, signed(request.off), request.length, request.op_flags)


def _prepare_allocate(request: Request) -> None:
    no(request.buf_index, request.op_flags, request.file_index)


def _allocate(request: Request) -> None:
    t, file = thread_of(request), file_of(request)
    sync.fallocate(t, file, request.length, signed(request.off), signed(request.addr))


def _prepare_advise(request: Request) -> None:
    no(request.buf_index, request.file_index)


def _advise(request: Request) -> None:
    t, file = thread_of(request), file_of(request)
    length = request.addr or request.length
    sync.fadvise64(t, file, signed(request.off), signed(length), request.op_flags)


OPERATIONS: Final = (
    Operation("OPENAT", _open, _prepare_open),
    Operation("OPENAT2", _open2, _prepare_open2),
    Operation("CLOSE", _close, _prepare_close),
    Operation("STATX", _statx, _prepare_statx),
    Operation("RENAMEAT", _rename, _prepare_two),
    Operation("LINKAT", _link, _prepare_two),
    Operation("SYMLINKAT", _symlink, _prepare_symlink),
    Operation("UNLINKAT", _unlink, _prepare_unlink),
    Operation("MKDIRAT", _mkdir, _prepare_mkdir),
    Operation("GETXATTR", _get_attribute, _prepare_get),
    Operation("SETXATTR", _set_attribute, _prepare_set),
    Operation("FGETXATTR", _get_attribute, _prepare_get, file=True),
    Operation("FSETXATTR", _set_attribute, _prepare_set, file=True),
    Operation("FTRUNCATE", _truncate, _prepare_truncate, file=True),
    Operation("FSYNC", _fsync, _prepare_fsync, file=True),
    Operation("SYNC_FILE_RANGE", _sync_range, _prepare_range, file=True),
    Operation("FALLOCATE", _allocate, _prepare_allocate, file=True),
    Operation("FADVISE", _advise, _prepare_advise, file=True),
)
