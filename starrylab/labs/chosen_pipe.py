"""Pipes that a student's class holds: pipe2(2) with other bytes between the same two ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

from ..abi.errno import EINVAL
from ..abi.fcntl import O_CLOEXEC, O_NONBLOCK, O_RDONLY, O_WRONLY
from ..kernel.core.sched import Waker
from ..kernel.files.file import File
from ..kernel.syscalls import Entry, syscall
from ..kernel.syscalls._pairs import install_pair
from ..kernel.syscalls._types import Int, Ptr

PIPE2: Final = 59  #: the number of pipe2(2), on every architecture that we know


class Pipe(Protocol):
    """What lies between two ends.  Nothing here waits: ``EAGAIN`` says that one has to."""

    def read(self, size: int) -> bytes:
        """Take bytes out."""
        ...

    def write(self, data: bytes) -> int:
        """Put bytes in; return how many."""
        ...

    def poll_reader(self) -> int:
        """Return what the reading end is ready for."""
        ...

    def poll_writer(self) -> int:
        """Return what the writing end is ready for."""
        ...

    def register_reader(self, waker: Waker) -> None:
        """Wake once at the next change of `poll_reader`."""
        ...

    def register_writer(self, waker: Waker) -> None:
        """Wake once at the next change of `poll_writer`."""
        ...

    def close_reader(self) -> None:
        """Hear that the last reader is gone."""
        ...

    def close_writer(self) -> None:
        """Hear that the last writer is gone."""
        ...


class BadPipe(Exception):
    """The pipe answered what no pipe can: a bug that ends the kernel."""


class _End(File):
    __slots__ = ("pipe",)

    kind = "pipe"

    def __init__(self, pipe: Pipe, flags: int) -> None:
        super().__init__(flags)
        self.pipe = pipe


class ChosenReader(_End):
    """The reading end."""

    __slots__ = ()

    def read(self, size: int) -> bytes:
        """See ``File.read``; `BadPipe`."""
        data = self.pipe.read(size)
        if not isinstance(data, bytes | bytearray) or len(data) > size:
            raise BadPipe(f"read({size}) of the pipe returned {_shown(data)}")
        return bytes(data)

    def poll(self) -> int:
        """See ``File.poll``."""
        return self.pipe.poll_reader()

    def register(self, waker: Waker, events: int) -> None:
        """See ``File.register``."""
        self.pipe.register_reader(waker)

    def closed(self) -> None:
        """See ``File.closed``."""
        self.pipe.close_reader()


class ChosenWriter(_End):
    """The writing end."""

    __slots__ = ()

    sigpipe = True

    def write(self, data: bytes) -> int:
        """See ``File.write``; `BadPipe`."""
        count = self.pipe.write(data)
        if not isinstance(count, int) or (data and not 0 < count <= len(data)):
            raise BadPipe(f"write() of {len(data)} bytes to the pipe returned {_shown(count)}")
        return count

    def poll(self) -> int:
        """See ``File.poll``."""
        return self.pipe.poll_writer()

    def register(self, waker: Waker, events: int) -> None:
        """See ``File.register``."""
        self.pipe.register_writer(waker)

    def closed(self) -> None:
        """See ``File.closed``."""
        self.pipe.close_writer()


def _shown(value: object) -> str:
    return f"{len(value)} bytes" if isinstance(value, bytes | bytearray) else repr(value)


def pipe_call(make: Callable[[], Pipe]) -> Entry:
    """Return a pipe2(2) whose pipes are what ``make`` returns."""

    @syscall()
    def pipe2(t: Any, fds: Ptr, flags: Int) -> None:
        """pipe2(2), without O_DIRECT."""
        if flags & ~(O_CLOEXEC | O_NONBLOCK):
            raise EINVAL
        pipe, status = make(), flags & O_NONBLOCK
        ends = ChosenReader(pipe, O_RDONLY | status), ChosenWriter(pipe, O_WRONLY | status)
        install_pair(t, ends, fds, cloexec=bool(flags & O_CLOEXEC))

    entry: Entry = pipe2.__syscall__  # type: ignore[attr-defined]
    return entry


__all__ = ["PIPE2", "BadPipe", "ChosenReader", "ChosenWriter", "Pipe", "pipe_call"]
