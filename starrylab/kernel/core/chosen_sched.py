"""An executor that another scheduler chooses for (design document 3.2; labs bind theirs).

Who runs next, and whose turn is over, is the scheduler's decision; the executor keeps
real-time tasks, timers and sleeping for itself, and verifies each choice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from ...machine.door import Door
from .sched import Executor, State, Task

READY: Final = "ready"  #: the task wants to go on
ASLEEP: Final = "asleep"  #: the task waits; `Scheduler.add` comes when it wakes up
ENDED: Final = "ended"  #: the task is gone


class Scheduler(Protocol):
    """Chooses among normal tasks.  A task has a ``name`` and a ``nice`` value, -20..19."""

    def add(self, task: Task) -> None:
        """Take a task that became runnable: it is new, or it woke up."""
        ...

    def pick(self) -> Task | None:
        """Return the task that runs next, which is no longer queued; None if nobody waits."""
        ...

    def tick(self, task: Task) -> bool:
        """Tell, every 4 ms that ``task`` runs, whether others should have the CPU now."""
        ...

    def ran(self, task: Task, ns: int, how: str) -> None:
        """Hear that ``task`` left the CPU after ``ns``; if it is READY, it is queued again."""
        ...


class BadChoice(Exception):
    """The scheduler chose what it must not: a bug that ends the kernel."""


class ChosenExecutor(Executor):
    """An `Executor` that asks a `Scheduler` for each normal task."""

    def __init__(self, door: Door, make: Callable[[], Scheduler]) -> None:
        super().__init__(door)
        self.scheduler = make()
        self._queued: dict[Task, None] = {}

    def enqueue(self, task: Task) -> None:
        """See `Executor.enqueue`."""
        if task.priority:
            super().enqueue(task)
        else:
            self._queued[task] = None
            self.scheduler.add(task)

    def make_runnable(self, task: Task) -> None:
        """See `Executor.make_runnable`."""
        task.state = State.RUNNABLE
        self.enqueue(task)

    def start(self, task: Task, parent: Task) -> None:
        """See `Executor.start`."""
        self.enqueue(task)

    @property
    def contended(self) -> bool:
        """See `Executor.contended`."""
        return bool(self._queued) or super().contended

    @property
    def _normal_waits(self) -> bool:
        return bool(self._queued)

    def next_normal(self) -> Task | None:
        """See `Executor.next_normal`: every switch is the scheduler's decision."""
        return None

    def ends_slice(self, task: Task, *, keen: bool) -> bool:
        """See `Executor.ends_slice`."""
        if task.priority:
            return super().ends_slice(task, keen=keen)
        return bool(self.scheduler.tick(task)) or not keen or self._top > 0 or self.stopping

    def run(self) -> None:
        """See `Executor.run`."""
        self._running, self.stopping = True, False
        if self.on_idle is not None:
            self.on_idle(False)
        while self._running:
            realtime = self._top and not self._gives_way(self.switches + 1)
            task = self._pop_realtime() if realtime else self._pick()
            if task is None:
                self._idle()
            else:
                self._step(task)
                if self.now >= self._next_check:
                    self.check()

    def _step(self, task: Task) -> None:
        if task.state is not State.RUNNABLE:
            self._left(task, 0)  # stopped or ended while it was queued
            return
        self.current = task
        self.switches += 1
        start = self.now
        task.step()
        self.current = None
        self._left(task, self.now - start)
        self._preempted = None

    def _pick(self) -> Task | None:
        task = self.scheduler.pick()
        if task is None:
            if self._queued:
                names = ", ".join(waiting.name for waiting in self._queued)
                raise BadChoice(f"the scheduler picked nobody, but these are runnable: {names}")
            return None
        if task not in self._queued:
            raise BadChoice(f"the scheduler picked {task!r}, which is not queued")
        del self._queued[task]
        return task

    def _left(self, task: Task, ns: int) -> None:
        """Tell who left the CPU, and how."""
        if task.priority:
            if task.state is State.RUNNABLE:
                super().enqueue(task)
            return
        how = ASLEEP
        if task.state is State.RUNNABLE:
            self._queued[task] = None
            how = READY
        elif task.state is State.DONE:
            how = ENDED
        self.scheduler.ran(task, ns, how)
