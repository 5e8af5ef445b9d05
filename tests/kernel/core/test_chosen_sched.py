"""An executor that asks another scheduler."""

from __future__ import annotations

from collections import deque
from functools import partial

import pytest

from starrylab.kernel.core.chosen_sched import BadChoice, ChosenExecutor
from starrylab.kernel.core.component import Components
from starrylab.kernel.core.sched import CoroutineTask, Executor, State, Task, park, yield_now
from starrylab.labs.benches import ScriptedBench
from starrylab.machine.door import VirtualDoor
from starrylab.machine.scripted import Program, ScriptedContext


class Fifo:
    """A scheduler that writes down what it is told."""

    def __init__(self) -> None:
        self.queue: deque[Task] = deque()
        self.told: list[tuple[str, str]] = []

    def add(self, task: Task) -> None:
        self.told.append(("add", task.name))
        self.queue.append(task)

    def pick(self) -> Task | None:
        return self.queue.popleft() if self.queue else None

    def tick(self, task: Task) -> bool:
        return True

    def ran(self, task: Task, ns: int, how: str) -> None:
        self.told.append((how, task.name))
        if how == "ready":
            self.queue.append(task)


def executor(kind: type[Fifo] = Fifo) -> tuple[ChosenExecutor, Fifo]:
    made = ChosenExecutor(VirtualDoor(), kind)
    assert isinstance(made.scheduler, Fifo)
    return made, made.scheduler


def test_the_scheduler_hears_of_every_change() -> None:
    made, fifo = executor()

    async def sleeper() -> None:
        made.call_at(made.now + 1000, task.wake)
        await park()

    async def polite() -> None:
        await yield_now()
        made.call_at(made.now + 2000, made.stop)

    task = made.spawn("a", sleeper())
    made.spawn("b", polite())
    made.run()
    assert fifo.told == [
        ("add", "a"), ("add", "b"), ("asleep", "a"), ("ready", "b"), ("ended", "b"), ("add", "a"),
        ("ended", "a"),
    ]  # fmt: skip


def test_realtime_tasks_go_first_unasked() -> None:
    made, fifo = executor()
    order: list[str] = []

    async def note(name: str) -> None:
        order.append(name)
        await yield_now()
        order.append(name)
        if len(order) == 4:
            made.stop()

    made.spawn("normal", note("normal"))
    urgent = CoroutineTask(made, "urgent", note("urgent"))
    urgent.priority = 5
    made.enqueue(urgent)
    made.run()
    assert order == ["urgent", "urgent", "normal", "normal"]
    assert {name for _, name in fifo.told} == {"normal"}


class Brief(Task):
    def step(self) -> None:
        self.state = State.DONE


class Nobody(Fifo):
    def pick(self) -> Task | None:
        return None


class Twice(Fifo):
    def pick(self) -> Task | None:
        return self.queue[0] if self.queue else None


@pytest.mark.parametrize("kind", [Nobody, Twice])
def test_impossible_choices_are_told(kind: type[Fifo]) -> None:
    made, _ = executor(kind)
    made.enqueue(Brief(made))
    made.enqueue(Brief(made))
    with pytest.raises(BadChoice, match="picked"):
        made.run()


def test_processes_run_on_it() -> None:
    components = Components()
    components.bind(Executor, partial(ChosenExecutor, make=Fifo))
    bench = ScriptedBench(components)

    def child(m: ScriptedContext) -> Program:
        yield m.call("sched_yield")
        yield m.call("exit_group", 3)

    def program(m: ScriptedContext) -> Program:
        pid = yield m.fork(child)
        assert (yield m.call("wait4", pid, 0, 0, 0)) == pid
        yield m.call("exit_group", 0)

    assert all(result >= 0 for result in bench.run(program))
    scheduler = bench.kernel.executor.scheduler  # type: ignore[attr-defined]
    assert ("ended", "thread 2") in scheduler.told
