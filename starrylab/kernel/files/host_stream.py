"""Standard input and output that are no terminal: a pipe or file of whoever started the lab.

What the host sends enters through the door; what the guest writes leaves through a
callable, so that the kernel knows no host descriptor.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from ...abi.errno import EAGAIN, EBADF
from ...abi.fcntl import O_RDONLY, O_WRONLY
from ...abi.poll import POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM
from ...machine.door import Door
from ..core.poll import PollSet
from ..core.sched import Waker
from .file import File

_LIMIT: Final = 1 << 20  #: bytes held before the door is asked to stop reading


class HostInput(File):
    """Bytes from the door's ``source``, in order, until it ends."""

    __slots__ = ("_chunks", "_door", "_ended", "_held", "_readers", "_source")

    kind = "host"

    def __init__(self, door: Door, source: str) -> None:
        super().__init__(O_RDONLY)
        self._chunks: deque[bytes] = deque()
        self._held = 0
        self._ended = False
        self._readers = PollSet()
        self._door = door
        self._source = source
        door.subscribe(source, self._arrived)

    def _arrived(self, data: bytes) -> None:
        if data:
            self._chunks.append(data)
            self._held += len(data)
            if self._held >= _LIMIT:
                self._door.pause(self._source, True)
        else:
            self._ended = True
        self._readers.wake()

    def read(self, size: int) -> bytes:
        """See ``File.read``."""
        if not self._chunks:
            if self._ended:
                return b""
            raise EAGAIN
        chunk = self._chunks.popleft()
        if len(chunk) > size:
            self._chunks.appendleft(chunk[size:])
            chunk = chunk[:size]
        self._held -= len(chunk)
        if self._held < _LIMIT:
            self._door.pause(self._source, False)
        return chunk

    def write(self, data: bytes) -> int:
        """Refuse: this end is for reading."""
        raise EBADF

    def poll(self) -> int:
        """See ``Pollable.poll``."""
        ready = POLLIN | POLLRDNORM if self._chunks or self._ended else 0
        return ready | POLLHUP if self._ended and not self._chunks else ready

    def register(self, waker: Waker, events: int) -> None:
        """See ``Pollable.register``."""
        self._readers.register(waker)

    def path(self) -> bytes:
        """See ``File.path``."""
        return b"host:[" + self._source.encode() + b"]"


class HostOutput(File):
    """Bytes for the host; ``emit`` takes them all, or raises ``EPIPE`` when nobody reads."""

    __slots__ = ("_emit", "_name")

    kind = "host"
    sigpipe = True

    def __init__(self, emit: Callable[[bytes], object], name: str) -> None:
        super().__init__(O_WRONLY)
        self._emit = emit
        self._name = name

    def read(self, size: int) -> bytes:
        """Refuse: this end is for writing."""
        raise EBADF

    def write(self, data: bytes) -> int:
        """See ``File.write``."""
        self._emit(data)
        return len(data)

    def poll(self) -> int:
        """See ``Pollable.poll``."""
        return POLLOUT | POLLWRNORM

    def path(self) -> bytes:
        """See ``File.path``."""
        return b"host:[" + self._name.encode() + b"]"
