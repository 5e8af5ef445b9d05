"""The front end's end of the connection to a lab process, for asyncio."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

from .protocol import Command, Event, Hello, ProtocolError, check_hello, encode, event_reader

_CHUNK = 65536  #: bytes per read


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
        except ConnectionError:
            return b""

    async def close(self) -> None:
        """Close the socket."""
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except ConnectionError:
            return
