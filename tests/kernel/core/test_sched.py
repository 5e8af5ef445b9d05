"""The executor: turns, priorities, timers, idleness."""

from __future__ import annotations

import pytest

from starrylab.kernel.core.sched import (
    SCHED_FIFO,
    TICK_NS,
    CoroutineTask,
    Executor,
    State,
    Task,
    park,
    park_killable,
    yield_now,
)
from starrylab.machine.door import VirtualDoor


@pytest.fixture
def executor() -> Executor:
    return Executor(VirtualDoor())


def test_tasks_take_turns(executor) -> None:
    order: list[str] = []

    async def turns(name: str) -> None:
        for _ in range(3):
            order.append(name)
            await yield_now()
        if name == "b":
            executor.stop()

    executor.spawn("a", turns("a"))
    executor.spawn("b", turns("b"))
    executor.run()
    assert order == ["a", "b"] * 3


def test_a_parked_task_runs_only_after_its_waker(executor) -> None:
    order: list[str] = []

    async def sleeper() -> None:
        order.append("sleeps")
        await park()
        order.append("woken")
        executor.stop()

    task = executor.spawn("sleeper", sleeper())

    async def waker() -> None:
        assert task.state is State.PARKED
        order.append("wakes")
        task.waker.wake()
        task.waker.wake()  # twice is harmless

    executor.spawn("waker", waker())
    executor.run()
    assert order == ["sleeps", "wakes", "woken"]
    assert task.state is State.DONE


def test_timers_fire_in_order_and_a_cancelled_one_does_not(executor) -> None:
    fired: list[str] = []
    start = executor.now
    executor.call_at(start + 300, lambda: fired.append("late"))
    executor.call_at(start + 100, lambda: fired.append("early"))
    executor.call_at(start + 200, lambda: fired.append("cancelled")).cancel()
    executor.call_at(start + 400, executor.stop)
    executor.run()
    assert fired == ["early", "late"]
    assert executor.now == start + 400
    assert executor.idle_ns == 400


def test_real_time_tasks_go_first_and_by_priority(executor) -> None:
    order: list[int] = []

    async def note(priority: int) -> None:
        order.append(priority)
        if priority == 0:
            executor.stop()

    for priority in (0, 10, 50, 10):
        task = CoroutineTask(executor, f"p{priority}", note(priority))
        if priority:
            task.policy, task.priority = SCHED_FIFO, priority
        executor.enqueue(task)
    executor.run()
    assert order == [50, 10, 10, 0]


def test_a_task_stopped_while_queued_is_skipped(executor) -> None:
    ran: list[str] = []

    async def work() -> None:
        ran.append("ran")

    task = executor.spawn("work", work())
    task.state = State.STOPPED
    executor.call_at(executor.now + 10, executor.stop)
    executor.run()
    assert ran == []
    task._coro.close()


def test_park_killable_shows_as_disk_sleep(executor) -> None:
    async def work() -> None:
        await park_killable()

    task = executor.spawn("work", work())
    executor.call_at(executor.now + 10, executor.stop)
    executor.run()
    assert task.state is State.DISK
    task._coro.close()


@pytest.mark.parametrize(("nice", "ticks"), [(-20, 10), (-10, 7), (0, 3), (10, 2), (19, 1)])
def test_nice_decides_the_length_of_a_turn(executor, nice, ticks) -> None:
    task = Task(executor)
    task.nice = nice
    assert task.slice_ticks() == ticks


def test_input_is_taken_even_when_tasks_never_sleep(executor) -> None:
    arrived: list[bytes] = []
    door = executor.door
    door.subscribe("console", lambda data: (arrived.append(data), executor.stop()))
    door.send("console", b"x", after_ns=5 * TICK_NS)

    async def busy() -> None:
        while True:
            door.now += TICK_NS
            await yield_now()

    task = executor.spawn("busy", busy())
    executor.run()
    assert arrived == [b"x"]
    task._coro.close()
