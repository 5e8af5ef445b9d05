"""Contexts of asynchronous input and output (io_setup(2)): what was begun, what has ended."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from ..core.poll import PollSet
from ..core.sched import Waker

if TYPE_CHECKING:
    from .eventfd import EventFd
    from .file import File

Event = tuple[int, int, int]  #: data and address of the iocb, and the result


class AioContext:
    """What io_setup(2) makes: room for so many operations, and a queue of ended ones."""

    def __init__(self, size: int) -> None:
        self.size = size  #: operations that may be under way or waiting to be fetched
        self.events: deque[Event] = deque()
        self.polls: dict[int, AioPoll] = {}  #: by the address of their iocb
        self.changed = PollSet()  #: woken when an operation ends, or the context
        self.destroyed = False

    @property
    def full(self) -> bool:
        """Whether no more operations may begin."""
        return len(self.events) + len(self.polls) >= self.size

    def poll(self) -> int:
        """See ``Pollable``: how many events wait."""
        return len(self.events)

    def register(self, waker: Waker, events: int) -> None:
        """See ``Pollable``."""
        self.changed.register(waker)

    def end(self, event: Event, told: EventFd | None) -> None:
        """Note that an operation has ended, and tell an event descriptor of it."""
        self.events.append(event)
        if told is not None:
            told.write((1).to_bytes(8, "little"))
        self.changed.wake()

    def destroy(self) -> None:
        """Let go of everything; who waits for events finds that there is no context any more."""
        self.destroyed = True
        for poll in list(self.polls.values()):
            poll.cancel()
        self.changed.wake()


class AioPoll(Waker):
    """IOCB_CMD_POLL: an operation that ends when a file is ready."""

    __slots__ = ("addr", "context", "data", "file", "mask", "told")

    def __init__(
        self, context: AioContext, file: File, mask: int, addr: int, data: int,
        told: EventFd | None,
    ) -> None:  # fmt: skip
        self.context = context
        file.acquire()
        self.file: File | None = file  #: None: it has ended
        self.mask = mask
        self.addr = addr
        self.data = data
        self.told = told
        context.polls[addr] = self

    @property
    def alive(self) -> bool:
        """Whether it still waits."""
        return self.file is not None

    def wake(self) -> None:
        """End if the file is ready now, else wait on."""
        file = self.file
        if file is None:
            return
        ready = file.poll() & self.mask
        if not ready:
            file.register(self, self.mask)
            return
        context = self.context
        self.cancel()
        context.end((self.data, self.addr, ready), self.told)

    def cancel(self) -> None:
        """End without a result."""
        file, self.file = self.file, None
        if file is not None:
            del self.context.polls[self.addr]
            file.release()
