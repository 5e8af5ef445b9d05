"""epoll_create1(2), epoll_ctl(2), epoll_pwait(2), epoll_pwait2(2)."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Final

from ...abi.errno import EBADF, EINVAL
from ...abi.fcntl import O_CLOEXEC, O_PATH
from ...abi.poll import EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLIN
from ..core.poll import poll_any
from ..files.epoll import EVENT, Epoll
from ._declare import syscall
from ._shown import EpollFlags, EpollOp, InEvent, InSignals, InTime, OutEvents
from ._timespec import MAX_NS, read_timespec
from ._types import Fd, FdNum, Int, Size
from .poll import look_for_signals, read_sigmask, under_mask

if TYPE_CHECKING:
    from ..thread import Thread

_MAX_EVENTS: Final = 0x7FFFFFFF // EVENT.size


@syscall()
def epoll_create1(t: Thread, flags: EpollFlags) -> FdNum:
    """epoll_create1(2)."""
    if flags & ~O_CLOEXEC:
        raise EINVAL
    return t.install(Epoll(), cloexec=bool(flags))


@syscall(partial="EPOLLEXCLUSIVE wakes every waiter, which epoll_ctl(2) allows")
def epoll_ctl(t: Thread, epfd: FdNum, op: EpollOp, fd: FdNum, event: InEvent) -> None:
    """epoll_ctl(2)."""
    events = data = 0
    if op != EPOLL_CTL_DEL:
        events, data = EVENT.unpack(t.mm.read(event, EVENT.size))
    change(t, epfd, op, fd, events, data)


def change(t: Thread, epfd: int, op: int, fd: int, events: int, data: int) -> None:
    """Add, modify or remove one descriptor of an interest list."""
    epoll, file = t.fds[epfd], t.fds[fd]
    if file.flags & O_PATH:
        raise EBADF
    if not isinstance(epoll, Epoll):
        raise EINVAL
    if op == EPOLL_CTL_ADD:
        epoll.add(fd, file, events, data)
    elif op == EPOLL_CTL_MOD:
        epoll.modify(fd, file, events, data)
    elif op == EPOLL_CTL_DEL:
        epoll.remove(fd, file)
    else:
        raise EINVAL


@syscall()
def epoll_pwait(
    t: Thread,
    epfd: Fd,
    events: OutEvents,
    maxevents: Int,
    timeout_ms: Int,
    sigmask: InSignals,
    size: Size,
) -> int | Coroutine[Any, Any, int]:
    """epoll_pwait(2)."""
    timeout = None if timeout_ms < 0 else timeout_ms * 1_000_000
    return _wait(t, epfd, events, maxevents, timeout, read_sigmask(t, sigmask, size))


@syscall()
def epoll_pwait2(
    t: Thread,
    epfd: Fd,
    events: OutEvents,
    maxevents: Int,
    timeout: InTime,
    sigmask: InSignals,
    size: Size,
) -> int | Coroutine[Any, Any, int]:
    """epoll_pwait2(2)."""
    timeout_ns = read_timespec(t.mm, timeout) if timeout else None
    return _wait(t, epfd, events, maxevents, timeout_ns, read_sigmask(t, sigmask, size))


def _wait(
    t: Thread, file: object, addr: int, limit: int, timeout_ns: int | None, mask: int | None
) -> int | Coroutine[Any, Any, int]:
    if not 0 < limit <= _MAX_EVENTS or not isinstance(file, Epoll):
        raise EINVAL
    count = collect(t, file, addr, limit)
    if count or (timeout_ns == 0 and mask is None):
        return count
    deadline = None if timeout_ns is None else min(t.executor.now + timeout_ns, MAX_NS)
    if mask is None:
        return _sleep(t, file, addr, limit, deadline, masked=False)
    return under_mask(t, mask, _sleep(t, file, addr, limit, deadline, masked=True))


def collect(t: Thread, epoll: Epoll, addr: int, limit: int) -> int:
    """Store up to ``limit`` events; return how many there are."""
    if not epoll.ready:
        return 0
    found = epoll.collect(limit)
    if found:
        t.mm.write(addr, b"".join([EVENT.pack(events, data) for events, data in found]))
    return len(found)


async def _sleep(
    t: Thread, epoll: Epoll, addr: int, limit: int, deadline: int | None, *, masked: bool
) -> int:
    watched = [(epoll, EPOLLIN)]
    epoll.acquire()
    try:
        while True:
            count = collect(t, epoll, addr, limit)
            if count:
                return count
            if not await poll_any(t, watched, deadline):
                break
        if masked:
            await look_for_signals(t)
        return collect(t, epoll, addr, limit)
    finally:
        epoll.release()
