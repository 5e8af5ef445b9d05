"""Whom a number means: processes and threads as the caller's pid namespace numbers them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...abi.errno import ESRCH

if TYPE_CHECKING:
    from ..task.process import Process
    from ..thread import Thread


def thread_of(t: Thread, tid: int) -> Thread | None:
    """Return the thread that ``t`` calls ``tid``, or ``None``; 0 is ``t`` itself."""
    if not tid:
        return t
    process = t.process
    return t.kernel.threads.get(tid if process.pid_ns is None else process.meant(tid))


def find_process(t: Thread, pid: int) -> Process:
    """Return the process ``pid``, or that of the thread ``pid``; ``ESRCH``."""
    pid = t.process.meant(pid)
    process: Process | None = t.kernel.processes.get(pid)
    if process is None:
        thread = t.kernel.threads.get(pid)
        if thread is None:
            raise ESRCH
        process = thread.process
    return process


def find_thread(t: Thread, tgid: int, tid: int) -> Thread | None:
    """Return thread ``tid`` of process ``tgid`` (0: of any); None for a zombie; ``ESRCH``."""
    mine = t.process
    if mine.pid_ns is not None:
        tid, tgid = mine.meant(tid), (mine.meant(tgid) or -1) if tgid else 0
    target = t.kernel.threads.get(tid)
    if target is None:
        zombie = t.kernel.processes.get(tid)
        if zombie is not None and tgid in (0, tid):
            return None
        raise ESRCH
    if tgid and target.process.pid != tgid:
        raise ESRCH
    return target
