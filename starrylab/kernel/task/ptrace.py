"""Threads that trace other threads (ptrace(2)).

A traced thread has a `Tracee`.  It stops where Linux lets it stop: before a signal is delivered,
before and after a system call, at events, at a job-control stop, and when it is interrupted.
Then it is in state "t" until its tracer lets it go on.  Nobody else pays: the table of system
calls has wrappers (`Follower`) only while somebody traces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi import ptrace as pt
from ...abi import signal as sig
from ...abi.capability import CAP_SYS_PTRACE
from ...abi.errno import EPERM, ESRCH
from ...abi.sched import CLONE_UNTRACED, CLONE_VFORK
from ..core.attention import (
    ATTENTION_EXIT,
    ATTENTION_SIGNAL,
    ATTENTION_STOP,
    ATTENTION_TRACE,
)
from ..core.sched import State
from ..signal.info import SignalInfo
from ..thread_signals import send_process_signal, send_signal

if TYPE_CHECKING:
    from ...machine.api import SyscallRegisters
    from ..thread import Thread

_EXECS: Final = ("execve", "execveat")
_EXITS: Final = ("exit", "exit_group")


class Tracee:
    """What is known of one traced thread, and how it stops and goes on."""

    def __init__(self, thread: Thread, tracer: Thread, options: int, *, seized: bool) -> None:
        self.thread = thread
        self.tracer = tracer
        self.options = options
        self.seized = seized
        self.follows_calls = False  #: goes on to the next system call (PTRACE_SYSCALL)
        self.status: int | None = None  #: wait(2) status of the present stop; None: runs
        self.reported = True  #: wait4(2) has told of it
        self.info: SignalInfo | None = None  #: of the present stop; None at a job-control stop
        self.is_delivery = False  #: the present stop is before the delivery of `info`
        self.message = 0  #: PTRACE_GETEVENTMSG
        self.inside: SyscallRegisters | None = None  #: registers of the call it stops at
        self.result: int | None = None  #: of that call, once it is done
        self.waiting_stops: list[tuple[int, int]] = []  #: (status, message) to come after this
        self._wants_stop = False  #: PTRACE_INTERRUPT, or new and seized
        self._passed: SignalInfo | None = None  #: what the tracer lets through

    # -- stopping -----------------------------------------------------------------------------

    def stop(self, status: int, info: SignalInfo | None, message: int = 0) -> None:
        """Begin a stop, and tell the tracer."""
        self.status, self.reported = status, False
        self.info, self.message = info, message
        self.thread.attention |= ATTENTION_TRACE
        self._notify(status >> 8 & 0x7F)

    def _trap(self, status: int, message: int = 0) -> None:
        """Stop for something other than a signal; ``status`` is a wait(2) status."""
        self.stop(status, SignalInfo(sig.SIGTRAP, status >> 8, self.thread.tid), message)

    def _notify(self, signo: int) -> None:
        tracer, thread = self.tracer.process, self.thread
        action = tracer.signals.actions[sig.SIGCHLD]
        if action.handler != sig.SIG_IGN and not action.flags & sig.SA_NOCLDSTOP:
            info = SignalInfo(
                sig.SIGCHLD, sig.CLD_TRAPPED, thread.tid, thread.cred.uid, status=signo
            )
            send_process_signal(tracer, info)
        tracer.children_changed.wake()

    def interrupt(self) -> None:
        """Stop soon, wherever the thread is (PTRACE_INTERRUPT)."""
        if self.status is None:
            self._wants_stop = True
            self.thread.attend(ATTENTION_TRACE)

    def holds(self) -> bool:
        """Say whether the thread is stopped; begins the stop that it was asked for."""
        if self.status is None and self.waiting_stops:
            self._trap(*self.waiting_stops.pop(0))
        if self.status is None and self._wants_stop:
            self._wants_stop = False
            self._trap((sig.SIGTRAP | pt.PTRACE_EVENT_STOP << 8) << 8 | 0x7F)
        return self.status is not None

    def before_delivery(self, info: SignalInfo) -> bool:
        """Stop before a signal; False if the tracer has let it through."""
        if info is self._passed or info.signo == sig.SIGKILL:
            self._passed = None
            return False
        self.stop(info.signo << 8 | 0x7F, info)
        self.is_delivery = True
        return True

    def take_passed(self) -> SignalInfo | None:
        """Return the signal that the tracer wants delivered now."""
        return self._passed

    @property
    def is_call_stop(self) -> bool:
        """Whether the present stop tells that it is one of a system call (TRACESYSGOOD)."""
        return self.status is not None and self.status >> 8 == sig.SIGTRAP | 0x80

    def job_stop(self, signo: int) -> None:
        """Stop with the process, for a job-control signal ("Group-stop")."""
        if not self.seized:
            self.stop(signo << 8 | 0x7F, None)
            return
        code = signo | pt.PTRACE_EVENT_STOP << 8
        self.stop(code << 8 | 0x7F, SignalInfo(signo, code, self.thread.tid))

    # -- system calls and events ------------------------------------------------------------------

    def wants(self, event: int) -> bool:
        """Say whether an event stops the thread."""
        return bool(self.options & pt.option(event))

    def event(self, event: int, message: int = 0) -> None:
        """Stop for an event, after the stop that is now if there is one."""
        self.waiting_stops.append(((sig.SIGTRAP | event << 8) << 8 | 0x7F, message))

    def at_call(self) -> None:
        """Stop before or after a system call."""
        good = 0x80 if self.options & pt.PTRACE_O_TRACESYSGOOD else 0
        self.waiting_stops.append(((sig.SIGTRAP | good) << 8 | 0x7F, 0))

    # -- going on ---------------------------------------------------------------------------------

    def resume(self, signo: int, *, follows_calls: bool) -> None:
        """Go on, with a signal or none (0)."""
        info, delivery = self.info, self.is_delivery
        self.status, self.info, self.is_delivery = None, None, False
        self.follows_calls = follows_calls
        thread = self.thread
        if signo and delivery and info is not None:
            me = self.tracer
            same = info.signo == signo
            self._passed = info if same else SignalInfo(signo, pid=me.process.pid, uid=me.cred.uid)
        elif signo:
            send_signal(thread, SignalInfo(signo, pid=self.tracer.process.pid))
        thread.attention |= ATTENTION_SIGNAL  # the passed one, or what waited behind it
        thread.resume_tracing()

    def listen(self) -> None:
        """Stay stopped, but notice the end of the job-control stop (PTRACE_LISTEN)."""
        self.status, self.info = None, None
        self._wants_stop = True
        thread = self.thread
        thread.attention |= ATTENTION_TRACE
        if thread.process.stopped and thread.state is State.TRACED:
            thread.state = State.STOPPED
        else:
            thread.resume_tracing()

    def ended(self, status: int) -> None:
        """Tell the tracer that the thread ended with a wait(2) status; it is no longer traced."""
        self.status, self.reported = status, False
        self.tracer.process.children_changed.wake()


class Follower:
    """Stops traced threads at their system calls; one a kernel (see `Calls.follow`)."""

    def __init__(self) -> None:
        self.count = 0  #: tracees of this kernel

    def wants_call(self, thread: Thread, number: int) -> bool:
        """Say whether calls of ``thread`` are to be looked at."""
        return thread.tracee is not None

    def call_entered(self, thread: Thread, registers: SyscallRegisters) -> None:
        """Stop before the call, if the tracer wants that."""
        tracee = thread.tracee
        if tracee is None:
            return
        tracee.inside, tracee.result = registers, None
        if tracee.follows_calls:
            tracee.at_call()
        if tracee.wants(pt.PTRACE_EVENT_EXIT) and _name(thread, registers) in _EXITS:
            tracee.event(pt.PTRACE_EVENT_EXIT, (registers[0] & 0xFF) << 8)

    def call_left(self, thread: Thread, registers: SyscallRegisters, result: int) -> None:
        """Stop after the call, and for what it did."""
        tracee = thread.tracee
        if tracee is None or thread.attention & ATTENTION_EXIT:
            return
        if result == 0 and _name(thread, registers) in _EXECS:
            if tracee.wants(pt.PTRACE_EVENT_EXEC):
                tracee.event(pt.PTRACE_EVENT_EXEC, tracee.tracer.process.shown(thread.tid))
            elif not tracee.seized:
                send_signal(thread, SignalInfo(sig.SIGTRAP, pid=thread.process.pid))
        tracee.inside, tracee.result = registers, result
        if tracee.follows_calls and thread.tracee is tracee:
            tracee.at_call()

    def holds_call(self, thread: Thread) -> bool:
        """Say whether ``thread`` stops in its call."""
        tracee = thread.tracee
        if tracee is None:
            return False
        if tracee.holds():
            return True
        tracee.inside = None if tracee.result is not None else tracee.inside
        return False


def _name(thread: Thread, registers: SyscallRegisters) -> str:
    entry = thread.kernel.calls.entry(registers[7])
    return entry.name if entry is not None else ""


def may_trace(viewer: Thread, thread: Thread, *, by_fs_ids: bool = False) -> bool:
    """Say whether ``viewer`` may look into ``thread`` (ptrace(2), "access mode checking").

    ``by_fs_ids``: by the ids of file access (PTRACE_MODE_FSCREDS), not the real ones.
    """
    mine, other = viewer.cred, thread.cred
    if viewer.process is thread.process:
        return True
    if mine.landlock is not None and not mine.landlock.contains(other.landlock):
        return False
    if mine.capable_in(other.user_ns, CAP_SYS_PTRACE):
        return True
    if other.user_ns is not mine.user_ns:
        return False
    uid, gid = (mine.fsuid, mine.fsgid) if by_fs_ids else (mine.uid, mine.gid)
    users, groups = {other.uid, other.euid, other.suid}, {other.gid, other.egid, other.sgid}
    return thread.process.dumpable == 1 and users == {uid} and groups == {gid}


def trace(tracer: Thread, thread: Thread, options: int = 0, *, seized: bool = False) -> Tracee:
    """Make ``thread`` a tracee; ``EPERM`` if it is one, or ``tracer``'s own process."""
    if thread.tracee is not None or (thread.process is tracer.process and thread is not tracer):
        raise EPERM
    if thread.exited or thread.process.zombie:
        raise ESRCH
    thread.tracee = tracee = Tracee(thread, tracer, options, seized=seized)
    process = tracer.process
    if process.tracees is None:
        process.tracees = {}
    process.tracees[thread.tid] = tracee
    kernel = thread.kernel
    kernel.follower.count += 1
    kernel.calls.follow(kernel.follower)
    return tracee


