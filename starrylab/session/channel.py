"""Both ends of the connection between a lab process and a front end.

`LabChannel` is the lab's end: it sends with plain blocking writes and is read through the
machine's door, so that commands are input from outside like any other.  `ClientChannel`
is the front end's end, for asyncio.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

from .protocol import (
    WINDOW,
    Command,
    Event,
    Hello,
    Output,
    ProtocolError,
    check_hello,
    command_reader,
    encode,
    event_reader,
)

_CHUNK = 65536  #: bytes per read


class LabChannel:
    """The lab's end; one front end listens.

    Console output has credit: `room` bytes may still be sent, and `give_back` adds to it.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(True)
        self._sock = sock
        self._reader = command_reader()
        self._greeted = False
        self.room = WINDOW  #: bytes of console output that may be sent now
        self.closed = False

    def fileno(self) -> int:
        """Return the descriptor to attach to the door."""
        return self._sock.fileno()

    def send(self, event: Event) -> None:
        """Send ``event``; after the front end has gone this does nothing."""
        if self.closed:
            return
        try:
            self._sock.sendall(encode(event))
        except (BrokenPipeError, ConnectionResetError):
            self.closed = True

    def send_output(self, data: bytes) -> int:
        """Send as much console output as there is credit for; return how many bytes went."""
        size = min(len(data), self.room)
        if size:
            self.room -= size
            self.send(Output(bytes(data[:size])))
        return size

    def give_back(self, size: int) -> None:
        """Add credit for ``size`` bytes that the front end drew."""
        self.room = min(WINDOW, self.room + max(0, size))

    def decode(self, data: bytes) -> list[Command]:
        """Return the commands in what the door read; b"" means that the front end left.

        Raises ``ProtocolError`` on garbage or a front end of another version.
        """
        if not data:
            self.closed = True
            return []
        commands = self._reader.feed(data)
        if commands and not self._greeted:
            check_hello(commands.pop(0))
            self._greeted = True
        return commands

    def receive(self) -> list[Command]:
        """Wait for commands; an empty list when the front end left."""
        while not self.closed:
            if commands := self.decode(self._sock.recv(_CHUNK)):
                return commands
        return []

    def close(self) -> None:
        """Close the socket."""
        self.closed = True
        self._sock.close()


class ClientChannel:
    """The front end's end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, sock: socket.socket) -> ClientChannel:
        """Take over ``sock`` and greet the lab."""
        reader, writer = await asyncio.open_connection(sock=sock)
        channel = cls(reader, writer)
        channel.send(Hello())
        return channel

    def send(self, command: Command) -> None:
        """Queue ``command``; it leaves as soon as the event loop turns."""
        if not self._writer.is_closing():
            self._writer.write(encode(command))

    async def drain(self) -> None:
        """Wait until the lab has taken most of what was sent."""
        await self._writer.drain()

    async def events(self) -> AsyncIterator[Event]:
        """Yield events until the lab closes; raises ``ProtocolError`` on garbage."""
        frames = event_reader()
        greeted = False
        while data := await self._read():
            for event in frames.feed(data):
                if greeted:
                    yield event
                else:
                    check_hello(event)
                    greeted = True
        frames.end()
        if not greeted:
            raise ProtocolError("the lab process said nothing")

    async def _read(self) -> bytes:
        try:
            return await self._reader.read(_CHUNK)
        except ConnectionResetError:
            return b""

    async def close(self) -> None:
        """Close the socket."""
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except (BrokenPipeError, ConnectionResetError):
            return
