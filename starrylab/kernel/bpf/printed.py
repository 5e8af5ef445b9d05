"""What bpf_trace_printk() has printed: /sys/kernel/tracing/trace_pipe."""

from __future__ import annotations

from collections import deque
from typing import Final

from ...abi.errno import EAGAIN
from ...abi.fcntl import O_RDONLY
from ...abi.poll import POLLIN, POLLRDNORM
from ..core.poll import PollSet
from ..core.sched import Waker
from ..files.file import File

_MOST: Final = 4096  #: lines that are kept; older ones go
_IN: Final = POLLIN | POLLRDNORM


class Printed:
    """Lines that nobody has read yet."""

    def __init__(self) -> None:
        self.lines: deque[bytes] = deque(maxlen=_MOST)
        self.readers = PollSet()

    def add(self, line: bytes) -> None:
        """Append a line."""
        self.lines.append(line)
        self.readers.wake()


class TracePipe(File):
    """Reading takes lines; without one it waits."""

    __slots__ = ("_printed",)

    kind = "trace_pipe"

    def __init__(self, printed: Printed, flags: int) -> None:
        super().__init__(O_RDONLY | flags)
        self._printed = printed

    def read(self, size: int) -> bytes:
        """See ``File.read``."""
        lines = self._printed.lines
        if not lines:
            raise EAGAIN
        data = b""
        while lines and len(data) < size:
            room = size - len(data)
            line = lines.popleft()
            data += line[:room]
            if len(line) > room:
                lines.appendleft(line[room:])
        return data

    def poll(self) -> int:
        """See ``File.poll``."""
        return _IN if self._printed.lines else 0

    def register(self, waker: Waker, events: int) -> None:
        """See ``File.register``."""
        self._printed.readers.register(waker)
