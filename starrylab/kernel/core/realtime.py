"""What real-time tasks leave to normal ones (sched(7), "Limiting the CPU usage ...").

Without it a real-time task that never sleeps would have the machine for itself: no shell could
end it.  As in Linux since 6.12 nothing is held back while no normal task waits.
"""

from __future__ import annotations

from typing import Final

_PERIOD_NS: Final = 1_000_000_000
_RUNTIME_NS: Final = 950_000_000


class RealTimeShare:
    """Says when normal tasks that wait go first although a real-time one is runnable."""

    __slots__ = ("_last", "_since", "_until", "period_ns", "runtime_ns")

    def __init__(self) -> None:
        self.period_ns = _PERIOD_NS
        self.runtime_ns = _RUNTIME_NS  #: of each period; -1: all of it
        self._since = 0  #: when real-time tasks began to keep normal ones waiting
        self._until = 0  #: normal tasks go first up to then
        self._last = -2  #: the last step that was a real-time task's while normal ones waited

    def gives_way(self, step: int, busy_ns: int) -> bool:
        """Tell whether normal tasks go before the real-time task that wants ``step``.

        ``step`` is the executor's count of them, ``busy_ns`` a clock that stands still while the
        machine is idle.  To be asked at each step, and each tick, while normal tasks wait.
        """
        if not 0 <= self.runtime_ns < self.period_ns:
            return False
        if busy_ns < self._until:
            return True
        if step - self._last > 1:
            self._since = busy_ns  # somebody else ran meanwhile, or nobody waited
        self._last = step
        if busy_ns - self._since < self.runtime_ns:
            return False
        self._until = busy_ns + self.period_ns - self.runtime_ns
        return True
