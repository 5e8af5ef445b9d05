"""SOCK_DGRAM: messages to an address, or to the one that connect(2) has set."""

from __future__ import annotations

from typing import Final

from ....abi.errno import (
    EAGAIN,
    ECONNREFUSED,
    ECONNRESET,
    EMSGSIZE,
    ENOTCONN,
    EPERM,
    EPIPE,
)
from ...core.sched import Waker
from ...files.file import File
from .message import Sender
from .socket import OUT, UnixSocket

#: Messages that lie in a queue before others than the connected peer wait
#: (/proc/sys/net/unix/max_dgram_qlen), beyond one.
QUEUE: Final = 10


class UnixDatagrams(UnixSocket):
    """A datagram socket.  Unlike a datagram of a network, one here is never lost."""

    __slots__ = ()
    is_connected_kind = False

    def connect(self, target: UnixSocket, ino: int, owner: Sender) -> None:
        """See `UnixSocket.connect`; ``EPERM`` if ``target`` talks to another one only."""
        if target.peer not in (None, self):
            raise EPERM
        if self.peer is not target:
            self.disconnect()
        self.peer = target
        self.peer_cred = target.owner_cred
        self._writers.wake()

    def disconnect(self) -> None:
        """Forget the peer (connect(2) with AF_UNSPEC), and what it has sent."""
        peer, self.peer = self.peer, None
        if peer is None:
            return
        if not self.drop_messages():
            return
        self._room.wake()
        if not peer.dead and peer.peer is self:  # what it said last was never heard
            peer.error = ECONNRESET
            peer.wake_all()

    def send(
        self,
        data: bytes,
        sender: Sender,
        files: tuple[File, ...] = (),
        target: UnixSocket | None = None,
    ) -> int:
        """See `UnixSocket.send`."""
        to = self.peer if target is None else target
        if to is None:
            raise ENOTCONN
        if len(data) > self.send_buffer - 32:
            raise EMSGSIZE
        self.raise_error()
        if self.no_send:
            raise EPIPE
        if self.in_flight and self.cost(data, files) > self.send_buffer - self.in_flight:
            raise EAGAIN
        if to.peer not in (None, self):
            raise EPERM
        if to.dead:
            if to is self.peer:
                self.peer = None
                self.drop_messages()
            raise ECONNREFUSED
        if to.no_receive:
            raise EPIPE
        if self._is_full(to):
            raise EAGAIN
        if to.filter is not None:
            return self.filtered(to, data, sender, files)
        self.enqueue(to, data, sender, files)
        return len(data)

    def _is_full(self, to: UnixSocket) -> bool:
        return to is not self and to.peer is not self and len(to.queue) > QUEUE

    def poll(self) -> int:
        """See ``File.poll``."""
        ready = super().poll()
        if self.peer is not None and self._is_full(self.peer):
            ready &= ~OUT
        return ready

    def register(self, waker: Waker, events: int) -> None:
        """See ``File.register``."""
        super().register(waker, events)
        if events & OUT and self.peer is not None:
            self.peer.wait_for_room(waker)


class SendingTo:
    """What a send to an address waits for: room in both sockets' buffers."""

    __slots__ = ("sock", "target")

    def __init__(self, sock: UnixSocket, target: UnixSocket) -> None:
        self.sock = sock
        self.target = target

    def poll(self) -> int:
        """See ``Pollable.poll``."""
        return self.sock.poll()

    def register(self, waker: Waker, events: int) -> None:
        """See ``Pollable.register``."""
        self.sock.register(waker, events)
        self.target.wait_for_room(waker)
