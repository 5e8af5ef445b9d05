"""What makes user code stop now and then: timer_create(2), or a thread where that is missing."""

from __future__ import annotations

import ctypes
import os
import threading
import time
import weakref
from collections.abc import Callable
from ctypes import c_char, c_int, c_long, c_void_p
from typing import Final, Protocol

from .engine import Engine

_CLOCK_MONOTONIC: Final = 1
_SIGEV_THREAD: Final = 2
_SECOND: Final = 1_000_000_000  #: ns
_LAST_NOTICE: Final = 0.002  #: s


class Ticker(Protocol):
    """Calls ``uc_emu_stop`` regularly."""

    name: str
    keeps_lock: bool  #: works while user code holds the interpreter lock

    def set_period(self, period_ns: int) -> None:
        """Tick every ``period_ns`` nanoseconds, which is not 0."""
        ...

    def before_fork(self) -> None:
        """Be ready for a fork of the process."""
        ...

    def after_fork(self, *, in_child: bool) -> None:
        """Go on; a forked child inherits neither timers nor threads."""
        ...

    def close(self) -> None:
        """Stop for good."""
        ...


def follow_forks(ticker: Ticker) -> None:
    """Keep ``ticker`` going on both sides of every fork, as long as somebody refers to it."""
    reference = weakref.ref(ticker)

    def before() -> None:
        if (alive := reference()) is not None:
            alive.before_fork()

    def after(*, in_child: bool) -> None:
        if (alive := reference()) is not None:
            alive.after_fork(in_child=in_child)

    os.register_at_fork(
        before=before,
        after_in_parent=lambda: after(in_child=False),
        after_in_child=lambda: after(in_child=True),
    )


class _SigEvent(ctypes.Structure):
    _fields_ = (
        ("value", c_void_p),
        ("signo", c_int),
        ("notify", c_int),
        ("function", c_void_p),
        ("attributes", c_void_p),
        ("padding", c_char * 32),
    )


class _TimerSpec(ctypes.Structure):
    _fields_ = (
        ("interval_s", c_long),
        ("interval_ns", c_long),
        ("value_s", c_long),
        ("value_ns", c_long),
    )


class NativeTicker:
    """A POSIX timer whose notification function *is* ``uc_emu_stop``: no Python takes part.

    Construction raises ``OSError`` on a host without such timers.
    """

    name = "native"
    keeps_lock = True

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._period_ns = 0
        self._timer: c_void_p | None = None
        self._closed = False
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
        self._make()

    def _make(self) -> None:
        event = _SigEvent(
            value=self._engine.handle, notify=_SIGEV_THREAD, function=self._engine.stop_address
        )
        timer = c_void_p()
        if self._create(_CLOCK_MONOTONIC, ctypes.byref(event), ctypes.byref(timer)):
            raise OSError(ctypes.get_errno(), "timer_create")
        self._timer = timer

    def set_period(self, period_ns: int) -> None:
        """See `Ticker.set_period`."""
        self._period_ns = period_ns
        seconds, rest = divmod(period_ns, _SECOND)
        spec = _TimerSpec(seconds, rest, seconds, rest)
        if self._settime(self._timer, 0, ctypes.byref(spec), None):
            raise OSError(ctypes.get_errno(), "timer_settime")

    def before_fork(self) -> None:
        """See `Ticker.before_fork`.

        glibc starts a thread for each notification, with a lock held that a child forked
        at that moment would find locked for ever.  So there is no timer during a fork.
        """
        self._remove()

    def after_fork(self, *, in_child: bool) -> None:
        """See `Ticker.after_fork`."""
        if self._closed:
            return
        self._make()
        if self._period_ns:
            self.set_period(self._period_ns)

    def close(self) -> None:
        """See `Ticker.close`."""
        self._closed = True
        self._remove()

    def _remove(self) -> None:
        if self._timer is not None:
            self._delete(self._timer)
            self._timer = None
            # A notification runs in a thread of its own, which may be on its way to the
            # engine that is about to be freed, and cannot be joined.
            time.sleep(_LAST_NOTICE)


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

    def before_fork(self) -> None:
        """See `Ticker.before_fork`."""

    def after_fork(self, *, in_child: bool) -> None:
        """See `Ticker.after_fork`."""
        if in_child and not self._closed.is_set():
            self._start()

    def close(self) -> None:
        """See `Ticker.close`."""
        self._closed.set()
        self._changed.set()
        self._thread.join()
