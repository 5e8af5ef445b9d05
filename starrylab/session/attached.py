"""The front end that joins a lab which another console has started."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from .client_channel import ClientChannel
from .config import LabConfig
from .front_end import FrontEnd, LabState
from .protocol import (
    Ask,
    Command,
    Consumed,
    Crashed,
    Event,
    Join,
    Joined,
    ProtocolError,
    SnapshotSeen,
    WindowSize,
)

_FREE = (Ask, Consumed, SnapshotSeen, Join)  #: what a watcher may send as well


class AttachedClient(FrontEnd):
    """Watches a lab, and commands it if that was asked for and permitted."""

    def __init__(self, path: Path, *, control: bool) -> None:
        """``path``: the socket of the lab's console."""
        super().__init__()
        self.owner = False
        self.control = control
        self._path = path
        self._pump: asyncio.Task[None] | None = None

    async def start(self, config: LabConfig) -> None:
        """Join, or join again; ``config`` is the lab's own.  Raises ``OSError``."""
        await self.close()
        sock = socket.socket(socket.AF_UNIX)
        try:
            sock.setblocking(False)
            await asyncio.get_running_loop().sock_connect(sock, str(self._path))
        except OSError:
            sock.close()
            raise
        self.state = LabState.STARTING
        self._channel = await ClientChannel.open(sock)
        self._channel.send(Join(self.control))
        self._pump = asyncio.create_task(self._receive(self._channel))

    async def close(self) -> None:
        """Leave; the lab goes on."""
        channel, self._channel = self._channel, None
        pump, self._pump = self._pump, None
        self.state = LabState.OFF
        if channel is not None:
            await channel.close()
        if pump is not None:
            await pump
        self._forget()

    def resize(self, rows: int, columns: int, line: int = 0) -> None:
        """Do nothing: the window is the owner's."""

    def send(self, command: Command) -> None:
        """See `FrontEnd.send`; a watcher's commands stay here."""
        if self.control or isinstance(command, _FREE):
            super().send(command)

    async def _receive(self, channel: ClientChannel) -> None:
        problem = "the console that owns the lab has closed"
        try:
            async for event in channel.events():
                self._take(channel, event)
        except ProtocolError as error:
            problem = str(error)
        if self._channel is channel:
            self.state = LabState.CRASHED
            self._queue.put_nowait(Crashed(problem, ""))

    def _take(self, channel: ClientChannel, event: Event) -> None:
        if isinstance(event, Joined):
            self.config = event.config
            self.control = event.control
            self.state = LabState(event.state)
        elif isinstance(event, WindowSize) and not event.line:
            self.size = (event.rows, event.columns)
        super()._take(channel, event)
