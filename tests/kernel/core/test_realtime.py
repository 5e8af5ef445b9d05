"""Real-time tasks among their equals, and what they leave to normal ones (sched(7))."""

from __future__ import annotations

import pytest

from starrylab.kernel.core.sched import (
    SCHED_FIFO,
    SCHED_RR,
    CoroutineTask,
    Executor,
    State,
    Task,
    yield_now,
)
from starrylab.machine.door import VirtualDoor

MS = 1_000_000


class Busy(Task):
    """Runs for one tick at a time, and is runnable as long as its machine is."""

    def __init__(self, executor: Executor, policy: int, priority: int, ms: int = 4) -> None:
        super().__init__(executor)
        self.policy, self.priority, self.ms = policy, priority, ms
        self.ran_ms = 0

    def step(self) -> None:
        executor = self.executor
        while True:
            executor.door.now += self.ms * MS  # type: ignore[attr-defined]
            self.ran_ms += self.ms
            executor.check()
            if executor.ends_slice(self, keen=True):
                return


def run(executor: Executor, ms: int, *tasks: Task) -> None:
    for task in tasks:
        executor.enqueue(task)
    executor.call_at(executor.now + ms * MS, executor.stop)
    executor.run()


@pytest.fixture
def executor() -> Executor:
    return Executor(VirtualDoor())


def test_normal_tasks_have_a_twentieth_beside_a_busy_real_time_one(executor) -> None:
    first, normal = Busy(executor, SCHED_FIFO, 10), Busy(executor, 0, 0)
    run(executor, 10_000, first, normal)
    assert 400 <= normal.ran_ms <= 600
    assert first.ran_ms + normal.ran_ms >= 10_000


def test_tasks_that_hand_over_to_each_other_leave_it_too(executor) -> None:
    async def passes_on() -> None:
        while True:
            executor.door.now += MS  # type: ignore[attr-defined]
            await yield_now()

    normal = Busy(executor, 0, 0)
    for name in ("ping", "pong"):
        task = CoroutineTask(executor, name, passes_on())
        task.policy, task.priority = SCHED_RR, 50
        executor.enqueue(task)
    run(executor, 10_000, normal)
    assert 400 <= normal.ran_ms <= 600


@pytest.mark.parametrize(
    ("runtime_ms", "low", "high"), [(-1, 0, 0), (1000, 0, 0), (500, 4500, 5500)]
)
def test_how_much_they_leave_can_be_set(executor, runtime_ms, low, high) -> None:
    executor.share.runtime_ns = runtime_ms * MS if runtime_ms > 0 else -1
    normal = Busy(executor, 0, 0)
    run(executor, 10_000, Busy(executor, SCHED_RR, 1), normal)
    assert low <= normal.ran_ms <= high


def test_they_leave_nothing_while_nobody_waits(executor) -> None:
    first, late = Busy(executor, SCHED_FIFO, 10), Busy(executor, 0, 0)
    begin = executor.now
    turns: list[int] = []
    late.step = lambda: (turns.append(executor.now - begin), executor.stop())  # type: ignore[method-assign]
    executor.call_at(begin + 5000 * MS, lambda: executor.enqueue(late))
    run(executor, 20_000, first)
    assert 5900 * MS < turns[0] < 6000 * MS  # 950 ms after it came, not at once


@pytest.mark.parametrize(("policy", "equal"), [(SCHED_FIFO, 0), (SCHED_RR, 500)])
def test_only_round_robin_shares_with_its_equals(executor, policy, equal) -> None:
    first, second = Busy(executor, policy, 10), Busy(executor, policy, 10)
    run(executor, 1000, first, second)
    assert abs(second.ran_ms - equal) <= 20


def test_who_is_preempted_stays_the_first_of_its_equals(executor) -> None:
    order: list[str] = []

    class Brief(Busy):
        def step(self) -> None:
            order.append("urgent")
            self.state = State.DONE

    first, second = Busy(executor, SCHED_FIFO, 10), Busy(executor, SCHED_FIFO, 10)
    executor.call_at(
        executor.now + 6 * MS, lambda: executor.enqueue(Brief(executor, SCHED_FIFO, 20))
    )
    run(executor, 100, first, second)
    assert order == ["urgent"]
    assert second.ran_ms == 0
