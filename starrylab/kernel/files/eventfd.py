"""An event counter as a file (eventfd(2))."""

from __future__ import annotations

from typing import Final

from ...abi.errno import EAGAIN, EINVAL
from ...abi.fcntl import O_RDWR
from ...abi.poll import POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM
from ..core.poll import PollSet
from ..core.sched import Waker
from .file import File

_MAX: Final = (1 << 64) - 2  #: the counter goes no higher
_READABLE: Final = POLLIN | POLLRDNORM
_WRITABLE: Final = POLLOUT | POLLWRNORM


class EventFd(File):
    """A 64-bit counter: write adds, read takes all, or one if it is a semaphore."""

    __slots__ = ("_readers", "_writers", "count", "semaphore")

    kind = "eventfd"

    def __init__(self, count: int, flags: int = 0, *, semaphore: bool = False) -> None:
        super().__init__(O_RDWR | flags)
        self.count = count
        self.semaphore = semaphore
        self._readers = PollSet()
        self._writers = PollSet()

    def read(self, size: int) -> bytes:
        """Return the counter as 8 bytes; ``EAGAIN`` while it is 0."""
        if size < 8:
            raise EINVAL
        if not self.count:
            raise EAGAIN
        value = 1 if self.semaphore else self.count
        self.count -= value
        self._writers.wake()
        return value.to_bytes(8, "little")

    def write(self, data: bytes) -> int:
        """Add the first 8 bytes to the counter; ``EAGAIN`` while the sum does not fit."""
        if len(data) < 8:
            raise EINVAL
        value = int.from_bytes(data[:8], "little")
        if value > _MAX:
            raise EINVAL
        if self.count + value > _MAX:
            raise EAGAIN
        self.count += value
        self._readers.wake()
        return 8

    def seek(self, offset: int, whence: int) -> int:
        """Do nothing: lseek(2) succeeds on what has no position (``noop_llseek``)."""
        return 0

    def poll(self) -> int:
        """See ``File.poll``."""
        return (_READABLE if self.count else 0) | (_WRITABLE if self.count < _MAX else 0)

    def register(self, waker: Waker, events: int) -> None:
        """See ``File.register``."""
        if events & _READABLE:
            self._readers.register(waker)
        if events & _WRITABLE:
            self._writers.register(waker)
