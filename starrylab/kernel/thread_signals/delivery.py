"""Delivering: default actions, handlers, the way back (signal(7), sigreturn(2))."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from ...abi import signal as sig
from ...abi.arch import ARCHES, BadRegisters
from ...abi.errno import EFAULT, LinuxError
from ...abi.signal import (
    SA_NODEFER,
    SA_RESETHAND,
    SA_RESTART,
    SIG_DFL,
    SIG_IGN,
    SIGSEGV,
    SS_AUTODISARM,
)
from ..core.attention import ATTENTION_SIGNAL, ATTENTION_TRACE
from ..signal.actions import DEFAULT, SignalAction
from ..signal.deaths import DeathReport
from ..signal.frame import pop_frame, push_frame, register_words
from ..signal.info import SignalInfo
from ..signal.sets import CORE, IGNORED, STOPPING, UNBLOCKABLE, SignalSet
from ..signal.stack import NO_STACK, SignalStack, changed
from .job_control import stop
from .sending import force_fault, unkillable

if TYPE_CHECKING:
    from ..mm.space import MapEntry
    from ..syscalls import Entry
    from ..thread import Thread


class Delivery:
    """A signal that was taken out of its queue because its handler is to run."""

    __slots__ = ("action", "info")

    def __init__(self, info: SignalInfo, action: SignalAction) -> None:
        self.info = info
        self.action = action


def choose(thread: Thread) -> Delivery | None:
    """Take signals until one has a handler; do the default actions of the others.

    After a return of ``None`` the thread's attention bits tell whether it has to end or to
    stop.  With a `Delivery`, `push` must follow.
    """
    signals = thread.signals
    actions = signals.process.actions
    on_signal, tracer = thread.kernel.events.signal, thread.kernel.tracer
    tracee = thread.tracee
    while True:
        info = None if tracee is None else tracee.take_passed()
        if info is None:
            info = signals.dequeue_any_of(~(signals.mask | signals.waited))
        if info is None:
            return None
        if tracee is not None and tracee.before_delivery(info):
            return None  # it stops; the others wait with it
        if tracer is not None:
            chosen = tracer.signal(thread, info)
            if chosen is None:
                if thread.attention & ATTENTION_TRACE:
                    thread.attention |= ATTENTION_SIGNAL  # it stops; the others wait with it
                    return None
                continue
            info = chosen
        if on_signal is not None:
            on_signal(thread, info)
        signo = info.signo
        action = actions[signo]
        handler = action.handler
        if handler == SIG_IGN:
            continue
        if handler != SIG_DFL:
            if action.flags & SA_RESETHAND:
                actions[signo] = DEFAULT
            return Delivery(info, action)
        if _default_action(thread, info):
            # Whatever else is pending waits until the thread goes on, if it does.
            thread.attention |= ATTENTION_SIGNAL
            return None


def push(thread: Thread, delivery: Delivery, interrupted: tuple[Entry, int] | None) -> None:
    """Make the handler run next.

    ``interrupted`` is the call that ended with EINTR for it, and its first argument: the
    call begins again after the handler if both the call and SA_RESTART say so.
    """
    thread.kernel.interrupted(thread)
    if (chosen := thread.kernel.handlers) is not None:
        chosen.push(thread, delivery, interrupted)
        return
    info, action = delivery.info, delivery.action
    signals, context, mm = thread.signals, thread.context, thread.mm
    if interrupted is not None and action.flags & SA_RESTART:
        entry, first_argument = interrupted
        if entry.restart.name == "SA_RESTART":
            context.restart_syscall(first_argument)
    saved = signals.saved_mask
    mask = signals.mask if saved is None else saved
    stack = signals.altstack
    layout = ARCHES[thread.kernel.arch]
    try:
        push_frame(context, mm, layout, info, action, stack, mask, mm.trampoline)
    except EFAULT:
        no_frame(thread, info.signo)
        return
    signals.saved_mask = None
    if stack.flags & SS_AUTODISARM:
        signals.altstack = NO_STACK
    blocked = action.mask
    if not action.flags & SA_NODEFER:
        blocked |= 1 << info.signo - 1
    old = signals.mask
    signals.mask = new = old | blocked  # the action's mask has neither SIGKILL nor SIGSTOP
    pending = signals.process.pending.set
    if pending & new & ~old and len(thread.process.threads) > 1:
        retarget(thread, pending & new & ~old)
    if (signals.pending.set | pending) & ~new:
        thread.attention |= ATTENTION_SIGNAL


def no_frame(thread: Thread, signo: int) -> None:
    """Send SIGSEGV for a frame of ``signo`` that the stack cannot take: fatal for SIGSEGV's own."""
    if signo == SIGSEGV:
        thread.signals.process.actions[SIGSEGV] = DEFAULT
    force_fault(thread, SIGSEGV, sig.SI_KERNEL)


