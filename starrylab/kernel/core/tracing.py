"""What a debugger is asked (ptrace(2), "Stopped tracees"); the kernel does not know who answers.

A thread with `ATTENTION_TRACE` asks before each way back to user mode whether it may go.  So
a debugger holds threads without the kernel knowing why, and whoever is not looked at pays
nothing.  A stopped thread is in state "t" (tracing stop, proc_pid_stat(5)).
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ...machine.api import Break, Stepped, SyscallRegisters, Watch
    from ..signal.info import SignalInfo
    from ..thread import Thread


class Go(Enum):
    """How a thread goes on that looked up before its next user instruction."""

    RUN = auto()  #: (back) to user mode
    STEP = auto()  #: the same, for one instruction
    LEAVE = auto()  #: leave the CPU; a tracer's answer means a stop until `Thread.resume_tracing`


class Tracer(Protocol):
    """One implementation may be attached to a kernel (`Kernel.attach_tracer`)."""

    def before_user(self, thread: Thread) -> Go:
        """Say how a thread with `ATTENTION_TRACE` goes on; its signals are delivered already."""
        ...

    def trapped(self, thread: Thread, trap: Break | Watch | Stepped) -> None:
        """Note that a thread met what the hart was told to look for."""
        ...

    def signal(self, thread: Thread, info: SignalInfo) -> SignalInfo | None:
        """Return the signal to deliver instead of ``info``, which was taken off its queue.

        ``None``: none for now.  The tracer may keep it, and queue it again later.
        """
        ...

    def wants_call(self, thread: Thread, number: int) -> bool:
        """Say whether to stop at this call; asked only while `Calls.catch` is on."""
        ...

    def call_entered(self, thread: Thread, registers: SyscallRegisters) -> None:
        """Note that a wanted call is about to be served; the thread may be held."""
        ...

    def call_left(self, thread: Thread, registers: SyscallRegisters, result: int) -> None:
        """Note that a wanted call is done; its result register is set."""
        ...

    def holds_call(self, thread: Thread) -> bool:
        """Say whether a thread in a wanted call is still held."""
        ...


class CodeTracer:
    """What a `Tracer` answers that cares for neither signals nor system calls."""

    def signal(self, thread: Thread, info: SignalInfo) -> SignalInfo | None:
        """See `Tracer.signal`: signals are delivered as they are."""
        return info

    def wants_call(self, thread: Thread, number: int) -> bool:
        """See `Tracer.wants_call`: no."""
        return False

    def call_entered(self, thread: Thread, registers: SyscallRegisters) -> None:
        """See `Tracer.call_entered`."""

    def call_left(self, thread: Thread, registers: SyscallRegisters, result: int) -> None:
        """See `Tracer.call_left`."""

    def holds_call(self, thread: Thread) -> bool:
        """See `Tracer.holds_call`: no."""
        return False
