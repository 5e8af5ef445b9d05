"""Threads that begin, change their program, get signals and end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from . import sampling, symbols
from .counter import FIRST_TRACEPOINT
from .moment import Moment
from .tracepoints import EXEC, EXIT, FORK, SIGNAL, WAKEUP_NEW

if TYPE_CHECKING:
    from ..signal.info import SignalInfo
    from ..thread import Thread
    from .sideband import Sideband
    from .system import Perf
    from .tracepoints import Tracepoint

_NORMAL: Final = 120  #: priority of nice 0 as the scheduler's tracepoints show it
_REAL_TIME: Final = 99


def tell(system: Perf, thread: Thread, point: Tracepoint, ip: int, *values: int | bytes) -> None:
    """Tell who counts ``point`` that ``thread`` has met it; ``values`` are its fields."""
    counters = tuple(system.counting(thread, FIRST_TRACEPOINT + point.id))
    if counters:
        raw = point.pack(thread.tid, *values)
        moment = Moment(thread, ip, user=False, raw=raw)
        for counter in counters:
            sampling.happened(counter, moment)


def priority(thread: Thread) -> int:
    """Return the priority as the kernel of Linux counts it: 0 to 98 real-time, 120 nice 0."""
    return _REAL_TIME - thread.priority if thread.priority else _NORMAL + thread.nice


class LifeSource:
    """Inherits counters, starts them at execve(2), ends them; tells of it."""

    _KINDS: Final = ("fork", "exec", "exit")

    def __init__(self, owner: Perf, sideband: Sideband) -> None:
        self._perf = owner
        self._sideband = sideband
        self._listeners: tuple[Callable[..., None], ...] = (self._fork, self._exec, self._exit)

    def start(self) -> None:
        """See `Source.start`."""
        for kind, listener in zip(self._KINDS, self._listeners, strict=True):
            self._perf.kernel.events.subscribe(kind, listener)

    def stop(self) -> None:
        """See `Source.stop`."""
        for kind, listener in zip(self._KINDS, self._listeners, strict=True):
            self._perf.kernel.events.unsubscribe(kind, listener)

    def _fork(self, parent: Thread, child: Thread) -> None:
        names = parent.comm[:15], child.comm[:15]
        tell(self._perf, parent, FORK, symbols.CLONE, names[0], parent.tid, names[1], child.tid)
        new = child.comm[:15], child.tid, priority(child), 0
        tell(self._perf, parent, WAKEUP_NEW, symbols.WAKE, *new)
        self._sideband.began(parent, child)
        self._perf.forked(parent, child)

    def _exec(self, thread: Thread, path: bytes, _argv: Sequence[bytes]) -> None:
        self._perf.execed(thread)
        self._perf.sources.breakpoints.moved(thread)
        self._sideband.named(thread, by_exec=True)
        self._sideband.all_mapped(thread)
        name = path + b"\0"
        where = len(name) << 16 | 8 + EXEC.body.size
        counters = tuple(self._perf.counting(thread, FIRST_TRACEPOINT + EXEC.id))
        if counters:
            raw = EXEC.pack(thread.tid, where, thread.tid, thread.tid) + name
            moment = Moment(thread, symbols.EXEC, user=False, raw=raw)
            for counter in counters:
                sampling.happened(counter, moment)

    def _exit(self, thread: Thread, _status: int) -> None:
        tell(self._perf, thread, EXIT, symbols.EXIT, thread.comm[:15], thread.tid, priority(thread))
        self._sideband.ended(thread)
        self._perf.exited(thread)


class SignalSource:
    """signal:signal_deliver."""

    def __init__(self, owner: Perf) -> None:
        self._perf = owner

    def start(self) -> None:
        """See `Source.start`."""
        self._perf.kernel.events.subscribe("signal", self._signal)

    def stop(self) -> None:
        """See `Source.stop`."""
        self._perf.kernel.events.unsubscribe("signal", self._signal)

    def _signal(self, thread: Thread, info: SignalInfo) -> None:
        action = thread.signals.process.actions[info.signo]
        tell(
            self._perf, thread, SIGNAL, symbols.SIGNAL,
            info.signo, 0, info.code, action.handler, action.flags,
        )  # fmt: skip
