"""Opening an event: what is wanted of it, whether that is permitted, and for whom it counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from weakref import ref

from ...abi import perf
from ...abi.capability import CAP_PERFMON, CAP_SYS_ADMIN
from ...abi.errno import (
    EACCES,
    EBADF,
    EINVAL,
    EMFILE,
    ENOENT,
    ENOSPC,
    EOPNOTSUPP,
    EPERM,
    ESRCH,
)
from ...abi.time import (
    CLOCK_BOOTTIME,
    CLOCK_MONOTONIC,
    CLOCK_MONOTONIC_RAW,
    CLOCK_REALTIME,
    CLOCK_TAI,
)
from ..task.ptrace import may_trace
from .attr import PerfAttr, check_rate, read_attr
from .breakpoints import SLOTS, check_breakpoint
from .counter import Counter
from .file import PerfFile

if TYPE_CHECKING:
    from ..thread import Thread
    from .system import Context

_CLOCKS: Final = frozenset(
    (CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME, CLOCK_BOOTTIME, CLOCK_TAI)
)
_KERNEL_ADDRESSES: Final = 1  #: what perf_event_paranoid may be at most for these rights
_WHOLE_CPU: Final = 0
_RAW_TRACEPOINTS: Final = -1


def open_event(t: Thread, attr: int, pid: int, cpu: int, group_fd: int, flags: int) -> int:
    """Return a descriptor; raise what perf_event_open(2) lists."""
    if flags & ~perf.PERF_FLAGS_ALL:
        raise EINVAL
    system = t.kernel.perf.system
    wanted = read_attr(t.mm, attr, t.kernel.arch, system.settings.max_stack)
    _check_rights(t, wanted)
    check_rate(wanted, system.settings.max_rate)
    if wanted.sample_type & perf.SAMPLE_PHYS_ADDR:
        _permit(t, _KERNEL_ADDRESSES, EACCES())
    if flags & perf.PERF_FLAG_PID_CGROUP:
        if pid == -1 or cpu == -1:
            raise EINVAL
        raise EBADF  # no descriptor is one of a cgroup
    if len(t.fds) >= t.process.limits.nofile:
        raise EMFILE
    leader = output = None
    if group_fd != -1:
        leader = _event(t, group_fd)
        output = leader if flags & perf.PERF_FLAG_FD_OUTPUT else None
        leader = None if flags & perf.PERF_FLAG_FD_NO_GROUP else leader
    context = _context(t, wanted, pid, cpu, leader)
    if leader is not None:
        _check_group(wanted, leader, context, cpu)
    if wanted.type == perf.TYPE_BREAKPOINT:
        _take_slot(t, context)
    counter = Counter(system, wanted, context)
    counter.per_cpu = cpu != -1
    counter.owner = ref(t)
    file = PerfFile(counter, t.cred.uid)
    if output is not None:
        file.redirect(output)
    if leader is not None:
        counter.leader = leader
        leader.siblings.append(counter)
    context.add(counter)
    file.acquire()
    try:
        return t.install(file, cloexec=bool(flags & perf.PERF_FLAG_FD_CLOEXEC))
    finally:
        file.release()


def _event(t: Thread, fd: int) -> Counter:
    file = t.fds[fd]
    if not isinstance(file, PerfFile):
        raise EBADF
    return file.counter


# -- rights --------------------------------------------------------------------------------------


def _capable(t: Thread) -> bool:
    return t.cred.capable(CAP_PERFMON) or t.cred.capable(CAP_SYS_ADMIN)


def _permit(t: Thread, most: int, error: EACCES | EPERM) -> None:
    """Raise ``error`` if perf_event_paranoid is above ``most`` and the thread has no rights."""
    if t.kernel.perf.settings.paranoid > most and not _capable(t):
        raise error


def _check_rights(t: Thread, attr: PerfAttr) -> None:
    if not attr.has(perf.EXCLUDE_KERNEL):
        _permit(t, _KERNEL_ADDRESSES, EACCES())


# -- whom and what -------------------------------------------------------------------------------


def _context(t: Thread, attr: PerfAttr, pid: int, cpu: int, leader: Counter | None) -> Context:
    """Return whose events are counted; raise what is wrong with that, in Linux's order."""
    thread = None
    if pid != -1:
        thread = t if pid == 0 else t.kernel.threads.get(t.process.meant(pid))
        if thread is None:
            raise ESRCH
    inherits = 0 if leader is None else (leader.attr.flags ^ attr.flags) & perf.INHERIT
    if inherits and thread is not None:
        raise EINVAL
    if cpu < -1 or (cpu == -1 and thread is None) or cpu > 0:
        raise EINVAL  # there is one processor
    if attr.has(perf.SIGTRAP) and thread is None:
        raise EINVAL
    sampled = attr.sample_type & (perf.SAMPLE_READ | perf.SAMPLE_TID) == perf.SAMPLE_READ
    if attr.has(perf.INHERIT) and sampled:
        raise EINVAL
    _check_kind(t, attr)
    if attr.has(perf.USE_CLOCKID) and attr.clockid not in _CLOCKS:
        raise EINVAL
    if thread is None:
        _permit(t, _WHOLE_CPU, EACCES())
    elif thread.exited:
        raise ESRCH
    elif not _capable(t) and not may_trace(t, thread):
        raise EACCES
    return t.kernel.perf.system.context_of(thread)


def _check_kind(t: Thread, attr: PerfAttr) -> None:
    """Raise what there is no counter for: the processor of this machine has none of its own."""
    if attr.type == perf.TYPE_SOFTWARE:
        if attr.config >= perf.SW_MAX:
            raise ENOENT
    elif attr.type == perf.TYPE_TRACEPOINT:
        if attr.config not in t.kernel.perf.system.points:
            raise EINVAL
        if attr.sampling and attr.sample_type & perf.SAMPLE_RAW:
            _permit(t, _RAW_TRACEPOINTS, EPERM())
    elif attr.type == perf.TYPE_BREAKPOINT:
        check_breakpoint(attr)
    else:
        raise ENOENT
    if attr.sample_type & perf.SAMPLE_BRANCH_STACK or attr.has(perf.AUX_OUTPUT):
        raise EOPNOTSUPP


def _take_slot(t: Thread, context: Context) -> None:
    """Raise ``ENOSPC`` without a free breakpoint, ``EOPNOTSUPP`` for those of the whole CPU."""
    if context.thread is None:
        raise EOPNOTSUPP
    taken = sum(1 for counter in context.counters if counter.attr.type == perf.TYPE_BREAKPOINT)
    if taken >= SLOTS or not t.kernel.perf.system.sources.breakpoints.available:
        raise ENOSPC


def _check_group(attr: PerfAttr, leader: Counter, context: Context, cpu: int) -> None:
    """Raise ``EINVAL`` for a group that cannot be."""
    clocks = (attr.flags ^ leader.attr.flags) & perf.USE_CLOCKID
    if clocks or (attr.has(perf.USE_CLOCKID) and attr.clockid != leader.attr.clockid):
        raise EINVAL
    if leader.leader is not leader or leader.gone or leader.context is not context:
        raise EINVAL
    if leader.per_cpu != (cpu != -1):
        raise EINVAL
    if attr.has(perf.EXCLUSIVE) or attr.has(perf.PINNED):
        raise EINVAL
