"""The executor: what runs next, and what sleeps until when (design document 3.2).

A `Task` is anything that can be stepped: a user thread (`kernel.thread`) or a kernel
coroutine (`CoroutineTask`).  Everything that waits ends up in ``park`` or
``yield_now``: they alone suspend.

Scheduling is as sched(7) tells it: a runnable real-time task goes before every normal one, which
`RealTimeShare` limits, and a higher priority before a lower; SCHED_RR and normal tasks take turns.
``nice`` decides how many ticks a turn of a normal task lasts, which divides the CPU in proportion
without any task ever starving.  Who wakes up goes before those that wait for their next turn, so
that a shell answers while others compute; but not more often than `_AHEAD` times in a row.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final

from ...abi.errno import EINTR
from ...machine.door import Door
from .parking import SLEEP, Park, State, Waker, park, park_killable, park_traced, yield_now
from .realtime import RealTimeShare
from .timer import Timer

TICK_NS: Final = 4_000_000  #: the unit of a time slice (CONFIG_HZ=250)
_AHEAD: Final = 64  #: tasks that woke up and went first, before one that waits has its turn
_CHILDREN: Final = 3  #: generations of new tasks, or further slices, that go first as well
_SWEEP: Final = 256  #: timers, before those cancelled are looked for
_POLL_NS: Final = 4_000_000  #: how stale input from outside may become while tasks are busy

SCHED_OTHER, SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_IDLE = 0, 1, 2, 3, 5  # <linux/sched.h>


class Task(Waker):
    """Something that the executor steps.

    It is its own waker: an object between the two would cost as much as a wait, and tie
    every ended task into a cycle that only the garbage collector unties.
    """

    __slots__ = ("ahead", "executor", "nice", "policy", "priority", "slice_left", "state")

    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self.state = State.RUNNABLE
        self.policy = SCHED_OTHER
        self.priority = 0  #: real-time priority, 1..99; 0 for normal tasks
        self.nice = 0  #: -20..19
        self.slice_left = 0  #: ticks
        self.ahead = 0  #: how many new tasks or further slices of this one go before who waits

    @property
    def name(self) -> str:
        """What to call the task in a picture of who waits for whom."""
        return type(self).__name__

    @property
    def task(self) -> Task:
        """See `Waker.task`."""
        return self

    @property
    def waker(self) -> Waker:
        """What makes the task runnable again."""
        return self

    @property
    def alive(self) -> bool:
        """Whether the task has not ended."""
        return self.state is not State.DONE

    def wake(self) -> None:
        """Put the task back on the run queue if it is parked."""
        state = self.state
        if state is State.PARKED or state is State.DISK:
            self.executor.make_runnable(self)

    def step(self) -> None:
        """Run until there is no more to do now; leave `state` telling why."""
        raise NotImplementedError

    def slice_ticks(self) -> int:
        """Length of one turn in ticks: 1 at nice 19, 3 at 0, 10 at -20."""
        if self.policy == SCHED_IDLE:
            return 1
        if self.nice >= 0:
            return 3 - (self.nice + 5) // 10
        return 3 - (self.nice * 7) // 20


class CoroutineTask(Task):
    """Kernel work without a user side."""

    __slots__ = ("_coro", "_name")

    def __init__(self, executor: Executor, name: str, coro: Coroutine[Park, None, None]) -> None:
        super().__init__(executor)
        self._name = name
        self._coro = coro

    @property
    def name(self) -> str:
        """What `Executor.spawn` was told."""
        return self._name

    def step(self) -> None:
        """Run the coroutine up to its next wait."""
        try:
            request = self._coro.send(None)
        except StopIteration:
            self.state = State.DONE
            return
        if request is not Park.YIELD:
            self.state = State.PARKED if request is Park.INTERRUPTIBLE else State.DISK


class Executor:
    """Owns the run queues and the timer queue; runs everything on one host thread."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.current: Task | None = None
        self.switches = 0  #: tasks stepped since boot
        self.idle_ns = 0
        self.on_idle: Callable[[bool], object] | None = None  #: called around every idle wait
        self.on_wake: Callable[[Task], object] | None = None  #: called when a task wakes up
        self._normal: deque[Task] = deque()
        self._woken = 0  #: how many tasks at the front of `_normal` are there for having woken up
        self._credit = _AHEAD
        self._realtime: dict[int, deque[Task]] = {}
        self._top = 0  #: highest priority with a non-empty queue; 0: none
        self._preempted: Task | None = None  #: a real-time task that stays the first of its queue
        self.share = RealTimeShare()
        self._timers: list[tuple[int, int, Timer]] = []
        self._sweep_at = _SWEEP
        self._sequence = itertools.count()
        self._running = False
        self.stopping = False  #: `run` was asked to return
        self._next_check = 0

    @property
    def now(self) -> int:
        """Nanoseconds on the monotonic clock."""
        return self.door.monotonic()

    def spawn(self, name: str, coro: Coroutine[Any, None, None]) -> CoroutineTask:
        """Make a task of ``coro`` and queue it."""
        task = CoroutineTask(self, name, coro)
        self.enqueue(task)
        return task

    def enqueue(self, task: Task) -> None:
        """Put a runnable task at the end of its queue."""
        priority = task.priority
        if not priority:
            self._normal.append(task)
            return
        queue = self._realtime.setdefault(priority, deque())
        if task is self._preempted:
            queue.appendleft(task)
        else:
            queue.append(task)
        self._top = max(self._top, priority)

    def make_runnable(self, task: Task) -> None:
        """Make a sleeping or stopped task runnable, and queue it."""
        task.state = State.RUNNABLE
        if self.on_wake is not None:
            self.on_wake(task)
        if task.priority:
            self.enqueue(task)
        elif self._credit:
            self._credit -= 1
            task.ahead = _CHILDREN
            self._normal.insert(self._woken, task)
            self._woken += 1
        else:
            self._normal.append(task)

    def set_priority(self, task: Task, priority: int) -> None:
        """Change a task's priority, and its place in the queues with it."""
        if priority == task.priority:
            return
        queued = task is not self.current and self._take_out(task)
        task.priority = priority
        if queued:
            self.enqueue(task)

    def _take_out(self, task: Task) -> bool:
        """Take a task out of its queue; tell whether it was in one."""
        if task.priority:
            queue = self._realtime.get(task.priority)
            if queue is None or task not in queue:
                return False
            queue.remove(task)
            if not queue:
                del self._realtime[task.priority]
                self._top = max(self._realtime, default=0)
            return True
        if task not in self._normal:
            return False
        if self._normal.index(task) < self._woken:
            self._woken -= 1
        self._normal.remove(task)
        return True

    def start(self, task: Task, parent: Task) -> None:
        """Queue a new task: among those that wake up if ``parent`` itself did lately.

        So what a shell starts need not wait behind everything that computes; that it is a few
        generations and not all keeps a program that forks without end from going first always.
        """
        if parent.ahead and self._credit and not task.priority:
            parent.ahead = task.ahead = parent.ahead - 1
            self._credit -= 1
            self._normal.insert(self._woken, task)
            self._woken += 1
        else:
            self.enqueue(task)

    def outranks_current(self, task: Task) -> bool:
        """Tell whether ``task`` should run before the current one goes on."""
        current = self.current
        if current is None or task.priority <= current.priority:
            return False
        if current.priority:
            self._preempted = current if current.priority else None
        return True

    @property
    def contended(self) -> bool:
        """Tell whether somebody else is waiting for the CPU."""
        return bool(self._normal) or self._top > 0

    def next_normal(self) -> Task | None:
        """Return the task that would run next, if it is a normal one and runnable."""
        if self._top or not self._normal or not self._running:
            return None
        task = self._normal[0]
        return task if task.state is State.RUNNABLE else None

    def take_normal(self) -> None:
        """Take what `next_normal` returned off its queue."""
        self._normal.popleft()
        if self._woken:
            self._woken -= 1
        else:
            self._credit = _AHEAD

    def ends_slice(self, task: Task, *, keen: bool) -> bool:
        """Tell at a tick whether ``task`` has to let others run.

        A task that is not ``keen`` gives up the rest of its slice.
        """
        if task.priority:
            return self._ends_turn(task)
        task.slice_left -= 1
        if task.slice_left > 0 and keen:
            return False
        if self.stopping or (self.contended and not self._goes_on(task, keen=keen)):
            return True
        task.slice_left = task.slice_ticks()
        return False

    def _ends_turn(self, task: Task) -> bool:
        """Tell `ends_slice` of a real-time task, which lets its equals run at most."""
        if self.stopping or self._top > task.priority or self._gives_way(self.switches):
            self._preempted = task
            return True
        if task.policy == SCHED_FIFO:
            return False
        task.slice_left -= 1
        if task.slice_left > 0:
            return False
        task.slice_left = task.slice_ticks()
        return self._top == task.priority

    @property
    def _normal_waits(self) -> bool:
        return bool(self._normal)

    def _gives_way(self, step: int) -> bool:
        """Tell whether normal tasks go before real-time ones, which had the CPU for long."""
        return self._normal_waits and self.share.gives_way(step, self.now - self.idle_ns)

    def _goes_on(self, task: Task, *, keen: bool) -> bool:
        """Tell whether ``task`` may have one more slice before those that wait for a turn.

        Who woke up lately may, a few times: a shell among thousands of busy tasks would otherwise
        wait minutes for the rest of its work if the host was slow just then.
        """
        if not keen or not task.ahead or self._woken or self._top:
            return False
        task.ahead -= 1
        return True

    def call_at(self, when: int, action: Callable[[], object]) -> Timer:
        """Call ``action`` once the monotonic clock reaches ``when`` (nanoseconds)."""
        timer = Timer(when, action)
        if len(self._timers) > self._sweep_at:
            self._sweep()
        heapq.heappush(self._timers, (when, next(self._sequence), timer))
        self._next_check = min(self._next_check, when)
        return timer

    def _sweep(self) -> None:
        """Forget cancelled timers: a program can make any number with far deadlines."""
        self._timers[:] = [entry for entry in self._timers if entry[2].action is not None]
        heapq.heapify(self._timers)
        self._sweep_at = max(_SWEEP, 2 * len(self._timers))

    def stop(self) -> None:
        """Make `run` return after the current step."""
        self._running = False
        self.stopping = True

    def run(self) -> None:
        """Step tasks until `stop` is called."""
        self._running = True
        self.stopping = False
        if self.on_idle is not None:
            self.on_idle(False)
        monotonic = self.door.monotonic
        task: Task | None
        while self._running:
            if self._top and not self._gives_way(self.switches + 1):
                task = self._pop_realtime()
            elif self._normal:
                task = self._normal.popleft()
                if self._woken:
                    self._woken -= 1
                else:
                    self._credit = _AHEAD
            else:
                task = None  # the last one may have ended: it is not kept as long as nothing runs
                self._idle()
                continue
            if task.state is not State.RUNNABLE:
                continue  # stopped or ended while it was queued
            self.current = task
            self.switches += 1
            task.step()
            # Not necessarily `task`: a thread may have handed the CPU on (kernel.switching).
            last: Task | None = self.current
            self.current = None
            if last is not None and last.state is State.RUNNABLE:
                self.enqueue(last)
            # A task that ended is not kept until the next one has had its turn.
            self._preempted = last = None
            if monotonic() >= self._next_check:
                self.check()

    def check(self) -> None:
        """Take input from outside and fire due timers, without waiting."""
        self.door.poll(0)
        self._fire()

    def _pop_realtime(self) -> Task:
        queue = self._realtime[self._top]
        task = queue.popleft()
        if not queue:
            del self._realtime[self._top]
            self._top = max(self._realtime, default=0)
        return task

    def _idle(self) -> None:
        while self._timers and self._timers[0][2].action is None:
            heapq.heappop(self._timers)
        start = self.now
        timeout = max(0, self._timers[0][0] - start) if self._timers else None
        if self.on_idle is not None and timeout != 0:
            self.on_idle(True)
            self.door.poll(timeout)
            self.on_idle(False)
        else:
            self.door.poll(timeout)
        self.idle_ns += self.now - start
        self._fire()

    def _fire(self) -> None:
        now = self.now
        timers = self._timers
        while timers and timers[0][0] <= now:
            timer = heapq.heappop(timers)[2]
            action, timer.action = timer.action, None
            if action is not None:
                action()
        self._next_check = now + _POLL_NS
        if timers:
            self._next_check = min(self._next_check, timers[0][0])


__all__ = [
    "EINTR", "SLEEP", "TICK_NS", "CoroutineTask", "Executor", "Park", "State", "Task", "Timer",
    "Waker", "park", "park_killable", "park_traced", "yield_now",
]  # fmt: skip
