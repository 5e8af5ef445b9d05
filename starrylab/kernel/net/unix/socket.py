"""What all AF_UNIX sockets share: the queue, buffers and their cost, readiness, the end.

A message lies in the queue of the socket that will receive it, and counts against the buffer of
the one that sent it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Final, Protocol

from ....abi.errno import EAGAIN, EINVAL, ENOENT, ENOTTY, EOPNOTSUPP, LinuxError
from ....abi.fcntl import O_RDWR
from ....abi.ioctl import FIONREAD, TIOCOUTQ
from ....abi.poll import (
    POLLERR,
    POLLHUP,
    POLLIN,
    POLLOUT,
    POLLRDHUP,
    POLLRDNORM,
    POLLWRBAND,
    POLLWRNORM,
)
from ....abi.socket import SHUT_RD, SHUT_RDWR, SHUT_WR
from ...core.poll import PollSet
from ...core.sched import Waker
from ...files.file import File
from ...files.travelling import Receiver, Travelling
from .message import Message, Received, Sender

if TYPE_CHECKING:
    from ...mm.heap import KernelHeap
    from ...thread import Thread

DEFAULT_BUFFER: Final = 212_992  #: bytes: /proc/sys/net/core/wmem_default
MAX_BUFFER: Final = 425_984  #: bytes, after the doubling of setsockopt(SO_SNDBUF)
MIN_BUFFER: Final = 4608
_PAGE: Final = 4096
#: What a message takes of its sender's buffer at least, and what each descriptor adds: a program
#: that sends single bytes must not fill the kernel with messages (SKB_TRUESIZE(1) on 64 bits).
_LEAST: Final = 768
_PER_FILE: Final = 256

IN: Final = POLLIN | POLLRDNORM
OUT: Final = POLLOUT | POLLWRNORM | POLLWRBAND


class Filter(Protocol):
    """What decides about messages that come in (SO_ATTACH_FILTER, SO_ATTACH_BPF)."""

    def __call__(self, data: bytes) -> int:
        """Return how many bytes of a message are kept; 0: it is thrown away."""
        ...

    def released(self) -> None:
        """Learn that the socket does not use it any more."""
        ...


def nothing() -> None:
    """Do nothing: how a socket without a name loses it."""


class UnixSocket(Receiver):
    """One socket; the kinds derive from it."""

    __slots__ = (
        "_charged", "_heap", "_readers", "_room", "_writers", "backlog", "dead", "error", "filter",
        "filter_locked", "in_flight", "ino", "kept_options", "listening", "name", "no_receive",
        "no_send", "owner_cred", "passcred", "peer", "peer_cred", "receive_buffer",
        "receive_timeout_ns", "send_buffer", "send_timeout_ns", "type", "unbind",
    )  # fmt: skip

    kind = "socket"
    is_connected_kind: ClassVar[bool] = True  #: streams and packets, not datagrams
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
        self.owner_cred = owner  #: who made it, or began to listen: SO_PEERCRED of the other end
        self.peer_cred: Sender | None = None  #: SO_PEERCRED
        self.ino = ino
        self.name = b""  #: see `naming`
        self.unbind: Callable[[], object] = nothing
        self.peer: UnixSocket | None = None
        self.dead = False  #: closed
        self.listening = False
        self.backlog = 0  #: connections that may wait in the queue, beyond one
        self.in_flight = 0  #: bytes of `send_buffer` that messages on the way take
        self.send_buffer = self.receive_buffer = DEFAULT_BUFFER
        self.send_timeout_ns: int | None = None  #: SO_SNDTIMEO
        self.receive_timeout_ns: int | None = None  #: SO_RCVTIMEO
        self.no_receive = False  #: SHUT_RD, or the other end sends no more
        self.no_send = False  #: SHUT_WR, or the other end receives no more
        self.error: type[LinuxError] | None = None
        self.passcred = False
        self.filter: Filter | None = None
        self.filter_locked = False  #: SO_LOCK_FILTER
        self.kept_options: dict[int, bytes] = {}  #: that only getsockopt(2) asks for
        self._readers = PollSet()
        self._writers = PollSet()
        self._room = PollSet()  #: others that wait for room in this one's queue
        # Pages are charged as the bytes on the way first reach them, and kept to the end.
        self._heap = heap
        self._charged = 0 if heap is not None else 1 << 62

    def timeout_ns(self, events: int) -> int | None:
        """See ``File.timeout_ns``."""
        return self.receive_timeout_ns if events & IN else self.send_timeout_ns

    def join(self, other: UnixSocket) -> None:
        """Connect two sockets with each other."""
        self.peer, other.peer = other, self
        self.peer_cred, other.peer_cred = other.owner_cred, self.owner_cred

    # -- sending -------------------------------------------------------------------------

    def send(
        self,
        data: bytes,
        sender: Sender,
        files: tuple[File, ...] = (),
        target: UnixSocket | None = None,
    ) -> int:
        """Queue ``data`` for the other end, or ``target``; return how many bytes were taken.

        Raises ``EAGAIN``, ``EPIPE``, ``ENOTCONN``, ``ECONNRESET``, ``ECONNREFUSED``,
        ``EMSGSIZE``, ``EPERM``.  The files are held from then on; after an error they are the
        caller's still.
        """
        raise NotImplementedError

    def cost(self, data: bytes, files: tuple[File, ...]) -> int:
        """Return how many bytes of the buffer a message takes."""
        return max(len(data), _LEAST) + _PER_FILE * len(files)

    def enqueue(self, to: UnixSocket, data: bytes, sender: Sender, files: tuple[File, ...]) -> None:
        """Put a message into the queue of ``to``; raise ``ENOMEM``."""
        cost = self.cost(data, files)
        if self.in_flight + cost > self._charged:
            self._charge(self.in_flight + cost)
        if files:
            self.travelling.sent(files, to)
        self.in_flight += cost
        to.take_in(Message(data, sender, self, files, cost))

    def filtered(self, to: UnixSocket, data: bytes, sender: Sender, files: tuple[File, ...]) -> int:
        """Do `enqueue` as far as the filter of ``to`` permits; return how much was sent.

        Who sends does not learn that nobody receives.
        """
        assert to.filter is not None
        kept = to.filter(data)
        if kept:
            self.enqueue(to, data[:kept], sender, files)
        else:
            for file in files:
                file.release()
        return len(data)

    def set_filter(self, made: Filter | None) -> None:
        """Have another filter, or none; raise ``ENOENT`` if there is none to go."""
        before = self.filter
        if made is None and before is None:
            raise ENOENT
        self.filter = made
        if before is not None:
            before.released()

    def take_in(self, message: Message) -> None:
        """Append to the queue; the caller has counted the files as held."""
        self.queue.append(message)
        self._readers.wake()

    def _charge(self, size: int) -> None:
        pages = -(-size // _PAGE) * _PAGE
        if self._heap is not None:
            self._heap.charge(pages - self._charged)
        self._charged = pages

    def write(self, data: bytes) -> int:
        """See ``File.write``."""
        peer, asks = self.peer, self.travelling.writer
        if asks is not None and (self.passcred or (peer is not None and peer.passcred)):
            return self.send(data, Sender(*asks()))
        return self.send(data, self.owner_cred)  # nobody will look

    # -- receiving -----------------------------------------------------------------------

    def receive(self, size: int, *, peek: bool = False) -> Received:
        """Take at most ``size`` bytes of one message (a stream: of what is there).

        Raises ``EAGAIN``, ``ECONNRESET``, ``ENOTCONN``.
        """
        if not self.queue:
            return self.nothing_there()
        message = self.queue[0]
        taken = message.data[:size]
        files = self.hand_over(message, peek=peek)
        if not peek:
            self.queue.popleft()
            self._room.wake()
            self.give_back(message, message.cost)
        name = b"" if message.origin is None else message.origin.name
        return Received(taken, len(message.data), message.sender, files, name)

    def nothing_there(self) -> Received:
        """Return the end of the stream, or raise why there is nothing."""
        self.raise_error()
        if self.no_receive:
            return Received(b"", 0, None, ())
        raise EAGAIN

    def hand_over(self, message: Message, *, peek: bool) -> tuple[File, ...]:
        """Return the files of a message; the caller holds them."""
        files = message.files
        if peek:
            for file in files:
                file.acquire()
        elif files:
            message.files = ()
            self.travelling.arrived(files, self)
        return files

    @staticmethod
    def give_back(message: Message, size: int) -> None:
        """Give the sender its room back."""
        if message.origin is not None:
            message.origin.take_back(size)

    def take_back(self, size: int) -> None:
        """Have ``size`` bytes of the buffer again; wake when there are plenty (unix_writable())."""
        before = self.in_flight
        self.in_flight -= size
        if self.dead and not self.in_flight:
            self.discharge()
        elif before * 4 > self.send_buffer >= self.in_flight * 4:
            self._writers.wake()

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

    # -- connections: only some kinds have them --------------------------------------------

    def listen(self, backlog: int, owner: Sender) -> None:
        """listen(2)."""
        raise EOPNOTSUPP

    def accept(self) -> UnixSocket:
        """Return the next connection, held for the caller; raise ``EAGAIN``."""
        raise EOPNOTSUPP

    def connect(self, target: UnixSocket, ino: int, owner: Sender) -> None:
        """Connect to ``target``; ``ino`` is for the socket at its end; raise ``EAGAIN``."""
        raise EOPNOTSUPP

    # -- ending --------------------------------------------------------------------------

    def shutdown(self, how: int) -> None:
        """shutdown(2): ``how`` is SHUT_RD, SHUT_WR or SHUT_RDWR, else ``EINVAL``."""
        if how not in (SHUT_RD, SHUT_WR, SHUT_RDWR):
            raise EINVAL
        peer = self.peer if self.is_connected_kind else None
        if how in (SHUT_RD, SHUT_RDWR):
            self.no_receive = True
            if peer is not None:
                peer.no_send = True
        if how in (SHUT_WR, SHUT_RDWR):
            self.no_send = True
            if peer is not None:
                peer.no_receive = True
        self.wake_all()
        if peer is not None:
            peer.wake_all()

    def wake_all(self) -> None:
        """Wake all that wait for this socket: everything about it may have changed."""
        self._readers.wake()
        self._writers.wake()
        self._room.wake()

    def drop_messages(self) -> bool:
        """Throw away what nobody will receive; tell whether there was something."""
        messages = list(self.queue)
        self.drop_queue()
        self.queue.clear()
        for message in messages:
            self.give_back(message, message.cost)
        return bool(messages)

    def closed(self) -> None:
        """See ``File.closed``."""
        self.dead = True
        held, self.filter = self.filter, None
        if held is not None:
            held.released()
        unbind, self.unbind = self.unbind, nothing
        unbind()
        self.ended(self.drop_messages())
        self.peer = None
        self.wake_all()
        # Who still has messages of this socket to read pays for them through it.
        if not self.in_flight:
            self.discharge()

    def ended(self, unread: bool) -> None:
        """Tell the other end that this one is gone, and whether it left something unread."""

    def discharge(self) -> None:
        """Give the heap back what the buffer took."""
        if self._heap is not None:
            self._heap.discharge(self._charged)
            self._charged = 0

    # -- the rest ------------------------------------------------------------------------

    def poll(self) -> int:
        """See ``File.poll``."""
        ready = IN if self.queue else 0
        if self.error is not None:
            ready |= POLLERR
        if self.no_receive:
            ready |= POLLRDHUP | IN
            if self.no_send:
                ready |= POLLHUP
        if self.in_flight * 4 <= self.send_buffer:
            ready |= OUT
        return ready

    def register(self, waker: Waker, events: int) -> None:
        """See ``File.register``."""
        if events & (IN | POLLRDHUP):
            self._readers.register(waker)
        # Hanging up and errors wake both sets, so one of them is enough.
        if events & OUT or not events & (IN | POLLRDHUP):
            self._writers.register(waker)

    def wait_for_room(self, waker: Waker) -> None:
        """Wake when something was taken from the queue."""
        self._room.register(waker)

    def unread(self) -> int:
        """Return what FIONREAD says: bytes of the next message."""
        return len(self.queue[0].data) if self.queue else 0

    def ioctl(self, thread: Thread, request: int, arg: int) -> int:
        """SIOCINQ and SIOCOUTQ: bytes to receive (a datagram: of the next), bytes on the way."""
        if request == FIONREAD:
            if self.listening:
                raise EINVAL
            value = self.unread()
        elif request == TIOCOUTQ:
            value = self.in_flight
        else:
            raise ENOTTY
        thread.mm.write_u32(arg, value)
        return 0

    def path(self) -> bytes:
        """Return Linux's name for a socket."""
        return b"socket:[%d]" % self.ino
