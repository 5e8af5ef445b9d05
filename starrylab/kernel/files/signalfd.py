"""Signals read from a file (signalfd(2)).

The signals are those of whoever reads, not of whoever made the file: after fork(2) the
child reads its own.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import TYPE_CHECKING, Final

from ...abi.errno import EAGAIN, EINVAL
from ...abi.fcntl import O_RDWR
from ...abi.poll import POLLIN, POLLRDNORM
from ..core.sched import Waker
from ..signal.info import SignalInfo, layout
from .file import File

if TYPE_CHECKING:
    from ..thread import Thread

SIGINFO_SIZE: Final = 128  #: struct signalfd_siginfo
# signo, errno, code, pid, uid, fd, tid, band, overrun, trapno, status, int, ptr, utime, stime,
# addr, addr_lsb, padding, syscall, call_addr, arch
_SIGINFO: Final = Struct("<IiiIIiIIIIiiQQQQHHiQI28x")
_I32: Final = 0xFFFFFFFF


class SignalFd(File):
    """Takes pending signals out of ``mask`` before they are delivered."""

    __slots__ = ("_reader", "mask")

    kind = "signalfd"

    def __init__(self, reader: Callable[[], Thread], mask: int, flags: int = 0) -> None:
        super().__init__(O_RDWR | flags)
        self._reader = reader  #: returns the thread that the kernel works for now
        self.mask = mask

    def set_mask(self, mask: int) -> None:
        """Take signals of ``mask`` from now on."""
        self.mask = mask
        self._reader().process.signals.arrived.wake()

    def read(self, size: int) -> bytes:
        """Return as many ``signalfd_siginfo`` as are pending and fit; ``EAGAIN`` for none."""
        room = size // SIGINFO_SIZE
        if not room:
            raise EINVAL
        signals = self._reader().signals
        found: list[bytes] = []
        while len(found) < room:
            info = signals.dequeue_any_of(self.mask)
            if info is None:
                break
            found.append(encode(info))
        if not found:
            raise EAGAIN
        return b"".join(found)

    def seek(self, offset: int, whence: int) -> int:
        """Do nothing: lseek(2) succeeds on what has no position (``noop_llseek``)."""
        return 0

    def poll(self) -> int:
        """See ``File.poll``."""
        pending = self._reader().signals.pending_set() & self.mask
        return POLLIN | POLLRDNORM if pending else 0

    def register(self, waker: Waker, events: int) -> None:
        """See ``File.register``."""
        self._reader().process.signals.arrived.register(waker)


def encode(info: SignalInfo) -> bytes:
    """Return ``struct signalfd_siginfo`` with the fields that the cause of ``info`` has."""
    kind = layout(info.signo, info.code)
    fault, sys = kind == "fault", kind == "sys"
    value = info.value if kind in ("queue", "timer") else 0
    signed = ((value & _I32) ^ 0x80000000) - 0x80000000
    return _SIGINFO.pack(
        info.signo,
        info.errno,
        info.code,
        info.pid & _I32 if kind in ("kill", "queue", "child") else 0,
        info.uid & _I32 if kind in ("kill", "queue", "child") else 0,
        info.fd if kind == "poll" else 0,
        info.timer & _I32 if kind == "timer" else 0,
        info.band & _I32 if kind == "poll" else 0,
        info.overrun & _I32 if kind == "timer" else 0,
        0,
        info.status if kind == "child" else 0,
        signed,
        value,
        info.utime if kind == "child" else 0,
        info.stime if kind == "child" else 0,
        info.addr if fault else 0,
        0,
        0,
        info.status if sys else 0,
        info.addr if sys else 0,
        info.value & _I32 if sys else 0,
    )
