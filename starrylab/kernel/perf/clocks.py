"""Samples of clocks: taken at the ticks that also end time slices, only more often.

A tick comes between two instructions of a program, so each sample says exactly where it was.  What
a sample stands for is the time since the one before; that ticks come late changes nothing in sums.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi import perf
from ..core.sched import TICK_NS
from . import sampling
from .moment import Moment

if TYPE_CHECKING:
    from ..thread import Thread
    from .counter import Counter
    from .system import Perf

_SECOND: Final = 1_000_000_000  #: ns
_SLACK: Final = 8  #: a sample may come this part of its period too early


class ClockSampler:
    """Takes samples for every clock that wants some."""

    def __init__(self, owner: Perf) -> None:
        self._perf = owner
        self._counters: set[Counter] = set()
        self._whole = 0  #: when the last tick was that counts for time slices

    def began(self, counter: Counter) -> None:
        """Tick often enough for one more counter."""
        self._counters.add(counter)
        if len(self._counters) == 1:
            self._whole = self._perf.kernel.clock.monotonic()
        self._set_tick()

    def ended(self, counter: Counter) -> None:
        """Undo `began`."""
        self._counters.discard(counter)
        self._set_tick()

    def _set_tick(self) -> None:
        kernel = self._perf.kernel
        finest = _SECOND // self._perf.settings.max_rate
        wanted = min((max(_period(c), finest) for c in self._counters), default=TICK_NS)
        tick = min(TICK_NS, wanted)
        if tick != kernel.tick_ns:
            kernel.tick_ns = tick
            kernel.hart.set_tick(tick)
        kernel.sampler = self.tick if self._counters else None

    def tick(self, thread: Thread) -> None:
        """Take the samples that are due; ``thread`` was interrupted in user mode."""
        now = self._perf.kernel.clock.monotonic()
        if now - self._whole < TICK_NS - TICK_NS // _SLACK:
            thread.slice_left += 1  # the executor takes it off again: no tick of a time slice
        else:
            self._whole = now
        moment: Moment | None = None
        for key in (perf.SW_CPU_CLOCK, perf.SW_TASK_CLOCK):
            for counter in self._perf.counting(thread, key):
                if not counter.attr.sampling or counter.attr.type != perf.TYPE_SOFTWARE:
                    continue
                if moment is None:
                    moment = Moment(thread, thread.context.pc, user=True)
                self._sample(counter, moment)

    def _sample(self, counter: Counter, moment: Moment) -> None:
        now = counter.context.busy_ns()
        passed = now - counter.last_sample_ns
        period = _period(counter)
        if passed < period - period // _SLACK:
            return
        counter.last_sample_ns = now
        if counter.paused:
            sampling.resume(counter, moment)
        if not counter.attr.has(perf.FREQ):
            passed = max(1, passed // period) * period
        sampling.take(counter, moment, passed)
        if passed // period > sampling.most(counter):
            sampling.throttle(counter, moment)  # so many were wanted in the time of this one


def _period(counter: Counter) -> int:
    """Return how much time a counter wants from one sample to the next, in ns."""
    attr = counter.attr
    return max(1, _SECOND // attr.sample_period if attr.has(perf.FREQ) else counter.period)
