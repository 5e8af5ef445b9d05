"""A door whose clocks jump: nobody waits for a time to come.

While something runs, time passes as on the host. When all threads wait and nothing has arrived from
outside, the clocks jump to the moment that the first of them waits for, so that an hour of cron's
life takes as long as what it does. Who waits for input and a time gets the time, unless the
input is there already.
"""

from __future__ import annotations

from typing import Final

from .door import HostDoor

_END_NS: Final = 1 << 62  #: in 2116: clocks stop jumping well before 64 bits overflow


class SkippingDoor(HostDoor):
    """The host's clocks, plus what was skipped; all else as `HostDoor`."""

    def __init__(self, *, can_freeze: bool = False) -> None:
        super().__init__(can_freeze=can_freeze)
        self.skipped_ns = 0
        host, wall = self.monotonic, self.realtime
        self.monotonic = lambda: host() + self.skipped_ns
        self.realtime = lambda: wall() + self.skipped_ns

    def poll(self, timeout_ns: int | None) -> None:
        """See ``Door.poll``; a wait that would pass without an event is skipped."""
        if not timeout_ns or self.realtime() + timeout_ns > _END_NS:
            super().poll(timeout_ns)
        elif self._has_input():
            super().poll(0)
        else:
            self.skipped_ns += timeout_ns
            self.moved()

    @property
    def ahead_ns(self) -> int | None:
        """See ``Door.ahead_ns``."""
        ahead = super().ahead_ns
        return None if ahead is None else ahead + self.skipped_ns

    def _has_input(self) -> bool:
        if any(source not in self._paused for source in self._always_ready):
            return True
        return bool(self._selector.get_map()) and bool(self._selector.select(0))
