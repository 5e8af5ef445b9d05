"""Sets of signals as bit masks: bit ``signo - 1`` (sigset_t, <asm-generic/signal.h>)."""

from __future__ import annotations

from typing import Final

from ...abi import signal as sig

SignalSet = int  #: 64 bits


def bit(signo: int) -> SignalSet:
    """Return the set of one signal."""
    return 1 << signo - 1


def set_of(*signals: int) -> SignalSet:
    """Return the set of ``signals``."""
    result = 0
    for signo in signals:
        result |= 1 << signo - 1
    return result


def members(signals: SignalSet) -> list[int]:
    """Return the numbers in a set, lowest first."""
    return [signo for signo in range(1, NSIG + 1) if signals >> signo - 1 & 1]


NSIG: Final = sig.SIGRTMAX
ALL: Final = (1 << NSIG) - 1
STANDARD: Final = (1 << sig.SIGRTMIN - 1) - 1

#: Never blocked, caught or ignored.
UNBLOCKABLE: Final = set_of(sig.SIGKILL, sig.SIGSTOP)
#: Delivered before all others: the faulting instruction cannot go on (kernel/signal.c).
SYNCHRONOUS: Final = set_of(
    sig.SIGSEGV, sig.SIGBUS, sig.SIGILL, sig.SIGTRAP, sig.SIGFPE, sig.SIGSYS
)
STOPPING: Final = set_of(sig.SIGSTOP, sig.SIGTSTP, sig.SIGTTIN, sig.SIGTTOU)

# Default actions (signal(7), "Standard signals"); what is in none of these terminates.
IGNORED: Final = set_of(sig.SIGCHLD, sig.SIGCONT, sig.SIGURG, sig.SIGWINCH)
CORE: Final = set_of(
    sig.SIGQUIT, sig.SIGILL, sig.SIGTRAP, sig.SIGABRT, sig.SIGBUS, sig.SIGFPE, sig.SIGSEGV,
    sig.SIGXCPU, sig.SIGXFSZ, sig.SIGSYS,
)  # fmt: skip