def forget(tracee: Tracee) -> None:
    """Trace a thread no longer; it stays as it is."""
    tracees = tracee.tracer.process.tracees
    if tracees is not None:
        tracees.pop(tracee.thread.tid, None)
    thread = tracee.thread
    if thread.tracee is tracee:
        thread.tracee = None
        kernel = thread.kernel
        kernel.follower.count -= 1
        if not kernel.follower.count:
            kernel.calls.follow(None)


def detach(tracee: Tracee, signo: int = 0) -> None:
    """Let a stopped tracee go on by itself (PTRACE_DETACH)."""
    thread = tracee.thread
    info = tracee.info if tracee.is_delivery else None
    forget(tracee)
    if signo:
        same = info is not None and info.signo == signo
        send_signal(thread, info if same and info else SignalInfo(signo))
    if thread.process.stopped:
        thread.state = State.STOPPED
    else:
        thread.resume_tracing()


def cloned(parent: Thread, child: Thread, flags: int) -> None:
    """Trace what a tracee makes, if its tracer wants that, and stop both."""
    tracee = parent.tracee
    if tracee is None or flags & CLONE_UNTRACED:
        return
    event = pt.PTRACE_EVENT_CLONE
    if flags & CLONE_VFORK:
        event = pt.PTRACE_EVENT_VFORK
    elif child.process is not parent.process and child.process.exit_signal == sig.SIGCHLD:
        event = pt.PTRACE_EVENT_FORK
    if not tracee.wants(event):
        return
    tracee.event(event, tracee.tracer.process.shown(child.tid))
    new = trace(tracee.tracer, child, tracee.options, seized=tracee.seized)
    if tracee.seized:
        new.interrupt()
    else:
        send_signal(child, SignalInfo(sig.SIGSTOP, sig.SI_KERNEL))


