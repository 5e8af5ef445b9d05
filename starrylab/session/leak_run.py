"""Run one command again and again in one lab, and tell what the kernel has more of each time.

The first process never runs: it is made as ever, then put to sleep, and each iteration is a
child of it, made by fork and execve.  Children that end are reaped at once, orphans too (it has
SA_NOCLDWAIT), so what is left after an iteration was left by the command or by the kernel.
A stamp is taken when nothing but the first process is left, or some time after the command
ended: a daemon that stays is growth like any other.

A last iteration is recorded, so that what grows can be named with its holder and its stack.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ..abi.errno import LinuxError
from ..abi.signal import SA_NOCLDWAIT, SIGCHLD
from ..debug.leaks.growth import LEAST, WARM_UP, Growth
from ..kernel import boot
from ..kernel.core.sched import State
from ..kernel.signal.actions import SignalAction
from ..kernel.task.clone import CloneArgs, clone
from ..kernel.task.exec import execve

if TYPE_CHECKING:
    from ..debug.leaks.report import Leak, LeakReport
    from ..kernel.task.process import Process
    from .assemble import Lab

LEAST_ITERATIONS: Final = WARM_UP + LEAST
_STAMPS: Final = 40  #: about so many are taken, whatever the number of iterations
_FIRST_LOOK_NS: Final = 500_000
_LOOK_NS: Final = 5_000_000
_SETTLE_NS: Final = 300_000_000  #: how long others may go on after the command ended


class LeakRunError(Exception):
    """The iterations did not come to their end; one line."""


@dataclass(frozen=True, slots=True)
class RunReport:
    """What many iterations of a command left."""

    iterations: int
    every: int  #: iterations between two stamps
    status: int  #: wait(2) status of the last iteration
    growth: tuple[Growth, ...]  #: most bytes first
    leaks: tuple[Leak, ...]  #: of the recorded iteration: only what grows
    audit: LeakReport  #: frames and heap: do they add up?

    @property
    def clean(self) -> bool:
        """Whether nothing grew and all frames add up."""
        return not self.growth and not self.audit.frames and not self.audit.heap_unaccounted


class LeakRun:
    """The iterations in one lab, which is assembled and has not run yet."""

    def __init__(self, lab: Lab, progress: Callable[[int], object] = lambda _: None) -> None:
        self._lab = lab
        self._kernel = kernel = lab.kernel
        self._tracker = lab.tracker()
        self._progress = progress
        self._child: Process | None = None
        self._status = 0
        self._ended_ns = 0
        kernel.init.leader.state = State.PARKED  # the executor passes over it
        actions = kernel.init.signals.actions
        actions[SIGCHLD] = SignalAction(flags=SA_NOCLDWAIT)
        kernel.events.subscribe("process_exit", self._exited)

    def run(self, iterations: int) -> RunReport:
        """Run all iterations and one more; raise `LeakRunError`."""
        every = max(1, iterations // _STAMPS)
        iterations = max(iterations, LEAST_ITERATIONS) // every * every
        for index in range(iterations):
            self._iterate()
            if (index + 1) % every == 0:
                self._tracker.stamp()
                self._progress(index + 1)
        growth = self._tracker.growth(every)
        self._tracker.start()
        try:
            self._iterate()
            audit = self._tracker.report()
        finally:
            self._tracker.stop()
        named = tuple(leak for leak in audit.leaks if _is_among(leak, growth))
        return RunReport(iterations, every, self._status, tuple(growth), named, audit)

    def _iterate(self) -> None:
        """Run the command once, until nothing moves any more."""
        kernel = self._kernel
        try:
            self._child = self._start()
        except LinuxError as error:
            program = self._lab.first.argv[0].decode(errors="replace")
            raise LeakRunError(f"cannot start {program} again: {error}") from None
        kernel.executor.run()
        if kernel.panic_text is not None:
            raise LeakRunError(f"kernel panic\n{kernel.panic_text}")
        if self._child is not None:
            raise LeakRunError("interrupted")

    def _start(self) -> Process:
        """Make a child of the first process that executes the command."""
        thread = clone(self._kernel.init.leader, CloneArgs(0))
        thread.process.signals.actions[SIGCHLD] = SignalAction()
        config = self._lab.first
        place, name = boot.find_program(thread, config)
        execve(thread, place, name, list(config.argv), list(config.env))
        return thread.process

    def _exited(self, process: Process) -> None:
        if process is self._child:
            self._child = None
            self._status = process.exit_status or 0
            self._ended_ns = self._kernel.executor.now
            self._look_in(_FIRST_LOOK_NS)

    def _look_in(self, delay_ns: int) -> None:
        executor = self._kernel.executor
        executor.call_at(executor.now + delay_ns, self._look)

    def _look(self) -> None:
        """End the iteration when only the first process is left, or time is up."""
        executor = self._kernel.executor
        if len(self._kernel.processes) == 1 or executor.now - self._ended_ns > _SETTLE_NS:
            executor.stop()
            self._kernel.hart.interrupt()
        else:
            self._look_in(_LOOK_NS)


def _is_among(leak: Leak, growth: list[Growth]) -> bool:
    names = {leak.kind, f"{leak.kind} frames"}
    return any(found.what in names for found in growth)
