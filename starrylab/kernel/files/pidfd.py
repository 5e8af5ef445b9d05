"""A process as a file (pidfd_open(2)): readable once it has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...abi.fcntl import O_RDWR
from ...abi.poll import POLLIN, POLLRDNORM
from ..core.sched import Waker
from .file import File

if TYPE_CHECKING:
    from ..task.process import Process
    from ..thread import Thread


class PidFd(File):
    """Names one process for certain: its number may be given again, this never is."""

    __slots__ = ("process",)

    kind = "pidfd"

    def __init__(self, process: Process, flags: int = 0) -> None:
        super().__init__(O_RDWR | flags)
        self.process = process

    def ioctl(self, thread: Thread, request: int, arg: int) -> Any:
        """See ``File.ioctl``."""
        return thread.kernel.ask_pidfd(self, thread, request, arg)

    def poll(self) -> int:
        """See ``File.poll``."""
        return POLLIN | POLLRDNORM if self.process.zombie else 0

    def register(self, waker: Waker, events: int) -> None:
        """See ``File.register``."""
        self.process.exited.register(waker)
