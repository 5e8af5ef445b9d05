"""System V message queues (sysvipc(7), msgop(2))."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from ...abi.errno import E2BIG, EAGAIN, EIDRM, ENOMSG
from ...abi.ipc import MSG_EXCEPT, MSG_NOERROR
from ...abi.poll import POLLIN, POLLOUT
from ...base.cstruct import Struct, cstruct, i32, i64, u64
from ..core.poll import PollSet
from ..core.sched import Waker
from ..mm.sysv import IpcPerm
from .objects import IpcObject

if TYPE_CHECKING:
    from ..mm.heap import KernelHeap
    from ..mm.sysv import Caller

MSGMAX: Final = 8192  #: bytes of a message
MSGMNB: Final = 16_384  #: bytes of a queue, unless set otherwise
_OVERHEAD: Final = 64  #: bytes that a message costs the kernel beyond its own


@cstruct
class MsqidDs(Struct):
    """``struct msqid64_ds``."""

    msg_perm: IpcPerm
    msg_stime: i64
    msg_rtime: i64
    msg_ctime: i64
    msg_cbytes: u64
    msg_qnum: u64
    msg_qbytes: u64
    msg_lspid: i32
    msg_lrpid: i32
    unused4: u64
    unused5: u64


class Letter(NamedTuple):
    """One message."""

    type: int
    data: bytes


class MessageQueue(IpcObject):
    """A queue whose messages have types."""

    __slots__ = (
        "_room", "_waiting", "cbytes", "letters", "lrpid", "lspid", "qbytes", "rtime", "stime",
    )  # fmt: skip

    def __init__(self, owner: Caller, mode: int, now: int, heap: KernelHeap | None = None) -> None:
        super().__init__(owner, mode, now, heap)
        self.letters: list[Letter] = []
        self.cbytes = 0  #: bytes in the queue
        self.qbytes = MSGMNB  #: bytes that may be
        self.stime = self.rtime = 0  #: seconds
        self.lspid = self.lrpid = 0
        self._waiting = PollSet()  #: for messages
        self._room = PollSet()

    def send(self, letter: Letter, pid: int, now: int) -> None:
        """Append a message; raise ``EAGAIN``, ``EIDRM``, ``ENOMEM``."""
        if self.removed:
            raise EIDRM
        size = len(letter.data)
        if size + self.cbytes > self.qbytes or len(self.letters) + 1 > self.qbytes:
            raise EAGAIN
        self.charge.cover(self.cbytes + size + _OVERHEAD * (len(self.letters) + 1))
        self.letters.append(letter)
        self.cbytes += size
        self.lspid, self.stime = pid, now
        self._waiting.wake()

    def receive(self, kind: int, size: int, flags: int, pid: int, now: int) -> Letter:
        """Take the message that ``kind`` and ``flags`` ask for (msgrcv(2)).

        Raises ``EAGAIN`` if there is none, ``E2BIG``, ``EIDRM``.
        """
        if self.removed:
            raise EIDRM
        found = self._find(kind, flags)
        if found is None:
            raise EAGAIN
        letter = self.letters[found]
        if len(letter.data) > size and not flags & MSG_NOERROR:
            raise E2BIG
        del self.letters[found]
        self.cbytes -= len(letter.data)
        self.lrpid, self.rtime = pid, now
        self._room.wake()
        return letter

    def copy(self, index: int, size: int, flags: int) -> Letter:
        """Return a message by its place and leave it there (MSG_COPY); ``ENOMSG``, ``E2BIG``."""
        if not 0 <= index < len(self.letters):
            raise ENOMSG
        letter = self.letters[index]
        if len(letter.data) > size and not flags & MSG_NOERROR:
            raise E2BIG
        return letter

    def _find(self, kind: int, flags: int) -> int | None:
        numbers: Iterator[int] = iter(range(len(self.letters)))
        if kind > 0:
            unwanted = bool(flags & MSG_EXCEPT)
            numbers = (i for i in numbers if (self.letters[i].type == kind) != unwanted)
        elif kind < 0:
            low = [i for i in numbers if self.letters[i].type <= -kind]
            return min(low, key=lambda i: self.letters[i].type, default=None)
        return next(numbers, None)

    def status(self) -> MsqidDs:
        """Return ``struct msqid_ds``."""
        return MsqidDs(
            self.perm, self.stime, self.rtime, self.ctime, self.cbytes, len(self.letters),
            self.qbytes, self.lspid, self.lrpid,
        )  # fmt: skip

    def changed(self) -> None:
        """Let all that wait look again."""
        self._waiting.wake()
        self._room.wake()

    def ended(self) -> None:
        """See `IpcObject.ended`."""
        self.letters.clear()
        self.changed()

    def poll(self) -> int:
        """See ``Pollable.poll``."""
        return (POLLIN if self.letters else 0) | (POLLOUT if self.cbytes < self.qbytes else 0)

    def register(self, waker: Waker, events: int) -> None:
        """See ``Pollable.register``."""
        if events & POLLIN:
            self._waiting.register(waker)
        if events & POLLOUT:
            self._room.register(waker)
