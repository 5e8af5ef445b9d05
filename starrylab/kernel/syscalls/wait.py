"""Calls that wait for children: wait4, waitid."""

from __future__ import annotations

import struct
from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

from ...abi import signal as sig
from ...abi.errno import EBADF, ECHILD, EINTR, EINVAL, ESRCH
from ...abi.wait import (
    P_ALL,
    P_PGID,
    P_PID,
    P_PIDFD,
    WALL,
    WCLONE,
    WCONTINUED,
    WEXITED,
    WNOHANG,
    WNOTHREAD,
    WNOWAIT,
    WSTOPPED,
    WUNTRACED,
)
from ..core.sched import park
from ..task.exit import reap
from ..task.process import Process, Usage
from ..task.ptrace import Tracee, forget
from ._declare import Restart, syscall
from ._shown import IdType, OutSignalInfo, OutUsage, OutWaitStatus, WaitOptions
from ._types import Int
from .usage import pack_rusage

if TYPE_CHECKING:
    from ..thread import Thread

_STATUS_CONTINUED: Final = 0xFFFF
_SIGINFO: Final = struct.Struct("<iiiiiIi")  #: signo, errno, code, pad, pid, uid, status


class _Whom(NamedTuple):
    """Whom a call asks about."""

    children: Callable[[], Iterable[Process]]  #: as of now
    selects: Callable[[Thread], bool]  #: whether a thread that the caller traces is among them


class _Event(NamedTuple):
    """A change of state that a caller asked for, of a child or of a thread that it traces."""

    pid: int
    child: Process
    status: int  #: wait(2) status word
    code: int  #: CLD_*

    def usage(self) -> Usage:
        """Return what the child and those that it waited for used so far."""
        total = self.child.total_usage()
        if self.child.zombie:
            total.add(self.child.children_usage)
        return total


@syscall(restart=Restart.SA_RESTART)
def wait4(
    t: Thread, pid: Int, status: OutWaitStatus, options: WaitOptions, rusage: OutUsage
) -> int | Coroutine[object, object, int]:
    """wait4(2)."""
    if options & ~(WNOHANG | WUNTRACED | WCONTINUED | WALL | WCLONE | WNOTHREAD):
        raise EINVAL
    if pid == -(1 << 31):
        raise ESRCH
    whom = _by_pid(t, pid)

    def take() -> int | None:
        event = _find(t, whom, options | WEXITED)
        if event is None:
            return None
        if status:
            t.mm.write_u32(status, event.status)
        if rusage:
            t.mm.write(rusage, pack_rusage(event.usage()))
        return event.pid

    found = take()
    if found is not None:
        return found
    return 0 if options & WNOHANG else _wait(t, take)


@syscall(restart=Restart.SA_RESTART)
def waitid(
    t: Thread,
    idtype: IdType,
    ident: Int,
    info: OutSignalInfo,
    options: WaitOptions,
    rusage: OutUsage,
) -> int | Coroutine[object, object, int]:
    """waitid(2); the raw call has a fifth argument for the usage."""
    known = WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | WALL | WCLONE | WNOTHREAD
    if options & ~known or not options & (WEXITED | WSTOPPED | WCONTINUED):
        raise EINVAL
    whom = _by_type(t, idtype, ident)

    def take() -> int | None:
        event = _find(t, whom, options)
        if event is None:
            return None
        if info:
            t.mm.write(info, _siginfo(t, event))
        if rusage:
            t.mm.write(rusage, pack_rusage(event.usage()))
        return 0

    if take() is not None:
        return 0
    if options & WNOHANG:
        if info:
            t.mm.write(info, bytes(_SIGINFO.size))
        return 0
    return _wait(t, take)


async def _wait(t: Thread, take: Callable[[], int | None]) -> int:
    while True:
        t.process.children_changed.register(t.waker)
        interruption: EINTR | None = None
        try:
            await park()
        except EINTR as error:  # by SIGCHLD, as likely as not: ``do_wait`` looks once more
            interruption = error
        found = take()
        if found is not None:
            return found
        if interruption is not None:
            raise interruption


def _by_pid(t: Thread, pid: int) -> _Whom:
    children = t.process.children
    if pid == -1:
        return _Whom(children.values, lambda _: True)
    if pid > 0:
        pid = t.process.meant(pid)
        return _Whom(
            lambda: (children[pid],) if pid in children else (), lambda thread: thread.tid == pid
        )
    return _of_group(t, t.process.group.pgid if pid == 0 else t.process.meant(-pid))


