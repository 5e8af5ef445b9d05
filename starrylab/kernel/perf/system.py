"""All performance events of a kernel: who counts what, and what has to be listened to for it.

Nothing here costs anything while no event is open: whatever is counted comes from trace events
(`core.events`), which are subscribed to as long as somebody has an event that needs them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import count
from struct import Struct
from typing import TYPE_CHECKING, Final

from ...abi import perf
from ...abi import signal as sig
from ..signal.info import SignalInfo
from ..thread_signals import force_signal
from .counter import Counter
from .sources import Sources
from .tracepoints import table
from .tracing import EventTracer

if TYPE_CHECKING:
    from ..kernel import Kernel
    from ..thread import Thread
    from .events import Settings
    from .moment import Moment
    from .tracepoints import Tracepoint

_SIGTRAP: Final = Struct("<16xQQII")  #: siginfo_t from si_addr on


class Context:
    """The counters of one thread, or of the processor (``thread`` is ``None``)."""

    __slots__ = ("_perf", "active", "counters", "thread")

    def __init__(self, owner: Perf, thread: Thread | None) -> None:
        self._perf = owner
        self.thread = thread
        self.counters: list[Counter] = []
        self.active: dict[int, list[Counter]] = {}  #: key -> who counts it now

    def now(self) -> int:
        """Return its time in ns: the thread's CPU time, or the processor's."""
        clock = self._perf.kernel.clock
        return clock.monotonic() if self.thread is None else clock.thread_cpu(self.thread)

    def busy_ns(self) -> int:
        """Return the same without the time in which nobody ran."""
        return self.now() - (self._perf.kernel.executor.idle_ns if self.thread is None else 0)

    def add(self, counter: Counter) -> None:
        """Take a new counter."""
        self.counters.append(counter)
        self._perf.sources.need(counter.keys)
        counter.settle()

    def remove(self, counter: Counter) -> None:
        """Forget a counter that is not needed any more."""
        self.counters.remove(counter)
        self._perf.sources.drop(counter.keys)
        if not self.counters and self.thread is not None:
            self._perf.contexts.pop(self.thread, None)

    def begin(self, counter: Counter) -> None:
        """Tell ``counter`` what happens, from now on."""
        for key in counter.keys:
            self.active.setdefault(key, []).append(counter)
        self._perf.sources.began(counter)

    def end(self, counter: Counter) -> None:
        """Undo `begin`."""
        for key in counter.keys:
            self.active[key].remove(counter)
        self._perf.sources.ended(counter)


class Perf:
    """See the module."""

    def __init__(self, kernel: Kernel, settings: Settings) -> None:
        self.kernel = kernel
        self.settings = settings
        self.ids = count(1)
        self.cpu = Context(self, None)
        self.contexts: dict[Thread, Context] = {}
        #: what serves PERF_EVENT_IOC_SET_BPF: (who asks, event, descriptor of a program)
        self.attach_program: Callable[[Thread, Counter, int], None] | None = None
        self.locked_pages: dict[int, int] = {}  #: user -> pages of rings
        self._tracer: EventTracer | None = None
        self._points: Mapping[int, Tracepoint] | None = None
        self.sources = Sources(self)

    @property
    def tracer(self) -> EventTracer:
        """What writes tracepoints as text."""
        if self._tracer is None:
            self._tracer = EventTracer(self)
        return self._tracer

    @property
    def points(self) -> Mapping[int, Tracepoint]:
        """Every tracepoint by its id; made when somebody asks first."""
        if self._points is None:
            self._points = table(self.kernel.calls.entry)
        return self._points

    def context_of(self, thread: Thread | None) -> Context:
        """Return the context of a thread, made if need be, or of the processor."""
        if thread is None:
            return self.cpu
        context = self.contexts.get(thread)
        if context is None:
            context = self.contexts[thread] = Context(self, thread)
        return context

    def counting(self, thread: Thread, key: int) -> Iterator[Counter]:
        """Yield who wants to know of ``key`` when ``thread`` does it."""
        context = self.contexts.get(thread)
        if context is not None:
            yield from tuple(context.active.get(key, ()))
        yield from tuple(self.cpu.active.get(key, ()))

    def switch_owned(self, thread: Thread, *, on: bool) -> None:
        """Start or stop all that a thread has opened (PR_TASK_PERF_EVENTS_ENABLE)."""
        contexts = (self.cpu, *self.contexts.values())
        for counter in [counter for context in contexts for counter in context.counters]:
            if counter.owner is not None and counter.owner() is thread:
                counter.enable() if on else counter.disable()

    def trap(self, counter: Counter, moment: Moment) -> None:
        """Send SIGTRAP to who met an event that wants it (attr.sigtrap; ``send_sig_perf``)."""
        thread = moment.thread
        if counter.context.thread is not thread or not moment.user:
            return
        blocked = thread.signals.mask >> sig.SIGTRAP - 1 & 1
        flags = sig.TRAP_PERF_FLAG_ASYNC if blocked else 0
        attr = counter.attr
        raw = _SIGTRAP.pack(moment.addr, attr.sig_data, attr.type, flags).ljust(128, b"\0")
        force_signal(thread, SignalInfo(sig.SIGTRAP, sig.TRAP_PERF, addr=moment.addr, raw=raw))

    def time_of(self, counter: Counter) -> int:
        """Return the time that records of ``counter`` show."""
        clock = self.kernel.clock
        if not counter.attr.has(perf.USE_CLOCKID):
            return clock.monotonic()
        return clock.now(counter.attr.clockid)

    # -- life of threads

    def forked(self, parent: Thread, child: Thread) -> None:
        """Let a new thread inherit the counters of its parent that say so."""
        context = self.contexts.get(parent)
        if context is None:
            return
        same_process = parent.process is child.process
        for counter in tuple(context.counters):
            if counter.leader is not counter or not _inherits(counter, same_process):
                continue
            leader = self._inherit(counter, child, None)
            for sibling in counter.siblings:
                self._inherit(sibling, child, leader)

    def _inherit(self, origin: Counter, thread: Thread, leader: Counter | None) -> Counter:
        context = self.context_of(thread)
        top = origin.top
        child = Counter(self, origin.attr, context, top)
        child.enabled = origin.enabled
        child.filter, child.program = origin.filter, origin.program
        child.period = child.period_left = origin.period
        if leader is not None:
            child.leader = leader
            leader.siblings.append(child)
        top.children.append(child)
        context.add(child)
        return child

    def execed(self, thread: Thread) -> None:
        """Start what waits for execve(2), and end what ends there."""
        context = self.contexts.get(thread)
        if context is None:
            return
        for counter in tuple(context.counters):
            if counter.attr.has(perf.ENABLE_ON_EXEC):
                counter.attr = counter.attr.without(perf.ENABLE_ON_EXEC)
                counter.enabled = True
        for counter in tuple(context.counters):
            counter.settle()
            if counter.attr.has(perf.REMOVE_ON_EXEC):
                self._end(counter)

    def exited(self, thread: Thread) -> None:
        """End the counters of a thread."""
        context = self.contexts.get(thread)
        if context is not None:
            for counter in tuple(context.counters):
                self._end(counter)

    def _end(self, counter: Counter) -> None:
        counter.retire()
        if counter.parent is not None and counter.attr.has(perf.INHERIT_STAT):
            self.sources.sideband.counted(counter)
        counter.fold()
        counter.woken()


def _inherits(counter: Counter, same_process: bool) -> bool:
    attr = counter.attr
    if attr.has(perf.INHERIT_THREAD):
        return same_process
    return attr.has(perf.INHERIT)
