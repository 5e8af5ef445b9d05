"""What makes user code stop now and then: timer_create(2), or a thread where that is missing."""

from __future__ import annotations

import ctypes
import os
import threading
import weakref
from collections.abc import Callable
from ctypes import c_char, c_int, c_long, c_void_p
from typing import Final, Protocol

from .engine import Engine
from .stop_signal import stop_signal

_CLOCK_MONOTONIC: Final = 1
_SIGEV_SIGNAL: Final = 0
_SECOND: Final = 1_000_000_000  #: ns


class Ticker(Protocol):
    """Calls ``uc_emu_stop`` regularly."""

    name: str
    keeps_lock: bool  #: works while user code holds the interpreter lock

    def set_period(self, period_ns: int) -> None:
        """Tick every ``period_ns`` nanoseconds, which is not 0."""
        ...

    def after_fork(self) -> None:
        """Go on in a forked child, which inherits neither timers nor threads."""
        ...

    def close(self) -> None:
        """Stop for good."""
        ...


def follow_forks(ticker: Ticker) -> None:
    """Keep ``ticker`` going in every forked child, as long as somebody refers to it."""
    reference = weakref.ref(ticker)

    def after() -> None:
        if (alive := reference()) is not None:
            alive.after_fork()

    os.register_at_fork(after_in_child=after)


class _SigEvent(ctypes.Structure):
    _fields_ = (
        ("value", c_void_p),
        ("signo", c_int),
        ("notify", c_int),
        ("padding", c_char * 48),
    )


class _TimerSpec(ctypes.Structure):
    _fields_ = (
        ("interval_s", c_long),
        ("interval_ns", c_long),
        ("value_s", c_long),
        ("value_ns", c_long),
    )


class NativeTicker:
    """A POSIX timer whose signal handler calls ``uc_emu_stop``: no Python takes part.

    Construction raises ``OSError`` on a host without such timers or signals.
    """

    name = "native"
    keeps_lock = True

    def __init__(self, engine: Engine) -> None:
        libc = ctypes.PyDLL(None, use_errno=True)
        try:
            self._create = libc.timer_create
            self._settime = libc.timer_settime
            self._delete = libc.timer_delete
        except AttributeError as error:
            raise OSError("the host has no timer_create") from error
        self._create.argtypes = (c_int, c_void_p, c_void_p)
        self._settime.argtypes = (c_void_p, c_int, c_void_p, c_void_p)
        self._delete.argtypes = (c_void_p,)
        self._period_ns = 0
        self._closed = False
        self._signal = stop_signal()
        self._address, self._cell = self._signal.take(engine.handle, engine.stop_address)
        self._timer = self._make()

    def _make(self) -> c_void_p:
        event = _SigEvent(value=self._address, signo=self._signal.number, notify=_SIGEV_SIGNAL)
        timer = c_void_p()
        if self._create(_CLOCK_MONOTONIC, ctypes.byref(event), ctypes.byref(timer)):
            raise OSError(ctypes.get_errno(), "timer_create")
        return timer

    def set_period(self, period_ns: int) -> None:
        """See `Ticker.set_period`."""
        self._period_ns = period_ns
        seconds, rest = divmod(period_ns, _SECOND)
        spec = _TimerSpec(seconds, rest, seconds, rest)
        if self._settime(self._timer, 0, ctypes.byref(spec), None):
            raise OSError(ctypes.get_errno(), "timer_settime")

    def after_fork(self) -> None:
        """See `Ticker.after_fork`."""
        if self._closed:
            return
        self._cell.busy = 0  # of a handler in a thread that only the parent has
        self._timer = self._make()
        if self._period_ns:
            self.set_period(self._period_ns)

    def close(self) -> None:
        """See `Ticker.close`."""
        if not self._closed:
            self._closed = True
            self._delete(self._timer)
            self._signal.give_back(self._cell)


class ThreadTicker:
    """A Python thread; needs ``uc_emu_start`` to let go of the interpreter lock."""

    name = "thread"
    keeps_lock = False

    def __init__(self, engine: Engine) -> None:
        self._stop: Callable[[], object] = lambda: engine.stop(engine.handle)
        self._period = 1.0
        self._start()

    def _start(self) -> None:
        self._closed = threading.Event()
        self._changed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tick", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._closed.is_set():
            if self._changed.wait(self._period):
                self._changed.clear()
            else:
                self._stop()

    def set_period(self, period_ns: int) -> None:
        """See `Ticker.set_period`."""
        self._period = period_ns / _SECOND
        self._changed.set()

    def after_fork(self) -> None:
        """See `Ticker.after_fork`."""
        if not self._closed.is_set():
            self._start()

    def close(self) -> None:
        """See `Ticker.close`."""
        self._closed.set()
        self._changed.set()
        self._thread.join()
