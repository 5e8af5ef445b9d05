"""Open files that lie in the queues of sockets (SCM_RIGHTS, unix(7)), and the cycles of them.

A socket that was sent through itself, or through one that was sent through it, is held by
queues alone once its last descriptor is closed: nobody can ever receive it, and no counter
drops to zero.  As in Linux (net/unix/garbage.c) such sockets are found and their queues emptied;
here at the very moment when a socket loses the last holder that is not a queue.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from .file import File


class Queued(Protocol):
    """A message, as far as it matters here."""

    files: tuple[File, ...]


class Receiver(File):
    """A file with a queue that other files can lie in."""

    __slots__ = ("queue", "travelling")

    queue: deque[Queued]

    def __init__(self, flags: int, travelling: Travelling) -> None:
        super().__init__(flags)
        self.queue = deque()  #: to be received here
        self.travelling = travelling

    def release(self) -> None:
        """See ``File.release``."""
        self.refs -= 1
        if not self.refs:
            self.closed()
        elif self.refs == self.travelling.places.get(self):
            self.travelling.collect(self)

    def drop_queue(self) -> None:
        """Let go of all files in the queue."""
        dropped: list[File] = []
        for message in self.queue:
            dropped += message.files
            message.files = ()
        if dropped:
            self.travelling.drop(dropped, self)


class Travelling:
    """The files that one kernel's queues hold."""

    __slots__ = ("_busy", "_dropped", "_holders", "places", "writer")

    def __init__(self, writer: Callable[[], tuple[int, int, int]] | None = None) -> None:
        self.writer = writer  #: pid, uid and gid of whoever writes now
        #: In how many places of queues each receiver lies; whose queues those are, and how often.
        self.places: dict[Receiver, int] = {}
        self._holders: dict[Receiver, dict[Receiver, int]] = {}
        self._dropped: deque[File] = deque()
        self._busy = False

    def sent(self, files: Iterable[File], holder: Receiver) -> None:
        """Hold ``files`` for the queue of ``holder``."""
        for file in files:
            file.acquire()
            if isinstance(file, Receiver):
                self.places[file] = self.places.get(file, 0) + 1
                holders = self._holders.setdefault(file, {})
                holders[holder] = holders.get(holder, 0) + 1

    def arrived(self, files: Iterable[File], holder: Receiver) -> None:
        """Note that whoever received ``files`` holds them instead of the queue."""
        for file in files:
            if not isinstance(file, Receiver):
                continue
            holders = self._holders[file]
            holders[holder] -= 1
            if not holders[holder]:
                del holders[holder]
            self.places[file] -= 1
            if not self.places[file]:
                del self.places[file], self._holders[file]

    def drop(self, files: Sequence[File], holder: Receiver) -> None:
        """Let go of files that nobody will receive.

        What that closes may drop the next ones: they wait in a queue of their own, since a
        program can build a chain longer than any stack.
        """
        self.arrived(files, holder)
        self._dropped.extend(files)
        if self._busy:
            return
        self._busy = True
        try:
            while self._dropped:
                self._dropped.popleft().release()
        finally:
            self._busy = False

    def collect(self, suspect: Receiver) -> None:
        """Empty the queue of ``suspect`` if it and all that lead to it are held by queues alone."""
        lost = {suspect}
        unseen = [suspect]
        while unseen:
            for holder in self._holders[unseen.pop()]:
                if holder.refs != self.places.get(holder):
                    return  # somebody can still receive it from there
                if holder not in lost:
                    lost.add(holder)
                    unseen.append(holder)
        for file in lost:
            file.drop_queue()
