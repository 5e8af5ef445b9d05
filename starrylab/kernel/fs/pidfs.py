"""ioctl(2) on a pidfd: the namespaces of its process, and facts about it (<linux/pidfd.h>)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi import pidfd as p
from ...abi.errno import EACCES, EINVAL, ENOTTY, EOPNOTSUPP, ESRCH
from ..task.ptrace import may_trace
from .proc._declare import find
from .proc._namespaces import LINKS, open_namespace

if TYPE_CHECKING:
    from ..files.pidfd import PidFd
    from ..task.process import Process
    from ..thread import Thread

_NAMESPACES: Final = {
    p.PIDFD_GET_IPC_NAMESPACE: b"ipc",
    p.PIDFD_GET_MNT_NAMESPACE: b"mnt",
    p.PIDFD_GET_NET_NAMESPACE: b"net",
    p.PIDFD_GET_PID_NAMESPACE: b"pid",
    p.PIDFD_GET_PID_FOR_CHILDREN_NAMESPACE: b"pid_for_children",
    p.PIDFD_GET_TIME_NAMESPACE: b"time",
    p.PIDFD_GET_TIME_FOR_CHILDREN_NAMESPACE: b"time_for_children",
    p.PIDFD_GET_USER_NAMESPACE: b"user",
    p.PIDFD_GET_UTS_NAMESPACE: b"uts",
}


def ioctl(file: PidFd, thread: Thread, request: int, arg: int) -> int:
    """Answer a request; raise what Linux's pidfd_ioctl() raises."""
    if request & ~p.IOC_SIZE_MASK == p.PIDFD_GET_INFO:
        return _info(file.process, thread, (request & p.IOC_SIZE_MASK) >> 16, arg)
    if request == p.PIDFD_GET_CGROUP_NAMESPACE:
        raise EOPNOTSUPP("this kernel has no cgroups")
    name = _NAMESPACES.get(request)
    if name is None:
        raise ENOTTY
    if arg:
        raise EINVAL
    process = file.process
    if not process.threads:
        raise ESRCH
    subject = find(thread.kernel, process.pid, None)
    if not may_trace(thread, subject.thread, by_fs_ids=True):
        raise EACCES
    return open_namespace(thread, LINKS[name](subject))


def _info(process: Process, thread: Thread, size: int, addr: int) -> int:
    """PIDFD_GET_INFO: of one that was waited for only how it ended, if that is asked for."""
    if size < p.PIDFD_INFO.size:
        raise ENOTTY
    if not addr:
        raise EINVAL
    wanted = thread.mm.read_u64(addr)
    if thread.kernel.processes.get(process.pid) is not process:
        if not wanted & p.PIDFD_INFO_EXIT:
            raise ESRCH
        data = p.PIDFD_INFO.pack(p.PIDFD_INFO_EXIT, *[0] * 12, process.exit_status or 0)
    else:
        data = _facts(process, thread)
    thread.mm.write(addr, data.ljust(min(size, 4096), b"\0"))
    return 0


def _facts(process: Process, thread: Thread) -> bytes:
    mine, theirs = thread.cred, process.leader.cred
    number = thread.process.shown(process.pid)
    if not number:
        raise ESRCH  # it is in another pid namespace
    parent = 0 if process.parent is None else thread.process.shown(process.parent.pid)
    pairs = (
        (theirs.uid, theirs.gid), (theirs.euid, theirs.egid), (theirs.suid, theirs.sgid),
        (theirs.fsuid, theirs.fsgid),
    )  # fmt: skip
    ids = [i for uid, gid in pairs for i in (mine.shown_uid(uid), mine.shown_gid(gid))]
    mask = p.PIDFD_INFO_PID | p.PIDFD_INFO_CREDS
    return p.PIDFD_INFO.pack(mask, 0, number, number, parent, *ids, 0)
