"""POSIX message queues: mq_open(2), mq_timedsend(2), mq_timedreceive(2), mq_notify(2), ..."""

from __future__ import annotations

from collections.abc import Coroutine
from functools import partial
from struct import Struct
from typing import TYPE_CHECKING, Any, Final

from ...abi.capability import CAP_SYS_RESOURCE
from ...abi.errno import (
    EACCES,
    EAGAIN,
    EBADF,
    EEXIST,
    EINVAL,
    EMFILE,
    EMSGSIZE,
    ENAMETOOLONG,
    ENOENT,
    ENOSPC,
    ETIMEDOUT,
)
from ...abi.fcntl import O_ACCMODE, O_CREAT, O_EXCL, O_NONBLOCK, O_RDONLY, O_WRONLY
from ...abi.poll import POLLIN, POLLOUT
from ...abi.resource import RLIMIT_MSGQUEUE
from ...abi.signal import SI_MESGQ, SIGEV_NONE, SIGEV_SIGNAL, SIGRTMAX
from ...abi.time import SIGEVENT
from ..ipc.mqueue import (
    HARD_MESSAGES,
    HARD_SIZE,
    MAX_MESSAGES,
    MAX_QUEUES,
    MAX_SIZE,
    PRIORITIES,
    NamedQueue,
    Notice,
    QueueFile,
)
from ..signal.info import SignalInfo
from ..thread_signals import send_process_signal
from ..vfs.permission import MAY_READ, MAY_WRITE
from ._declare import Restart, syscall
from ._shown import (
    FileMode,
    InData,
    InQueueAttributes,
    InSigevent,
    InTime,
    OpenFlags,
    OutData,
    OutQueueAttributes,
    OutU32,
)
from ._timespec import read_timespec
from ._types import FdNum, Path, Size, UInt

if TYPE_CHECKING:
    from ..thread import Thread

_ATTRIBUTES: Final = Struct("<4q32x")  #: struct mq_attr: flags, messages, size, in the queue
_NAME_MAX: Final = 255
Result = int | Coroutine[Any, Any, int]


@syscall()
def mq_open(
    t: Thread, name: Path, flags: OpenFlags, mode: FileMode, attributes: InQueueAttributes
) -> FdNum:
    """mq_open(2); the name comes without its slash."""
    limits = None
    if attributes:
        limits = _ATTRIBUTES.unpack(t.mm.read(attributes, _ATTRIBUTES.size))
    if not name:
        raise ENOENT
    if b"/" in name:
        raise EACCES
    if len(name) > _NAME_MAX:
        raise ENAMETOOLONG
    queues = t.namespaces.ipc.queues
    queue = queues.find(name)
    if queue is None:
        if not flags & O_CREAT:
            raise ENOENT
        queue = _make(t, name, mode, limits)
        queues.add(queue)
    else:
        if flags & O_CREAT and flags & O_EXCL:
            raise EEXIST
        if flags & O_ACCMODE == O_ACCMODE:
            raise EINVAL
        queue.check(t.cred, _wanted(flags))
    return t.install(QueueFile(queue, flags & (O_ACCMODE | O_NONBLOCK)), cloexec=True)


def _wanted(flags: int) -> int:
    access = flags & O_ACCMODE
    if access == O_RDONLY:
        return MAY_READ
    return MAY_WRITE if access == O_WRONLY else MAY_READ | MAY_WRITE


def _make(t: Thread, name: bytes, mode: int, limits: tuple[int, ...] | None) -> NamedQueue:
    privileged = t.cred.capable(CAP_SYS_RESOURCE)
    if len(t.namespaces.ipc.queues) >= MAX_QUEUES and not privileged:
        raise ENOSPC
    messages, size = MAX_MESSAGES, MAX_SIZE
    if limits is not None:
        _, messages, size, _ = limits
        most, longest = (HARD_MESSAGES, HARD_SIZE) if privileged else (MAX_MESSAGES, MAX_SIZE)
        if not (0 < messages <= most and 0 < size <= longest):
            raise EINVAL
    if messages * (size + 64) > t.process.limits.soft(RLIMIT_MSGQUEUE):
        raise EMFILE
    mode = mode & 0o777 & ~t.fs.umask
    return NamedQueue(name, messages, size, mode, t.cred.fsuid, t.cred.fsgid, t.kernel.heap)


@syscall()
def mq_unlink(t: Thread, name: Path) -> None:
    """mq_unlink(2)."""
    t.namespaces.ipc.queues.unlink(name, t.cred)


