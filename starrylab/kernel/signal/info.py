"""Why a signal was sent: ``siginfo_t`` (sigaction(2), <asm-generic/siginfo.h>).

Which fields of the union are meant follows from signal number and code, by the rules of
``siginfo_layout()`` in Linux's kernel/signal.c.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from ...abi import signal as sig

SIGINFO_SIZE: Final = 128  #: bytes
CLOCK_TICK_NS: Final = 10_000_000  #: unit of si_utime and si_stime (USER_HZ = 100)

_M64: Final = (1 << 64) - 1
_I32: Final = 0x7FFFFFFF

# All layouts begin with si_signo, si_errno, si_code and four bytes of padding.
_HEAD: Final = Struct("<iii4x")
_KILL: Final = Struct("<iii4xiI104x")  # pid, uid
_QUEUE: Final = Struct("<iii4xiIQ96x")  # pid, uid, value
_TIMER: Final = Struct("<iii4xiiQ96x")  # timer id, overrun, value
_CHILD: Final = Struct("<iii4xiIi4xqq80x")  # pid, uid, status, utime, stime
_FAULT: Final = Struct("<iii4xQ104x")  # address
_POLL: Final = Struct("<iii4xqi100x")  # band, fd
_SYS: Final = Struct("<iii4xQiI96x")  # call address, number, AUDIT_ARCH

_FAULTS: Final = frozenset((sig.SIGILL, sig.SIGFPE, sig.SIGSEGV, sig.SIGBUS, sig.SIGTRAP))
_NR_POLL_CODES: Final = 6


class SignalInfo:
    """One signal on its way, and what is known about its cause."""

    __slots__ = (
        "addr", "band", "code", "errno", "fd", "overrun", "pid", "raw", "signo", "status",
        "stime", "timer", "uid", "utime", "value",
    )  # fmt: skip

    def __init__(
        self,
        signo: int,
        code: int = sig.SI_USER,
        pid: int = 0,
        uid: int = 0,
        *,
        errno: int = 0,
        value: int = 0,
        addr: int = 0,
        status: int = 0,
        utime: int = 0,
        stime: int = 0,
        timer: int = 0,
        overrun: int = 0,
        band: int = 0,
        fd: int = 0,
        raw: bytes | None = None,
    ) -> None:
        self.signo = signo
        self.code = code
        self.pid = pid  #: sender, or the child
        self.uid = uid
        self.errno = errno
        self.value = value  #: sigval, unsigned 64 bits
        self.addr = addr  #: of a fault; for SIGSYS, of the call
        self.status = status  #: exit code or signal of a child; for SIGSYS, the call's number
        self.utime = utime  #: clock ticks
        self.stime = stime  #: clock ticks
        self.timer = timer  #: POSIX timer id
        self.overrun = overrun
        self.band = band
        self.fd = fd
        self.raw = raw  #: the user's own siginfo_t (rt_sigqueueinfo), passed on as it is

    @classmethod
    def kernel(cls, signo: int) -> SignalInfo:
        """Make a signal that the kernel sends on its own account (SI_KERNEL)."""
        return cls(signo, sig.SI_KERNEL)

    @property
    def has_sender(self) -> bool:
        """Whether `pid` and `uid` are those of a process."""
        return layout(self.signo, self.code) in ("kill", "queue", "child")

    def encode(self) -> bytes:
        """Return the 128 bytes of ``siginfo_t``."""
        signo, code = self.signo, self.code
        if self.raw is not None:
            return _HEAD.pack(signo, self.errno, code) + self.raw[16:]
        if code == sig.SI_USER or code == sig.SI_KERNEL:
            return _KILL.pack(signo, self.errno, code, self.pid, self.uid)
        return _ENCODERS[layout(signo, code)](self)

    @classmethod
    def decode(cls, data: bytes) -> SignalInfo:
        """Make an object of 128 bytes from user memory, and keep these as ``raw``."""
        signo, errno, code = _HEAD.unpack_from(data)
        kind = layout(signo, code)
        info = cls(signo, code, errno=errno, raw=data)
        for name, value in zip(_FIELDS[kind], _STRUCTS[kind].unpack(data)[3:], strict=True):
            setattr(info, name, value)
        return info

    def __repr__(self) -> str:
        return f"SignalInfo({sig.name(self.signo)}, code={self.code}, pid={self.pid})"


def layout(signo: int, code: int) -> str:
    """Return which part of the union is meant: a key of the tables below."""
    if sig.SI_USER < code < sig.SI_KERNEL:
        kind = _BY_SIGNAL.get(signo)
        if kind is not None:
            return kind
        return "poll" if code <= _NR_POLL_CODES else "kill"
    if code == sig.SI_TIMER:
        return "timer"
    if code == sig.SI_SIGIO:
        return "poll"
    return "queue" if code < 0 else "kill"


_BY_SIGNAL: Final = dict.fromkeys(_FAULTS, "fault") | {
    sig.SIGCHLD: "child",
    sig.SIGPOLL: "poll",
    sig.SIGSYS: "sys",
}
_STRUCTS: Final = {
    "kill": _KILL, "queue": _QUEUE, "timer": _TIMER, "child": _CHILD, "fault": _FAULT,
    "poll": _POLL, "sys": _SYS,
}  # fmt: skip
_FIELDS: Final = {
    "kill": ("pid", "uid"),
    "queue": ("pid", "uid", "value"),
    "timer": ("timer", "overrun", "value"),
    "child": ("pid", "uid", "status", "utime", "stime"),
    "fault": ("addr",),
    "poll": ("band", "fd"),
    "sys": ("addr", "status", "value"),
}
_ENCODERS: Final = {
    "kill": lambda i: _KILL.pack(i.signo, i.errno, i.code, i.pid, i.uid),
    "queue": lambda i: _QUEUE.pack(i.signo, i.errno, i.code, i.pid, i.uid, i.value & _M64),
    "timer": lambda i: _TIMER.pack(
        i.signo, i.errno, i.code, i.timer, min(i.overrun, _I32), i.value & _M64
    ),
    "child": lambda i: _CHILD.pack(
        i.signo, i.errno, i.code, i.pid, i.uid, i.status, i.utime, i.stime
    ),
    "fault": lambda i: _FAULT.pack(i.signo, i.errno, i.code, i.addr & _M64),
    "poll": lambda i: _POLL.pack(i.signo, i.errno, i.code, i.band, i.fd),
    "sys": lambda i: _SYS.pack(
        i.signo, i.errno, i.code, i.addr & _M64, i.status, i.value & 0xFFFFFFFF
    ),
}