def _of_group(t: Thread, pgid: int) -> _Whom:
    children = t.process.children
    return _Whom(
        lambda: [child for child in children.values() if child.group.pgid == pgid],
        lambda thread: thread.process.group.pgid == pgid,
    )


def _by_type(t: Thread, idtype: int, ident: int) -> _Whom:
    children = t.process.children
    if idtype == P_ALL:
        return _by_pid(t, -1)
    if idtype == P_PID:
        if ident <= 0:
            raise EINVAL
        return _by_pid(t, ident)
    if idtype == P_PGID:
        if ident < 0:
            raise EINVAL
        return _of_group(t, t.process.meant(ident) if ident else t.process.group.pgid)
    if idtype == P_PIDFD:
        from ..files.pidfd import PidFd

        file = t.fds[ident]
        if not isinstance(file, PidFd):
            raise EBADF("not a pidfd")
        process = file.process
        return _Whom(
            lambda: (process,) if children.get(process.pid) is process else (),
            lambda thread: thread.process is process,
        )
    raise EINVAL


def _find(t: Thread, whom: _Whom, options: int) -> _Event | None:
    """Return the first matching change, taking it unless WNOWAIT; ``ECHILD`` without anybody."""
    nobody = True
    if t.process.tracees:
        for tracee in list(t.process.tracees.values()):
            if whom.selects(tracee.thread):
                nobody = False
                if not tracee.reported:
                    return _numbered(t, _traced(tracee, options))
    for child in whom.children():
        if not _of_kind(child, options):
            continue
        nobody = False
        event = _event(child, options)
        if event is not None:
            if t.process.pid_ns is not None:  # while it has a number
                event = _numbered(t, event)
            ended = event.code not in (sig.CLD_STOPPED, sig.CLD_CONTINUED)
            if child.zombie and ended and not options & WNOWAIT:
                reap(t.kernel, child)
            return event
    if nobody:
        raise ECHILD
    return None


def _numbered(t: Thread, event: _Event) -> _Event:
    return event._replace(pid=t.process.shown(event.pid))


def _traced(tracee: Tracee, options: int) -> _Event:
    """Return the stop, or the end, of a thread that the caller traces."""
    thread, status = tracee.thread, tracee.status or 0
    if not options & WNOWAIT:
        tracee.reported = True
        if thread.exited:
            forget(tracee)
    code = _exit_code(status) if thread.exited else sig.CLD_TRAPPED
    return _Event(thread.tid, thread.process, status, code)


def _of_kind(child: Process, options: int) -> bool:
    """__WCLONE and __WALL: a "clone" child is one that does not send SIGCHLD."""
    if options & WALL:
        return True
    return (child.exit_signal != sig.SIGCHLD) == bool(options & WCLONE)


def _event(child: Process, options: int) -> _Event | None:
    keep = options & WNOWAIT
    if child.zombie:
        if not options & WEXITED:
            return None
        status = child.exit_status or 0
        return _Event(child.pid, child, status, _exit_code(status))
    if child.stop_report is not None and options & WSTOPPED and child.leader.tracee is None:
        status = child.stop_report
        if not keep:
            child.stop_report = None
        return _Event(child.pid, child, status, sig.CLD_STOPPED)
    if child.continue_report and options & WCONTINUED:
        if not keep:
            child.continue_report = False
        return _Event(child.pid, child, _STATUS_CONTINUED, sig.CLD_CONTINUED)
    return None


def _exit_code(status: int) -> int:
    if not status & 0x7F:
        return sig.CLD_EXITED
    return sig.CLD_DUMPED if status & 0x80 else sig.CLD_KILLED


def _siginfo(t: Thread, event: _Event) -> bytes:
    if event.code == sig.CLD_EXITED:
        status = event.status >> 8 & 0xFF
    elif event.code in (sig.CLD_STOPPED, sig.CLD_TRAPPED):
        status = event.status >> 8
    elif event.code == sig.CLD_CONTINUED:
        status = sig.SIGCONT
    else:
        status = event.status & 0x7F
    uid = t.cred.shown_uid(event.child.uid)
    return _SIGINFO.pack(sig.SIGCHLD, 0, event.code, 0, event.pid, uid, status)
