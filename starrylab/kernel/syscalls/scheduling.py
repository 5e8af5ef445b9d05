"""Scheduling calls: sched_*, priorities (sched(7), getpriority(2))."""

from __future__ import annotations

import struct
from collections.abc import Coroutine, Iterable
from typing import TYPE_CHECKING, Final

from ...abi.capability import CAP_SYS_NICE
from ...abi.errno import E2BIG, EACCES, EINVAL, EOPNOTSUPP, EPERM, ESRCH
from ...abi.resource import PRIO_PGRP, PRIO_PROCESS, PRIO_USER, RLIMIT_NICE, RLIMIT_RTPRIO
from ...abi.sched import (
    SCHED_BATCH,
    SCHED_FIFO,
    SCHED_FLAG_ALL,
    SCHED_FLAG_KEEP_PARAMS,
    SCHED_FLAG_KEEP_POLICY,
    SCHED_FLAG_RESET_ON_FORK,
    SCHED_FLAG_UTIL_CLAMP,
    SCHED_IDLE,
    SCHED_NORMAL,
    SCHED_RESET_ON_FORK,
    SCHED_RR,
)
from ..core.sched import TICK_NS, yield_now
from ._declare import syscall
from ._shown import OutCpus, OutTime, Policy, PriorityWhich
from ._targets import thread_of
from ._types import Int, Ptr, UInt

if TYPE_CHECKING:
    from ..thread import Thread

_REALTIME: Final = (SCHED_FIFO, SCHED_RR)
_NORMAL: Final = (SCHED_NORMAL, SCHED_BATCH, SCHED_IDLE)
_TIMESPEC: Final = struct.Struct("<qq")
_SCHED_ATTR: Final = struct.Struct("<IIQiIQQQ")  #: SCHED_ATTR_SIZE_VER0


@syscall()
def sched_yield(t: Thread) -> int | Coroutine[object, object, int]:
    """sched_yield(2)."""
    return _yield() if t.executor.contended else 0


async def _yield() -> int:
    await yield_now()
    return 0


def _find(t: Thread, pid: int) -> Thread:
    if pid < 0:
        raise EINVAL
    return _find_any(t, pid)


def _find_any(t: Thread, pid: int) -> Thread:
    """Return a thread; a negative id is one that does not exist (kernel/sched/syscalls.c)."""
    target = thread_of(t, pid)
    if target is None:
        raise ESRCH
    return target


def _require_owner(t: Thread, target: Thread) -> None:
    if t.cred.euid not in (target.cred.euid, target.cred.uid):
        t.cred.require_in(target.cred.user_ns, CAP_SYS_NICE)


def _set_policy(
    t: Thread, target: Thread, policy: int, priority: int, nice: int | None, *, reset: bool
) -> None:
    resets = t.kernel.fork_resets
    if policy not in (*_REALTIME, *_NORMAL):
        raise EINVAL
    if (policy in _REALTIME) != (1 <= priority <= 99) or priority < 0:
        raise EINVAL
    _require_owner(t, target)
    if not t.cred.capable(CAP_SYS_NICE):
        limit = target.process.limits.soft(RLIMIT_RTPRIO)
        if policy in _REALTIME and priority > max(limit, t.kernel.futexes.own_priority(target)):
            raise EPERM
        if nice is not None and nice < target.nice and not _may_nice(t, target, nice):
            raise EPERM
        if target in resets and not reset:
            raise EPERM
    (resets.add if reset else resets.discard)(target)
    target.policy = policy
    t.kernel.futexes.set_own_priority(target, priority)
    if nice is not None:
        target.nice = max(-20, min(19, nice))


def _may_nice(t: Thread, target: Thread, nice: int) -> bool:
    return 20 - nice <= target.process.limits.soft(RLIMIT_NICE) or t.cred.capable(CAP_SYS_NICE)


@syscall(partial="SCHED_DEADLINE is refused")
def sched_setscheduler(t: Thread, pid: Int, policy: Policy, param: Ptr) -> None:
    """sched_setscheduler(2)."""
    if policy < 0 or not param:
        raise EINVAL
    priority = t.mm.read_i32(param)
    reset = bool(policy & SCHED_RESET_ON_FORK)
    _set_policy(t, _find(t, pid), policy & ~SCHED_RESET_ON_FORK, priority, None, reset=reset)


@syscall()
def sched_getscheduler(t: Thread, pid: Int) -> int:
    """sched_getscheduler(2)."""
    target = _find(t, pid)
    return target.policy | SCHED_RESET_ON_FORK * (target in t.kernel.fork_resets)


@syscall()
def sched_setparam(t: Thread, pid: Int, param: Ptr) -> None:
    """sched_setparam(2)."""
    if not param:
        raise EINVAL
    priority = t.mm.read_i32(param)
    target = _find(t, pid)
    reset = target in t.kernel.fork_resets
    _set_policy(t, target, target.policy, priority, None, reset=reset)


@syscall()
def sched_getparam(t: Thread, pid: Int, param: Ptr) -> None:
    """sched_getparam(2)."""
    if not param:
        raise EINVAL
    t.mm.write_u32(param, t.kernel.futexes.own_priority(_find(t, pid)))


