"""The short way from a thread that goes to sleep to the next one.

The long way leaves the hart, returns to the executor, and enters the hart again.  Where the
hart can exchange its registers from within a trap, two threads that wait for each other in
turn (a pipe, a futex) need not go that way: it halves the cost of a switch.  Only the plain
case is served here, a normal thread with nothing special about it; everything else returns
``None`` and takes the long way, which knows signals, priorities and the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..abi.errno import LinuxError
from .core.attention import ATTENTION_SIGNAL
from .core.sched import Park, State

if TYPE_CHECKING:
    from .kernel import Kernel
    from .thread import Thread

Switch = Callable[["Thread"], int | None]


def make_switch(kernel: Kernel) -> Switch:
    """Return the function that puts the caller to sleep and runs another thread.

    It is called in a system call that has begun to wait.  Its result is the next thread's
    result register; ``None`` means that the hart must be left, and `Executor.current` then
    says who still has to be looked after: the caller, or nobody.
    """
    executor = kernel.executor
    monotonic = kernel.door.monotonic
    exchange = kernel.hart.switch

    def switch(thread: Thread) -> int | None:
        if thread.attention:
            return None
        following = executor.next_normal()
        if (
            type(following) is not type(thread)
            or following.attention
            or following.delivery is not None
        ):
            return None
        if not exchange(following.context):
            return None
        executor.take_normal()
        _fall_asleep(thread)
        now = monotonic()
        thread.charge(now)
        executor.current = following
        executor.switches += 1
        following.take_turn(now)
        kernel.enter(following)
        if following.pending is not None and not _finish(following):
            executor.current = None  # it waits again, and the executor looks for another
            return None
        if following.attention:
            return None
        return following.context.arguments()[0]

    def _fall_asleep(thread: Thread) -> None:
        request = thread.request
        if request is Park.YIELD:
            executor.enqueue(thread)
            return
        thread.state = State.PARKED if request is Park.INTERRUPTIBLE else State.DISK
        thread.usage.voluntary += 1

    def _finish(thread: Thread) -> bool:
        """Go on with a waiting call, as `Thread.step` would; False if it waits again."""
        try:
            thread.request = thread.pending.send(None)  # type: ignore[union-attr]
        except StopIteration as done:
            result = done.value or 0
        except LinuxError as error:
            result = -error.errno
        else:
            if thread.attention or thread.request is Park.YIELD:
                executor.enqueue(thread)
            else:
                thread.state = State.PARKED if thread.request is Park.INTERRUPTIBLE else State.DISK
            thread.charge(monotonic())
            return False
        thread.pending = thread.entry = None
        thread.context.set_result(result)
        if thread.signals.pending_any():
            thread.attention |= ATTENTION_SIGNAL
        return True

    return switch
