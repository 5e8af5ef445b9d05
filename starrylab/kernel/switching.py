"""The short way from a thread that goes to sleep, or ends, to the next one.

The long way leaves the hart, returns to the executor, and enters the hart again.  Where the
hart can exchange its registers from within a trap, two threads that wait for each other in
turn (a pipe, a futex, wait4) need not go that way: it halves the cost of a switch.  Only the plain
case is served here, a normal thread with nothing special about it; everything else returns
``None`` and takes the long way, which knows signals, priorities and the rest.

The usual steps are written out instead of called: a call costs as much as the work of a step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ..abi.errno import LinuxError
from .core.attention import ATTENTION_EXIT, ATTENTION_SIGNAL
from .core.sched import Park, State

if TYPE_CHECKING:
    from .kernel import Kernel
    from .thread import Thread

_M64: Final = (1 << 64) - 1

Switch = Callable[["Thread"], int | None]


def make_switch(kernel: Kernel, enter: Callable[[Thread], None]) -> tuple[Switch, Switch]:
    """Return ``sleep`` and ``end``: what runs another thread in the caller's place.

    ``sleep`` is for a system call that has begun to wait, ``end`` for one after which its thread
    has to end.  Their result is the next thread's result register; ``None`` means that the
    hart must be left, and `Executor.current` then says who still has to be looked after: the
    caller, or nobody.  ``enter`` makes the traps those of a thread.
    """
    executor = kernel.executor
    next_normal, take_normal = executor.next_normal, executor.take_normal
    monotonic = kernel.door.monotonic
    exchange = kernel.hart.switch
    go_on = _make_go_on(kernel, enter)

    def sleep(thread: Thread) -> int | None:
        following = None if thread.attention else next_normal()
        # The very class: a task of the kernel's own has no context.
        if type(following) is not type(thread) or following.attention or following.delivery:
            return None
        if not exchange(following.context):
            return None
        take_normal()
        request = thread.request
        if request is Park.YIELD:
            executor.enqueue(thread)
            thread.usage.involuntary += 1  # as Linux counts who stays runnable
        else:
            thread.state = State.PARKED if request is Park.INTERRUPTIBLE else State.DISK
            thread.usage.voluntary += 1
        now = monotonic()
        thread.charge(now)
        return go_on(following, now)

    def end(thread: Thread) -> int | None:
        if thread.attention != ATTENTION_EXIT:  # a tracer may want to see it first
            return None
        now = monotonic()
        thread.charge(now)
        thread.ns_start = now
        thread.die()  # may wake who runs next
        following = next_normal()
        if type(following) is not type(thread) or following.attention or following.delivery:
            return None
        if not exchange(following.context):
            return None
        take_normal()
        return go_on(following, now)

    return sleep, end


def _make_go_on(
    kernel: Kernel, enter: Callable[[Thread], None]
) -> Callable[[Thread, int], int | None]:
    """Return what continues with a thread whose registers the hart has got."""
    executor = kernel.executor
    monotonic = kernel.door.monotonic
    mmu, events = kernel.mmu, kernel.events

    def go_on(thread: Thread, now: int) -> int | None:
        executor.current = thread
        executor.switches += 1
        if thread.slice_left <= 0:
            thread.slice_left = thread.slice_ticks()
        thread.sampled_ns = 0
        thread.ns_start = now
        enter(thread)
        if mmu.current is not thread.mm:
            mmu.use(thread.mm)
        if events.switch is not None:
            events.switch(thread)
        if thread.pending is None:
            return None if thread.attention else thread.context.arguments()[0]
        try:  # as `Thread.step` would
            thread.request = thread.pending.send(None)
        except StopIteration as done:
            result: int = done.value or 0
        except LinuxError as error:
            result = -error.errno
        else:
            wait_again(thread)
            return None
        thread.pending = thread.entry = None
        signals = thread.signals
        if (signals.pending.set or signals.process.pending.set) and signals.pending_any():
            thread.attention |= ATTENTION_SIGNAL
        if thread.attention:
            thread.context.set_result(result)
            return None
        return result & _M64

    def wait_again(thread: Thread) -> None:
        """Leave the CPU to whom the executor finds."""
        request = thread.request
        if request is Park.TRACED and not thread.attention & ATTENTION_EXIT:
            thread.state = State.TRACED  # at once: its tracer may be the next to run
        elif thread.attention or request is Park.YIELD:
            executor.enqueue(thread)
        else:
            thread.state = State.PARKED if request is Park.INTERRUPTIBLE else State.DISK
        thread.charge(monotonic())
        executor.current = None

    return go_on