def tracer_ended(thread: Thread) -> None:
    """Let go of everything that an ending thread traced (PTRACE_O_EXITKILL)."""
    tracees = thread.process.tracees
    if not tracees:
        return
    for tracee in [found for found in tracees.values() if found.tracer is thread]:
        kill = tracee.options & pt.PTRACE_O_EXITKILL and not tracee.thread.exited
        target = tracee.thread.process
        forget(tracee)
        if kill:
            send_process_signal(target, SignalInfo(sig.SIGKILL), forced=True)
        else:
            tracee.thread.resume_tracing()


def tracee_ended(thread: Thread) -> None:
    """Tell the tracer of an end, unless wait4(2) tells it of a child anyway."""
    tracee = thread.tracee
    if tracee is None:
        return
    forget(tracee)
    process, tracer = thread.process, tracee.tracer.process
    if thread is process.leader and process.parent is tracer:
        return
    if tracer.tracees is not None:
        tracer.tracees[thread.tid] = tracee  # until it is waited for
        status = process.exit_status
        tracee.ended(thread.exit_status if status is None else status)


# -- what a thread asks when it looks up ------------------------------------------------------


def is_held(thread: Thread) -> bool:
    """Put a tracee to sleep in the stop that it is in, or comes to now; say if it is in one."""
    if thread.tracee is not None and thread.tracee.holds():
        thread.state = State.TRACED
        return True
    if thread.kernel.tracer is None:
        thread.attention &= ~ATTENTION_TRACE
    return False


def stays_stopped(thread: Thread) -> bool:
    """Put a thread to sleep with its stopped process, unless SIGCONT came in between."""
    thread.attention &= ~ATTENTION_STOP
    process, tracee = thread.process, thread.tracee
    if not process.stopped:
        return False
    if tracee is not None:
        tracee.job_stop(process.stop_signal)
    thread.state = State.STOPPED if tracee is None else State.TRACED
    return True