def deliver(thread: Thread) -> bool:
    """Deliver everything that is due between two user instructions.

    Returns whether the thread may go on in user mode: nothing is left that asks for its
    attention.
    """
    while thread.attention & ATTENTION_SIGNAL:
        thread.attention &= ~ATTENTION_SIGNAL
        delivery = choose(thread)
        if delivery is None:
            break
        push(thread, delivery, None)
    return not thread.attention


def sigreturn(thread: Thread) -> int:
    """End a handler: restore what its frame says; return the restored result register."""
    if (chosen := thread.kernel.handlers) is not None:
        return chosen.sigreturn(thread)
    signals, context = thread.signals, thread.context
    layout = ARCHES[thread.kernel.arch]
    try:
        mask, stack, result = pop_frame(context, thread.mm, layout)
    except (EFAULT, BadRegisters):
        force_fault(thread, SIGSEGV, sig.SI_KERNEL)
        return context.arguments()[0]
    signals.mask = mask & ~UNBLOCKABLE
    if (signals.pending.set | signals.process.pending.set) & ~mask:
        thread.attention |= ATTENTION_SIGNAL
    if stack != signals.altstack:
        # As in Linux: a handler may have spoilt only this part of its frame.
        with contextlib.suppress(LinuxError):
            wanted, minimum = SignalStack(*stack), layout.min_signal_stack
            signals.altstack = changed(signals.altstack, wanted, context.sp, minimum)
    return result


def set_mask(thread: Thread, mask: SignalSet) -> None:
    """Change the thread's mask; hand over or look up what that makes necessary."""
    signals = thread.signals
    old = signals.mask
    signals.mask = new = mask & ~UNBLOCKABLE
    shared = signals.process.pending.set
    if shared & new & ~old and len(thread.process.threads) > 1:
        retarget(thread, shared & new & ~old)
    if (signals.pending.set | shared) & ~new:
        thread.attention |= ATTENTION_SIGNAL


def use_temporary_mask(thread: Thread, mask: SignalSet) -> None:
    """Begin a wait with another mask; see `ThreadSignals.set_temporary_mask`."""
    if thread.signals.set_temporary_mask(mask):
        thread.attention |= ATTENTION_SIGNAL


def retarget(thread: Thread, signals: SignalSet) -> None:
    """Offer shared pending signals to other threads: ``thread`` no longer takes them."""
    left = signals
    for other in thread.process.threads.values():
        if other is thread or other.exited:
            continue
        taken = left & ~other.signals.mask
        if taken:
            other.attend(ATTENTION_SIGNAL)
            left &= ~taken
            if not left:
                return


def _default_action(thread: Thread, info: SignalInfo) -> bool:
    """Do the default action; return True if the thread must look at its attention bits."""
    process, mask = thread.process, 1 << info.signo - 1
    if mask & IGNORED:
        return False
    if mask & STOPPING:
        return stop(process, info.signo)
    if unkillable(process):
        return False
    if mask & CORE:
        _report_death(thread, info)
    process.exit_group(info.signo)
    return True


def _report_death(thread: Thread, info: SignalInfo) -> None:
    """Tell whoever listens, and the kernel log, where a program died."""
    context = thread.context
    pc = context.pc
    fault = info.code > sig.SI_USER
    area = next((area for area in thread.mm.maps() if area.start <= pc < area.end), None)
    report = DeathReport(
        pid=thread.process.pid,
        tid=thread.tid,
        comm=thread.comm.decode(errors="replace"),
        signo=info.signo,
        code=info.code,
        addr=info.addr,
        sender=0 if fault else info.pid,
        pc=pc,
        registers=register_words(ARCHES[thread.kernel.arch], context.general()),
        floating=context.floating(),
        area="" if area is None else _line(area),
    )
    if fault:
        thread.kernel.log(str(report))
    if thread.kernel.events.death is not None:
        thread.kernel.events.death(report)


def _line(area: MapEntry) -> str:
    """Return the line of proc_pid_maps(5), without what only a debugger asks for."""
    rights = "".join(
        letter if area.prot & right else "-" for right, letter in ((1, "r"), (2, "w"), (4, "x"))
    )
    name = area.name if area.place is None else area.place.path()
    text = f"{area.start:x}-{area.end:x} {rights}{'s' if area.shared else 'p'} {area.offset:08x}"
    return f"{text} {name.decode(errors='replace')}".rstrip()
