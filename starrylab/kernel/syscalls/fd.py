"""Descriptors: close(2), dup(2), fcntl(2), flock(2), ioctl(2)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from struct import Struct
from typing import TYPE_CHECKING, Any, Final

from ...abi.capability import CAP_SYS_RESOURCE
from ...abi.errno import EAGAIN, EBADF, EINVAL, EMFILE, ENOTTY, EOVERFLOW
from ...abi.fcntl import (
    F_ADD_SEALS,
    F_DUPFD,
    F_DUPFD_CLOEXEC,
    F_GET_SEALS,
    F_GETFD,
    F_GETFL,
    F_GETLK,
    F_GETOWN,
    F_GETOWN_EX,
    F_GETPIPE_SZ,
    F_GETSIG,
    F_OFD_GETLK,
    F_OFD_SETLK,
    F_OFD_SETLKW,
    F_OWNER_PGRP,
    F_OWNER_PID,
    F_OWNER_TID,
    F_RDLCK,
    F_SETFD,
    F_SETFL,
    F_SETLK,
    F_SETLKW,
    F_SETOWN,
    F_SETOWN_EX,
    F_SETPIPE_SZ,
    F_SETSIG,
    F_UNLCK,
    F_WRLCK,
    FD_CLOEXEC,
    LOCK_EX,
    LOCK_NB,
    LOCK_SH,
    LOCK_UN,
    O_APPEND,
    O_CLOEXEC,
    O_DIRECT,
    O_NOATIME,
    O_NONBLOCK,
    SEEK_CUR,
    SEEK_END,
    SEEK_SET,
)
from ...abi.ioctl import FIOASYNC, FIOCLEX, FIONBIO, FIONCLEX, FIONREAD, FIOQSIZE
from ...abi.resource import RLIMIT_NOFILE
from ...abi.stat import S_IFDIR, S_IFMT, S_IFREG
from ..core.sched import Waker
from ..files import memfd
from ..files.file import File
from ..files.pipe import PipeReader, PipeWriter
from ..files.regular import RegularFile
from ..vfs.locks import TO_THE_END, Lock, LockTable
from ..vfs.permission import require_owner
from ._declare import Restart, syscall
from ._types import Fd, FdNum, Int, UInt, ULong

if TYPE_CHECKING:
    from ..thread import Thread

Result = int | Coroutine[Any, Any, int]

_FASYNC: Final = 0o20000
_SETTABLE: Final = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | _FASYNC
_FLOCK: Final = Struct("<hh4xqqi4x")  #: l_type, l_whence, l_start, l_len, l_pid
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
def dup(t: Thread, file: Fd) -> int:
    """dup(2)."""
    return t.fds.install(file, t.process.limits.nofile)


@syscall()
def dup3(t: Thread, old: FdNum, new: FdNum, flags: Int) -> int:
    """dup3(2)."""
    if flags & ~O_CLOEXEC or old == new:
        raise EINVAL
    file = t.fds[old] if 0 <= new < t.process.limits.nofile else None
    if file is None:
        raise EBADF
    t.fds.replace(new, file, cloexec=bool(flags & O_CLOEXEC))
    return new


# fcntl(2): a table of commands.


@syscall(restart=Restart.SA_RESTART, partial="no leases, no directory notification")
def fcntl(t: Thread, fd: FdNum, cmd: Int, arg: ULong) -> Result:
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
    if len(t.fds) >= limit:
        raise EMFILE
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
    file.set_flags(file.flags & ~_SETTABLE | arg & _SETTABLE)
    return 0


def _get_owner(t: Thread, fd: int, file: File, arg: int) -> int:
    return file.owner


def _set_owner(t: Thread, fd: int, file: File, arg: int) -> int:
    arg &= 0xFFFFFFFF
    file.owner = arg - (1 << 32) if arg >> 31 else arg
    return 0


def _get_owner_ex(t: Thread, fd: int, file: File, arg: int) -> int:
    kind = F_OWNER_PGRP if file.owner < 0 else F_OWNER_PID
    t.mm.write(arg, _OWNER_EX.pack(kind, abs(file.owner)))
    return 0


def _set_owner_ex(t: Thread, fd: int, file: File, arg: int) -> int:
    kind, pid = _OWNER_EX.unpack(t.mm.read(arg, _OWNER_EX.size))
    if kind not in (F_OWNER_TID, F_OWNER_PID, F_OWNER_PGRP):
        raise EINVAL
    file.owner = -pid if kind == F_OWNER_PGRP else pid
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


# Record locks.


def _get_lock(t: Thread, fd: int, file: File, arg: int) -> int:
    return _query(t, file, arg, t.fds)


def _get_ofd_lock(t: Thread, fd: int, file: File, arg: int) -> int:
    return _query(t, file, arg, file, ofd=True)


def _query(t: Thread, file: File, arg: int, owner: object, *, ofd: bool = False) -> int:
    kind, start, end, _ = _range(t, file, arg, ofd=ofd)
    if kind == F_UNLCK:
        raise EINVAL
    table = _table(file)
    found = table.conflict(owner, start, end, kind == F_WRLCK)
    if found is None:
        t.mm.write(arg, F_UNLCK.to_bytes(2, "little"))
        return 0
    length = 0 if found.end == TO_THE_END else found.end - found.start + 1
    kind = F_WRLCK if found.exclusive else F_RDLCK
    t.mm.write(arg, _FLOCK.pack(kind, SEEK_SET, found.start, length, found.pid))
    return 0


def _table(file: File) -> LockTable:
    if file.node is None:
        raise EBADF
    return LockTable.of(file.node)


def _range(t: Thread, file: File, arg: int, *, ofd: bool) -> tuple[int, int, int, int]:
    """Read a struct flock; return its type, first and last byte, and pid."""
    kind, whence, start, length, pid = _FLOCK.unpack(t.mm.read(arg, _FLOCK.size))
    if ofd and pid:
        raise EINVAL
    if kind not in (F_RDLCK, F_WRLCK, F_UNLCK):
        raise EINVAL
    if whence == SEEK_CUR:
        start += getattr(file, "offset", 0)
    elif whence == SEEK_END:
        start += file.node.size if file.node is not None else 0
    elif whence != SEEK_SET:
        raise EINVAL
    if length < 0:
        start, length = start + length, -length
    if start < 0:
        raise EINVAL
    end = start + length - 1 if length else TO_THE_END
    if end > TO_THE_END:
        raise EOVERFLOW
    return kind, start, end, pid


class _Waiter:
    """A lock request that waits, as something to poll."""

    __slots__ = ("table",)

    def __init__(self, table: LockTable) -> None:
        self.table = table

    def poll(self) -> int:
        """See ``Pollable.poll``."""
        return 0

    def register(self, waker: Waker, events: int) -> None:
        """See ``Pollable.register``."""
        self.table.changed.register(waker)


def _set_lock(t: Thread, fd: int, file: File, arg: int) -> Result:
    return _lock(t, file, arg, t.fds, t.process.pid, wait=False)


def _set_lock_wait(t: Thread, fd: int, file: File, arg: int) -> Result:
    return _lock(t, file, arg, t.fds, t.process.pid, wait=True)


def _set_ofd_lock(t: Thread, fd: int, file: File, arg: int) -> Result:
    return _lock(t, file, arg, file, -1, wait=False)


def _set_ofd_lock_wait(t: Thread, fd: int, file: File, arg: int) -> Result:
    return _lock(t, file, arg, file, -1, wait=True)


def _lock(t: Thread, file: File, arg: int, owner: object, pid: int, *, wait: bool) -> Result:
    kind, start, end, _ = _range(t, file, arg, ofd=pid == -1)
    table = _table(file)
    if kind == F_UNLCK:
        table.release(owner, start, end)
        return 0
    if (kind == F_RDLCK and not file.readable) or (kind == F_WRLCK and not file.writable):
        raise EBADF
    new = Lock(owner, pid, start, end, kind == F_WRLCK)
    try:
        table.acquire(new)
    except EAGAIN:
        if not wait:
            raise
        return _wait_lock(t, file, table, new)
    return 0


async def _wait_lock(t: Thread, file: File, table: LockTable, new: Lock) -> int:
    waits = t.kernel.mounts.lock_waits
    detect = new.pid != -1  # deadlocks of OFD locks are not looked for, as on Linux

    def attempt() -> int:
        holder = table.conflict(new.owner, new.start, new.end, new.exclusive)
        if detect:
            waits.done(new.owner)
            if holder is not None:
                waits.wait(new.owner, holder.owner)
        table.acquire(new)
        return 0

    file.acquire()
    try:
        return await t.wait_io(_Waiter(table), 0, attempt)
    finally:
        waits.done(new.owner)
        file.release()


_Command = Callable[["Thread", int, File, int], Result]
_COMMANDS: Final[dict[int, _Command]] = {
    F_DUPFD: _dup_fd, F_DUPFD_CLOEXEC: _dup_fd_cloexec, F_GETFD: _get_fd, F_SETFD: _set_fd,
    F_GETFL: _get_flags, F_SETFL: _set_flags, F_GETOWN: _get_owner, F_SETOWN: _set_owner,
    F_GETOWN_EX: _get_owner_ex, F_SETOWN_EX: _set_owner_ex, F_GETSIG: _get_signal,
    F_SETSIG: _set_signal, F_GETPIPE_SZ: _get_pipe_size, F_SETPIPE_SZ: _set_pipe_size,
    F_GET_SEALS: _get_seals, F_ADD_SEALS: _add_seals, F_GETLK: _get_lock,
    F_SETLK: _set_lock, F_SETLKW: _set_lock_wait, F_OFD_GETLK: _get_ofd_lock,
    F_OFD_SETLK: _set_ofd_lock, F_OFD_SETLKW: _set_ofd_lock_wait,
}  # fmt: skip
_PATH_COMMANDS: Final = frozenset({F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL})


@syscall(restart=Restart.SA_RESTART)
def flock(t: Thread, file: Fd, operation: Int) -> Result:
    """flock(2)."""
    kind = operation & ~LOCK_NB
    if kind not in (LOCK_SH, LOCK_EX, LOCK_UN):
        raise EINVAL
    if file.kind == "path":
        raise EBADF
    table = _table(file)
    if kind == LOCK_UN:
        table.unflock(file)
        return 0
    try:
        table.flock(file, kind == LOCK_EX)
    except EAGAIN:
        if operation & LOCK_NB:
            raise
        return _wait_flock(t, file, table, kind == LOCK_EX)
    return 0


async def _wait_flock(t: Thread, file: File, table: LockTable, exclusive: bool) -> int:
    file.acquire()
    try:
        await t.wait_io(_Waiter(table), 0, lambda: table.flock(file, exclusive))
    finally:
        file.release()
    return 0


@syscall()
def ioctl(t: Thread, fd: FdNum, request: UInt, arg: ULong) -> int:
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
    if request == FIOASYNC and file.kind in ("regular", "directory"):
        raise ENOTTY
    if isinstance(file, RegularFile):
        if request == FIONREAD:
            file.node.refresh()
            left = file.node.size - file.offset
            t.mm.write_u32(arg, max(min(left, 0x7FFFFFFF), -0x80000000) & 0xFFFFFFFF)
            return 0
        if request == FIOQSIZE and file.node.mode & S_IFMT in (S_IFREG, S_IFDIR):
            t.mm.write_u64(arg, file.node.size)
            return 0
    return file.ioctl(t, request, arg)
