"""Calls about process numbers: getpid, getppid, gettid, groups and sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...abi.errno import EACCES, EINVAL, EPERM, ESRCH
from ..task.process import Process, ProcessGroup, Session
from ._declare import syscall
from ._types import Int

if TYPE_CHECKING:
    from ..thread import Thread


@syscall()
def getpid(t: Thread) -> int:
    """getpid(2)."""
    process = t.process
    return process.pid if process.pid_ns is None else process.shown(process.pid)


@syscall()
def gettid(t: Thread) -> int:
    """gettid(2)."""
    return t.tid if t.process.pid_ns is None else t.process.shown(t.tid)


@syscall()
def getppid(t: Thread) -> int:
    """getppid(2)."""
    process = t.process
    parent = process.parent
    if parent is None:
        return 0
    return parent.pid if process.pid_ns is None else process.shown(parent.pid)


@syscall()
def getpgid(t: Thread, pid: Int) -> int:
    """getpgid(2)."""
    return t.process.shown(_process(t, pid).group.pgid)


@syscall()
def getsid(t: Thread, pid: Int) -> int:
    """getsid(2)."""
    return t.process.shown(_process(t, pid).session.sid)


@syscall()
def setpgid(t: Thread, pid: Int, pgid: Int) -> None:
    """setpgid(2)."""
    me = t.process
    pgid = pgid or pid
    if pgid < 0:
        raise EINVAL
    if me.pid_ns is not None:
        pid, pgid = _meant(me, pid), _meant(me, pgid)
    target = me
    if pid not in (0, me.pid):
        child = me.children.get(pid)
        if child is None:
            raise ESRCH
        if child.session is not me.session:
            raise EPERM
        if child.execed:
            raise EACCES
        target = child
    pgid = pgid or target.pid
    session = target.session
    if session.sid == target.pid:
        raise EPERM  # a session leader stays where it is
    if pgid == target.group.pgid:
        return
    group = session.groups.get(pgid)
    if group is None:
        if pgid != target.pid:
            raise EPERM
        group = ProcessGroup(pgid, session)
        group.held = t.kernel.numbers.known.get(pgid)
        t.kernel.groups[pgid] = group
    group.add(target)


@syscall()
def setsid(t: Thread) -> int:
    """setsid(2)."""
    process = t.process
    pid = process.pid
    if pid in t.kernel.groups:
        raise EPERM
    session = Session(pid)
    t.kernel.sessions[pid] = session
    group = ProcessGroup(pid, session)
    t.kernel.groups[pid] = group
    session.held = group.held = t.kernel.numbers.known.get(pid)
    group.add(process)
    return process.shown(pid)


def _meant(process: Process, number: int) -> int:
    """Return the kernel's number; -1, which nobody has, for one that means nothing here."""
    return (process.meant(number) or -1) if number else 0


def _process(t: Thread, pid: int) -> Process:
    if not pid:
        return t.process
    process = t.kernel.processes.get(t.process.meant(pid))
    if process is None:
        raise ESRCH
    return process
