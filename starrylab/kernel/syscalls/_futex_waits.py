"""How threads wait for futexes until a time, or for locks that lend priority (futex(2))."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...abi.errno import EAGAIN, EINTR, ETIMEDOUT
from ...abi.time import CLOCK_REALTIME
from ..core.sched import park
from ..task.pi_futexes import PiWaiter, RequeueWaiter

if TYPE_CHECKING:
    from ..thread import Thread

Deadline = tuple[int, int]  #: clock id, nanoseconds on that clock


async def park_until(t: Thread, deadline: Deadline) -> None:
    """Park, at the longest until ``deadline``; raise ``ETIMEDOUT`` when it has passed."""
    clock_id, target = deadline
    clock = t.kernel.clock
    source = clock.source(clock_id)
    if source.now() >= target:
        raise ETIMEDOUT
    timer = t.executor.call_at(source.when(target), t.waker.wake)
    if clock_id == CLOCK_REALTIME:
        clock.was_set.register(t.waker)
    try:
        await park()
    except EINTR:
        # With a timeout the call is not restarted: it would wait for the time once more
        # (restart_syscall(2)).
        t.entry = None
        raise
    finally:
        timer.cancel()
        if clock_id == CLOCK_REALTIME:
            clock.was_set.unregister(t.waker)


async def sleep_pi(t: Thread, waiter: PiWaiter, deadline: Deadline | None) -> int:
    """Sleep until the lock is handed over."""
    try:
        while not waiter.acquired:
            if deadline is None:
                await park()
            else:
                await park_until(t, deadline)
    except EINTR:
        if not waiter.acquired:
            raise
    finally:
        t.kernel.futexes.leave_pi(waiter)
    return 0


async def sleep_requeue(t: Thread, waiter: RequeueWaiter, deadline: Deadline | None) -> int:
    """Sleep until moved to a lock, and then for that lock."""
    try:
        while waiter.pi is None:
            if deadline is None:
                await park()
            else:
                await park_until(t, deadline)
        return await sleep_pi(t, waiter.pi, deadline)
    except EINTR:
        if waiter.pi is None:
            raise
        raise EAGAIN from None  # it cannot begin again: its place in the first queue is lost
    finally:
        t.kernel.futexes.leave_requeue(waiter)
