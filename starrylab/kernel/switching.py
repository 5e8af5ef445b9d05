"""The short way from a thread that goes to sleep, or ends, to the next one.

The long way leaves the hart, returns to the executor, and enters the hart again.  Where the
hart can exchange its registers from within a trap, two threads that wait for each other in
turn (a pipe, a futex, wait4) need not go that way: it halves the cost of a switch.  Only the plain
case is served here, a normal thread with nothing special about it; everything else returns
``None`` and takes the long way, which knows signals, priorities and the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ..abi.errno import LinuxError
from .core.attention import ATTENTION_EXIT, ATTENTION_SIGNAL
from .core.sched import Executor, Park, State

if TYPE_CHECKING:
    from .kernel import Kernel
    from .thread import Thread

_M64: Final = (1 << 64) - 1

Switch = Callable[["Thread"], int | None]


def make_switch(kernel: Kernel) -> tuple[Switch, Switch]:
    """Return ``sleep`` and ``end``: what runs another thread in the caller's place.

    ``sleep`` is for a system call that has begun to wait, ``end`` for one after which its thread
    has to end.  Their result is the next thread's result register; ``None`` means that the
    hart must be left, and `Executor.current` then says who still has to be looked after: the
    caller, or nobody.
    """
    executor = kernel.executor
    monotonic = kernel.door.monotonic
    exchange = kernel.hart.switch

    def sleep(thread: Thread) -> int | None:
        if thread.attention:
            return None
        following = _next(executor, type(thread))
        if following is None or not exchange(following.context):
            return None
        executor.take_normal()
        _fall_asleep(executor, thread)
        now = monotonic()
        thread.charge(now)
        return _go_on(following, now)

    def end(thread: Thread) -> int | None:
        if thread.attention != ATTENTION_EXIT:  # a tracer may want to see it first
            return None
        now = monotonic()
        thread.charge(now)
        thread.ns_start = now
        thread.die()  # may wake who runs next
        following = _next(executor, type(thread))
        if following is None or not exchange(following.context):
            return None
        executor.take_normal()
        return _go_on(following, now)

    def _go_on(following: Thread, now: int) -> int | None:
        """Continue with a thread whose registers the hart has got."""
        executor.current = following
        executor.switches += 1
        following.take_turn(now)
        kernel.enter(following)
        if following.pending is None:
            return None if following.attention else following.context.arguments()[0]
        result = _finish(following, monotonic)
        if result is None:
            executor.current = None  # it waits again, and the executor looks for another
            return None
        if following.attention:
            following.context.set_result(result)
            return None
        return result & _M64

    return sleep, end


def _next(executor: Executor, kind: type[Thread]) -> Thread | None:
    """Return who runs next, unless there is something special about it."""
    task = executor.next_normal()
    # The very class: a task of the kernel's own has no context.
    if type(task) is not kind or task.attention or task.delivery is not None:
        return None
    return task


def _fall_asleep(executor: Executor, thread: Thread) -> None:
    request = thread.request
    if request is Park.YIELD:
        executor.enqueue(thread)
        return
    thread.state = State.PARKED if request is Park.INTERRUPTIBLE else State.DISK
    thread.usage.voluntary += 1


def _finish(thread: Thread, monotonic: Callable[[], int]) -> int | None:
    """Go on with a waiting call, as `Thread.step` would; ``None`` if it waits again."""
    try:
        thread.request = thread.pending.send(None)  # type: ignore[union-attr]
    except StopIteration as done:
        result: int = done.value or 0
    except LinuxError as error:
        result = -error.errno
    else:
        if thread.attention or thread.request is Park.YIELD:
            thread.executor.enqueue(thread)
        else:
            thread.state = State.PARKED if thread.request is Park.INTERRUPTIBLE else State.DISK
        thread.charge(monotonic())
        return None
    thread.pending = thread.entry = None
    if thread.signals.pending_any():
        thread.attention |= ATTENTION_SIGNAL
    return result