def _queue_file(t: Thread, fd: int) -> QueueFile:
    file = t.fds[fd]
    if not isinstance(file, QueueFile):
        raise EBADF
    return file


# -- messages ----------------------------------------------------------------------------------


@syscall(restart=Restart.SA_RESTART)
def mq_timedsend(
    t: Thread, mqdes: FdNum, data: InData, size: Size, priority: UInt, timeout: InTime
) -> Result:
    """mq_timedsend(2); ``timeout`` is a time of CLOCK_REALTIME."""
    until = read_timespec(t.mm, timeout) if timeout else None
    if priority >= PRIORITIES:
        raise EINVAL
    file = _queue_file(t, mqdes)
    if not file.writable:
        raise EBADF
    if size > file.queue.max_size:
        raise EMSGSIZE
    text = t.mm.read(data, size)
    attempt = partial(_send, t, file, text, priority)
    try:
        return attempt()
    except EAGAIN:
        if file.nonblocking:
            raise
    return _later(t, file, POLLOUT, attempt, until)


def _send(t: Thread, file: QueueFile, data: bytes, priority: int) -> int:
    file.queue.send(data, priority, t.process.pid, t.cred.uid)
    return 0


@syscall(restart=Restart.SA_RESTART)
def mq_timedreceive(
    t: Thread, mqdes: FdNum, data: OutData, size: Size, priority: OutU32, timeout: InTime
) -> Result:
    """mq_timedreceive(2); ``timeout`` is a time of CLOCK_REALTIME."""
    until = read_timespec(t.mm, timeout) if timeout else None
    file = _queue_file(t, mqdes)
    if not file.readable:
        raise EBADF
    if size < file.queue.max_size:
        raise EMSGSIZE
    attempt = partial(_receive, t, file, data, priority)
    try:
        return attempt()
    except EAGAIN:
        if file.nonblocking:
            raise
    return _later(t, file, POLLIN, attempt, until)


def _receive(t: Thread, file: QueueFile, addr: int, priority_at: int) -> int:
    data, priority = file.queue.receive()
    if priority_at:
        t.mm.write_u32(priority_at, priority)
    t.mm.write(addr, data)
    return len(data)


async def _later(
    t: Thread, file: QueueFile, events: int, attempt: partial[int], until: int | None
) -> int:
    """Wait for a message, or for room."""
    limit = None if until is None else max(0, until - t.kernel.clock.realtime())
    receives = events == POLLIN
    file.acquire()
    file.queue.waiting += receives
    try:
        return await t.wait_io(file, events, attempt, limit, nonblocking=False)
    except EAGAIN:
        raise ETIMEDOUT from None
    finally:
        file.queue.waiting -= receives
        file.release()


# -- the rest ----------------------------------------------------------------------------------


@syscall(partial="SIGEV_THREAD needs a netlink socket, and is refused")
def mq_notify(t: Thread, mqdes: FdNum, event: InSigevent) -> None:
    """mq_notify(2)."""
    value, signo, kind = 0, 0, SIGEV_NONE
    if event:
        value, signo, kind, _ = SIGEVENT.unpack(t.mm.read(event, SIGEVENT.size))
        if kind not in (SIGEV_NONE, SIGEV_SIGNAL):
            raise EINVAL
        if kind == SIGEV_SIGNAL and not 0 <= signo <= SIGRTMAX:
            raise EINVAL
    queue = _queue_file(t, mqdes).queue
    if not event:
        queue.forget(t.fds)
        return
    process = t.process

    def tell(pid: int, uid: int) -> None:
        if kind == SIGEV_SIGNAL:
            send_process_signal(process, SignalInfo(signo, SI_MESGQ, pid, uid, value=value))

    queue.notify(Notice(t.fds, process.pid, signo if kind == SIGEV_SIGNAL else 0, tell))


@syscall()
def mq_getsetattr(t: Thread, mqdes: FdNum, new: InQueueAttributes, old: OutQueueAttributes) -> None:
    """mq_getsetattr(2); only O_NONBLOCK can be changed."""
    flags = 0
    if new:
        flags, *_ = _ATTRIBUTES.unpack(t.mm.read(new, _ATTRIBUTES.size))
        if flags & ~O_NONBLOCK:
            raise EINVAL
    file = _queue_file(t, mqdes)
    queue = file.queue
    before = file.flags & O_NONBLOCK
    if new:
        file.set_flags(file.flags & ~O_NONBLOCK | flags)
    if old:
        shown = _ATTRIBUTES.pack(before, queue.max_messages, queue.max_size, len(queue.posts))
        t.mm.write(old, shown)
