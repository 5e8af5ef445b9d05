"""What the kernel itself holds of performance events: the rest is loaded with the first one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ..core.tracing import Tracer
    from ..kernel import Kernel
    from ..thread import Thread
    from .system import Perf

MAX_RATE: Final = 4000  #: samples a second, and no more: a tick of the hart costs time
_MAX_STACK: Final = 127  #: PERF_MAX_STACK_DEPTH
_MLOCK_KB: Final = 516  #: as Linux: 512 KiB and the control page


class Settings:
    """/proc/sys/kernel/perf_*."""

    __slots__ = ("max_contexts", "max_rate", "max_stack", "mlock_kb", "paranoid")

    def __init__(self) -> None:
        self.paranoid = 2
        self.mlock_kb = _MLOCK_KB
        self.max_rate = MAX_RATE
        self.max_stack = _MAX_STACK
        self.max_contexts = 8


class PerfEvents:
    """The events of a kernel, made when the first program wants some."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._system: Perf | None = None
        self.settings = Settings()

    @property
    def system(self) -> Perf:
        """All events."""
        if self._system is None:
            from .system import Perf  # most runs have none, and need not load it

            self._system = Perf(self._kernel, self.settings)
        return self._system

    def gives_way(self, tracer: Tracer) -> bool:
        """Take back the breakpoints of programs if it is they who trace; tell whether they did."""
        if self._system is None or tracer is not self._system.sources.breakpoints:
            return False
        self._system.sources.breakpoints.give_way()
        return True

    def renamed(self, thread: Thread) -> None:
        """Tell that a thread has another name (prctl(2), /proc/PID/comm)."""
        if self._system is not None:
            self._system.sources.sideband.named(thread)

    def switch_owned(self, thread: Thread, *, on: bool) -> None:
        """Start or stop all that a thread has opened (PR_TASK_PERF_EVENTS_ENABLE)."""
        if self._system is not None:
            self._system.switch_owned(thread, on=on)
