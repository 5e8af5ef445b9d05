"""Lab 10: who waits for what, and a pipe.

A *waker* has one method, ``wake()``, which may be called any number of times: it makes a
sleeping task runnable.  It is a hint ("look again"), not a message.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starrylab.labs.calls import EAGAIN, EPIPE

POLLIN, POLLOUT, POLLERR, POLLHUP = 1, 4, 8, 16
PIPE_BUF = 4096  # a write of up to so many bytes goes in as a whole or not at all


class PollSet:
    """Wakers that wait for one event."""

    def register(self, waker: Any) -> None:
        """Add ``waker`` for one wake-up; to add it twice is to add it once."""
        raise NotImplementedError("PollSet.register")

    def wake(self) -> int:
        """Wake and forget all who were registered until now; return how many."""
        raise NotImplementedError("PollSet.wake")


class Pipe:
    """Bytes between a reading and a writing end.  No method of it waits."""

    def __init__(self, capacity: int = 65536) -> None:
        self.capacity = capacity  # bytes, PIPE_BUF at least

    def read(self, size: int) -> bytes:
        """Take out at most ``size`` bytes; b"" is the end; EAGAIN if there may be some later."""
        raise NotImplementedError("Pipe.read")

    def write(self, data: bytes) -> int:
        """Put in what fits; return how many bytes; EAGAIN if none; EPIPE if nobody reads."""
        raise NotImplementedError("Pipe.write")

    def poll_reader(self) -> int:
        """POLLIN if there are bytes; POLLHUP if nobody writes any more."""
        raise NotImplementedError("Pipe.poll_reader")

    def poll_writer(self) -> int:
        """POLLOUT if PIPE_BUF bytes fit; POLLERR if nobody reads any more."""
        raise NotImplementedError("Pipe.poll_writer")

    def register_reader(self, waker: Any) -> None:
        """Wake ``waker`` once when `poll_reader` says something new."""
        raise NotImplementedError("Pipe.register_reader")

    def register_writer(self, waker: Any) -> None:
        """Wake ``waker`` once when `poll_writer` says something new."""
        raise NotImplementedError("Pipe.register_writer")

    def close_reader(self) -> None:
        """The reading end is closed."""
        raise NotImplementedError("Pipe.close_reader")

    def close_writer(self) -> None:
        """The writing end is closed."""
        raise NotImplementedError("Pipe.close_writer")


async def blocking(
    attempt: Callable[[], Any],
    register: Callable[[], None],
    sleep: Callable[[], Awaitable[None]],
) -> Any:
    """Return what ``attempt()`` returns, once it does not raise EAGAIN; sleep until then.

    ``register()`` arranges one wake-up of this task at the next change; ``await sleep()``
    returns after the task was woken, for whatever reason.
    """
    raise NotImplementedError("blocking")
