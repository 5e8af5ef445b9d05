"""Signals that were sent and not yet delivered (design document 8.1, signal(7)).

A standard signal has one place: sent twice before it is delivered, it arrives once.  Each
real-time signal has a first-in first-out queue.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from ...abi.signal import SI_TIMER, SIGRTMIN
from .info import SignalInfo
from .sets import SYNCHRONOUS, SignalSet


class PendingSignals:
    """The queue of one thread, or the shared queue of a process."""

    __slots__ = ("_realtime", "_standard", "queued", "set")

    def __init__(self) -> None:
        self.set: SignalSet = 0  #: which signals are pending
        self.queued = 0  #: entries, for RLIMIT_SIGPENDING
        # Both tables are made when they are first needed: most threads never get a signal.
        self._standard: dict[int, SignalInfo] | None = None
        self._realtime: dict[int, deque[SignalInfo]] | None = None

    def add(self, info: SignalInfo) -> bool:
        """Queue a signal; return False if it is a standard one that is pending already."""
        signo = info.signo
        mask = 1 << signo - 1
        if signo < SIGRTMIN:
            if self.set & mask:
                return False
            if self._standard is None:
                self._standard = {}
            self._standard[signo] = info
        else:
            if self._realtime is None:
                self._realtime = {}
            if self.set & mask:
                self._realtime[signo].append(info)
            else:
                self._realtime[signo] = deque((info,))
        self.set |= mask
        self.queued += 1
        return True

    def next(self, blocked: SignalSet) -> int:
        """Return the signal to deliver first, 0 if there is none that is not blocked."""
        ready = self.set & ~blocked
        if ready & SYNCHRONOUS:
            ready &= SYNCHRONOUS
        return (ready & -ready).bit_length()

    def take(self, signo: int) -> SignalInfo:
        """Remove and return the oldest entry of ``signo``; raise ``KeyError`` if there is none."""
        if not self.set >> signo - 1 & 1:
            raise KeyError(signo)
        if signo < SIGRTMIN:
            assert self._standard is not None
            info = self._standard.pop(signo)
        else:
            assert self._realtime is not None
            queue = self._realtime[signo]
            info = queue.popleft()
            if queue:
                self.queued -= 1
                return info
            del self._realtime[signo]
        self.queued -= 1
        self.set &= ~(1 << signo - 1)
        return info

    def entries(self) -> list[SignalInfo]:
        """Return what is queued: standard signals as they came, then real-time ones by number."""
        realtime = self._realtime or {}
        queues = [info for signo in sorted(realtime) for info in realtime[signo]]
        return [*(self._standard or {}).values(), *queues]

    def discard(self, signals: SignalSet) -> None:
        """Forget everything pending of ``signals``."""
        found = self.set & signals
        while found:
            signo = (found & -found).bit_length()
            found &= found - 1
            if signo < SIGRTMIN:
                assert self._standard is not None
                del self._standard[signo]
                self.queued -= 1
            else:
                assert self._realtime is not None
                self.queued -= len(self._realtime.pop(signo))
        self.set &= ~signals

    def find_timer(self, signo: int, timer: int) -> SignalInfo | None:
        """Return the pending signal of POSIX timer ``timer``, to count its overruns."""
        queue: Iterable[SignalInfo] = ()
        if signo < SIGRTMIN and self._standard is not None and signo in self._standard:
            queue = (self._standard[signo],)
        elif self._realtime is not None:
            queue = self._realtime.get(signo, ())
        for info in queue:
            if info.code == SI_TIMER and info.timer == timer:
                return info
        return None
