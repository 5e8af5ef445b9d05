"""Sockets with connections: SOCK_STREAM and SOCK_SEQPACKET."""

from __future__ import annotations

from ....abi.errno import (
    EAGAIN,
    ECONNREFUSED,
    ECONNRESET,
    EINVAL,
    EISCONN,
    EMSGSIZE,
    ENOTCONN,
    EPIPE,
)
from ....abi.poll import POLLHUP
from ...files.file import File
from .message import Message, Received, Sender
from .socket import OUT, UnixSocket


class ConnectedSocket(UnixSocket):
    """A listener, one end of a connection, or neither yet.

    The connections that wait to be accepted lie in the listener's queue as descriptors do in
    a message: so its end is theirs, and cycles through them are found (`files.travelling`).
    """

    __slots__ = ("unaccepted",)

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]  # as the base has them
        self.unaccepted = False

    def listen(self, backlog: int, owner: Sender) -> None:
        """listen(2): ``EINVAL`` without a name, or when it is connected."""
        if not self.name or self.peer is not None:
            raise EINVAL
        self.listening = True
        self.backlog = backlog
        self.owner_cred = owner
        self._room.wake()

    @property
    def is_full(self) -> bool:
        """Whether a listener takes no more connections for now."""
        return len(self.queue) > self.backlog

    def connect(self, target: UnixSocket, ino: int, owner: Sender) -> None:
        """See `UnixSocket.connect`; ``ECONNREFUSED``, ``EISCONN``, ``EINVAL``."""
        if target.dead or not target.listening or target.no_receive:
            raise ECONNREFUSED
        if isinstance(target, ConnectedSocket) and target.is_full:
            raise EAGAIN
        if self.peer is not None:
            raise EISCONN
        if self.listening:
            raise EINVAL
        self.owner_cred = owner
        end = type(self)(
            self.type, target.owner_cred, ino=ino, heap=self._heap, travelling=self.travelling
        )
        end.name = target.name
        end.passcred = target.passcred
        end.unaccepted = True
        end.join(self)
        self.travelling.sent((end,), target)
        target.take_in(Message(b"", owner, files=(end,)))
        self._writers.wake()

    def accept(self) -> UnixSocket:
        """See `UnixSocket.accept`; ``EINVAL`` when it does not listen."""
        if not self.listening:
            raise EINVAL
        if not self.queue:
            if self.no_receive:
                raise EINVAL
            raise EAGAIN
        message = self.queue.popleft()
        (end,) = self.hand_over(message, peek=False)
        self._room.wake()
        assert isinstance(end, ConnectedSocket)  # `connect` put it there
        end.unaccepted = False
        return end

    def ended(self, unread: bool) -> None:
        """See `UnixSocket.ended`."""
        peer = self.peer
        if peer is None:
            return
        peer.no_receive = peer.no_send = True
        if unread or self.unaccepted:
            peer.error = ECONNRESET
        peer.wake_all()

    def poll(self) -> int:
        """See ``File.poll``: one that is not connected has hung up."""
        ready = super().poll()
        if self.listening:
            return ready & ~OUT
        return ready if self.peer is not None else ready | POLLHUP


class UnixStream(ConnectedSocket):
    """A stream of bytes: only here does a write that nobody will read raise SIGPIPE."""

    __slots__ = ()

    sigpipe = True

    def send(
        self,
        data: bytes,
        sender: Sender,
        files: tuple[File, ...] = (),
        target: UnixSocket | None = None,
    ) -> int:
        """See `UnixSocket.send`."""
        peer = self.peer
        if peer is None:
            raise ENOTCONN
        if self.no_send or peer.dead:
            raise EPIPE
        if not data:
            return 0
        self.raise_error()
        room = self.send_buffer - self.in_flight
        if room <= 0:
            raise EAGAIN
        data = data[:room]
        self.enqueue(peer, data, sender, files)
        return len(data)

    def nothing_there(self) -> Received:
        """See `UnixSocket.nothing_there`."""
        if self.peer is None:
            raise EINVAL
        return super().nothing_there()

    def receive(self, size: int, *, peek: bool = False) -> Received:
        """Take at most ``size`` bytes of what is there; see `UnixSocket.receive`."""
        if self.listening:
            raise EINVAL
        if not self.queue:
            return self.nothing_there()
        first = self.queue[0]
        files: tuple[File, ...] = ()
        parts: list[bytes] = []
        left = size
        for message in list(self.queue):
            if not left and size:
                break
            # Descriptors come with the first byte of their message, and data of another
            # sender is not mixed in when the receiver wants to know who sent it.
            if parts and (message.files or (self.passcred and message.sender != first.sender)):
                break
            files = self.hand_over(message, peek=peek)
            piece = message.data[message.head : message.head + left]
            parts.append(piece)
            left -= len(piece)
            if not peek:
                self._take(message, len(piece))
            if files or not size:
                break
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        name = b"" if first.origin is None else first.origin.name
        return Received(data, len(data), first.sender, files, name)

    def _take(self, message: Message, size: int) -> None:
        """Remove ``size`` bytes of the first message."""
        message.head += size
        if message.head == len(message.data):
            self.queue.popleft()
            self.give_back(message, message.cost)
        else:
            back = min(size, message.cost)
            message.cost -= back
            self.give_back(message, back)

    def unread(self) -> int:
        """See `UnixSocket.unread`: all bytes that are there."""
        return sum(len(message.data) - message.head for message in self.queue)


class UnixPackets(ConnectedSocket):
    """Messages with borders, in order, over a connection."""

    __slots__ = ()

    def send(
        self,
        data: bytes,
        sender: Sender,
        files: tuple[File, ...] = (),
        target: UnixSocket | None = None,
    ) -> int:
        """See `UnixSocket.send`."""
        peer = self.peer
        if peer is None:
            raise ENOTCONN
        if len(data) > self.send_buffer - 32:
            raise EMSGSIZE
        self.raise_error()
        if self.no_send or peer.dead:
            raise EPIPE
        if self.in_flight and self.cost(data, files) > self.send_buffer - self.in_flight:
            raise EAGAIN
        if peer.filter is not None:
            return self.filtered(peer, data, sender, files)
        self.enqueue(peer, data, sender, files)
        return len(data)

    def receive(self, size: int, *, peek: bool = False) -> Received:
        """See `UnixSocket.receive`."""
        if self.peer is None:
            raise ENOTCONN
        return super().receive(size, peek=peek)
