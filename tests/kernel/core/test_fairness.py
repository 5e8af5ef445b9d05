"""Who wakes up goes first, but nobody starves; cancelled timers do not pile up."""

from __future__ import annotations

from starrylab.kernel.core.sched import CoroutineTask, Executor, park, yield_now
from starrylab.machine.door import VirtualDoor


def test_a_task_that_wakes_up_goes_before_those_that_wait() -> None:
    executor = Executor(VirtualDoor())
    seen: list[str] = []

    async def busy(name: str) -> None:
        for _ in range(3):
            seen.append(name)
            await yield_now()

    async def sleeper() -> None:
        await park()
        seen.append("woken")

    task = executor.spawn("sleeper", sleeper())
    executor.call_at(executor.now, task.wake)

    async def first() -> None:
        executor.check()  # the timer fires while others wait for their turn

    executor.spawn("first", first())
    for name in "abc":
        executor.spawn(name, busy(name))
    executor.call_at(executor.now + 10**9, executor.stop)
    executor.run()
    assert seen[0] == "woken"
    assert seen[1:] == list("abcabcabc")


def test_tasks_that_wake_each_other_leave_turns_for_others() -> None:
    executor = Executor(VirtualDoor())
    turns = passes = 0
    pair: list[CoroutineTask] = []

    async def ping(other: int) -> None:
        nonlocal passes
        for _ in range(2000):
            passes += 1
            pair[other].wake()
            await park()

    async def worker() -> None:
        nonlocal turns
        while turns < 20:
            turns += 1
            await yield_now()
        executor.stop()

    pair += [executor.spawn("a", ping(1)), executor.spawn("b", ping(0))]
    executor.spawn("worker", worker())
    executor.call_at(executor.now + 10**9, executor.stop)
    executor.run()
    assert turns == 20
    assert 100 < passes < 2000
    for task in pair:
        task._coro.close()


def test_what_a_woken_task_starts_goes_first_for_a_few_generations() -> None:
    executor = Executor(VirtualDoor())
    parent, waiting = (CoroutineTask(executor, n, park_once()) for n in ("parent", "waiting"))
    executor.enqueue(waiting)
    executor.make_runnable(parent)
    started = parent
    ahead = []
    for i in range(5):
        child = CoroutineTask(executor, f"child {i}", park_once())
        executor.start(child, started)
        started = child
        ahead.append(list(executor._normal).index(waiting))
    assert ahead == [2, 3, 4, 4, 4]
    for task in (parent, waiting, *executor._normal):
        task._coro.close()


def test_who_woke_up_lately_may_go_on_for_a_few_slices() -> None:
    executor = Executor(VirtualDoor())
    task, waiting = (CoroutineTask(executor, n, park_once()) for n in ("task", "waiting"))
    executor.enqueue(waiting)
    executor.make_runnable(task)
    executor.take_normal()
    turns = []
    for _ in range(2):  # of the second turn it is no longer "lately"
        task.slice_left = task.slice_ticks()
        turns.append(1)
        while not executor.ends_slice(task, keen=True):
            turns[-1] += 1
    assert turns == [4 * task.slice_ticks(), task.slice_ticks()]
    executor.make_runnable(task)
    executor.take_normal()
    executor.make_runnable(waiting)
    task.slice_left = 1
    assert executor.ends_slice(task, keen=True)  # as somebody else has woken up
    for each in (task, waiting):
        each._coro.close()


async def park_once() -> None:
    await park()


def test_cancelled_timers_are_forgotten() -> None:
    executor = Executor(VirtualDoor())
    kept = [executor.call_at(executor.now + i, print) for i in range(100)]
    for _ in range(20_000):
        executor.call_at(1 << 60, print).cancel()
    assert len(executor._timers) < 1000
    assert {id(entry[2]) for entry in executor._timers} >= {id(timer) for timer in kept}
