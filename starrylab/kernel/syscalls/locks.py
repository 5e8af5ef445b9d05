"""Advisory locks: flock(2), and the record locks of fcntl(2) (fcntl_locking(2))."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from ...abi import layouts
from ...abi.errno import EAGAIN, EBADF, EINVAL, EOVERFLOW
from ...abi.fcntl import (
    F_RDLCK,
    F_UNLCK,
    F_WRLCK,
    LOCK_EX,
    LOCK_NB,
    LOCK_SH,
    LOCK_UN,
    SEEK_CUR,
    SEEK_END,
    SEEK_SET,
)
from ..core.sched import Waker
from ..files.file import File
from ..vfs.locks import TO_THE_END, Lock, LockTable
from ._declare import Restart, syscall
from ._shown import FlockOp
from ._types import Fd

if TYPE_CHECKING:
    from ..thread import Thread

Result = int | Coroutine[Any, Any, int]


# Record locks.


def get_lock(t: Thread, fd: int, file: File, arg: int) -> int:
    """Serve F_GETLK."""
    return _query(t, file, arg, t.fds)


def get_ofd_lock(t: Thread, fd: int, file: File, arg: int) -> int:
    """Serve F_OFD_GETLK."""
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
    pid = found.pid if found.pid < 0 else t.process.shown(found.pid)
    t.mm.write(arg, layouts.FLOCK.pack(kind, SEEK_SET, found.start, length, pid))
    return 0


def _table(file: File) -> LockTable:
    if file.node is None:
        raise EBADF
    return LockTable.of(file.node)


def _range(t: Thread, file: File, arg: int, *, ofd: bool) -> tuple[int, int, int, int]:
    """Read a struct flock; return its type, first and last byte, and pid."""
    kind, whence, start, length, pid = layouts.FLOCK.unpack(t.mm.read(arg, layouts.FLOCK.size))
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


def set_lock(t: Thread, fd: int, file: File, arg: int) -> Result:
    """Serve F_SETLK."""
    return _lock(t, file, arg, t.fds, t.process.pid, wait=False)


def set_lock_wait(t: Thread, fd: int, file: File, arg: int) -> Result:
    """Serve F_SETLKW."""
    return _lock(t, file, arg, t.fds, t.process.pid, wait=True)


def set_ofd_lock(t: Thread, fd: int, file: File, arg: int) -> Result:
    """Serve F_OFD_SETLK."""
    return _lock(t, file, arg, file, -1, wait=False)


def set_ofd_lock_wait(t: Thread, fd: int, file: File, arg: int) -> Result:
    """Serve F_OFD_SETLKW."""
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


@syscall(restart=Restart.SA_RESTART)
def flock(t: Thread, file: Fd, operation: FlockOp) -> Result:
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
