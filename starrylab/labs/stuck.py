"""A student's code that never comes back, found while a lab runs on it.

The kernel and a student's part of it are one thread, so a loop in one stops all.  A second
thread looks once a second where the first one is.  When it has been in the student's files for
too long, and the kernel did nothing else meanwhile, `Stuck` is raised there: a reload is given
up, a running kernel panics and shows the line.
"""

from __future__ import annotations

import signal
import sys
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
            signal.signal(_SIGNAL, _Handler(weakref.ref(self)))
            me = weakref.ref(self)
            threading.Thread(target=_look_on, args=(me, seconds), daemon=True).start()

    def look(self, frame: FrameType | None) -> bool:
        """Take one look at where the main thread is; return whether that is enough."""
        if self.beats == self._beats and self.inside(frame):
            self._found += 1
        else:
            self._beats, self._found = self.beats, 0
        return self._found >= _LOOKS

    def inside(self, frame: FrameType | None) -> bool:
        """Tell whether the student's code is being executed."""
        # The main thread goes on meanwhile, and CPython 3.11 may hand out what was a frame.
        while isinstance(frame, FrameType):
            if frame.f_code.co_filename.startswith(self._prefix):
                return True
            frame = frame.f_back
        return False

    def interrupt(self, frame: FrameType | None) -> None:
        """Raise `Stuck`, unless the student's code came back just now."""
        if self._found >= _LOOKS and self.beats == self._beats and self.inside(frame):
            self._found = 0
            raise Stuck(f"your code did not come back for {_LOOKS} s: does a loop never end?")


class _Handler:
    """A signal handler that keeps nothing alive."""

    def __init__(self, watch: Callable[[], Watch | None]) -> None:
        self._watch = watch

    def __call__(self, _signal: int, frame: FrameType | None) -> None:
        watch = self._watch()
        if watch is not None:
            watch.interrupt(frame)


def _look_on(watch: Callable[[], Watch | None], seconds: float) -> None:
    main = threading.main_thread()
    rest = threading.Event()
    while not rest.wait(seconds) and main.is_alive():
        if (seen := watch()) is None:
            return
        assert main.ident is not None
        if seen.look(sys._current_frames().get(main.ident)):  # noqa: SLF001
            signal.pthread_kill(main.ident, _SIGNAL)
        del seen
