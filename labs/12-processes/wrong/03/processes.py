"""Lab 12: waiting for children, process groups, and a first process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starrylab.labs.calls import (
    EACCES,
    ECHILD,
    EINVAL,
    EPERM,
    ESRCH,
    Int,
    ProcessGroup,
    Ptr,
    Restart,
    park,
    reap,
    syscall,
)

NUMBERS = {"setpgid": 154, "wait4": 260}
WNOHANG, WUNTRACED, WCONTINUED = 1, 2, 8
CONTINUED = 0xFFFF


def _meant(t: Any, pid: int) -> list[Any]:
    children = list(t.process.children.values())
    if pid == -1:
        return children
    if pid > 0:
        return [child for child in children if child.pid == pid]
    pgid = -pid or t.process.group.pgid
    return [child for child in children if child.group.pgid == pgid]


def _news(child: Any, options: int) -> int | None:
    """Return the status to tell about, and see to it that it is told once."""
    if child.zombie:
        return child.exit_status
    if child.stop_report is not None and options & WUNTRACED:
        status, child.stop_report = child.stop_report, None
        return status
    if child.continue_report and options & WCONTINUED:
        child.continue_report = False
        return CONTINUED
    return None


@syscall(restart=Restart.SA_RESTART)
async def wait4(t: Any, pid: Int, status: Ptr, options: Int, usage: Ptr) -> int:
    """Look, register, sleep, look again."""
    if options & ~(WNOHANG | WUNTRACED | WCONTINUED):
        raise EINVAL
    while True:
        children = _meant(t, pid)
        if not children:
            raise ECHILD
        for child in children:
            word = _news(child, options)
            if word is not None:
                if status:
                    t.mm.write_u32(status, word)
                if child.zombie:
                    reap(t.kernel, child)
                return child.pid
        if options & WNOHANG:
            return 0
        t.process.children_changed.register(t.waker)
        await park()


@syscall()
def setpgid(t: Any, pid: Int, pgid: Int) -> int:
    """Check who may move whom, then move."""
    if pgid < 0:
        raise EINVAL
    me = target = t.process
    if pid not in (0, me.pid):
        target = me.children.get(pid)
        if target is None:
            raise ESRCH
        if target.session is not me.session:
            raise EPERM
    if target.session.sid == target.pid:
        raise EPERM
    pgid = pgid or target.pid
    group = target.session.groups.get(pgid)
    if group is None:
        if pgid != target.pid:
            raise EPERM
        group = t.kernel.groups[pgid] = ProcessGroup(pgid, target.session)
    group.add(target)
    return 0


def orphaned(group: Any) -> bool:
    """Look for a living member whose parent is outside, in the same session."""
    for process in group.processes():
        parent = process.parent
        if process.zombie or parent is None:
            continue
        if parent.group is not group and parent.session is process.session:
            return False
    return True


def init(m: Any, child: Callable[[Any], Any]) -> Any:
    """Wait for everybody until nobody is left."""
    first = yield m.fork(child)
    code = 0
    while (pid := (yield m.call("wait4", -1, m.scratch, 0, 0))) > 0:
        if pid == first:
            status = int.from_bytes(m.load(m.scratch, 4), "little")
            code = 128 + (status & 0x7F) if status & 0x7F else status >> 8
    yield m.call("exit_group", code)
