"""A front end's handle on a lab: start it, talk to it, outlive it.

`LabClient` keeps what a screen needs when the lab process dies: the last snapshot and the
transcript.  `events` goes on over restarts; the death of the process is itself an event.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from enum import Enum
from pathlib import Path

from .client_channel import ClientChannel
from .config import LabConfig
from .inspection.model import Question
from .protocol import (
    Ask,
    Booted,
    Command,
    Consumed,
    CountCalls,
    Crashed,
    Event,
    Exited,
    Failed,
    Input,
    Interval,
    Output,
    Panic,
    ProtocolError,
    Resize,
    Signal,
    SnapshotSeen,
    Start,
    Stop,
)
from .snapshot import EMPTY, Snapshot
from .spawn import LabProcess, describe_exit, spawn_lab
from .transcript import Transcript

_END_SECONDS = 1.0  #: how long a lab may take to end when asked to


class LabState(Enum):
    """What the lab does, in words for a title bar."""

    OFF = "off"
    STARTING = "starting"
    RUNNING = "running"
    ENDED = "ended"
    PANIC = "panic"
    CRASHED = "crashed"


class LabClient:
    """One lab as a front end sees it."""

    def __init__(
        self, *, command: Sequence[str] = (), transcript_folder: Path | None = None
    ) -> None:
        self.config = LabConfig()
        self.size = (24, 80)  #: rows and columns of the console's window
        self.state = LabState.OFF
        self.snapshot: Snapshot = EMPTY
        self.transcript: Transcript | None = None
        self._command = command
        self._folder = transcript_folder
        self._queue: asyncio.Queue[Event] = asyncio.Queue()
        self._channel: ClientChannel | None = None
        self._process: LabProcess | None = None
        self._pump: asyncio.Task[None] | None = None

    @property
    def alive(self) -> bool:
        """Whether there is a machine that takes commands."""
        return self.state in (LabState.STARTING, LabState.RUNNING)

    @property
    def transcript_path(self) -> Path | None:
        """Where the console's output is being recorded."""
        return None if self.transcript is None else self.transcript.path

    @property
    def title(self) -> str:
        """What a front end calls this lab."""
        program = b" ".join(self.config.argv).decode(errors="replace") or "init"
        return f"{self.config.arch} {program}"

    async def start(self, config: LabConfig) -> None:
        """Start a lab process and boot ``config`` in it; raises ``OSError`` if it cannot run."""
        await self._end()
        self.config = config
        self.snapshot = EMPTY
        self.state = LabState.STARTING
        if self.transcript is None:
            rows, columns = self.size
            self.transcript = Transcript(self.title, columns, rows, self._folder)
        else:
            self.transcript.note("restart")
        self._process, sock = await spawn_lab(self._command)
        self._channel = await ClientChannel.open(sock)
        self._channel.send(Start(config, *self.size))
        self._pump = asyncio.create_task(self._receive(self._channel, self._process))

    async def restart(self) -> None:
        """End the machine and boot the same again, at its present window size."""
        await self.start(self.config)

    async def close(self) -> None:
        """End the lab process and the transcript."""
        await self._end()
        if self.transcript is not None:
            self.transcript.close()

    async def events(self) -> AsyncIterator[Event]:
        """Yield what happens, for ever; give back console output with `consumed`."""
        while True:
            yield await self._queue.get()

    # -- commands -------------------------------------------------------------------------

    def send_input(self, data: bytes) -> None:
        """Type ``data`` into the console."""
        if data:
            self._send(Input(data))

    def resize(self, rows: int, columns: int) -> None:
        """Tell the guest its window size."""
        if (rows, columns) == self.size:
            return
        self.size = (rows, columns)
        if self.transcript is not None:
            self.transcript.resize(columns, rows)
        self._send(Resize(rows, columns))

    def signal(self, pid: int, signo: int) -> None:
        """Send signal ``signo`` to guest process ``pid``."""
        self._send(Signal(pid, signo))

    def set_interval(self, seconds: float) -> None:
        """Ask for a snapshot at most every ``seconds``; 0 stops them."""
        self._send(Interval(seconds))

    def count_calls(self, on: bool) -> None:
        """Have system calls counted by name in the snapshots, or not."""
        self._send(CountCalls(on))

    def ask(self, question: Question) -> None:
        """Ask for a close look; the answer comes as an `Answered` event."""
        self._send(Ask(question))

    def consumed(self, size: int) -> None:
        """``size`` bytes of output were drawn: the lab may send as many more."""
        self._send(Consumed(size))

    def _send(self, command: Command) -> None:
        if self._channel is not None and self.alive:
            self._channel.send(command)

    # -- the life of one process ------------------------------------------------------------

    async def _receive(self, channel: ClientChannel, process: LabProcess) -> None:
        problem = ""
        try:
            async for event in channel.events():
                self._note(channel, event)
                self._queue.put_nowait(event)
        except ProtocolError as error:
            problem = str(error)
            process.kill()
        status = await process.wait()
        if self.alive:
            reason = problem if problem and status in (0, -9) else describe_exit(status)
            self.state = LabState.CRASHED
            if self.transcript is not None:
                self.transcript.note(reason)
            self._queue.put_nowait(Crashed(reason, process.stderr_tail()))

    def _note(self, channel: ClientChannel, event: Event) -> None:
        match event:
            case Output():
                if self.transcript is not None:
                    self.transcript.output(event.data)
            case Snapshot():
                self.snapshot = event
                channel.send(SnapshotSeen())
            case Booted():
                self.state = LabState.RUNNING
            case Exited() | Failed():
                self.state = LabState.ENDED
            case Panic():
                self.state = LabState.PANIC

    async def _end(self) -> None:
        channel, self._channel = self._channel, None
        process, self._process = self._process, None
        pump, self._pump = self._pump, None
        if channel is None or process is None or pump is None:
            return
        self.state = LabState.OFF  # its end is not news
        channel.send(Stop())
        try:
            await asyncio.wait_for(process.wait(), _END_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
        await pump
        await channel.close()
        while not self._queue.empty():  # output of the old machine must not follow it
            self._queue.get_nowait()
