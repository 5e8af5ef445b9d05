"""Where events come from: each source listens as long as somebody counts what it tells."""

from __future__ import annotations

from collections import Counter as Multiset
from typing import TYPE_CHECKING, Final, Protocol

from ...abi import perf
from . import tracepoints
from .breakpoints import Breakpoints
from .calls import CallSource, MapSource
from .clocks import ClockSampler
from .counter import FIRST_TRACEPOINT
from .faults import FaultSource
from .life import LifeSource, SignalSource
from .scheduling import SwitchSource, WakeSource
from .sideband import Sideband

if TYPE_CHECKING:
    from .counter import Counter
    from .system import Perf


class Source(Protocol):
    """Something that tells counters what happens."""

    def start(self) -> None:
        """Listen from now on."""
        ...

    def stop(self) -> None:
        """Listen no more."""
        ...


class Sources:
    """All of them."""

    def __init__(self, owner: Perf) -> None:
        self._users: Multiset[str] = Multiset()
        self._clocks = ClockSampler(owner)
        self.breakpoints = Breakpoints(owner)
        self.sideband = Sideband(owner)
        self._sources: dict[str, Source] = {
            "life": LifeSource(owner, self.sideband),
            "faults": FaultSource(owner),
            "switches": SwitchSource(owner, self.sideband),
            "wakes": WakeSource(owner),
            "calls": CallSource(owner),
            "signals": SignalSource(owner),
            "maps": MapSource(owner, self.sideband),
        }

    def need(self, keys: tuple[int, ...]) -> None:
        """Start what one more counter of ``keys`` needs."""
        for name in _names(keys):
            self._users[name] += 1
            if self._users[name] == 1:
                self._sources[name].start()

    def drop(self, keys: tuple[int, ...]) -> None:
        """Undo `need`."""
        for name in _names(keys):
            self._users[name] -= 1
            if not self._users[name]:
                self._sources[name].stop()

    def began(self, counter: Counter) -> None:
        """Note that a counter runs."""
        if counter.counts_time and counter.attr.sampling:
            self._clocks.began(counter)
        if counter.key == perf.KEY_BREAKPOINT:
            self.breakpoints.began(counter)

    def ended(self, counter: Counter) -> None:
        """Note that a counter does not run any more."""
        if counter.counts_time and counter.attr.sampling:
            self._clocks.ended(counter)
        if counter.key == perf.KEY_BREAKPOINT:
            self.breakpoints.ended(counter)


_BY_KEY: Final = {
    perf.SW_PAGE_FAULTS: "faults",
    perf.SW_PAGE_FAULTS_MIN: "faults",
    perf.SW_PAGE_FAULTS_MAJ: "faults",
    perf.SW_CONTEXT_SWITCHES: "switches",
    perf.KEY_SWITCH: "switches",
    perf.KEY_MMAP: "maps",
    FIRST_TRACEPOINT + tracepoints.PAGE_FAULT.id: "faults",
    FIRST_TRACEPOINT + tracepoints.SWITCH.id: "switches",
    FIRST_TRACEPOINT + tracepoints.RUNTIME.id: "switches",
    FIRST_TRACEPOINT + tracepoints.WAKEUP.id: "wakes",
    FIRST_TRACEPOINT + tracepoints.WAKING.id: "wakes",
    FIRST_TRACEPOINT + tracepoints.SIGNAL.id: "signals",
    FIRST_TRACEPOINT + tracepoints.SYS_ENTER.id: "calls",
    FIRST_TRACEPOINT + tracepoints.SYS_EXIT.id: "calls",
}


def _names(keys: tuple[int, ...]) -> set[str]:
    """Return the sources that tell of ``keys``; every counter has to know who begins and ends."""
    names = {_BY_KEY[key] for key in keys if key in _BY_KEY}
    if keys[0] >= FIRST_TRACEPOINT + tracepoints.FIRST_CALL:
        names.add("calls")
    return names | {"life"}
