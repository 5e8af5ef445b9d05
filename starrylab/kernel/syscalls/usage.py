"""Resource usage and limits: getrusage, prlimit64, getrlimit, setrlimit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...abi import layouts
from ...abi.capability import CAP_SYS_RESOURCE
from ...abi.errno import EINVAL, EPERM, ESRCH
from ...abi.resource import RLIM_NLIMITS, RLIMIT_CPU, RUSAGE_CHILDREN, RUSAGE_SELF, RUSAGE_THREAD
from ..task.process import Process, Usage
from ..task.timers import CpuLimit
from ._declare import syscall
from ._shown import InLimit, OutLimit, OutUsage, Resource, UsageWho
from ._targets import thread_of
from ._types import Int

if TYPE_CHECKING:
    from ..thread import Thread


def pack_rusage(usage: Usage) -> bytes:
    """Return ``struct rusage``: times to the microsecond, maxrss in KiB."""
    user, system = usage.utime_ns // 1000, usage.stime_ns // 1000
    return layouts.RUSAGE.pack(
        user // 1_000_000, user % 1_000_000, system // 1_000_000, system % 1_000_000,
        usage.maxrss_kib, 0, 0, 0, usage.minflt, usage.majflt, 0, 0, 0, 0, 0, 0,
        usage.voluntary, usage.involuntary,
    )  # fmt: skip


@syscall()
def getrusage(t: Thread, who: UsageWho, usage: OutUsage) -> None:
    """getrusage(2)."""
    if who == RUSAGE_SELF:
        found = t.process.total_usage()
    elif who == RUSAGE_CHILDREN:
        found = t.process.children_usage
    elif who == RUSAGE_THREAD:
        found = t.usage
    else:
        raise EINVAL
    t.mm.write(usage, pack_rusage(found))


@syscall()
def prlimit64(t: Thread, pid: Int, resource: Resource, new: InLimit, old: OutLimit) -> None:
    """prlimit64(2)."""
    if resource >= RLIM_NLIMITS:
        raise EINVAL
    wanted = layouts.RLIMIT.unpack(t.mm.read(new, layouts.RLIMIT.size)) if new else None
    process = _target(t, pid)
    limits = process.limits
    before = limits[resource]
    if wanted is not None:
        limits.set(resource, wanted[0], wanted[1], t.cred)
        if resource == RLIMIT_CPU:
            CpuLimit.follow(t.kernel, process)
    if old:
        t.mm.write(old, layouts.RLIMIT.pack(*before))


def _target(t: Thread, pid: int) -> Process:
    thread = thread_of(t, pid)
    if thread is None:
        raise ESRCH
    if thread.process is t.process:
        return t.process
    mine, theirs = t.cred, thread.cred
    same_user = mine.uid == theirs.uid == theirs.euid == theirs.suid
    same_group = mine.gid == theirs.gid == theirs.egid == theirs.sgid
    if not (same_user and same_group) and not mine.capable_in(theirs.user_ns, CAP_SYS_RESOURCE):
        raise EPERM
    return thread.process


@syscall()
def getrlimit(t: Thread, resource: Resource, limit: OutLimit) -> None:
    """getrlimit(2)."""
    if resource >= RLIM_NLIMITS:
        raise EINVAL
    t.mm.write(limit, layouts.RLIMIT.pack(*t.process.limits[resource]))


@syscall()
def setrlimit(t: Thread, resource: Resource, limit: InLimit) -> None:
    """setrlimit(2)."""
    if resource >= RLIM_NLIMITS:
        raise EINVAL
    soft, hard = layouts.RLIMIT.unpack(t.mm.read(limit, layouts.RLIMIT.size))
    t.process.limits.set(resource, soft, hard, t.cred)
    if resource == RLIMIT_CPU:
        CpuLimit.follow(t.kernel, t.process)
