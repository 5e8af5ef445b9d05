"""Where a task is, and what suspends it: `park` and its relatives are the only way to sleep."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from enum import Enum, auto
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .sched import Task


class State(Enum):
    """Where a task is.  The values are the letters of proc_pid_stat(5)."""

    RUNNABLE = "R"
    PARKED = "S"
    DISK = "D"  #: parked, and no signal but a fatal one ends it
    STOPPED = "T"
    TRACED = "t"  #: held by a debugger
    DONE = "X"


class Park(Enum):
    """What a suspended system call asks of its task."""

    YIELD = auto()  #: let others go first
    INTERRUPTIBLE = auto()  #: sleep until woken, or a signal has a handler
    KILLABLE = auto()  #: sleep until woken, or killed
    TRACED = auto()  #: sleep until a debugger lets go, or killed


#: How a thread sleeps, by what its call asked for.
SLEEP: Final = {
    Park.YIELD: State.DISK,
    Park.INTERRUPTIBLE: State.PARKED,
    Park.KILLABLE: State.DISK,
    Park.TRACED: State.TRACED,
}


class Waker:
    """What an event wakes; usually a task.  Waking twice is harmless."""

    __slots__ = ("__weakref__",)

    @property
    def task(self) -> Task | None:
        """The task that waking makes runnable, if it is one task."""
        return None

    @property
    def alive(self) -> bool:
        """Whether waking can still do something."""
        return True

    def wake(self) -> None:
        """Tell that the event came."""
        raise NotImplementedError


def suspended_frames(coroutine: Any) -> Iterator[FrameType]:
    """Yield the frames of a suspended coroutine and of what it awaits, outermost first.

    It is followed as far as these are coroutines or generators; ``None`` has no frames.
    """
    while coroutine is not None:
        frame = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "gi_frame", None)
        if frame is None:
            return
        yield frame
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "gi_yieldfrom", None)


class _Suspension:
    """What `await` meets when a task gives up the CPU; one shared object a kind."""

    __slots__ = ()

    def __await__(self) -> Generator[Park, None, None]:
        raise NotImplementedError


def _suspension(request: Park) -> _Suspension:
    """Make a `_Suspension` that asks for ``request``.

    An iterator over one request is all that a coroutine needs here.  It comes straight from a
    tuple, without a call of Python's, which matters to every wait in the kernel.
    """
    kind: type[_Suspension] = type("Park", (_Suspension,), {"__await__": (request,).__iter__})
    return kind()


_YIELD: Final = _suspension(Park.YIELD)
_INTERRUPTIBLE: Final = _suspension(Park.INTERRUPTIBLE)
_KILLABLE: Final = _suspension(Park.KILLABLE)
_TRACED: Final = _suspension(Park.TRACED)


def yield_now() -> _Suspension:
    """Let the other runnable tasks go first; ``await`` it."""
    return _YIELD


def park() -> _Suspension:
    """Sleep until the task's waker is used (``block_on_interruptible``); ``await`` it.

    The task itself raises ``EINTR`` here when a signal with a handler arrives; signals
    without one (stop and continue among them) do not end the sleep.  A wake-up is a
    hint: call this in a loop that looks again.
    """
    return _INTERRUPTIBLE


def park_killable() -> _Suspension:
    """Sleep until the waker is used or the task is killed (``block_on``); ``await`` it."""
    return _KILLABLE


def park_traced() -> _Suspension:
    """Sleep until `Thread.resume_tracing`, or killed; ``await`` it in a loop that asks again."""
    return _TRACED