@syscall(partial="SCHED_DEADLINE and utilization clamps are refused")
def sched_setattr(t: Thread, pid: Int, attr: Ptr, flags: UInt) -> None:
    """sched_setattr(2)."""
    if not attr or flags:
        raise EINVAL
    size = t.mm.read_u32(attr) or _SCHED_ATTR.size
    if size < _SCHED_ATTR.size:
        raise E2BIG
    raw = t.mm.read(attr, _SCHED_ATTR.size)
    _size, policy, behaviour, nice, priority, *_deadline = _SCHED_ATTR.unpack(raw)
    if policy >> 31:
        raise EINVAL
    target = _find(t, pid)
    reset = bool(behaviour & SCHED_FLAG_RESET_ON_FORK)
    if behaviour & SCHED_FLAG_KEEP_POLICY:
        policy, reset = target.policy, target in t.kernel.fork_resets
    if behaviour & SCHED_FLAG_KEEP_PARAMS:
        nice, priority = target.nice, t.kernel.futexes.own_priority(target)
    if behaviour & SCHED_FLAG_UTIL_CLAMP:
        raise EOPNOTSUPP  # as in Linux without CONFIG_UCLAMP_TASK
    if behaviour & ~SCHED_FLAG_ALL:
        raise EINVAL
    _set_policy(t, target, policy, priority, nice if policy in _NORMAL else None, reset=reset)


@syscall()
def sched_getattr(t: Thread, pid: Int, attr: Ptr, size: UInt, flags: UInt) -> None:
    """sched_getattr(2)."""
    if not attr or flags or size < _SCHED_ATTR.size or size > 4096:
        raise EINVAL
    target = _find(t, pid)
    nice = target.nice if target.policy in _NORMAL else 0
    own = t.kernel.futexes.own_priority(target)
    reset = SCHED_FLAG_RESET_ON_FORK * (target in t.kernel.fork_resets)
    data = _SCHED_ATTR.pack(_SCHED_ATTR.size, target.policy, reset, nice, own, 0, 0, 0)
    t.mm.write(attr, data)


@syscall()
def sched_get_priority_max(t: Thread, policy: Policy) -> int:
    """sched_get_priority_max(2)."""
    if policy in _REALTIME:
        return 99
    if policy in _NORMAL:
        return 0
    raise EINVAL


@syscall()
def sched_get_priority_min(t: Thread, policy: Policy) -> int:
    """sched_get_priority_min(2)."""
    if policy in _REALTIME:
        return 1
    if policy in _NORMAL:
        return 0
    raise EINVAL


@syscall()
def sched_rr_get_interval(t: Thread, pid: Int, interval: OutTime) -> None:
    """sched_rr_get_interval(2)."""
    target = _find(t, pid)
    ns = 0 if target.policy == SCHED_FIFO else target.slice_ticks() * TICK_NS
    t.mm.write(interval, _TIMESPEC.pack(ns // 10**9, ns % 10**9))


@syscall()
def sched_setaffinity(t: Thread, pid: Int, size: UInt, mask: Ptr) -> None:
    """sched_setaffinity(2): there is one CPU, number 0."""
    wanted = t.mm.read(mask, min(size, 128))
    target = _find_any(t, pid)
    _require_owner(t, target)
    if not wanted or not wanted[0] & 1:
        raise EINVAL


@syscall()
def sched_getaffinity(t: Thread, pid: Int, size: UInt, mask: OutCpus) -> int:
    """sched_getaffinity(2): the raw call returns the number of bytes it wrote."""
    if size < 8 or size & 7:
        raise EINVAL
    _find_any(t, pid)
    t.mm.write(mask, (1).to_bytes(8, "little"))
    return 8


@syscall()
def getpriority(t: Thread, which: PriorityWhich, who: Int) -> int:
    """getpriority(2): the raw call returns 20 - nice."""
    found = [20 - target.nice for target in targets(t, which, who)]
    if not found:
        raise ESRCH
    return max(found)


@syscall()
def setpriority(t: Thread, which: PriorityWhich, who: Int, priority: Int) -> None:
    """setpriority(2)."""
    nice = max(-20, min(19, priority))
    error: type[Exception] | None = ESRCH
    for target in targets(t, which, who):
        if t.cred.euid not in (target.cred.uid, target.cred.euid) and not t.cred.capable_in(
            target.cred.user_ns, CAP_SYS_NICE
        ):
            error = EPERM
        elif nice < target.nice and not _may_nice(t, target, nice):
            error = EACCES
        else:
            target.nice = nice
            if error is ESRCH:
                error = None
    if error is not None:
        raise error


def targets(t: Thread, which: int, who: int) -> Iterable[Thread]:
    """Return whom a priority call is about; raise ``EINVAL`` for an unknown ``which``."""
    if which == PRIO_PROCESS:
        target = thread_of(t, who)
        return [] if target is None else [target]
    if which == PRIO_PGRP:
        group = t.kernel.groups.get(t.process.meant(who)) if who else t.process.group
        processes = [] if group is None else group.processes()
        return [thread for process in processes for thread in process.threads.values()]
    if which == PRIO_USER:
        uid = t.cred.meant_uid(who) if who else t.cred.uid
        return [thread for thread in t.kernel.threads.values() if thread.cred.uid == uid]
    raise EINVAL
