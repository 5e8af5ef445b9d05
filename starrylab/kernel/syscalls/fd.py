"""Descriptors: close(2), dup(2), fcntl(2), flock(2), ioctl(2)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from struct import Struct
from typing import TYPE_CHECKING, Any, Final

from ...abi.capability import CAP_SYS_RESOURCE
from ...abi.errno import EBADF, EINVAL, ENOTTY, ESRCH
from ...abi.fcntl import (
    F_ADD_SEALS,
    F_DUPFD,
    F_DUPFD_CLOEXEC,
    F_GET_SEALS,
    F_GETFD,
    F_GETFL,
    F_GETLEASE,
    F_GETLK,
    F_GETOWN,
    F_GETOWN_EX,
    F_GETPIPE_SZ,
    F_GETSIG,
    F_NOTIFY,
    F_OFD_GETLK,
    F_OFD_SETLK,
    F_OFD_SETLKW,
    F_OWNER_PGRP,
    F_OWNER_PID,
    F_OWNER_TID,
    F_SETFD,
    F_SETFL,
    F_SETLEASE,
    F_SETLK,
    F_SETLKW,
    F_SETOWN,
    F_SETOWN_EX,
    F_SETPIPE_SZ,
    F_SETSIG,
    FD_CLOEXEC,
    O_APPEND,
    O_CLOEXEC,
    O_DIRECT,
    O_NOATIME,
    O_NONBLOCK,
)
from ...abi.file_flags import FS_APPEND_FL
from ...abi.ioctl import FIOASYNC, FIOCLEX, FIONBIO, FIONCLEX, FIONREAD, FIOQSIZE
from ...abi.resource import RLIMIT_NOFILE
from ...abi.stat import S_IFDIR, S_IFMT, S_IFREG
from ..files import memfd
from ..files.file import File
from ..files.node_file import NodeFile
from ..files.pipe import PipeReader, PipeWriter
from ..files.regular import RegularFile
from ..vfs.file_flags import refuse
from ..vfs.permission import require_owner
from . import _notices, locks
from ._declare import Restart, syscall
from ._file_flags import FLAG_REQUESTS
from ._shown import FcntlArg, FcntlCommand, FdFlags, IoctlArg, IoctlRequest
from ._sigio import KINDS, O_ASYNC, follow_flag
from ._types import Fd, FdNum, UInt

if TYPE_CHECKING:
    from ..thread import Thread

Result = int | Coroutine[Any, Any, int]

_SETTABLE: Final = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | O_ASYNC
_OWNER_EX: Final = Struct("<ii")
_CLOSE_RANGE_UNSHARE: Final = 2
_CLOSE_RANGE_CLOEXEC: Final = 4


@syscall()
def close(t: Thread, fd: FdNum) -> None:
    """close(2)."""
    t.fds.close(fd)


@syscall()
def close_range(t: Thread, first: UInt, last: UInt, flags: UInt) -> None:
    """close_range(2)."""
    if flags & ~(_CLOSE_RANGE_UNSHARE | _CLOSE_RANGE_CLOEXEC) or first > last:
        raise EINVAL
    if flags & _CLOSE_RANGE_UNSHARE:
        from ..task.resources import FILES

        t.scope.unshare(FILES)
        t.bind_resources()
    for fd in [fd for fd in t.fds if first <= fd <= last]:
        if flags & _CLOSE_RANGE_CLOEXEC:
            t.fds.cloexec.add(fd)
        else:
            t.fds.close(fd)


@syscall()
def dup(t: Thread, file: Fd) -> FdNum:
    """dup(2)."""
    return t.fds.install(file, t.process.limits.nofile)


@syscall()
def dup3(t: Thread, old: FdNum, new: FdNum, flags: FdFlags) -> FdNum:
    """dup3(2)."""
    if flags & ~O_CLOEXEC or old == new:
        raise EINVAL
    file = t.fds[old] if 0 <= new < t.process.limits.nofile else None
    if file is None:
        raise EBADF
    t.fds.replace(new, file, cloexec=bool(flags & O_CLOEXEC))
    return new


# fcntl(2): a table of commands.


@syscall(restart=Restart.SA_RESTART)
def fcntl(t: Thread, fd: FdNum, cmd: FcntlCommand, arg: FcntlArg) -> Result:
    """fcntl(2)."""
    file = t.fds[fd]
    command = _COMMANDS.get(cmd)
    if file.kind == "path" and cmd not in _PATH_COMMANDS:
        raise EBADF
    if command is None:
        raise EINVAL
    return command(t, fd, file, arg)


def _dup_fd(t: Thread, fd: int, file: File, arg: int) -> int:
    return _dup_above(t, file, arg, cloexec=False)


def _dup_fd_cloexec(t: Thread, fd: int, file: File, arg: int) -> int:
    return _dup_above(t, file, arg, cloexec=True)


def _dup_above(t: Thread, file: File, lowest: int, *, cloexec: bool) -> int:
    limit = t.process.limits.soft(RLIMIT_NOFILE)
    lowest &= 0xFFFFFFFF
    if lowest >= limit:
        raise EINVAL
    return t.fds.install(file, limit, cloexec=cloexec, lowest=lowest)


def _get_fd(t: Thread, fd: int, file: File, arg: int) -> int:
    return FD_CLOEXEC if fd in t.fds.cloexec else 0


def _set_fd(t: Thread, fd: int, file: File, arg: int) -> int:
    (t.fds.cloexec.add if arg & FD_CLOEXEC else t.fds.cloexec.discard)(fd)
    return 0


def _get_flags(t: Thread, fd: int, file: File, arg: int) -> int:
    return file.flags


def _set_flags(t: Thread, fd: int, file: File, arg: int) -> int:
    if arg & O_NOATIME and not file.flags & O_NOATIME and file.node is not None:
        require_owner(file.node, t.cred)
    if (arg ^ file.flags) & O_APPEND and file.node is not None:
        refuse(file.node, FS_APPEND_FL)
    _change_flags(t, fd, file, file.flags & ~_SETTABLE | arg & _SETTABLE)
    return 0


def _change_flags(t: Thread, fd: int, file: File, flags: int) -> None:
    changed = file.flags ^ flags
    file.set_flags(flags)
    if changed & O_ASYNC:
        follow_flag(t.kernel, file, fd)


def _get_owner(t: Thread, fd: int, file: File, arg: int) -> int:
    return _shown_owner(t, file)


def _set_owner(t: Thread, fd: int, file: File, arg: int) -> int:
    arg &= 0xFFFFFFFF
    owner = arg - (1 << 32) if arg >> 31 else arg
    if owner == -1 << 31:
        raise EINVAL
    _own(t, file, owner)
    return 0


def _own(t: Thread, file: File, owner: int, *, thread: bool = False) -> None:
    """Note who gets the file's signals; ``ESRCH`` for nobody that there is."""
    owner = t.process.meant(owner) if owner >= 0 else -t.process.meant(-owner) or -(1 << 31)
    if owner and owner not in t.kernel.threads and -owner not in t.kernel.groups:
        raise ESRCH
    file.owner, file.owner_is_thread, file.signal_cred = owner, thread, t.cred


