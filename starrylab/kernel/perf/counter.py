"""One counter: what it counts, of whom, since when, and how often it takes a sample.

A counter of a thread runs while the thread does: its times are CPU time.  One of the processor
runs all the time.  Counters of clocks are read off these times; everything else is added up when
it happens (`Counter.add`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final
from weakref import ref

from ...abi import perf
from ...abi.perf import SW_CPU_CLOCK, SW_TASK_CLOCK
from .attr import PerfAttr

if TYPE_CHECKING:
    from ..thread import Thread
    from .file import PerfFile
    from .filters import Filter
    from .moment import Moment
    from .ring import Ring
    from .system import Context, Perf

_CLOCKS: Final = (SW_CPU_CLOCK, SW_TASK_CLOCK)
_TASK_FLAGS: Final = perf.TASK | perf.MMAP | perf.MMAP2 | perf.MMAP_DATA | perf.COMM
_SIDE: Final = (
    (perf.MMAP | perf.MMAP2 | perf.MMAP_DATA, perf.KEY_MMAP),
    (perf.COMM, perf.KEY_COMM),
    (_TASK_FLAGS, perf.KEY_TASK),
    (perf.CONTEXT_SWITCH, perf.KEY_SWITCH),
)
FIRST_TRACEPOINT: Final = 0x100  #: keys of tracepoints are their ids from here on


class Counter:
    """A counter of one thread, or of the processor."""

    __slots__ = (
        "attr", "child_count", "child_enabled_ns", "children", "context",
        "count", "enabled", "enabled_ns", "file", "filter", "freq_stamp", "gone",
        "id", "interrupts", "key", "keys", "last_sample_ns", "leader", "limit", "lost", "owner",
        "parent", "paused", "per_cpu", "perf", "period", "period_left", "program",
        "program_end", "ring", "siblings", "since", "tick",
    )  # fmt: skip

    def __init__(
        self, owner: Perf, attr: PerfAttr, context: Context, parent: Counter | None = None
    ) -> None:
        self.perf = owner
        self.attr = attr
        self.context = context
        self.parent = parent  #: whose descriptor it counts for: the one that was inherited
        self.id = next(owner.ids)
        traced = attr.type == perf.TYPE_TRACEPOINT
        self.key = attr.config + FIRST_TRACEPOINT if traced else attr.config
        if attr.type == perf.TYPE_BREAKPOINT:
            self.key = perf.KEY_BREAKPOINT
        self.keys = (self.key, *(key for flags, key in _SIDE if attr.flags & flags))
        self.file: PerfFile | None = None
        self.leader = self
        self.siblings: list[Counter] = []
        self.children: list[Counter] = []
        self.enabled = not attr.has(perf.DISABLED)
        self.gone = False  #: its thread has ended, or its descriptor is closed
        self.owner: ref[Thread] | None = None  #: who opened it (PR_TASK_PERF_EVENTS_DISABLE)
        self.per_cpu = True  #: opened for a processor, if only of one thread
        self.paused = False  #: too many samples for now (PERF_RECORD_THROTTLE)
        self.count = 0
        self.enabled_ns = 0
        self.since: int | None = None  #: time of the context when it began to run
        self.child_count = self.child_enabled_ns = 0
        self.ring: Ring | None = None
        self.lost = 0
        self.limit = 0  #: samples until it stops (PERF_EVENT_IOC_REFRESH); 0: no limit
        self.filter: Filter | None = None
        #: bpf(2): what is asked about every record of a tracepoint, every sample of others
        self.program: Callable[[Moment], bool] | None = None
        self.program_end: Callable[[], object] | None = None  #: lets go of it
        self.period = 1 if attr.has(perf.FREQ) else attr.sample_period
        self.period_left = self.period
        self.freq_stamp = 0
        self.last_sample_ns = 0
        self.interrupts = self.tick = 0

    # -- what it is

    @property
    def counts_time(self) -> bool:
        """Whether it is a clock."""
        return self.attr.type == perf.TYPE_SOFTWARE and self.attr.config in _CLOCKS

    @property
    def top(self) -> Counter:
        """The counter that has the descriptor."""
        return self if self.parent is None else self.parent

    @property
    def group(self) -> list[Counter]:
        """The leader and its siblings."""
        return [self.leader, *self.leader.siblings]

    # -- running

    @property
    def running(self) -> bool:
        """Whether it counts now (while its thread has the CPU)."""
        return self.since is not None

    def settle(self) -> None:
        """Begin or stop counting, as it and its leader are enabled or not."""
        wanted = self.enabled and self.leader.enabled and not self.gone
        if wanted == self.running:
            return
        now = self.context.now()
        if wanted:
            self.since = now
            self.last_sample_ns = self.context.busy_ns()
            self.context.begin(self)
        else:
            self._book(now)
            self.since = None
            self.context.end(self)
        self.show()

    def _book(self, now: int) -> None:
        """Add up the time up to ``now``."""
        if self.since is not None:
            passed = now - self.since
            self.enabled_ns += passed
            if self.counts_time:
                self.count += passed
            self.since = now

    def enable(self) -> None:
        """Start (PERF_EVENT_IOC_ENABLE); with a leader, its siblings that are enabled too."""
        self._enable(True)

    def disable(self) -> None:
        """Stop (PERF_EVENT_IOC_DISABLE)."""
        self._enable(False)

    def _enable(self, on: bool) -> None:
        for counter in (self, *self.children):
            counter.enabled = on
            counter.settle()
            for sibling in counter.siblings:
                sibling.settle()

    def reset(self) -> None:
        """Set the count to 0, not the times (PERF_EVENT_IOC_RESET)."""
        self._book(self.context.now())
        self.count = 0
        self.show()

    def set_period(self, period: int) -> None:
        """Take a sample every ``period`` events, or so many a second, from now on."""
        if not self.attr.has(perf.FREQ):
            self.period = self.period_left = period

    # -- what it shows

    def own(self) -> tuple[int, int]:
        """Return count and time (ns) of itself alone."""
        self._book(self.context.now())
        return self.count, self.enabled_ns

    def totals(self) -> tuple[int, int]:
        """Return count and time (ns), with all that was inherited."""
        count, enabled = self.own()
        count += self.child_count
        enabled += self.child_enabled_ns
        for child in self.children:
            more, longer = child.own()
            count += more
            enabled += longer
        return count, enabled

    def show(self) -> None:
        """Bring the mapped page up to date."""
        if self.ring is not None and self.parent is None:
            count, enabled = self.totals()
            door = self.perf.kernel.door
            self.ring.show(count, enabled, enabled, door.monotonic(), door.ahead_ns)

    def woken(self) -> None:
        """Tell who waits for records that there are some."""
        file = self.top.file
        if file is not None:
            file.wake_readers()

    # -- the end

    def fold(self) -> None:
        """Give what an inherited counter has counted to the one with the descriptor."""
        parent = self.parent
        if parent is None:
            return
        count, enabled = self.own()
        parent.child_count += count
        parent.child_enabled_ns += enabled
        parent.lost += self.lost
        parent.children.remove(self)

    def retire(self) -> None:
        """Stop for good: the thread ends, or the descriptor is closed."""
        if self.gone:
            return
        self.gone = True
        self.settle()
        self.context.remove(self)


__all__ = ["FIRST_TRACEPOINT", "Counter"]
