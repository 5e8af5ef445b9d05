"""Signal numbers: gdb has its own, the same for every system (its include/gdb/signals.def)."""

from __future__ import annotations

from typing import Final

from ...abi import signal as sig

#: Linux's number -> gdb's
_TO_GDB: Final[dict[int, int]] = {
    sig.SIGHUP: 1, sig.SIGINT: 2, sig.SIGQUIT: 3, sig.SIGILL: 4, sig.SIGTRAP: 5, sig.SIGABRT: 6,
    sig.SIGBUS: 10, sig.SIGFPE: 8, sig.SIGKILL: 9, sig.SIGUSR1: 30, sig.SIGSEGV: 11,
    sig.SIGUSR2: 31, sig.SIGPIPE: 13, sig.SIGALRM: 14, sig.SIGTERM: 15, sig.SIGCHLD: 20,
    sig.SIGCONT: 19, sig.SIGSTOP: 17, sig.SIGTSTP: 18, sig.SIGTTIN: 21, sig.SIGTTOU: 22,
    sig.SIGURG: 16, sig.SIGXCPU: 24, sig.SIGXFSZ: 25, sig.SIGVTALRM: 26, sig.SIGPROF: 27,
    sig.SIGWINCH: 28, sig.SIGPOLL: 23, sig.SIGPWR: 32, sig.SIGSYS: 12,
    32: 77,  # GDB_SIGNAL_REALTIME_32 stands apart from the other real-time signals
    64: 78,
    **{number: number + 12 for number in range(33, 64)},
}  # fmt: skip
_FROM_GDB: Final = {theirs: ours for ours, theirs in _TO_GDB.items()}
_UNKNOWN: Final = 143  #: GDB_SIGNAL_UNKNOWN
SIGINT: Final = 2  #: gdb's numbers of what stops have for a reason
SIGTRAP: Final = 5


def to_gdb(signo: int) -> int:
    """Return gdb's number of a Linux signal; 0 is no signal."""
    return _TO_GDB.get(signo, _UNKNOWN) if signo else 0


def from_gdb(number: int) -> int:
    """Return the Linux signal that gdb calls ``number``; 0 if there is none."""
    return _FROM_GDB.get(number, 0)


def every_signal() -> frozenset[int]:
    """Return all signals that gdb has a number for."""
    return frozenset(_TO_GDB)
