"""/proc/kmsg: the kernel log for one reader, who takes each record once (proc_kmsg(5))."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....abi.errno import EAGAIN
from ....abi.stat import S_IFREG
from ...files.node_file import NodeFile
from ...task.cred import ROOT
from ...vfs.node import FileNodeOps, FilesystemOps
from ._nodes import ino_of

if TYPE_CHECKING:
    from ...core.sched import Waker
    from ...dev.kmsg import KernelLog
    from ...files.file import File
    from ...thread import Thread
    from ...vfs.mount import Location
    from ...vfs.node import Credentials


class KmsgReader(NodeFile):
    """An open /proc/kmsg; a read waits while there is nothing new."""

    __slots__ = ("_log",)
    kind = "kmsg"

    def __init__(self, log: KernelLog, place: Location, flags: int, cred: Credentials) -> None:
        super().__init__(place, flags, cred)
        self._log = log

    def read(self, size: int) -> bytes:
        """See ``File.read``."""
        text = self._log.take(size)
        if not text and size:
            raise EAGAIN
        return text

    def poll(self) -> int:
        """See ``Pollable.poll``."""
        return self._log.poll()

    def register(self, waker: Waker, events: int) -> None:
        """See ``Pollable.register``."""
        self._log.register(waker, events)


class KmsgNode(FileNodeOps):
    """The node of /proc/kmsg."""

    __slots__ = ("_log",)

    def __init__(self, fs: FilesystemOps, log: KernelLog) -> None:
        super().__init__(fs, ino_of("kmsg"), S_IFREG | 0o400)
        self._log = log

    def open(self, thread: Thread | None, location: Location, flags: int) -> File:
        """See ``NodeOps.open``."""
        cred = ROOT if thread is None else thread.cred
        return KmsgReader(self._log, location, flags, cred)
