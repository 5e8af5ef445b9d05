"""What the CPU could not do becomes a signal (design document 4.1, signal(7))."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi import signal as sig
from ...machine.api import Break, Fault, PageFault, Stepped, Watch
from ..mm.space import BadAccess, OutOfMemory
from ..mm.userfault import UserFault
from .sending import force_fault

if TYPE_CHECKING:
    from ..thread import Thread

_SIGNALS: Final = {
    "illegal instruction": (sig.SIGILL, sig.ILL_ILLOPC),
    "breakpoint": (sig.SIGTRAP, sig.TRAP_BRKPT),
    "misaligned": (sig.SIGBUS, sig.BUS_ADRALN),
}


def serve_fault(thread: Thread, trap: object) -> UserFault | None:
    """Resolve a page fault, or send the signal that says what went wrong and where.

    What a debugger told the hart to look for is the debugger's.  A fault that a program is to
    serve is returned.
    """
    if type(trap) is PageFault:
        try:
            thread.mm.fault(trap.addr, trap.access)
        except UserFault as fault:
            fault.addr = trap.addr
            return fault
        except BadAccess as bad:
            force_fault(thread, bad.signal, bad.code, trap.addr)
        except OutOfMemory:
            thread.process.exit_group(sig.SIGKILL)  # where there was nobody else to kill
        return None
    if isinstance(trap, (Break, Watch, Stepped)):
        if thread.kernel.tracer is not None:
            thread.kernel.tracer.trapped(thread, trap)
        return None
    assert isinstance(trap, Fault)
    signo, code = _SIGNALS[trap.cause]
    addr = trap.addr if trap.cause == "misaligned" else thread.context.pc
    force_fault(thread, signo, code, addr)
    return None
