"""Lab 12: waiting for children, process groups, and a first process.

A process has
  pid, zombie                  it ended, and nobody waited for it yet
  children                     pid -> process, zombies too
  exit_status                  the status of wait(2), once it is a zombie
  stop_report                  the status of a stop that nobody waited for yet, or None
  continue_report              True if it was continued, and nobody waited for that yet
  group, session               group.pgid, session.sid; session.groups: pgid -> group
  parent, execed               execed: it has called execve(2)
  children_changed             a PollSet: children_changed.register(t.waker)
"""

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

NUMBERS = {"setpgid": 154, "wait4": 260}  # in place of the kernel's own
WNOHANG, WUNTRACED, WCONTINUED = 1, 2, 8
CONTINUED = 0xFFFF  # the status of a child that was continued


@syscall(restart=Restart.SA_RESTART)
async def wait4(t: Any, pid: Int, status: Ptr, options: Int, usage: Ptr) -> int:
    """Return the pid of a child that changed; its status goes to ``status`` unless that is 0.

    ``t.process`` is the caller.  ``usage`` is not served.
    """
    raise NotImplementedError("wait4")


@syscall()
def setpgid(t: Any, pid: Int, pgid: Int) -> int:
    """Put the process ``pid`` (0: the caller) into the group ``pgid`` (0: one of its own)."""
    raise NotImplementedError("setpgid")


def orphaned(group: Any) -> bool:
    """Tell whether nobody could continue the group if it stopped; group.processes() lists it."""
    raise NotImplementedError("orphaned")


def init(m: Any, child: Callable[[Any], Any]) -> Any:
    """Be the first process: run ``child``, bury all who are left to you, end as it did.

    The machine's programs are generators: ``pid = yield m.fork(child)``,
    ``result = yield m.call("wait4", -1, m.scratch, 0, 0)``, ``m.load(m.scratch, 4)``,
    ``yield m.call("exit_group", code)``.
    """
    raise NotImplementedError("init")
    yield