def _shown_owner(t: Thread, file: File) -> int:
    """Return who gets the file's signals, as the caller numbers them; negative is a group."""
    owner = file.owner
    return t.process.shown(owner) if owner >= 0 else -t.process.shown(-owner)


def _get_owner_ex(t: Thread, fd: int, file: File, arg: int) -> int:
    kind = F_OWNER_PGRP if file.owner < 0 else F_OWNER_PID
    if file.owner_is_thread or file.signal_cred is None:  # as it is before anybody is set
        kind = F_OWNER_TID
    t.mm.write(arg, _OWNER_EX.pack(kind, abs(_shown_owner(t, file))))
    return 0


def _set_owner_ex(t: Thread, fd: int, file: File, arg: int) -> int:
    kind, pid = _OWNER_EX.unpack(t.mm.read(arg, _OWNER_EX.size))
    if kind not in (F_OWNER_TID, F_OWNER_PID, F_OWNER_PGRP):
        raise EINVAL
    _own(t, file, -pid if kind == F_OWNER_PGRP else pid, thread=kind == F_OWNER_TID)
    return 0


def _get_signal(t: Thread, fd: int, file: File, arg: int) -> int:
    return file.signal


def _set_signal(t: Thread, fd: int, file: File, arg: int) -> int:
    if not 0 <= arg <= 64:
        raise EINVAL
    file.signal = arg
    return 0


