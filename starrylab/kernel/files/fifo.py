"""FIFOs (fifo(7)): a pipe that a path leads to, bound to its node (design document 7.1.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...abi.errno import EAGAIN, ENXIO
from ...abi.fcntl import O_ACCMODE, O_CLOEXEC, O_CREAT, O_NONBLOCK, O_RDONLY, O_TRUNC, O_WRONLY
from ..core.poll import PollSet
from ..core.sched import Waker
from ..vfs.locks import LockTable, drop_process_locks
from ..vfs.mount import Location
from ..vfs.node import Credentials, NodeOps
from .pipe import PipeBuffer, PipeEnd, PipeReader, PipeReadWrite, PipeWriter

if TYPE_CHECKING:
    from .fdtable import FdTable


class Fifo:
    """What a FIFO node carries while somebody has it open."""

    __slots__ = ("buffer", "is_pipe", "opened", "reader_opens", "users")

    def __init__(self, ino: int, pipe: PipeBuffer | None = None) -> None:
        self.is_pipe = pipe is not None  #: it has no name, and to open it again never waits
        self.buffer = PipeBuffer(ino=ino) if pipe is None else pipe
        self.opened = PollSet()  #: wakes opens that wait for the other end
        self.reader_opens = 0  #: ever
        self.users = 0  #: open descriptions; the last one takes the buffer along

    @staticmethod
    def of(node: NodeOps) -> Fifo:
        """Return the node's FIFO, made now if nobody has it open."""
        fifo: Fifo | None = node.bound(Fifo)
        if fifo is None:
            fifo = Fifo(node.ino)
            node.bind(Fifo, fifo)
        return fifo


def _name(place: Location) -> bytes | None:
    return None if Fifo.of(place.node).is_pipe else place.path()


class _FifoEnd(PipeEnd):
    """What an end of a FIFO has beyond a pipe's: a node, whose FIFO it keeps alive.

    Stands before a pipe's end among the bases, and has no slots: two bases with slots of their
    own cannot be joined.
    """

    node: NodeOps
    place: Location

    def __init__(self, place: Location, flags: int) -> None:
        super().__init__(Fifo.of(place.node).buffer, flags, _name(place))
        self.place = place
        self.node = place.node
        place.mount.users += 1
        fifo = Fifo.of(self.node)
        fifo.users += 1
        if self.readable:
            fifo.reader_opens += 1
        fifo.opened.wake()

    def closed(self) -> None:
        """See ``File.closed``."""
        super().closed()
        node = self.node
        self.place.mount.users -= 1
        table: LockTable | None = node.bound(LockTable)
        if table is not None:
            table.closed(self)
        fifo = Fifo.of(node)
        fifo.users -= 1
        if not fifo.users:
            node.bind(Fifo, None)

    def drop_locks(self, table: FdTable) -> None:
        """See ``File.drop_locks``."""
        drop_process_locks(self.node, table)


class FifoReader(_FifoEnd, PipeReader):
    """A FIFO opened for reading."""


class FifoWriter(_FifoEnd, PipeWriter):
    """A FIFO opened for writing."""


class FifoBoth(_FifoEnd, PipeReadWrite):
    """A FIFO opened for both; Linux permits it, and it never blocks."""


class FifoOpening:
    """An open(2) of a FIFO, which may have to wait for somebody at the other end."""

    __slots__ = ("_fifo", "_seen", "file")

    file: FifoReader | FifoWriter | FifoBoth

    def __init__(self, place: Location, flags: int, cred: Credentials) -> None:
        flags &= ~(O_CREAT | O_TRUNC | O_CLOEXEC)
        fifo = self._fifo = Fifo.of(place.node)
        mode = flags & O_ACCMODE
        self._seen = fifo.buffer.writer_opens
        if mode == O_RDONLY:
            self.file = FifoReader(place, flags)
        elif mode == O_WRONLY:
            if flags & O_NONBLOCK and not fifo.buffer.readers and not fifo.is_pipe:
                if not fifo.users:
                    place.node.bind(Fifo, None)
                raise ENXIO
            self._seen = fifo.reader_opens
            self.file = FifoWriter(place, flags)
        else:
            self.file = FifoBoth(place, flags)

    def attempt(self) -> None:
        """Return if the open is complete; raise ``EAGAIN`` while the other end is missing."""
        if self._fifo.is_pipe:
            return
        buffer = self._fifo.buffer
        mode = self.file.flags & O_ACCMODE
        if mode == O_RDONLY:
            present = buffer.writers or buffer.writer_opens != self._seen
        elif mode == O_WRONLY:
            present = buffer.readers or self._fifo.reader_opens != self._seen
        else:
            return
        if not present and not self.file.flags & O_NONBLOCK:
            raise EAGAIN

    def poll(self) -> int:
        """See ``Pollable.poll``; an open has no events."""
        return 0

    def register(self, waker: Waker, events: int) -> None:
        """See ``Pollable.register``."""
        self._fifo.opened.register(waker)
