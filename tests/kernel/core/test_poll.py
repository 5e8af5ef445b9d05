"""`PollSet`, `poll_io`, `poll_any`."""

from __future__ import annotations

import pytest

from starrylab.abi.errno import EAGAIN
from starrylab.abi.poll import POLLIN
from starrylab.kernel.core.poll import PollSet, poll_any, poll_io
from starrylab.kernel.core.sched import Executor
from starrylab.machine.door import VirtualDoor


class Box:
    """A file that is ready once something was put in."""

    def __init__(self) -> None:
        self.items: list[int] = []
        self.readers = PollSet()

    def poll(self) -> int:
        return POLLIN if self.items else 0

    def register(self, waker, events) -> None:
        self.readers.register(waker)

    def take(self) -> int:
        if not self.items:
            raise EAGAIN
        return self.items.pop()

    def put(self, item: int) -> None:
        self.items.append(item)
        self.readers.wake()


@pytest.fixture
def executor() -> Executor:
    return Executor(VirtualDoor())


def run(executor, work) -> list[object]:
    """Run ``work(task)`` to its end; return its result or the error's class."""
    outcome: list[object] = []

    async def main() -> None:
        try:
            outcome.append(await work(executor.current))
        except EAGAIN as error:
            outcome.append(type(error))
        executor.stop()

    executor.spawn("main", main())
    executor.run()
    return outcome


def test_an_attempt_that_succeeds_does_not_wait(executor) -> None:
    box = Box()
    box.items.append(7)
    assert run(executor, lambda task: poll_io(task, box, POLLIN, box.take)) == [7]
    assert executor.switches == 1


def test_the_waiter_is_woken_by_the_change(executor) -> None:
    box = Box()
    executor.call_at(executor.now + 50, lambda: box.put(9))
    assert run(executor, lambda task: poll_io(task, box, POLLIN, box.take)) == [9]


def test_a_spurious_wake_up_goes_back_to_sleep(executor) -> None:
    box = Box()
    executor.call_at(executor.now + 10, box.readers.wake)
    executor.call_at(executor.now + 20, lambda: box.put(1))
    start = executor.now
    assert run(executor, lambda task: poll_io(task, box, POLLIN, box.take)) == [1]
    assert executor.now == start + 20


def test_nonblocking_says_eagain(executor) -> None:
    box = Box()
    outcome = run(executor, lambda task: poll_io(task, box, POLLIN, box.take, nonblocking=True))
    assert outcome == [EAGAIN]


def test_the_timeout_ends_the_wait(executor) -> None:
    box = Box()
    start = executor.now
    outcome = run(executor, lambda task: poll_io(task, box, POLLIN, box.take, timeout_ns=77))
    assert outcome == [EAGAIN]
    assert executor.now == start + 77


def test_poll_any_tells_readiness_from_timeout(executor) -> None:
    one, two = Box(), Box()
    deadline = executor.now + 100
    executor.call_at(executor.now + 30, lambda: two.put(1))
    files = [(one, POLLIN), (two, POLLIN)]
    assert run(executor, lambda task: poll_any(task, files, deadline)) == [True]
    assert run(executor, lambda task: poll_any(task, [(one, POLLIN)], deadline)) == [False]


def test_poll_set_wakes_everyone_once(executor) -> None:
    class Counter:
        task = None
        count = 0

        def wake(self) -> None:
            self.count += 1

    poll_set, first, second = PollSet(), Counter(), Counter()
    for waker in (first, second, first):
        poll_set.register(waker)
    assert poll_set.wake() == 2
    assert poll_set.wake() == 0
    assert (first.count, second.count) == (1, 1)
    poll_set.register(first)
    poll_set.unregister(first)
    assert poll_set.wake() == 0
