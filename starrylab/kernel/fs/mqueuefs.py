"""The POSIX message queues as files of one directory (mq_overview(7), "Mounting the mqueue fs")."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ...abi.errno import EACCES, EEXIST, ENOENT
from ...abi.fcntl import O_ACCMODE, O_NONBLOCK
from ...abi.stat import MQUEUE_MAGIC, S_IFMT, S_IFREG
from ..files.file import File
from ..ipc.mqueue import MAX_MESSAGES, MAX_SIZE, NamedQueue, QueueFile
from ..vfs.mount import Location
from ..vfs.node import DirNodeOps, FilesystemOps, NodeOps
from .proc._declare import seen_from
from .proc._nodes import LiveDir, ino_of

if TYPE_CHECKING:
    from ..kernel import Kernel
    from ..thread import Thread

_LINE: Final = 80  #: bytes: the size that every queue shows


class MqueueFs(FilesystemOps):
    """One instance; it shows the queues of the IPC namespace that it was mounted in."""

    name = "mqueue"
    magic = MQUEUE_MAGIC

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel.clock.realtime)
        self._root = QueueDir(self, kernel)

    @property
    def root(self) -> DirNodeOps:
        """See ``FilesystemOps.root``."""
        return self._root


class QueueNode(NodeOps):
    """A queue: reading it shows its state, mq_open(3) opens it for messages."""

    __slots__ = ("queue",)

    def __init__(self, fs: FilesystemOps, queue: NamedQueue) -> None:
        mode = S_IFREG | queue.mode
        super().__init__(fs, ino_of("mqueue", queue.name), mode, queue.uid, queue.gid)
        self.queue = queue
        self.size = _LINE

    def update(
        self,
        *,
        mode: int | None = None,
        uid: int | None = None,
        gid: int | None = None,
        atime: int | None = None,
        mtime: int | None = None,
    ) -> None:
        """See ``NodeOps.update``: mode and owner are the queue's."""
        super().update(mode=mode, uid=uid, gid=gid, atime=atime, mtime=mtime)
        self.queue.mode = self.mode & 0o777
        self.queue.uid, self.queue.gid = self.uid, self.gid

    def open(self, thread: Thread | None, location: Location, flags: int) -> File:
        """See ``NodeOps.open``."""
        return QueueFile(self.queue, flags & (O_ACCMODE | O_NONBLOCK))


class QueueDir(LiveDir):
    """The directory of all queues."""

    __slots__ = ("_ipc", "_kernel", "_queues")

    def __init__(self, fs: FilesystemOps, kernel: Kernel) -> None:
        super().__init__(fs, ino_of("mqueue"), 0o1777)
        self._kernel = kernel
        self._ipc = seen_from(kernel).ipc
        self._queues = self._ipc.queues

    def lookup(self, name: bytes) -> NodeOps:
        """See ``DirNodeOps.lookup``."""
        queue = self._queues.find(name)
        if queue is None:
            raise ENOENT
        return QueueNode(self.fs, queue)

    def names(self) -> Iterator[tuple[bytes, int]]:
        """See ``LiveDir.names``."""
        for name in self._queues:
            yield name, S_IFREG

    def create(self, name: bytes, mode: int, uid: int, gid: int, rdev: int = 0) -> NodeOps:
        """See ``DirNodeOps.create``: a queue of the usual size; there is nothing else here."""
        if mode & S_IFMT != S_IFREG:
            raise EACCES
        if self._queues.find(name) is not None:
            raise EEXIST
        heap = self._kernel.heap
        queue = NamedQueue(name, MAX_MESSAGES, MAX_SIZE, mode & 0o777, uid, gid, heap)
        self._queues.add(queue)
        return QueueNode(self.fs, queue)

    def unlink(self, name: bytes, node: NodeOps) -> None:
        """See ``DirNodeOps.unlink``; the caller has checked the sticky bit."""
        self._queues.take(name)


def make(kernel: Kernel, _source: bytes, _flags: int, _options: bytes) -> MqueueFs:
    """Return the file system (a `Factory`)."""
    return MqueueFs(kernel)
