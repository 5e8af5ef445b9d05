"""A student's code that never comes back, found while a lab runs on it.

The kernel and a student's part of it are one thread, so a loop in one stops all.  A second
thread sends that one a signal once a second, whose handler looks where it came.  When that was in
the student's files for too long, and the kernel did nothing else meanwhile, `Stuck` is raised
there: a reload is given up, a running kernel panics and shows the line.
"""

from __future__ import annotations

import signal
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Final

_SIGNAL: Final = signal.SIGVTALRM  #: nobody else's
_LOOKS: Final = 8  #: in a row that find the student's code


class Stuck(Exception):
    """The student's code did not come back in time."""


class Watch:
    """Watches the main thread, as long as this object lives; elsewhere it does nothing.

    ``seconds`` is the time between two looks.
    """

    def __init__(self, folder: Path, *, seconds: float = 1.0) -> None:
        self.beats = 0  #: counted up by the kernel when it does something else
        self._prefix = f"{folder}/"
        self._found = 0
        self._beats = -1
        if threading.current_thread() is threading.main_thread():
            handler = _Handler(weakref.ref(self))
            signal.signal(_SIGNAL, handler)
            threading.Thread(target=_tick, args=(handler, seconds), daemon=True).start()

    def look(self, frame: FrameType | None) -> bool:
        """Take one look at where the main thread is; return whether that is enough."""
        if self.beats == self._beats and self.inside(frame):
            self._found += 1
        else:
            self._beats, self._found = self.beats, 0
        return self._found >= _LOOKS

    def inside(self, frame: FrameType | None) -> bool:
        """Tell whether the student's code is being executed."""
        while frame is not None:
            if frame.f_code.co_filename.startswith(self._prefix):
                return True
            frame = frame.f_back
        return False

    def interrupt(self, frame: FrameType | None) -> None:
        """Take a look, and raise `Stuck` if it is enough."""
        if self.look(frame):
            self._found = 0
            raise Stuck(f"your code did not come back for {_LOOKS} s: does a loop never end?")


class _Handler:
    """A signal handler that keeps nothing alive."""

    def __init__(self, watch: Callable[[], Watch | None]) -> None:
        self.watch = watch

    def __call__(self, _signal: int, frame: FrameType | None) -> None:
        watch = self.watch()
        if watch is not None:
            watch.interrupt(frame)


def _tick(handler: _Handler, seconds: float) -> None:
    """Send the signals, until the watch is gone or another one has taken its place."""
    main = threading.main_thread()
    rest = threading.Event()
    while not rest.wait(seconds) and main.is_alive():
        if handler.watch() is None or signal.getsignal(_SIGNAL) is not handler:
            return
        assert main.ident is not None
        # Only a thread itself can walk its frames safely: another's go on meanwhile.
        signal.pthread_kill(main.ident, _SIGNAL)
