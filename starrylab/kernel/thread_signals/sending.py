"""Sending: whose queue, whom to wake, and what happens at once (kill(2), signal(7)).

Where the standards leave room, this follows ``complete_signal()``, ``prepare_signal()`` and
``do_notify_parent()`` of Linux's kernel/signal.c.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Final

from ...abi import signal as sig
from ...abi.capability import CAP_KILL
from ...abi.errno import EAGAIN, EPERM
from ...abi.landlock import LANDLOCK_SCOPE_SIGNAL
from ...abi.resource import RLIMIT_SIGPENDING
from ...abi.signal import (
    SA_NOCLDSTOP,
    SA_NOCLDWAIT,
    SIG_DFL,
    SIG_IGN,
    SIGCHLD,
    SIGCONT,
    SIGKILL,
    SIGRTMIN,
    SIGSTOP,
)
from ..core.attention import ATTENTION_SIGNAL
from ..signal.actions import DEFAULT
from ..signal.info import CLOCK_TICK_NS, SignalInfo
from ..signal.sets import CORE, STOPPING, SignalSet, bit

if TYPE_CHECKING:
    from ..signal.pending import PendingSignals
    from ..task.process import Process, ProcessGroup
    from ..thread import Thread


#: Signals that act when they are sent, not only when they are delivered.
_AT_ONCE: Final = STOPPING | bit(SIGCONT) | bit(SIGKILL)


def send_process_signal(process: Process, info: SignalInfo, *, forced: bool = False) -> None:
    """Send a signal to a process: any one of its threads may take it.

    ``forced`` signals reach the init process as well.  Raises ``EAGAIN`` when a real-time
    signal with data finds RLIMIT_SIGPENDING exhausted.
    """
    leader = process.leader
    mask = 1 << info.signo - 1
    if mask & _AT_ONCE and _act_at_once(process, info.signo, forced=forced):
        return
    state = leader.signals
    signals = process.signals
    if mask & signals.actions.ignored and not mask & state.mask and leader.tracee is None:
        return
    if not process.threads:
        return
    if process.nested:
        info = _seen_by(process, info)
    if info.signo >= SIGRTMIN and not _has_room(process, signals.pending, info):
        return
    if not signals.pending.add(info):
        return
    signals.arrived.wake()
    if not mask & (state.mask | state.waited) and not leader.exited:
        _notify(leader, mask)
        return
    for thread in process.threads.values():
        if mask & thread.signals.waited:
            thread.waker.wake()
            return
        if not mask & thread.signals.mask:
            _notify(thread, mask)
            return


def send_signal(thread: Thread, info: SignalInfo, *, forced: bool = False) -> None:
    """Send a signal to one thread; ``forced`` and errors as in `send_process_signal`."""
    process, state = thread.process, thread.signals
    mask = 1 << info.signo - 1
    if mask & _AT_ONCE and _act_at_once(process, info.signo, forced=forced):
        return
    signals = process.signals
    if thread.exited:
        return
    if mask & signals.actions.ignored and not mask & state.mask and thread.tracee is None:
        return
    if process.nested:
        info = _seen_by(process, info)
    if info.signo >= SIGRTMIN and not _has_room(process, state.pending, info):
        return
    if not state.pending.add(info):
        return
    signals.arrived.wake()
    if mask & state.waited:
        thread.waker.wake()
    elif not mask & state.mask:
        _notify(thread, mask)


def send_group_signal(group: ProcessGroup, info: SignalInfo) -> None:
    """Send a signal to every process of a group (the terminal's signals, SIGHUP)."""
    for process in group.processes():
        send_process_signal(process, info)


def force_fault(thread: Thread, signo: int, code: int, addr: int = 0) -> None:
    """Send the signal of an exception; see `force_signal`."""
    force_signal(thread, SignalInfo(signo, code, addr=addr))


def force_signal(thread: Thread, info: SignalInfo) -> None:
    """Send a signal that cannot be blocked or ignored.

    A thread that tries is given the default action, for what it was about to do cannot go on.
    """
    signo = info.signo
    state, signals = thread.signals, thread.process.signals
    mask = 1 << signo - 1
    handler = signals.actions[signo].handler
    if mask & state.mask or handler == SIG_IGN:
        signals.actions[signo] = DEFAULT
        state.mask &= ~mask
        handler = SIG_DFL
    if handler == SIG_DFL:
        signals.killable = True
    state.waited &= ~mask
    state.pending.discard(mask)  # the fault that happens now is the one to tell about
    state.pending.add(info)
    signals.arrived.wake()
    thread.attend(ATTENTION_SIGNAL)


def may_signal(sender: Thread, target: Process, signo: int) -> bool:
    """Tell whether kill(2) is allowed: same user, CAP_KILL, or SIGCONT within the session."""
    if sender.process is target:
        return True
    mine, other = sender.cred, target.leader.cred
    if mine.landlock is not None and mine.landlock.cuts_off(other.landlock, LANDLOCK_SCOPE_SIGNAL):
        return False
    users = (other.uid, other.suid)
    if mine.uid in users or mine.euid in users or mine.capable_in(other.user_ns, CAP_KILL):
        return True
    return signo == SIGCONT and sender.process.session is target.session


def require_may_signal(sender: Thread, target: Process, signo: int) -> None:
    """Raise ``EPERM`` unless `may_signal`."""
    if not may_signal(sender, target, signo):
        raise EPERM


def notify_parent(process: Process, code: int) -> None:
    """Tell the parent that a child ended (any CLD_ code of an end), stopped or continued.

    Sends its signal with the siginfo of sigaction(2), wakes wait4(2), and reaps the child at
    once if the parent does not want to know (SIGCHLD ignored, SA_NOCLDWAIT).
    """
    parent = process.parent
    if parent is None:
        return
    ended = code not in (sig.CLD_STOPPED, sig.CLD_CONTINUED)
    signo = process.exit_signal if ended else SIGCHLD
    action = parent.signals.actions[SIGCHLD]
    ignored = action.handler == SIG_IGN
    reap_now = False
    if ended and signo == SIGCHLD:
        reap_now = ignored or bool(action.flags & SA_NOCLDWAIT)
        if ignored:
            signo = 0
    elif not ended and (ignored or action.flags & SA_NOCLDSTOP):
        signo = 0
    if signo and not _discarded(parent, signo):
        send_process_signal(parent, _child_info(process, signo, code))
    if reap_now:
        from ..task.exit import reap  # task.exit imports this package

        reap(process.leader.kernel, process)
    parent.children_changed.wake()


def unkillable(process: Process) -> bool:
    """Tell whether only handlers count: an init process (kill(2), "Notes")."""
    if process.signals.killable:
        return False
    ns = process.pid_ns
    return process is process.leader.kernel.init or (ns is not None and ns.reaper is process)


def from_above(sender: Thread, process: Process) -> bool:
    """Tell whether a pid namespace's init cannot refuse: the sender is not in its namespace."""
    ns = process.pid_ns
    if ns is None:
        return False
    other = sender.process.pid_ns
    return other is None or not other.is_below(ns)


def _seen_by(process: Process, info: SignalInfo) -> SignalInfo:
    """Return a signal with the sender's numbers as ``process`` knows them."""
    if info.raw is not None or not info.has_sender:
        return info
    seen = copy(info)
    seen.pid = process.shown(info.pid)
    seen.uid = process.leader.cred.shown_uid(info.uid)
    return seen


def _notify(thread: Thread, mask: SignalSet) -> None:
    """Make a thread look up; a signal that is certain to kill need not wait for that."""
    process = thread.process
    actions = process.signals.actions
    if mask & actions.caught:
        if thread.executor.current is thread:
            thread.attention |= ATTENTION_SIGNAL  # it looks up when its call ends
        else:
            thread.attend(ATTENTION_SIGNAL)
        return
    if (
        mask & (actions.ignored | CORE | STOPPING)
        or process.stopped
        or unkillable(process)
        # A tracer wants to see the signal, and may drop it.
        or thread.kernel.tracer is not None
        or thread.tracee is not None
    ):
        thread.attend(ATTENTION_SIGNAL)
        return
    # Even a sleep that no handler may interrupt ends now.
    info = thread.signals.dequeue_any_of(mask)
    if info is not None and thread.kernel.events.signal is not None:
        thread.kernel.events.signal(thread, info)
    process.exit_group(mask.bit_length())


def _act_at_once(process: Process, signo: int, *, forced: bool) -> bool:
    """Do what a signal does when sent; return True if nothing is left to queue."""
    if signo == SIGKILL:
        if forced or not unkillable(process):
            process.stopped = False
            process.exit_group(SIGKILL)
        return True
    if signo == SIGCONT:
        _discard_everywhere(process, STOPPING)
        if process.stopped:
            _resume(process)
        return False
    if signo == SIGSTOP and not forced and unkillable(process):
        return True
    _discard_everywhere(process, bit(SIGCONT))
    return False


def _discard_everywhere(process: Process, signals: SignalSet) -> None:
    process.signals.pending.discard(signals)
    for thread in process.threads.values():
        thread.signals.pending.discard(signals)


def _resume(process: Process) -> None:
    process.stopped = False
    process.stop_report = None
    process.continue_report = True
    for thread in list(process.threads.values()):
        thread.resume_from_stop()
    notify_parent(process, sig.CLD_CONTINUED)


def _has_room(process: Process, queue: PendingSignals, info: SignalInfo) -> bool:
    """Tell whether the user may queue one more real-time signal (RLIMIT_SIGPENDING).

    Raises ``EAGAIN`` if the sender is to know; a signal of kill(2) or of the kernel, which
    has no data to lose, is merged with one that is pending already.
    """
    if info.code == sig.SI_TIMER and info.raw is None:
        return True  # its place was taken when the timer was made
    limit = process.limits.soft(RLIMIT_SIGPENDING)
    kernel, uid = process.leader.kernel, process.uid
    total = 0
    for other in kernel.processes.values():
        if other.uid == uid:
            total += other.signals.pending.queued
            for thread in other.threads.values():
                total += thread.signals.pending.queued
    if total < limit:
        return True
    if info.raw is not None or info.code == sig.SI_TKILL:
        raise EAGAIN
    return not queue.set & bit(info.signo)


def _discarded(process: Process, signo: int) -> bool:
    """Tell whether sending ``signo`` would do nothing: ignored, seen by nobody, no act of its own.

    SIGCHLD is so for most parents, and a look here is cheaper than a `SignalInfo`.
    """
    mask = 1 << signo - 1
    if mask & _AT_ONCE or not mask & process.signals.actions.ignored:
        return False
    leader = process.leader
    return not mask & leader.signals.mask and leader.tracee is None


def _child_info(process: Process, signo: int, code: int) -> SignalInfo:
    status = process.exit_status or 0
    if code == sig.CLD_STOPPED:
        shown = (process.stop_report or 0) >> 8
    elif code == sig.CLD_CONTINUED:
        shown = SIGCONT
    elif status & 0x7F:
        code = sig.CLD_DUMPED if status & 0x80 else sig.CLD_KILLED
        shown = status & 0x7F
    else:
        code = sig.CLD_EXITED
        shown = status >> 8 & 0xFF
    usage = process.total_usage()
    return SignalInfo(
        signo,
        code,
        process.pid,
        process.uid,
        status=shown,
        utime=usage.utime_ns // CLOCK_TICK_NS,
        stime=usage.stime_ns // CLOCK_TICK_NS,
    )
