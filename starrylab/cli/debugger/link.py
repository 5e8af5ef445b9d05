"""The debugger's connection to a lab, for code that waits for its answers."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from typing import Final

from ...session.client import LabClient
from ...session.config import LabConfig
from ...session.debugging.model import DebugAnswer, DebugCommand, DebugReply, Pause, Stopped
from ...session.protocol import Booted, Crashed, Event, Exited, Failed, Log, Output, Panic

Ending = Exited | Failed | Crashed | Panic
_ENDINGS: Final = (Exited, Failed, Crashed, Panic)


class CommandError(Exception):
    """A command failed: one line."""


def _why(ending: Ending) -> str:
    """Say why there is nothing to debug any more."""
    if isinstance(ending, Crashed):
        return "\n".join(filter(None, (ending.reason, ending.stderr)))
    return "the program is not being run"


class Link:
    """A lab of our own, and its events one by one."""

    def __init__(self, show: Callable[[bytes], object], log: Callable[[str], object]) -> None:
        self._loop = asyncio.new_event_loop()
        self._client = LabClient()
        self._show = show  #: takes what the program prints
        self._log = log
        self._inbox: asyncio.Queue[Event] = asyncio.Queue()
        self._pump: asyncio.Task[None] | None = None
        self._waiting: list[Stopped] = []
        self.ending: Ending | None = None

    def start(self, config: LabConfig, data: bytes | None) -> None:
        """Start the lab with a debugger; ``data`` is typed, and ended, when it runs."""
        self._loop.run_until_complete(self._client.start(config))
        self._pump = self._loop.create_task(self._receive())
        while not isinstance(self._next(), (Booted, *_ENDINGS)):
            pass
        self._client.set_interval(0)
        if data is not None:
            self._client.send_input(data + b"\x04")

    async def _receive(self) -> None:
        async for event in self._client.events():
            self._inbox.put_nowait(event)

    def type(self, data: bytes) -> None:
        """Type into the program's terminal."""
        self._client.send_input(data)

    def ask(self, command: DebugCommand) -> DebugAnswer:
        """Send a command and return the answer; raise `CommandError`."""
        if self.ending is not None:
            raise CommandError("the program is not being run")
        replies: list[DebugReply] = []

        def tell(reply: DebugReply) -> None:
            replies.append(reply)
            self._inbox.put_nowait(reply)

        self._client.debug(command, tell)
        while True:
            self._next()
            if replies:
                if replies[0].answer is None:
                    raise CommandError(replies[0].error)
                return replies[0].answer
            if self.ending is not None:
                raise CommandError(_why(self.ending))

    def wait(self) -> Stopped | Ending:
        """Run up to the next stop, or the end; Ctrl-C pauses."""
        if self._waiting:
            return self._waiting.pop(0)
        with self._interruptible():
            while self.ending is None:
                self._next()
                if self._waiting:
                    return self._waiting.pop(0)
        return self.ending

    @contextlib.contextmanager
    def _interruptible(self) -> Iterator[None]:
        def pause() -> None:
            self._client.debug(Pause(), lambda _: None)

        self._loop.add_signal_handler(signal.SIGINT, pause)
        try:
            yield
        finally:
            self._loop.remove_signal_handler(signal.SIGINT)

    def _next(self) -> Event:
        event = self._loop.run_until_complete(self._inbox.get())
        if isinstance(event, Output):
            self._client.consumed(len(event.data))
            self._show(event.data)
        elif isinstance(event, Log):
            self._log(event.text)
        elif isinstance(event, Stopped):
            self._waiting.append(event)
        elif isinstance(event, _ENDINGS):
            self.ending = event
        return event

    def close(self) -> None:
        """End the lab."""
        self._loop.run_until_complete(self._client.close())
        if self._pump is not None:
            self._pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                self._loop.run_until_complete(self._pump)
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()
