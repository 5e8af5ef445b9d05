"""Connected pairs of AF_UNIX sockets (unix(7), socketpair(2)).

A message keeps its bytes, the descriptors that travel with it (SCM_RIGHTS) and who sent it.
It lies in the queue of the socket that will receive it, and counts against the buffer of
the one that sent it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from ...abi.errno import (
    EAGAIN,
    ECONNREFUSED,
    ECONNRESET,
    EINVAL,
    EMSGSIZE,
    ENOTTY,
    EPIPE,
    LinuxError,
)
from ...abi.fcntl import O_RDWR
from ...abi.ioctl import FIONREAD, TIOCOUTQ
from ...abi.poll import (
    POLLERR,
    POLLHUP,
    POLLIN,
    POLLOUT,
    POLLRDHUP,
    POLLRDNORM,
    POLLWRBAND,
    POLLWRNORM,
)
from ...abi.socket import SHUT_RD, SHUT_RDWR, SHUT_WR, SOCK_DGRAM, SOCK_STREAM
from ..core.poll import PollSet
from ..core.sched import Waker
from .file import File
from .travelling import Receiver, Travelling

if TYPE_CHECKING:
    from ..mm.heap import KernelHeap
    from ..thread import Thread

DEFAULT_BUFFER: Final = 212_992  #: bytes: /proc/sys/net/core/wmem_default
MAX_BUFFER: Final = 425_984  #: bytes, after the doubling of setsockopt(SO_SNDBUF)
MIN_BUFFER: Final = 4608
_PAGE: Final = 4096
#: What a message takes of its sender's buffer at least, and what each descriptor adds: a program
#: that sends single bytes must not fill the kernel with messages (SKB_TRUESIZE(1) on 64 bits).
_LEAST: Final = 768
_PER_FILE: Final = 256

_IN: Final = POLLIN | POLLRDNORM
_OUT: Final = POLLOUT | POLLWRNORM | POLLWRBAND


class Sender(NamedTuple):
    """Who sent a message (struct ucred)."""

    pid: int
    uid: int
    gid: int


@dataclass(slots=True)
class Message:
    """What one write put into the queue."""

    data: bytes
    sender: Sender
    files: tuple[File, ...] = ()  #: each counted as held
    cost: int = 0  #: bytes of the sender's buffer that it still takes
    head: int = 0  #: bytes a stream's reader has taken


class Received(NamedTuple):
    """What one read took."""

    data: bytes
    size: int  #: of the whole message, which may be more than was taken
    sender: Sender | None  #: None at the end of the stream
    files: tuple[File, ...]  #: the receiver holds them now


class UnixSocket(Receiver):
    """One end of the pair."""

    __slots__ = (
        "_charged", "_heap", "_readers", "_writers", "error", "in_flight", "ino", "no_receive",
        "no_send", "owner_cred", "passcred", "peer", "peer_closed", "send_buffer", "type",
    )  # fmt: skip

    kind = "socket"
    queue: deque[Message]  # type: ignore[assignment]  # what it really holds

    def __init__(
        self,
        type_: int,
        owner: Sender,
        flags: int = 0,
        *,
        ino: int = 0,
        heap: KernelHeap | None = None,
        travelling: Travelling | None = None,
    ) -> None:
        super().__init__(O_RDWR | flags, Travelling() if travelling is None else travelling)
        self.type = type_
        self.owner_cred = owner  #: SO_PEERCRED of the other end
        self.ino = ino
        self.peer: UnixSocket = self
        self.peer_closed = False
        self.in_flight = 0  #: bytes of `send_buffer` that messages on the way take
        self.send_buffer = DEFAULT_BUFFER
        self.no_receive = False  #: SHUT_RD, or the other end sends no more
        self.no_send = False  #: SHUT_WR, or the other end receives no more
        self.error: type[LinuxError] | None = None
        self.passcred = False
        self._readers = PollSet()
        self._writers = PollSet()
        # Pages are charged as the bytes on the way first reach them, and kept to the end.
        self._heap = heap
        self._charged = 0 if heap is not None else 1 << 62

    @staticmethod
    def pair(
        type_: int,
        owner: Sender,
        flags: int,
        inos: tuple[int, int] = (0, 0),
        heap: KernelHeap | None = None,
        travelling: Travelling | None = None,
    ) -> tuple[UnixSocket, UnixSocket]:
        """Return two connected sockets; ``heap`` is charged for what they hold."""
        made = UnixStream if type_ == SOCK_STREAM else UnixSocket
        shared = Travelling() if travelling is None else travelling
        first = made(type_, owner, flags, ino=inos[0], heap=heap, travelling=shared)
        second = made(type_, owner, flags, ino=inos[1], heap=heap, travelling=shared)
        first.peer, second.peer = second, first
        return first, second

    # -- sending -------------------------------------------------------------------------

    def send(self, data: bytes, sender: Sender, files: tuple[File, ...] = ()) -> int:
        """Queue ``data`` for the other end; return how many bytes a stream took.

        Raises ``EAGAIN``, ``EPIPE``, ``ECONNRESET``, ``ECONNREFUSED``, ``EMSGSIZE``.  The
        files are held from then on; after an error they are the caller's still.
        """
        self.raise_error()
        if self.no_send:
            raise EPIPE
        if self.peer_closed:
            raise ECONNREFUSED if self.type == SOCK_DGRAM else EPIPE
        room = self.send_buffer - self.in_flight
        if self.type == SOCK_STREAM:
            if not data:
                return 0
            if room <= 0:
                raise EAGAIN
            data = data[:room]
        elif len(data) > self.send_buffer - 32:
            raise EMSGSIZE
        cost = max(len(data), _LEAST) + _PER_FILE * len(files)
        if self.type != SOCK_STREAM and self.in_flight and cost > room:
            raise EAGAIN
        if self.in_flight + cost > self._charged:
            self._charge(self.in_flight + cost)
        if files:
            self.travelling.sent(files, self.peer)
        self.in_flight += cost
        peer = self.peer
        peer.queue.append(Message(data, sender, files, cost))
        peer._readers.wake()  # noqa: SLF001
        return len(data)

    def _charge(self, size: int) -> None:
        pages = -(-size // _PAGE) * _PAGE
        if self._heap is not None:
            self._heap.charge(pages - self._charged)
        self._charged = pages

    def write(self, data: bytes) -> int:
        """See ``File.write``."""
        return self.send(data, self.owner_cred)

    # -- receiving -----------------------------------------------------------------------

    def receive(self, size: int, *, peek: bool = False) -> Received:
        """Take at most ``size`` bytes: of a stream what is there, else of one message.

        Raises ``EAGAIN``, ``ECONNRESET``.
        """
        if not self.queue:
            self.raise_error()
            if self.no_receive:
                return Received(b"", 0, None, ())
            raise EAGAIN
        if self.type == SOCK_STREAM:
            return self._receive_stream(size, peek=peek)
        message = self.queue[0]
        taken = message.data[:size]
        files = self._hand_over(message, peek=peek)
        if not peek:
            self.queue.popleft()
            self._received(message.cost)
        return Received(taken, len(message.data), message.sender, files)

    def _receive_stream(self, size: int, *, peek: bool) -> Received:
        sender = self.queue[0].sender
        files: tuple[File, ...] = ()
        parts: list[bytes] = []
        left = size
        for message in list(self.queue):
            if not left and size:
                break
            # Descriptors come with the first byte of their message, and data of another
            # sender is not mixed in when the receiver wants to know who sent it.
            if parts and (message.files or (self.passcred and message.sender != sender)):
                break
            files = self._hand_over(message, peek=peek)
            piece = message.data[message.head : message.head + left]
            parts.append(piece)
            left -= len(piece)
            if not peek:
                message.head += len(piece)
                if message.head == len(message.data):
                    self.queue.popleft()
                    self._received(message.cost)
                else:
                    back = min(len(piece), message.cost)
                    message.cost -= back
                    self._received(back)
            if files or not size:
                break
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        return Received(data, len(data), sender, files)

    def _hand_over(self, message: Message, *, peek: bool) -> tuple[File, ...]:
        files = message.files
        if peek:
            for file in files:
                file.acquire()
        elif files:
            message.files = ()
            self.travelling.arrived(files, self)
        return files

    def _received(self, size: int) -> None:
        """Give the sender its room back; wake it when it has plenty (unix_writable())."""
        peer = self.peer
        before = peer.in_flight
        peer.in_flight -= size
        if before * 4 > peer.send_buffer >= peer.in_flight * 4:
            peer._writers.wake()  # noqa: SLF001

    def read(self, size: int) -> bytes:
        """See ``File.read``; descriptors that came along are closed."""
        received = self.receive(size)
        for file in received.files:
            file.release()
        return received.data

    def raise_error(self) -> None:
        """Raise the pending error, once (SO_ERROR)."""
        error, self.error = self.error, None
        if error is not None:
            raise error

    # -- ending --------------------------------------------------------------------------

    def shutdown(self, how: int) -> None:
        """shutdown(2): ``how`` is SHUT_RD, SHUT_WR or SHUT_RDWR, else ``EINVAL``."""
        if how not in (SHUT_RD, SHUT_WR, SHUT_RDWR):
            raise EINVAL
        peer = self.peer
        if how in (SHUT_RD, SHUT_RDWR):
            self.no_receive = True
            if self.type != SOCK_DGRAM:
                peer.no_send = True
        if how in (SHUT_WR, SHUT_RDWR):
            self.no_send = True
            if self.type != SOCK_DGRAM:
                peer.no_receive = True
        self._wake_all()
        peer._wake_all()  # noqa: SLF001

    def _wake_all(self) -> None:
        self._readers.wake()
        self._writers.wake()

    def closed(self) -> None:
        """See ``File.closed``."""
        peer = self.peer
        unread = bool(self.queue)
        self.drop_queue()
        self.queue.clear()
        peer.peer_closed = True
        if self.type != SOCK_DGRAM:
            peer.no_receive = peer.no_send = True
            if unread:
                peer.error = ECONNRESET
        peer.in_flight = 0
        if self._heap is not None:
            if self.peer_closed:
                self._heap.discharge(self._charged)
            else:  # the other end may still read what lies there, and pays for it
                peer._charged += self._charged  # noqa: SLF001
            self._charged = 0
        peer._wake_all()  # noqa: SLF001

    # -- the rest ------------------------------------------------------------------------

    def poll(self) -> int:
        """See ``File.poll``."""
        ready = _IN if self.queue else 0
        if self.error is not None:
            ready |= POLLERR
        if self.no_receive:
            ready |= POLLRDHUP | _IN
            if self.no_send:
                ready |= POLLHUP
        if self.in_flight * 4 <= self.send_buffer:
            ready |= _OUT
        return ready

    def register(self, waker: Waker, events: int) -> None:
        """See ``File.register``."""
        if events & (_IN | POLLRDHUP):
            self._readers.register(waker)
        # Hanging up and errors wake both sets, so one of them is enough.
        if events & _OUT or not events & (_IN | POLLRDHUP):
            self._writers.register(waker)

    def ioctl(self, thread: Thread, request: int, arg: int) -> int:
        """SIOCINQ and SIOCOUTQ: bytes to receive (a datagram: of the next), bytes on the way."""
        if request == FIONREAD:
            if self.type == SOCK_STREAM:
                value = sum(len(message.data) - message.head for message in self.queue)
            else:
                value = len(self.queue[0].data) if self.queue else 0
        elif request == TIOCOUTQ:
            value = self.in_flight
        else:
            raise ENOTTY
        thread.mm.write_u32(arg, value)
        return 0

    def path(self) -> bytes:
        """Return Linux's name for a socket."""
        return b"socket:[%d]" % self.ino


class UnixStream(UnixSocket):
    """A stream: only here does a write that nobody will read raise SIGPIPE."""

    __slots__ = ()

    sigpipe = True
