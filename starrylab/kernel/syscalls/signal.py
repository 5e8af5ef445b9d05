"""Signals: actions, masks, waiting, sending (signal(7), sigaction(2), kill(2), sigaltstack(2))."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Final

from ...abi import layouts
from ...abi import signal as sig
from ...abi.arch import ARCHES
from ...abi.errno import EAGAIN, EINTR, EINVAL, EPERM, ESRCH
from ...abi.time import TIMESPEC
from ..core.sched import park
from ..signal.actions import SignalAction
from ..signal.info import SIGINFO_SIZE, SignalInfo
from ..signal.sets import NSIG, UNBLOCKABLE
from ..signal.stack import SignalStack, changed
from ..thread_signals import (
    from_above,
    may_signal,
    require_may_signal,
    send_process_signal,
    send_signal,
    set_mask,
    sigreturn,
    use_temporary_mask,
)
from . import _shown as shown
from ._declare import syscall
from ._pidfds import process_named
from ._targets import find_process, find_thread
from ._types import FdNum, Int, Size, UInt

if TYPE_CHECKING:
    from ..task.process import Process
    from ..thread import Thread

_SIGSET_SIZE: Final = 8  #: bytes, sizeof(sigset_t) inside the kernel
_KNOWN_FLAGS: Final = (
    sig.SA_NOCLDSTOP | sig.SA_NOCLDWAIT | sig.SA_SIGINFO | sig.SA_ONSTACK | sig.SA_RESTART
    | sig.SA_NODEFER | sig.SA_RESETHAND | sig.SA_EXPOSE_TAGBITS
)  # fmt: skip
SA_RESTORER: Final = 0x04000000  #: <asm/signal.h> of architectures that have the member

PIDFD_SIGNAL_THREAD: Final = 1  #: <linux/pidfd.h>
PIDFD_SIGNAL_THREAD_GROUP: Final = 2
PIDFD_SIGNAL_PROCESS_GROUP: Final = 4


def _check_size(size: int) -> None:
    if size != _SIGSET_SIZE:
        raise EINVAL


def _check_number(signo: int) -> None:
    """Accept 0, which asks only whether the target exists."""
    if not 0 <= signo <= NSIG:
        raise EINVAL


# -- actions and masks ------------------------------------------------------------------


@syscall()
def rt_sigaction(
    t: Thread,
    signum: shown.SignalNumber,
    act: shown.InAction,
    oldact: shown.OutAction,
    sigsetsize: Size,
) -> None:
    """rt_sigaction(2)."""
    _check_size(sigsetsize)
    restorer = ARCHES[t.kernel.arch].sigaction_restorer
    new = _read_action(t, act, restorer=restorer) if act else None
    if not 1 <= signum <= NSIG or (new is not None and UNBLOCKABLE >> signum - 1 & 1):
        raise EINVAL
    actions = t.process.signals.actions
    old = actions[signum]
    if new is not None:
        actions[signum] = new
        if actions.ignored >> signum - 1 & 1:
            _forget_pending(t.process, 1 << signum - 1)
    if oldact:
        if restorer:
            data = layouts.SIGACTION_RESTORER.pack(old.handler, old.flags, old.restorer, old.mask)
        else:
            data = layouts.SIGACTION.pack(old.handler, old.flags, old.mask)
        t.mm.write(oldact, data)


def _read_action(t: Thread, addr: int, *, restorer: bool) -> SignalAction:
    if restorer:
        handler, flags, back, mask = layouts.SIGACTION_RESTORER.unpack(t.mm.read(addr, 32))
    else:
        handler, flags, mask = layouts.SIGACTION.unpack(t.mm.read(addr, 24))
        back = 0
    known = _KNOWN_FLAGS | (SA_RESTORER if restorer else 0)
    # Unknown flags read back as clear, so that a program can tell what is supported.
    return SignalAction(handler, flags & known, mask & ~UNBLOCKABLE, back)


def _forget_pending(process: Process, signals: int) -> None:
    """Drop what is ignored from now on, as POSIX says for sigaction()."""
    process.signals.pending.discard(signals)
    for thread in process.threads.values():
        thread.signals.pending.discard(signals)


@syscall()
def rt_sigprocmask(
    t: Thread, how: shown.SignalHow, nset: shown.InSignals, oset: shown.OutSignals, sigsetsize: Size
) -> None:
    """rt_sigprocmask(2)."""
    if sigsetsize != _SIGSET_SIZE:
        raise EINVAL
    mm, signals = t.mm, t.signals
    old = signals.mask
    if nset:
        given = mm.read_u64(nset)
        if how == sig.SIG_BLOCK:
            new = old | given
        elif how == sig.SIG_UNBLOCK:
            new = old & ~given
        elif how == sig.SIG_SETMASK:
            new = given
        else:
            raise EINVAL
        if signals.pending.set or signals.process.pending.set:
            set_mask(t, new)
        else:  # nothing to deliver or hand over; a start of a thread comes here four times
            signals.mask = new & ~UNBLOCKABLE
    if oset:
        mm.write_u64(oset, old)


@syscall()
def rt_sigpending(t: Thread, uset: shown.OutSignals, sigsetsize: Size) -> None:
    """rt_sigpending(2)."""
    if sigsetsize > _SIGSET_SIZE:
        raise EINVAL
    pending = t.signals.pending_set() & t.signals.mask
    t.mm.write(uset, pending.to_bytes(8, "little")[:sigsetsize])


@syscall()
def sigaltstack(t: Thread, uss: shown.InStack, uoss: shown.OutStack) -> None:
    """sigaltstack(2)."""
    signals, sp = t.signals, t.context.sp
    old = signals.altstack
    if uss:
        base, flags, size = layouts.STACK_T.unpack(t.mm.read(uss, layouts.STACK_T.size))
        wanted = SignalStack(base, flags & 0xFFFFFFFF, size)
        signals.altstack = changed(old, wanted, sp, ARCHES[t.kernel.arch].min_signal_stack)
    if uoss:
        flags = old.reported_flags(sp)
        t.mm.write(uoss, layouts.STACK_T.pack(old.base, flags - ((flags & 1 << 31) << 1), old.size))


@syscall()
def rt_sigreturn(t: Thread) -> int:
    """rt_sigreturn(2): called by the trampoline at the end of a handler."""
    return sigreturn(t)


# -- waiting ------------------------------------------------------------------------------


@syscall()
async def rt_sigsuspend(t: Thread, unewset: shown.InSignals, sigsetsize: Size) -> None:
    """rt_sigsuspend(2); ends only when a handler runs."""
    _check_size(sigsetsize)
    use_temporary_mask(t, int.from_bytes(t.mm.read(unewset, 8), "little"))
    while True:
        await park()


@syscall()
def rt_sigtimedwait(
    t: Thread,
    uthese: shown.InSignals,
    uinfo: shown.OutSignalInfo,
    uts: shown.InTime,
    sigsetsize: Size,
) -> int | Coroutine[Any, Any, int]:
    """rt_sigtimedwait(2)."""
    _check_size(sigsetsize)
    wanted = int.from_bytes(t.mm.read(uthese, 8), "little") & ~UNBLOCKABLE
    timeout: int | None = None
    if uts:
        seconds, nanoseconds = TIMESPEC.unpack(t.mm.read(uts, 16))
        if seconds < 0 or not 0 <= nanoseconds < 1_000_000_000:
            raise EINVAL
        timeout = seconds * 1_000_000_000 + nanoseconds
    info = t.signals.dequeue_any_of(wanted)
    if info is not None:
        return _waited(t, info, uinfo)
    if timeout == 0:
        raise EAGAIN
    return _sigtimedwait(t, wanted, uinfo, timeout)


def _waited(t: Thread, info: SignalInfo, uinfo: int) -> int:
    if uinfo:
        t.mm.write(uinfo, info.encode())
    return info.signo


async def _sigtimedwait(t: Thread, wanted: int, uinfo: int, timeout: int | None) -> int:
    executor, signals = t.executor, t.signals
    deadline = None if timeout is None else executor.now + timeout
    timer = None if deadline is None else executor.call_at(deadline, t.waker.wake)
    signals.waited = wanted
    try:
        while True:
            info = signals.dequeue_any_of(wanted)
            if info is not None:
                return _waited(t, info, uinfo)
            if deadline is not None and executor.now >= deadline:
                raise EAGAIN
            await park()
    except EINTR:
        info = signals.dequeue_any_of(wanted)
        if info is None:
            raise
        return _waited(t, info, uinfo)
    finally:
        signals.waited = 0
        if timer is not None:
            timer.cancel()


# -- sending ------------------------------------------------------------------------------


@syscall()
def kill(t: Thread, pid: Int, signum: shown.SignalNumber) -> None:
    """kill(2)."""
    if not 0 <= signum <= NSIG:
        raise EINVAL
    process = t.process
    info = SignalInfo(signum, sig.SI_USER, process.pid, t.cred.uid)
    if pid == process.pid and signum and process.pid_ns is None:
        send_process_signal(process, info)
    elif pid > 0:
        _signal_process(t, find_process(t, pid), info)
    elif pid == -1:
        _signal_everybody(t, info)
    elif pid == -(1 << 31):
        raise ESRCH
    else:
        group = process.group if pid == 0 else t.kernel.groups.get(t.process.meant(-pid))
        if group is None:
            raise ESRCH
        _signal_all(t, group.processes(), info)


def _signal_process(t: Thread, target: Process, info: SignalInfo) -> None:
    if target is not t.process:
        require_may_signal(t, target, info.signo)
    if info.signo:
        send_process_signal(target, info, forced=from_above(t, target))


def _signal_everybody(t: Thread, info: SignalInfo) -> None:
    """All but init and the caller; as in Linux, lack of permission is no error here."""
    mine = t.process
    targets = [p for p in t.kernel.processes.values() if mine.shown(p.pid) > 1 and p is not mine]
    if not targets:
        raise ESRCH
    for target in targets:
        if info.signo and may_signal(t, target, info.signo):
            send_process_signal(target, info, forced=from_above(t, target))


def _signal_all(t: Thread, targets: list[Process], info: SignalInfo) -> None:
    """Signal a group: EPERM only if nobody may be signalled."""
    allowed = [target for target in targets if may_signal(t, target, info.signo)]
    if not allowed:
        raise EPERM if targets else ESRCH
    if info.signo:
        for target in allowed:
            send_process_signal(target, info, forced=from_above(t, target))


@syscall()
def tgkill(t: Thread, tgid: Int, tid: Int, signum: shown.SignalNumber) -> None:
    """tgkill(2)."""
    if tid <= 0 or tgid <= 0:
        raise EINVAL
    _signal_thread(t, tgid, tid, signum)


@syscall()
def tkill(t: Thread, tid: Int, signum: shown.SignalNumber) -> None:
    """tkill(2)."""
    if tid <= 0:
        raise EINVAL
    _signal_thread(t, 0, tid, signum)


def _signal_thread(t: Thread, tgid: int, tid: int, signum: int) -> None:
    _check_number(signum)
    info = SignalInfo(signum, sig.SI_TKILL, t.process.pid, t.cred.uid)
    target = find_thread(t, tgid, tid)
    if target is None:
        return
    require_may_signal(t, target.process, signum)
    if signum:
        send_signal(target, info, forced=from_above(t, target.process))


@syscall()
def rt_sigqueueinfo(
    t: Thread, tgid: Int, signum: shown.SignalNumber, uinfo: shown.InSignalInfo
) -> None:
    """rt_sigqueueinfo(2)."""
    info = _read_info(t, signum, uinfo)
    target = find_process(t, tgid)
    if info.code >= 0 or info.code == sig.SI_TKILL:
        _require_self(t, target)
    _signal_process(t, target, info)


@syscall()
def rt_tgsigqueueinfo(
    t: Thread, tgid: Int, tid: Int, signum: shown.SignalNumber, uinfo: shown.InSignalInfo
) -> None:
    """rt_tgsigqueueinfo(2)."""
    info = _read_info(t, signum, uinfo)
    if tid <= 0 or tgid <= 0:
        raise EINVAL
    target = find_thread(t, tgid, tid)
    if target is None:
        return
    if info.code >= 0 or info.code == sig.SI_TKILL:
        _require_self(t, target.process)
    require_may_signal(t, target.process, signum)
    if signum:
        send_signal(target, info, forced=from_above(t, target.process))


def _read_info(t: Thread, signum: int, addr: int) -> SignalInfo:
    data = t.mm.read(addr, SIGINFO_SIZE)
    _check_number(signum)
    return SignalInfo.decode(signum.to_bytes(4, "little") + data[4:])


def _require_self(t: Thread, target: Process) -> None:
    """Only to itself may a process pretend to be the kernel or kill(2)."""
    if target is not t.process:
        raise EPERM


@syscall()
def pidfd_send_signal(
    t: Thread, pidfd: FdNum, signum: shown.SignalNumber, uinfo: shown.InSignalInfo, flags: UInt
) -> None:
    """pidfd_send_signal(2)."""
    scope = flags & (PIDFD_SIGNAL_THREAD | PIDFD_SIGNAL_THREAD_GROUP | PIDFD_SIGNAL_PROCESS_GROUP)
    if flags != scope or scope & scope - 1:
        raise EINVAL
    target = process_named(t, t.file(pidfd))
    if uinfo:
        info = SignalInfo.decode(t.mm.read(uinfo, SIGINFO_SIZE))
        if info.signo != signum:
            raise EINVAL
        if info.code >= 0 or info.code == sig.SI_TKILL:
            _require_self(t, target)
    else:
        info = SignalInfo(signum, sig.SI_USER, t.process.pid, t.cred.uid)
    _check_number(signum)
    if scope == PIDFD_SIGNAL_PROCESS_GROUP:
        _signal_all(t, target.group.processes(), info)
        return
    _signal_process(t, target, info)
