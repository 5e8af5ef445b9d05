"""The front end that starts a lab, talks to it and outlives it.

`LabClient` keeps what a screen needs when the lab process dies: the last snapshot and the
transcript.  `events` goes on over restarts; the death of the process is itself an event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from .client_channel import ClientChannel
from .config import LabConfig
from .front_end import FrontEnd, LabState
from .protocol import Command, Crashed, Event, Input, Output, ProtocolError, Start, Stop
from .snapshot import EMPTY
from .spawn import LabProcess, describe_exit, spawn_lab
from .transcript import Transcript

_END_SECONDS = 1.0  #: how long a lab may take to end when asked to
_KEEP_SECONDS = 120.0  #: if it writes what changed in its root


class LabClient(FrontEnd):
    """Owns a lab process."""

    def __init__(
        self, *, command: Sequence[str] = (), transcript_folder: Path | None = None
    ) -> None:
        super().__init__()
        self.transcript: Transcript | None = None
        self._transcripts: dict[int, Transcript] = {}  #: of the other lines
        self._command = command
        self._folder = transcript_folder
        self._process: LabProcess | None = None
        self._pump: asyncio.Task[None] | None = None
        self._early: list[Input] = []  #: what was typed before there is a lab to take it

    @property
    def transcript_path(self) -> Path | None:
        """See `FrontEnd.transcript_path`."""
        return None if self.transcript is None else self.transcript.path

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
        early, self._early = self._early, []
        for command in early:
            self._channel.send(command)
        self._pump = asyncio.create_task(self._receive(self._channel, self._process))

    async def restart(self) -> None:
        """End the machine and boot the same again, at its present window size."""
        await self.start(self.config)

    async def close(self) -> None:
        """End the lab process and the transcript."""
        await self._end()
        for transcript in (self.transcript, *self._transcripts.values()):
            if transcript is not None:
                transcript.close()

    def send(self, command: Command) -> None:
        """See `FrontEnd.send`; what is typed waits for a lab that starts."""
        starts = self.transcript is None or self.state is LabState.STARTING
        if self._channel is None and starts and isinstance(command, Input):
            self._early.append(command)
        else:
            super().send(command)

    def resize(self, rows: int, columns: int, line: int = 0) -> None:
        """See `FrontEnd.resize`."""
        transcript = self._transcripts.get(line) if line else self.transcript
        if transcript is not None and (line or (rows, columns) != self.size):
            transcript.resize(columns, rows)
        super().resize(rows, columns, line)

    # -- the life of one process ------------------------------------------------------------

    async def _receive(self, channel: ClientChannel, process: LabProcess) -> None:
        problem = ""
        try:
            async for event in channel.events():
                self._take(channel, event)
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

    def _take(self, channel: ClientChannel, event: Event) -> None:
        if isinstance(event, Output) and self.transcript is not None:
            transcript = self._line_transcript(event.line) if event.line else self.transcript
            transcript.output(event.data)
        super()._take(channel, event)

    def _line_transcript(self, line: int) -> Transcript:
        """Return the transcript of a line beside the console, begun at its first output."""
        if line not in self._transcripts:
            rows, columns = self.size
            name = f"ttyS{line}"
            self._transcripts[line] = Transcript(
                f"{self.title} {name}", columns, rows, self._folder, name
            )
        return self._transcripts[line]

    async def _end(self) -> None:
        channel, self._channel = self._channel, None
        process, self._process = self._process, None
        pump, self._pump = self._pump, None
        if channel is None or process is None or pump is None:
            return
        self.state = LabState.OFF  # its end is not news
        channel.send(Stop())
        try:
            seconds = _KEEP_SECONDS if self.config.keep else _END_SECONDS
            await asyncio.wait_for(process.wait(), seconds)
        except TimeoutError:
            process.kill()
            await process.wait()
        await pump
        await channel.close()
        self._forget()


__all__ = ["LabClient", "LabState"]
