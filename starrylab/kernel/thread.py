"""A user thread: its registers, its resources, and the loop that serves its traps.

Design document 4.1: enter user mode, come back with a reason, act on it, go round again.
`Thread.step` is one stay on the CPU.  What gets here is a call that has to wait, a signal, the end
of a slice, a fault that nobody could resolve; the rest is served in `Hart.run` by `kernel.traps`.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ..abi import signal as sig
from ..abi.errno import EINTR, LinuxError
from ..machine.api import INTERRUPT, LEFT, Trap, UserContext
from .core.attention import (
    ATTENTION_EXIT,
    ATTENTION_RESCHED,
    ATTENTION_RESTORE,
    ATTENTION_SIGNAL,
    ATTENTION_STOP,
    ATTENTION_TRACE,
)
from .core.poll import Pollable, poll_io
from .core.sched import SLEEP, Park, State, Task
from .core.scope import Scope
from .core.tracing import Go
from .files.fdtable import FdTable
from .files.file import File
from .mm.space import AddressSpace
from .signal.info import SignalInfo
from .signal.manager import ThreadSignals
from .syscalls._user_faults import wait_for_page
from .task import exit as task_exit
from .task.cred import Credentials
from .task.process import Process, Usage
from .task.ptrace import Tracee, is_held, stays_stopped
from .task.resources import FILES, FS, MEMORY
from .thread_signals import Delivery, choose, push, send_signal, serve_fault

if TYPE_CHECKING:
    from .kernel import Kernel
    from .syscalls import Entry
    from .task.seccomp import Guard
    from .task.user_dispatch import UserDispatch
    from .vfs.context import FsContext

T = TypeVar("T")

_DEAF: Final = (State.DISK, State.STOPPED, State.TRACED)  #: only the end wakes these


class Thread(Task):
    """One schedulable user thread."""

    __slots__ = (
        "attention", "call", "clear_child_tid", "comm", "context", "cred", "delivery", "entry",
        "exit_status", "exited", "fds", "fs", "kernel", "mm", "namespaces", "ns_start", "pending",
        "process", "request", "robust_list", "sampled_ns", "scope", "seccomp",
        "signals", "syscalls", "tid", "timer_slack_ns", "tracee", "usage", "user_dispatch",
    )  # fmt: skip

    def __init__(
        self,
        kernel: Kernel,
        tid: int,
        process: Process,
        context: UserContext,
        cred: Credentials,
        signals: ThreadSignals,
    ) -> None:
        super().__init__(kernel.executor)
        self.kernel = kernel
        self.tid = tid
        self.process = process
        self.context = context
        self.cred = cred
        self.signals = signals
        self.scope = Scope()
        self.mm: AddressSpace = None  # type: ignore[assignment]  # bind_resources sets these
        self.fds: FdTable = None  # type: ignore[assignment]
        self.fs: FsContext = None  # type: ignore[assignment]
        self.namespaces = kernel.namespaces
        self.comm = b""
        self.attention = 0
        self.pending: Coroutine[Park, None, int | None] | None = None  #: a call that waits
        self.request = Park.YIELD  #: what the waiting call asked for last
        self.call: tuple[int, ...] = ()  #: registers of the waiting call
        self.entry: Entry | None = None  #: the waiting call
        self.delivery: Delivery | None = None  #: a signal whose handler runs after the call
        self.seccomp: Guard | None = None  #: which calls it may make (seccomp(2))
        self.tracee: Tracee | None = None  #: what its tracer wants (ptrace(2))
        self.exited = False
        self.exit_status = 0
        self.user_dispatch: UserDispatch | None = None  #: which calls become a signal (prctl(2))
        self.robust_list = 0
        self.clear_child_tid = 0
        self.timer_slack_ns = 50_000
        self.usage = Usage()
        self.syscalls = self.sampled_ns = self.ns_start = 0

    @property
    def name(self) -> str:
        """See `Task.name`."""
        return f"thread {self.tid}"

    def bind_resources(self) -> None:
        """Take the fast references to what the scope holds; after every change of it."""
        scope = self.scope
        self.mm = scope.get(MEMORY)
        self.fds = scope.get(FILES)
        self.fs = scope.get(FS)

    # -- what system calls use ------------------------------------------------------

    def file(self, fd: int) -> File:
        """Return the file behind ``fd``; raise ``EBADF`` if there is none."""
        return self.fds[fd]

    def install(self, file: File, *, cloexec: bool = False) -> int:
        """Bind ``file`` to the lowest free descriptor; ``EMFILE`` above RLIMIT_NOFILE."""
        return self.fds.install(file, self.process.limits.nofile, cloexec=cloexec)

    def wait_io(
        self,
        file: File | Pollable,
        events: int,
        attempt: Callable[[], T],
        timeout_ns: int | None = None,
        *,
        nonblocking: bool | None = None,
    ) -> Coroutine[Any, Any, T]:
        """Wait for ``file`` as its O_NONBLOCK flag and its own timeout allow."""
        if nonblocking is None:
            nonblocking = isinstance(file, File) and file.nonblocking
        if timeout_ns is None and isinstance(file, File):
            timeout_ns = file.timeout_ns(events)
        return poll_io(self, file, events, attempt, nonblocking=nonblocking, timeout_ns=timeout_ns)

    def send_signal(self, info: SignalInfo) -> None:
        """Send a signal to this very thread (SIGPIPE, SIGXFSZ)."""
        send_signal(self, info)

    def send_sigpipe(self) -> None:
        """Send SIGPIPE for a write that nobody will read (write(2))."""
        self.send_signal(SignalInfo(sig.SIGPIPE, pid=self.process.pid, uid=self.cred.uid))

    # -- attention --------------------------------------------------------------------

    def attend(self, bits: int) -> None:
        """Make the thread look up: before its next user instruction, or out of its sleep."""
        self.attention |= bits
        state = self.state
        if state is State.PARKED or (state in _DEAF and self.attention & ATTENTION_EXIT):
            self.executor.make_runnable(self)
        if self.executor.current is self:
            return
        current = self.executor.current
        if isinstance(current, Thread) and self.executor.outranks_current(self):
            current.attention |= ATTENTION_RESCHED

    def resume_from_stop(self) -> None:
        """SIGCONT: run again."""
        self.attention &= ~ATTENTION_STOP
        if self.state is State.STOPPED:
            self.executor.make_runnable(self)

    def resume_tracing(self) -> None:
        """End a tracing stop: ask the tracer again."""
        if self.state is State.TRACED:
            self.executor.make_runnable(self)

    def exit_thread(self, status: int) -> None:
        """End this thread with a wait(2) status, before its next user instruction."""
        self.exit_status = status
        self.attend(ATTENTION_EXIT)

    def die(self) -> None:
        """End at once; only the executor's thread calls this, and never for a running call."""
        if self.exited:
            return
        self.exited = True
        pending, self.pending = self.pending, None
        if pending is not None:
            pending.close()
        self.state = State.DONE
        task_exit.exit_thread(self)

    # -- the loop ---------------------------------------------------------------------

    def step(self) -> None:
        """Stay on the CPU until the thread waits, ends, or its slice is over.

        On the way the CPU may go to others (`kernel.switching`); the turn ends as the last one's.
        """
        started = self.kernel.door.monotonic()
        self.take_turn(started)
        thread: Thread | None = self
        if self.pending is not None and not self._finish_call():
            thread = None
        while thread is not None:
            thread = thread.stay()

    def take_turn(self, now: int) -> None:
        """Begin to count the CPU time of a turn at ``now`` (monotonic nanoseconds)."""
        if self.slice_left <= 0:
            self.slice_left = self.slice_ticks()
        self.sampled_ns = 0
        self.ns_start = now

    def charge(self, now: int) -> None:
        """Book the time since `take_turn`, as user time but for what is known better."""
        sampled = self.sampled_ns
        passed = now - self.ns_start - sampled
        usage = self.usage
        if passed > 0:
            usage.utime_ns += passed
        if sampled:
            usage.stime_ns += sampled
        self.sampled_ns = 0
        self.ns_start = 0

    def stay(self) -> Thread | None:
        """Enter user mode once; return who goes on, ``None`` to leave the CPU."""
        kernel = self.kernel
        monotonic = kernel.door.monotonic
        run = kernel.hart.run
        if self.attention:
            go = self._look_up()
            if go is Go.LEAVE:
                self._book_system_time(monotonic())
                return None
            if go is Go.STEP:
                run = kernel.hart.debug().step
        kernel.enter(self)
        now = monotonic()
        self._book_system_time(now)
        self.ns_start = now
        trap = run(self.context)
        last = self.executor.current
        if last is self:
            return self.serve(trap, monotonic())
        return last.serve(trap, monotonic()) if isinstance(last, Thread) else None

    def _book_system_time(self, now: int) -> None:
        """Book the time since `ns_start` as the kernel's."""
        if self.ns_start:
            self.usage.stime_ns += now - self.ns_start
            self.ns_start = 0

    def serve(self, trap: Trap, now: int) -> Thread | None:
        """Act on why user mode was left; return as `stay` does."""
        self.charge(now)
        self.ns_start = now
        if trap is LEFT:
            if self.pending is not None and not self._settle():
                self._book_system_time(self.kernel.door.monotonic())
                return None
        elif trap is INTERRUPT:
            self.kernel.ticked(self)
            self.executor.check()  # serves what came from outside
            if self.executor.ends_slice(self, keen=not self.attention):
                self.usage.involuntary += 1
                return None
        elif self.kernel.panic_text is None:
            fault = serve_fault(self, trap)
            if fault is not None:
                self.entry, self.call = None, ()
                self.pending = wait_for_page(self, fault)
                if not self._finish_call():
                    self._book_system_time(self.kernel.door.monotonic())
                    return None
        return self if self.kernel.panic_text is None else None  # no user code after a panic

    def _settle(self) -> bool:
        """Decide about a call that has just begun to wait; False: leave the CPU."""
        request = self.request
        if request is Park.YIELD and not self.attention:
            return not self.executor.contended and self._finish_call()
        if self.attention & self._wakes_for(request):
            return self._finish_call()
        self.state = State.PARKED if request is Park.INTERRUPTIBLE else SLEEP[request]
        self.usage.voluntary += 1
        return False

    def _finish_call(self) -> bool:
        """Go on with the waiting call; True when it has ended and user mode may be entered.

        Signals are looked at first: one without a handler never ends the wait, so a call
        that was stopped and continued simply waits on.
        """
        executor = self.executor
        while True:
            coro = self.pending
            if coro is None:
                return True
            interruption: EINTR | None = None
            if self.attention:
                if self.attention & ATTENTION_EXIT:
                    self.die()
                    return False
                if self.request is not Park.KILLABLE and self.request is not Park.TRACED:
                    if self.attention & ATTENTION_STOP and stays_stopped(self):
                        return False
                    if self.attention & ATTENTION_TRACE and is_held(self):
                        return False
                    if self.attention & ATTENTION_SIGNAL and self.delivery is None:
                        self.attention &= ~ATTENTION_SIGNAL
                        self.delivery = choose(self)
                        if self.attention & (ATTENTION_EXIT | ATTENTION_STOP):
                            continue
                        if self.delivery is not None:
                            interruption = EINTR()
                    if self.attention & ATTENTION_TRACE and is_held(self):
                        return False
                self.attention &= ~ATTENTION_RESCHED
            try:
                if interruption is not None and self.request is Park.INTERRUPTIBLE:
                    request = coro.throw(interruption)
                else:
                    request = coro.send(None)
            except StopIteration as done:
                self._end_call(done.value or 0)
                return True
            except LinuxError as error:
                self._end_call(-error.errno)
                return True
            self.request = request
            if request is Park.YIELD:
                if executor.contended and not self.attention:
                    return False
                continue
            if not self.attention & self._wakes_for(request):
                self.state = State.PARKED if request is Park.INTERRUPTIBLE else SLEEP[request]
                return False

    def _wakes_for(self, request: Park) -> int:
        """Return the attention bits for which a call must not fall asleep."""
        if request is Park.KILLABLE or request is Park.TRACED:
            return ATTENTION_EXIT
        if self.delivery is not None:
            return ATTENTION_EXIT | ATTENTION_STOP
        return ATTENTION_EXIT | ATTENTION_STOP | ATTENTION_SIGNAL

    def _end_call(self, result: int) -> None:
        """Give a waiting call its result; push the frame of a signal that interrupted it."""
        self.pending = None
        entry, call = self.entry, self.call
        self.entry = None
        if self.exited:
            return
        self.context.set_result(result)
        delivery, self.delivery = self.delivery, None
        if delivery is not None:
            interrupted = (entry, call[0]) if result == -EINTR.errno and entry else None
            push(self, delivery, interrupted)
        if self.signals.pending_any():
            self.attention |= ATTENTION_SIGNAL

    def _look_up(self) -> Go:
        """Serve `attention` between two user instructions."""
        if self.attention & ATTENTION_EXIT:
            self.die()
            return Go.LEAVE
        if self.attention & ATTENTION_STOP and stays_stopped(self):
            return Go.LEAVE
        if self.attention & ATTENTION_TRACE and is_held(self):
            return Go.LEAVE
        while self.attention & ATTENTION_SIGNAL:
            self.attention &= ~ATTENTION_SIGNAL
            delivery = choose(self)
            if self.attention & ATTENTION_EXIT:
                self.die()
                return Go.LEAVE
            if self.attention & ATTENTION_STOP and stays_stopped(self):
                return Go.LEAVE
            if delivery is None:
                break
            push(self, delivery, None)  # asks for another look if one is needed
        if self.attention & ATTENTION_RESTORE:
            self.attention &= ~ATTENTION_RESTORE
            self.signals.restore_mask()
            if self.signals.pending_any():
                self.attention |= ATTENTION_SIGNAL
                return self._look_up()
        if self.attention & ATTENTION_TRACE and is_held(self):
            return Go.LEAVE
        if self.attention & ATTENTION_TRACE and (tracer := self.kernel.tracer) is not None:
            go = tracer.before_user(self)
            if go is Go.LEAVE:
                self.state = State.TRACED
            if go is not Go.RUN:
                return go
        if self.attention & ATTENTION_RESCHED:
            self.attention &= ~ATTENTION_RESCHED
            return Go.LEAVE if self.executor.contended else Go.RUN
        return Go.RUN

    def __repr__(self) -> str:
        return f"Thread({self.tid} {self.comm.decode(errors='replace')})"
