"""What ``rdtime`` shows: unicorn has the instruction, and calls a function of the host's for it.

Its interface does not name that function, so it is put where unicorn looks.  Without that place, or
where it does not do, ``rdtime`` is an illegal instruction, which the hart serves.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from typing import Final

from .context import MASK
from .engine import Engine

_NATIVE_READINGS: Final = 100

_TimeFunction = ctypes.CFUNCTYPE(ctypes.c_uint64)


class Counter:
    """The function behind ``rdtime``."""

    def __init__(
        self, engine: Engine, place: memoryview | None, fail: Callable[[BaseException], object]
    ) -> None:
        """``place`` holds the function's address; ``fail`` is told what a reading raised."""
        self._engine = engine
        self._place = place
        self._fail = fail
        self._keep: object = None
        self.read: Callable[[], int] = lambda: 0  #: what the counter shows
        self.kind = "trap"  #: "native", "callback", or "trap"

    def show(self, read: Callable[[], int]) -> bool:
        """Let the counter show ``read()``; False if each reading of it takes a trap."""
        self.read = read
        if self._place is None:
            return False
        if read is time.monotonic_ns and (native := self._native()):
            self._place[0], self._keep, self.kind = native, None, "native"
            return True
        function = _TimeFunction(self._guarded(read))
        self._place[0] = ctypes.cast(function, ctypes.c_void_p).value or 0
        self._keep, self.kind = function, "callback"
        return True

    def give_up(self) -> None:
        """Leave unicorn's own behaviour: an exception at each reading."""
        if self._place is not None:
            self._place[0] = 0
        self._place, self._keep, self.kind = None, None, "trap"

    def _guarded(self, read: Callable[[], int]) -> Callable[[], int]:
        def shown() -> int:
            try:
                return read() & MASK
            except BaseException as error:  # ctypes would print it and go on
                self._fail(error)
                return 0

        return shown

    def _native(self) -> int:
        """Return the address of a function of unicorn's that is ``time.monotonic_ns``, or 0."""
        address = self._engine.host_clock()
        if not address:
            return 0
        function, clock = _TimeFunction(address), time.monotonic_ns
        for _ in range(_NATIVE_READINGS):
            if not clock() <= function() <= clock():
                return 0
        return address