def _get_pipe_size(t: Thread, fd: int, file: File, arg: int) -> int:
    if not isinstance(file, PipeReader | PipeWriter):
        raise EBADF
    return file.get_pipe_size()


def _set_pipe_size(t: Thread, fd: int, file: File, arg: int) -> int:
    if not isinstance(file, PipeReader | PipeWriter):
        raise EBADF
    return file.set_pipe_size(arg & 0xFFFFFFFF, privileged=t.cred.capable(CAP_SYS_RESOURCE))


def _get_seals(t: Thread, fd: int, file: File, arg: int) -> int:
    return memfd.get_seals(file)


def _add_seals(t: Thread, fd: int, file: File, arg: int) -> int:
    memfd.add_seals(file, arg & 0xFFFFFFFF)
    return 0


_Command = Callable[["Thread", int, File, int], Result]
_COMMANDS: Final[dict[int, _Command]] = {
    F_DUPFD: _dup_fd, F_DUPFD_CLOEXEC: _dup_fd_cloexec, F_GETFD: _get_fd, F_SETFD: _set_fd,
    F_GETFL: _get_flags, F_SETFL: _set_flags, F_GETOWN: _get_owner, F_SETOWN: _set_owner,
    F_GETOWN_EX: _get_owner_ex, F_SETOWN_EX: _set_owner_ex, F_GETSIG: _get_signal,
    F_SETSIG: _set_signal, F_GETPIPE_SZ: _get_pipe_size, F_SETPIPE_SZ: _set_pipe_size,
    F_GET_SEALS: _get_seals, F_ADD_SEALS: _add_seals, F_GETLK: locks.get_lock,
    F_SETLK: locks.set_lock, F_SETLKW: locks.set_lock_wait, F_OFD_GETLK: locks.get_ofd_lock,
    F_OFD_SETLK: locks.set_ofd_lock, F_OFD_SETLKW: locks.set_ofd_lock_wait,
    F_SETLEASE: _notices.set_lease, F_GETLEASE: _notices.get_lease, F_NOTIFY: _notices.notify,
}  # fmt: skip
_PATH_COMMANDS: Final = frozenset({F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL})


@syscall()
def ioctl(t: Thread, fd: FdNum, request: IoctlRequest, arg: IoctlArg) -> int:
    """ioctl(2); what is not generic is the file's own business."""
    file = t.fds[fd]
    if file.kind == "path":
        raise EBADF
    if request == FIOCLEX:
        t.fds.cloexec.add(fd)
        return 0
    if request == FIONCLEX:
        t.fds.cloexec.discard(fd)
        return 0
    if request == FIONBIO:
        on = t.mm.read_u32(arg)
        file.set_flags(file.flags | O_NONBLOCK if on else file.flags & ~O_NONBLOCK)
        return 0
    if request == FIOASYNC:
        if file.kind not in KINDS:
            raise ENOTTY
        on = t.mm.read_u32(arg)
        _change_flags(t, fd, file, file.flags | O_ASYNC if on else file.flags & ~O_ASYNC)
        return 0
    if isinstance(file, RegularFile):
        if request == FIONREAD:
            file.node.refresh()
            left = file.node.size - file.offset
            t.mm.write_u32(arg, max(min(left, 0x7FFFFFFF), -0x80000000) & 0xFFFFFFFF)
            return 0
        if request == FIOQSIZE and file.node.mode & S_IFMT in (S_IFREG, S_IFDIR):
            t.mm.write_u64(arg, file.node.size)
            return 0
    if request in FLAG_REQUESTS and file.place is not None and file.node is not None:
        return FLAG_REQUESTS[request](t, file.place, arg)
    if isinstance(file, NodeFile) and file.cred.landlock is not None:
        file.cred.landlock.check_control(file.place, request)
    return file.ioctl(t, request, arg)
