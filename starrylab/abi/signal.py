"""Signal numbers, action flags and siginfo codes (<asm-generic/signal.h>, siginfo.h)."""

from __future__ import annotations

from typing import Final

BUS_ADRALN: Final = 1
BUS_ADRERR: Final = 2
BUS_MCEERR_AO: Final = 5
BUS_MCEERR_AR: Final = 4
BUS_OBJERR: Final = 3
CLD_CONTINUED: Final = 6
CLD_DUMPED: Final = 3
CLD_EXITED: Final = 1
CLD_KILLED: Final = 2
CLD_STOPPED: Final = 5
CLD_TRAPPED: Final = 4
FPE_CONDTRAP: Final = 15
FPE_FLTDIV: Final = 3
FPE_FLTINV: Final = 7
FPE_FLTOVF: Final = 4
FPE_FLTRES: Final = 6
FPE_FLTSUB: Final = 8
FPE_FLTUND: Final = 5
FPE_FLTUNK: Final = 14
FPE_INTDIV: Final = 1
FPE_INTOVF: Final = 2
ILL_BADIADDR: Final = 9
ILL_BADSTK: Final = 8
ILL_COPROC: Final = 7
ILL_ILLADR: Final = 3
ILL_ILLOPC: Final = 1
ILL_ILLOPN: Final = 2
ILL_ILLTRP: Final = 4
ILL_PRVOPC: Final = 5
ILL_PRVREG: Final = 6
MINSIGSTKSZ: Final = 0x800
POLL_BUSY_LOOP: Final = 0x8000
POLL_ERR: Final = 4
POLL_HUP: Final = 6
POLL_IN: Final = 1
POLL_MSG: Final = 3
POLL_OUT: Final = 2
POLL_PRI: Final = 5
SA_EXPOSE_TAGBITS: Final = 0x800
SA_NOCLDSTOP: Final = 1
SA_NOCLDWAIT: Final = 2
SA_NODEFER: Final = 0x40000000
SA_NOMASK: Final = 0x40000000
SA_ONESHOT: Final = 0x80000000
SA_ONSTACK: Final = 0x8000000
SA_RESETHAND: Final = 0x80000000
SA_RESTART: Final = 0x10000000
SA_SIGINFO: Final = 4
SA_UNSUPPORTED: Final = 0x400
SEGV_ACCADI: Final = 5
SEGV_ACCERR: Final = 2
SEGV_ADIDERR: Final = 6
SEGV_ADIPERR: Final = 7
SEGV_BNDERR: Final = 3
SEGV_MAPERR: Final = 1
SEGV_MTEAERR: Final = 8
SEGV_MTESERR: Final = 9
SEGV_PKUERR: Final = 4
SFD_CLOEXEC: Final = 0x80000
SFD_NONBLOCK: Final = 0x800
SIGABRT: Final = 6
SIGALRM: Final = 14
SIGBUS: Final = 7
SIGCHLD: Final = 17
SIGCONT: Final = 18
SIGEV_MAX_SIZE: Final = 64
SIGEV_NONE: Final = 1
SIGEV_PAD_SIZE: Final = 12
SIGEV_SIGNAL: Final = 0
SIGEV_THREAD: Final = 2
SIGEV_THREAD_ID: Final = 4
SIGFPE: Final = 8
SIGHUP: Final = 1
SIGILL: Final = 4
SIGINT: Final = 2
SIGIO: Final = 29
SIGIOT: Final = 6
SIGKILL: Final = 9
SIGPIPE: Final = 13
SIGPOLL: Final = 29
SIGPROF: Final = 27
SIGPWR: Final = 30
SIGQUIT: Final = 3
SIGRTMAX: Final = 64
SIGRTMIN: Final = 32
SIGSEGV: Final = 11
SIGSTKFLT: Final = 16
SIGSTKSZ: Final = 0x2000
SIGSTOP: Final = 19
SIGSYS: Final = 31
SIGTERM: Final = 15
SIGTRAP: Final = 5
SIGTSTP: Final = 20
SIGTTIN: Final = 21
SIGTTOU: Final = 22
SIGUNUSED: Final = 31
SIGURG: Final = 23
SIGUSR1: Final = 10
SIGUSR2: Final = 12
SIGVTALRM: Final = 26
SIGWINCH: Final = 28
SIGXCPU: Final = 24
SIGXFSZ: Final = 25
SIG_BLOCK: Final = 0
SIG_DFL: Final = 0
SIG_ERR: Final = -1
SIG_IGN: Final = 1
SIG_SETMASK: Final = 2
SIG_UNBLOCK: Final = 1
SI_ASYNCIO: Final = -4
SI_ASYNCNL: Final = -60
SI_DETHREAD: Final = -7
SI_KERNEL: Final = 128
SI_MAX_SIZE: Final = 128
SI_MESGQ: Final = -3
SI_QUEUE: Final = -1
SI_SIGIO: Final = -5
SI_TIMER: Final = -2
SI_TKILL: Final = -6
SI_USER: Final = 0
SS_AUTODISARM: Final = 0x80000000
SS_DISABLE: Final = 2
SS_ONSTACK: Final = 1
SYS_SECCOMP: Final = 1
SYS_USER_DISPATCH: Final = 2
TRAP_BRANCH: Final = 3
TRAP_BRKPT: Final = 1
TRAP_HWBKPT: Final = 4
TRAP_PERF: Final = 6
TRAP_PERF_FLAG_ASYNC: Final = 1
TRAP_TRACE: Final = 2
TRAP_UNK: Final = 5

_NAMES: Final = (
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
)  # fmt: skip


def name(signo: int) -> str:
    """Return "SIGINT", "SIGRTMIN+2" and the like, as the kernel numbers them (signal(7))."""
    if 1 <= signo < SIGRTMIN:
        return f"SIG{_NAMES[signo - 1]}"
    if SIGRTMIN <= signo <= SIGRTMAX:
        return f"SIGRTMIN+{signo - SIGRTMIN}" if signo > SIGRTMIN else "SIGRTMIN"
    return f"signal {signo}"
