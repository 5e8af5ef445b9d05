"""The lab's end of the connection to a front end.

It sends with plain blocking writes and is read through the machine's door, so that
commands are input from outside like any other.  The other end is in `client_channel`, apart
because the lab process has no use for asyncio and its loading time.
"""

from __future__ import annotations

import socket

from .protocol import LINES, WINDOW, Command, Event, Output, check_hello, command_reader, encode

_CHUNK = 65536  #: bytes per read


class LabChannel:
    """The lab's end; one front end listens.

    Output has credit: `room` bytes of a line may still be sent, and `give_back` adds to it.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(True)
        self._sock = sock
        self._reader = command_reader()
        self._greeted = False
        self._rooms = [WINDOW] * LINES
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

    def room(self, line: int = 0) -> int:
        """Return how many bytes of output of ``line`` may be sent now."""
        return self._rooms[line]

    def send_output(self, data: bytes, line: int = 0) -> int:
        """Send as much output of ``line`` as there is credit for; return how many bytes went."""
        size = min(len(data), self._rooms[line])
        if size:
            self._rooms[line] -= size
            self.send(Output(bytes(data[:size]), line))
        return size

    def give_back(self, size: int, line: int = 0) -> None:
        """Add credit for ``size`` bytes of ``line`` that the front end drew."""
        self._rooms[line] = min(WINDOW, self._rooms[line] + max(0, size))

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
