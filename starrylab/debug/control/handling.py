"""What becomes of a program's signals (gdb's ``handle``; signal(7))."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi import signal as sig
from ...abi.arch.stepping import BREAKPOINTS
from ...kernel.core.attention import ATTENTION_SIGNAL
from ...kernel.signal.info import SignalInfo
from ..peek import Peek

if TYPE_CHECKING:
    from ...kernel.thread import Thread
    from .traced import Traced

ALL: Final = frozenset(range(1, 65))
#: Signals that programs use all the time, and those of thread libraries: gdb lets them pass, too.
_SILENT: Final = frozenset(
    {
        sig.SIGALRM, sig.SIGURG, sig.SIGIO, sig.SIGVTALRM, sig.SIGPROF, sig.SIGCHLD,
        sig.SIGWINCH, 32, 33, 34,
    }
)  # fmt: skip
#: A debugger's own: the program does not get them.
_OURS: Final = frozenset({sig.SIGTRAP, sig.SIGINT})


class Handling:
    """Three sets of signal numbers."""

    def __init__(self) -> None:
        self.stop: set[int] = set(ALL - _SILENT)
        self.print: set[int] = set(ALL - _SILENT)
        self.passed: set[int] = set(ALL - _OURS)


def deliver_kept(t: Traced, signo: int | None, handling: Handling) -> None:
    """Send on, exchange or drop the signal that a thread stopped for; see `Action.signal`."""
    kept, t.kept = t.kept, None
    thread = t.thread
    if signo is None:
        if kept is None:
            return
        info = kept if kept.signo in handling.passed else None
    else:
        info = kept if kept is not None and kept.signo == signo else None
        if info is None and signo:
            info = SignalInfo(signo)
    if info is None:
        if kept is not None and kept.signo == sig.SIGTRAP and kept.code > 0:
            _skip_breakpoint(thread)
        return
    if thread.signals.pending.add(info):
        t.passing = info
        thread.attend(ATTENTION_SIGNAL)


def _skip_breakpoint(thread: Thread) -> None:
    """Go past a breakpoint instruction of the program's own, if there is one."""
    pc = thread.context.pc
    code = Peek(thread.mm).read(pc, 4)
    for instruction in BREAKPOINTS[thread.kernel.arch]:
        if code.startswith(instruction):
            thread.context.pc = pc + len(instruction)
            return
