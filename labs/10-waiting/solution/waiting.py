"""Lab 10: who waits for what, and a pipe."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starrylab.labs.calls import EAGAIN, EPIPE

POLLIN, POLLOUT, POLLERR, POLLHUP = 1, 4, 8, 16
PIPE_BUF = 4096


class PollSet:
    """Wakers that wait for one event."""

    def __init__(self) -> None:
        self.wakers: dict[Any, None] = {}

    def register(self, waker: Any) -> None:
        """Add ``waker`` for one wake-up."""
        self.wakers[waker] = None

    def wake(self) -> int:
        """Wake and forget all; who registers meanwhile waits for the next time."""
        wakers, self.wakers = self.wakers, {}
        for waker in wakers:
            waker.wake()
        return len(wakers)


class Pipe:
    """Bytes between a reading and a writing end."""

    def __init__(self, capacity: int = 65536) -> None:
        self.capacity = capacity
        self.data = bytearray()
        self.reading = self.writing = True
        self.readable = PollSet()
        self.writable = PollSet()

    def read(self, size: int) -> bytes:
        """Take out at most ``size`` bytes."""
        if not self.data:
            if self.writing and size:
                raise EAGAIN
            return b""
        data = bytes(self.data[:size])
        del self.data[:size]
        self.writable.wake()
        return data

    def write(self, data: bytes) -> int:
        """Put in what fits."""
        if not self.reading:
            raise EPIPE
        room = self.capacity - len(self.data)
        if len(data) > room and (len(data) <= PIPE_BUF or not room):
            raise EAGAIN
        self.data += data[:room]
        self.readable.wake()
        return min(len(data), room)

    def poll_reader(self) -> int:
        """Bytes, and the end."""
        return (POLLIN if self.data else 0) | (0 if self.writing else POLLHUP)

    def poll_writer(self) -> int:
        """Room, and that nobody wants it."""
        ready = POLLOUT if self.capacity - len(self.data) >= PIPE_BUF else 0
        return ready | (0 if self.reading else POLLERR)

    def register_reader(self, waker: Any) -> None:
        """Wait for bytes."""
        self.readable.register(waker)

    def register_writer(self, waker: Any) -> None:
        """Wait for room."""
        self.writable.register(waker)

    def close_reader(self) -> None:
        """Nobody reads."""
        self.reading = False
        self.writable.wake()

    def close_writer(self) -> None:
        """Nobody writes."""
        self.writing = False
        self.readable.wake()


async def blocking(
    attempt: Callable[[], Any],
    register: Callable[[], None],
    sleep: Callable[[], Awaitable[None]],
) -> Any:
    """Try, register, sleep, try again."""
    while True:
        try:
            return attempt()
        except EAGAIN:
            register()
            await sleep()
