"""What every front end has of a lab: its state, its last snapshot, and the commands."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from enum import Enum
from pathlib import Path

from .client_channel import ClientChannel
from .config import LabConfig
from .debugging.model import Debug, DebugCommand, DebugReply, Resumed, Stopped
from .inspection.model import Answer, Question
from .leaks import LeakReply, LeakRequest, Leaks
from .protocol import (
    Answered,
    Ask,
    Booted,
    Command,
    Consumed,
    CountCalls,
    Event,
    Exited,
    Failed,
    Input,
    Interval,
    OpenLine,
    Panic,
    Resize,
    SetLimit,
    Signal,
    SnapshotSeen,
)
from .snapshot import EMPTY, Snapshot
from .tracing import Traced, TraceSeen


class LabState(Enum):
    """What the lab does, in words for a title bar."""

    OFF = "off"
    STARTING = "starting"
    RUNNING = "running"
    ENDED = "ended"
    PANIC = "panic"
    CRASHED = "crashed"


class FrontEnd:
    """A lab as a front end sees it, however it is connected."""

    def __init__(self) -> None:
        self.config = LabConfig()
        self.size = (24, 80)  #: rows and columns of the console's window
        self.state = LabState.OFF
        self.snapshot: Snapshot = EMPTY
        self.paused = False  #: a debugger holds the machine
        self.owner = True  #: this front end started the lab, and its window is the console's
        self.control = True  #: it may type and command
        self._queue: asyncio.Queue[Event] = asyncio.Queue()
        self._channel: ClientChannel | None = None
        self._askers: deque[Callable[[Answer], object] | None] = deque()
        self._debugging: dict[int, Callable[[DebugReply], object]] = {}  #: number -> whom to tell
        self._leak_tells: dict[int, Callable[[LeakReply], object]] = {}
        self._number = 0  #: of the last command that wants a reply
        self._seen_ns = 0  #: when the snapshot came, by this host's monotonic clock

    @property
    def alive(self) -> bool:
        """Whether there is a machine that takes commands."""
        return self.state in (LabState.STARTING, LabState.RUNNING)

    @property
    def uptime_ns(self) -> int:
        """How long the machine has been up; one that rests does not say so by itself."""
        passes = self.state is LabState.RUNNING and not self.paused
        return self.snapshot.uptime_ns + passes * (time.monotonic_ns() - self._seen_ns)

    @property
    def title(self) -> str:
        """What a front end calls this lab."""
        program = b" ".join(self.config.argv).decode(errors="replace") or "init"
        where = "" if self.config.board is None else f" on {self.config.board.name}"
        with_files = "" if self.config.lab is None else f" with {Path(self.config.lab).name}"
        return f"{self.config.arch} {program}{where}{with_files}"

    @property
    def transcript_path(self) -> Path | None:
        """Where the console's output is being recorded."""
        return None

    async def start(self, config: LabConfig) -> None:
        """Begin to listen to a lab; raises ``OSError`` if that cannot be."""
        raise NotImplementedError

    async def close(self) -> None:
        """Let go of the lab."""
        raise NotImplementedError

    async def events(self) -> AsyncIterator[Event]:
        """Yield what happens, for ever; give back console output with `consumed`."""
        while True:
            yield await self._queue.get()

    # -- commands -------------------------------------------------------------------------

    def send_input(self, data: bytes, line: int = 0) -> None:
        """Type ``data`` into a serial line; 0 is the console."""
        if data:
            self.send(Input(data, line))

    def open_line(self, line: int) -> None:
        """Wake whoever waits at a line; a `LineOpened` event follows."""
        self.send(OpenLine(line))

    def resize(self, rows: int, columns: int, line: int = 0) -> None:
        """Tell the guest the window size of a line."""
        if line:
            self.send(Resize(rows, columns, line))
        elif (rows, columns) != self.size:
            self.size = (rows, columns)
            self.send(Resize(rows, columns))

    def signal(self, pid: int, signo: int) -> None:
        """Send signal ``signo`` to guest process ``pid``."""
        self.send(Signal(pid, signo))

    def set_limit(self, pid: int, name: str, soft: int, hard: int) -> None:
        """Change a resource limit of a guest process; -1 is infinity."""
        self.send(SetLimit(pid, name, soft, hard))

    def set_interval(self, seconds: float) -> None:
        """Ask for a snapshot at most every ``seconds``; 0 stops them."""
        self.send(Interval(seconds))

    def count_calls(self, on: bool) -> None:
        """Have system calls counted by name in the snapshots, or not."""
        self.send(CountCalls(on))

    def ask(self, question: Question, tell: Callable[[Answer], object] | None = None) -> None:
        """Ask for a close look; the answer is told, or else comes as an `Answered` event."""
        if self._channel is not None and self.alive:
            self._askers.append(tell)
            self.send(Ask(question))

    def debug(self, command: DebugCommand, tell: Callable[[DebugReply], object]) -> None:
        """Command the debugger; ``tell`` gets the one reply, unless the lab ends before."""
        if self._channel is not None and self.alive:
            self._number += 1
            self._debugging[self._number] = tell
            self.send(Debug(self._number, command))

    def leaks(self, request: LeakRequest, tell: Callable[[LeakReply], object]) -> None:
        """Ask the leak tracker; ``tell`` gets the one reply, unless the lab ends before."""
        if self._channel is not None and self.alive:
            self._number += 1
            self._leak_tells[self._number] = tell
            self.send(Leaks(self._number, request))

    def consumed(self, size: int, line: int = 0) -> None:
        """``size`` bytes of a line's output were drawn: the lab may send as many more."""
        self.send(Consumed(size, line))

    def send(self, command: Command) -> None:
        """Send ``command`` if there is a machine that takes it."""
        if self._channel is not None and self.alive:
            self._channel.send(command)

    # -- events -----------------------------------------------------------------------------

    def _take(self, channel: ClientChannel, event: Event) -> None:
        """Learn from ``event`` and queue it, unless it is the answer for somebody else."""
        match event:
            case Snapshot():
                self.snapshot = event
                self._seen_ns = time.monotonic_ns()
                channel.send(SnapshotSeen())
            case Booted():
                self.state = LabState.RUNNING
                self.paused = False
            case Stopped() | Resumed():
                self.paused = isinstance(event, Stopped)
            case Exited() | Failed():
                self.state = LabState.ENDED
            case Panic(lost=lost):
                self.state = LabState.ENDED if lost else LabState.PANIC
            case Answered(answer=answer):
                tell = self._askers.popleft() if self._askers else None
                if tell is not None:
                    tell(answer)
                    return
            case DebugReply(number=number):
                if (listener := self._debugging.pop(number, None)) is not None:
                    listener(event)
                return
            case Traced():
                channel.send(TraceSeen())
            case LeakReply(number=number):
                if (teller := self._leak_tells.pop(number, None)) is not None:
                    teller(event)
                return
        self._queue.put_nowait(event)

    def _forget(self) -> None:
        """Drop what is left of a machine that is gone."""
        self._askers.clear()
        self._debugging.clear()
        self._leak_tells.clear()
        while not self._queue.empty():  # output of the old machine must not follow it
            self._queue.get_nowait()


__all__ = ["FrontEnd", "LabState"]
