"""prctl(2) and personality(2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ...abi import prctl as pr
from ...abi.capability import CAP_LAST_CAP, CAP_SETPCAP
from ...abi.errno import EINVAL, EPERM
from ...abi.seccomp import SECCOMP_MODE_FILTER, SECCOMP_MODE_STRICT
from ..task.cred import SECBIT_KEEP_CAPS
from ._declare import syscall
from ._dispatching import set_user_dispatch
from ._shown import PrctlOption
from ._types import UInt, ULong
from .seccomp import set_filter, set_strict

if TYPE_CHECKING:
    from ..thread import Thread

_COMM_SIZE: Final = 16
_ADDR_NO_RANDOMIZE: Final = 0x40000
_PERSONALITY_QUERY: Final = 0xFFFF_FFFF
_NSIG: Final = 64

Option = Callable[["Thread", int, int, int, int], int]


def _set_name(t: Thread, addr: int, *_: int) -> int:
    t.comm = t.mm.read_partial(addr, _COMM_SIZE - 1).split(b"\0", 1)[0]
    if t.process.leader is t:
        t.process.comm = t.comm
    t.kernel.perf.renamed(t)
    return 0


def _get_name(t: Thread, addr: int, *_: int) -> int:
    t.mm.write(addr, t.comm.ljust(_COMM_SIZE, b"\0"))
    return 0


def _set_death_signal(t: Thread, signo: int, *_: int) -> int:
    if signo > _NSIG:
        raise EINVAL
    t.process.death_signal = signo
    return 0


def _get_death_signal(t: Thread, addr: int, *_: int) -> int:
    t.mm.write_u32(addr, t.process.death_signal)
    return 0


def _set_dumpable(t: Thread, value: int, *_: int) -> int:
    if value not in (0, 1):
        raise EINVAL
    t.process.dumpable = value
    return 0


def _set_no_new_privs(t: Thread, value: int, *rest: int) -> int:
    if value != 1 or any(rest):
        raise EINVAL
    t.cred = replace(t.cred, no_new_privs=True)
    return 0


def _set_keep_caps(t: Thread, value: int, *_: int) -> int:
    if value not in (0, 1):
        raise EINVAL
    bits = t.cred.securebits & ~SECBIT_KEEP_CAPS
    t.cred = replace(t.cred, securebits=bits | (SECBIT_KEEP_CAPS if value else 0))
    return 0


def _read_bounding(t: Thread, cap: int, *_: int) -> int:
    if cap > CAP_LAST_CAP:
        raise EINVAL
    return t.cred.bounding >> cap & 1


def _drop_bounding(t: Thread, cap: int, *_: int) -> int:
    t.cred.require_in(t.cred.user_ns, CAP_SETPCAP)
    if cap > CAP_LAST_CAP:
        raise EINVAL
    t.cred = replace(t.cred, bounding=t.cred.bounding & ~(1 << cap))
    return 0


def _ambient(t: Thread, action: int, cap: int, *rest: int) -> int:
    cred = t.cred
    if any(rest) or cap > CAP_LAST_CAP:
        raise EINVAL
    bit = 1 << cap
    if action == pr.PR_CAP_AMBIENT_CLEAR_ALL and not cap:
        t.cred = replace(cred, ambient=0)
    elif action == pr.PR_CAP_AMBIENT_IS_SET:
        return int(bool(cred.ambient & bit))
    elif action == pr.PR_CAP_AMBIENT_RAISE:
        if not cred.permitted & cred.inheritable & bit:
            raise EPERM
        t.cred = replace(cred, ambient=cred.ambient | bit)
    elif action == pr.PR_CAP_AMBIENT_LOWER:
        t.cred = replace(cred, ambient=cred.ambient & ~bit)
    else:
        raise EINVAL
    return 0


def _set_securebits(t: Thread, bits: int, *_: int) -> int:
    t.cred.require_in(t.cred.user_ns, CAP_SETPCAP)
    if bits & ~0xFF:
        raise EINVAL
    t.cred = replace(t.cred, securebits=bits)
    return 0


def _set_subreaper(t: Thread, value: int, *_: int) -> int:
    t.process.subreaper = bool(value)
    return 0


def _get_subreaper(t: Thread, addr: int, *_: int) -> int:
    t.mm.write_u32(addr, int(t.process.subreaper))
    return 0


def _set_timer_slack(t: Thread, ns: int, *_: int) -> int:
    t.timer_slack_ns = ns or 50_000
    return 0


def _get_tid_address(t: Thread, addr: int, *_: int) -> int:
    t.mm.write_u64(addr, t.clear_child_tid)
    return 0


def _set_seccomp(t: Thread, mode: int, program: int, *_: int) -> int:
    if mode == SECCOMP_MODE_STRICT:
        set_strict(t)
        return 0
    if mode != SECCOMP_MODE_FILTER:
        raise EINVAL
    return set_filter(t, 0, program)


def _switch_perf_events(t: Thread, *, on: bool) -> int:
    t.kernel.perf.switch_owned(t, on=on)
    return 0


_OPTIONS: Final[dict[int, Option]] = {
    pr.PR_SET_NAME: _set_name,
    pr.PR_GET_NAME: _get_name,
    pr.PR_SET_PDEATHSIG: _set_death_signal,
    pr.PR_GET_PDEATHSIG: _get_death_signal,
    pr.PR_SET_DUMPABLE: _set_dumpable,
    pr.PR_GET_DUMPABLE: lambda t, *_: t.process.dumpable,
    pr.PR_SET_NO_NEW_PRIVS: _set_no_new_privs,
    pr.PR_GET_NO_NEW_PRIVS: lambda t, *_: int(t.cred.no_new_privs),
    pr.PR_SET_KEEPCAPS: _set_keep_caps,
    pr.PR_GET_KEEPCAPS: lambda t, *_: int(bool(t.cred.securebits & SECBIT_KEEP_CAPS)),
    pr.PR_CAPBSET_READ: _read_bounding,
    pr.PR_CAPBSET_DROP: _drop_bounding,
    pr.PR_CAP_AMBIENT: _ambient,
    pr.PR_SET_SECUREBITS: _set_securebits,
    pr.PR_GET_SECUREBITS: lambda t, *_: t.cred.securebits,
    pr.PR_SET_CHILD_SUBREAPER: _set_subreaper,
    pr.PR_GET_CHILD_SUBREAPER: _get_subreaper,
    pr.PR_SET_TIMERSLACK: _set_timer_slack,
    pr.PR_GET_TIMERSLACK: lambda t, *_: t.timer_slack_ns,
    pr.PR_GET_TID_ADDRESS: _get_tid_address,
    pr.PR_GET_SECCOMP: lambda t, *_: 0 if t.seccomp is None else t.seccomp.mode,
    pr.PR_SET_SECCOMP: _set_seccomp,
    pr.PR_SET_SYSCALL_USER_DISPATCH: set_user_dispatch,
    pr.PR_TASK_PERF_EVENTS_DISABLE: lambda t, *_: _switch_perf_events(t, on=False),
    pr.PR_TASK_PERF_EVENTS_ENABLE: lambda t, *_: _switch_perf_events(t, on=True),
}


@syscall(partial="no PR_SET_MM, PR_SET_VMA, PR_SET_MDWE, PR_SCHED_CORE, huge pages, machine checks")
def prctl(t: Thread, option: PrctlOption, a2: ULong, a3: ULong, a4: ULong, a5: ULong) -> int:
    """prctl(2)."""
    serve = _OPTIONS.get(option)
    if serve is None:
        raise EINVAL
    return serve(t, a2, a3, a4, a5)


@syscall(partial="only PER_LINUX; of the flags ADDR_NO_RANDOMIZE, as addresses never are random")
def personality(t: Thread, persona: UInt) -> int:
    """personality(2)."""
    old = t.process.persona
    if persona != _PERSONALITY_QUERY:
        if persona & ~_ADDR_NO_RANDOMIZE:
            raise EINVAL
        t.process.persona = persona
    return old
