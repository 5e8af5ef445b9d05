"""POSIX message queues (mq_overview(7)): files that keep messages by their priority."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from ...abi.capability import CAP_FOWNER
from ...abi.errno import EACCES, EAGAIN, EBUSY, ENOENT, EPERM
from ...abi.poll import POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM
from ..core.poll import PollSet
from ..core.sched import Waker
from ..files.file import File
from .objects import Charge

if TYPE_CHECKING:
    from ..files.fdtable import FdTable
    from ..mm.heap import KernelHeap
    from ..task.cred import Credentials

MAX_MESSAGES: Final = 10  #: of a queue without privileges (/proc/sys/fs/mqueue/msg_max)
MAX_SIZE: Final = 8192  #: bytes of a message (msgsize_max)
HARD_MESSAGES: Final = 65_536
HARD_SIZE: Final = 16 << 20
MAX_QUEUES: Final = 256
PRIORITIES: Final = 32_768  #: MQ_PRIO_MAX
_IN: Final = POLLIN | POLLRDNORM
_OUT: Final = POLLOUT | POLLWRNORM


class Post(NamedTuple):
    """One message; the first in order is the first to be received."""

    urgency: int  #: priority * -1
    number: int  #: in which order they came
    data: bytes


class Notice(NamedTuple):
    """Who wants to know that a message came (mq_notify(3)), and what he wanted."""

    owner: object  #: the descriptor table through which he asked
    pid: int
    signal: int  #: 0 for SIGEV_NONE
    tell: Callable[[int, int], None]  #: is given who sent the message: pid and uid


class NamedQueue:
    """A queue, which lives as long as its name or a descriptor of it."""

    __slots__ = ("_bytes", "_count", "charge", "gid", "max_messages", "max_size", "mode", "name",
                 "notice", "posts", "readers", "room", "uid", "users", "waiting")  # fmt: skip

    def __init__(
        self, name: bytes, max_messages: int, max_size: int, mode: int, uid: int, gid: int,
        heap: KernelHeap | None = None,
    ) -> None:  # fmt: skip
        self.name: bytes | None = name  #: None: unlinked
        self.max_messages = max_messages
        self.max_size = max_size  #: bytes
        self.mode, self.uid, self.gid = mode, uid, gid
        self.posts: list[Post] = []
        self.notice: Notice | None = None
        self.waiting = 0  #: receivers asleep: they take a message before anybody is notified
        self.users = 0  #: open descriptions
        self.readers, self.room = PollSet(), PollSet()
        self.charge = Charge(heap)
        self._count = 0
        self._bytes = 0

    def check(self, cred: Credentials, wanted: int) -> None:
        """Raise ``EACCES`` unless ``cred`` has the MAY_* rights of ``wanted``."""
        shift = 6 if cred.fsuid == self.uid else 3 if cred.in_group(self.gid) else 0
        if wanted & ~(self.mode >> shift) & 7 and cred.fsuid:
            raise EACCES

    def send(self, data: bytes, priority: int, pid: int, uid: int) -> None:
        """Add a message; raise ``EAGAIN`` while the queue is full, and ``ENOMEM``."""
        if len(self.posts) >= self.max_messages:
            raise EAGAIN
        self.charge.cover(self._bytes + len(data) + 64 * (len(self.posts) + 1))
        was_empty = not self.posts
        self._count += 1
        self._bytes += len(data)
        insort(self.posts, Post(-priority, self._count, data))
        self.readers.wake()
        if was_empty and not self.waiting and self.notice is not None:
            notice, self.notice = self.notice, None
            notice.tell(pid, uid)

    def receive(self) -> tuple[bytes, int]:
        """Take the oldest of the most urgent messages; return it and its priority."""
        if not self.posts:
            raise EAGAIN
        post = self.posts.pop(0)
        self._bytes -= len(post.data)
        self.room.wake()
        return post.data, -post.urgency

    def notify(self, notice: Notice) -> None:
        """Set the notification; raise ``EBUSY`` if there is one."""
        if self.notice is not None:
            raise EBUSY
        self.notice = notice

    def forget(self, owner: object) -> None:
        """Take the notification away, if it is that of ``owner``."""
        if self.notice is not None and self.notice.owner is owner:
            self.notice = None

    @property
    def size(self) -> int:
        """Bytes in the queue."""
        return self._bytes

    def release(self) -> None:
        """Give the memory back, if neither name nor descriptor is left."""
        if self.name is None and not self.users:
            self.charge.end()


class QueueFile(File):
    """An open queue."""

    __slots__ = ("_offset", "queue")

    kind = "mqueue"

    def __init__(self, queue: NamedQueue, flags: int) -> None:
        super().__init__(flags)
        self.queue = queue
        self._offset = 0
        queue.users += 1

    def read(self, size: int) -> bytes:
        """Return the line that a file of the mqueue file system has."""
        queue, notice = self.queue, self.queue.notice
        pid, signal = (notice.pid, notice.signal) if notice is not None else (0, 0)
        kind = 0 if notice is None or signal else 1  # SIGEV_NONE
        line = f"QSIZE:{queue.size:<10} NOTIFY:{kind:<5} SIGNO:{signal:<5} NOTIFY_PID:{pid:<6}\n"
        data = line.encode()[self._offset : self._offset + size]
        self._offset += len(data)
        return data

    def poll(self) -> int:
        """See ``File.poll``."""
        queue = self.queue
        full = len(queue.posts) >= queue.max_messages
        return (_IN if queue.posts else 0) | (0 if full else _OUT)

    def register(self, waker: Waker, events: int) -> None:
        """See ``File.register``."""
        if events & _IN:
            self.queue.readers.register(waker)
        if events & _OUT:
            self.queue.room.register(waker)

    def drop_locks(self, table: FdTable) -> None:
        """See ``File.drop_locks``: a process that closes the queue is not notified any more."""
        self.queue.forget(table)

    def closed(self) -> None:
        """See ``File.closed``."""
        self.queue.users -= 1
        self.queue.release()

    def path(self) -> bytes:
        """See ``File.path``."""
        name = self.queue.name
        return b"/(deleted)" if name is None else b"/" + name


class NamedQueues:
    """The queues of one kernel by their names, which have no slash."""

    def __init__(self) -> None:
        self._queues: dict[bytes, NamedQueue] = {}

    def find(self, name: bytes) -> NamedQueue | None:
        """Return the queue of that name, or ``None``."""
        return self._queues.get(name)

    def add(self, queue: NamedQueue) -> None:
        """Enter a new queue."""
        assert queue.name is not None
        self._queues[queue.name] = queue

    def unlink(self, name: bytes, cred: Credentials) -> None:
        """Take a name away (mq_unlink(3)); raise ``ENOENT``, ``EPERM``."""
        queue = self._queues.get(name)
        if queue is None:
            raise ENOENT
        if cred.fsuid not in (queue.uid, cred.root_uid) and not cred.capable_over(
            queue.uid, queue.gid, CAP_FOWNER
        ):
            raise EPERM
        self.take(name)

    def take(self, name: bytes) -> None:
        """Take a name away that there is; who has the queue open keeps it."""
        queue = self._queues.pop(name)
        queue.name = None
        queue.release()

    def __iter__(self) -> Iterator[bytes]:
        return iter(list(self._queues))

    def __len__(self) -> int:
        return len(self._queues)
