"""A lab client without a lab: a test says what happens, and sees what the console asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from starrylab.session.client import LabState
from starrylab.session.config import LabConfig
from starrylab.session.debugging.model import (
    DebugAnswer,
    DebugCommand,
    DebugReply,
    Done,
    Resumed,
    Stopped,
)
from starrylab.session.inspection.model import Answer, Question
from starrylab.session.leaks import LeakAnswer, LeakReply, LeakRequest
from starrylab.session.protocol import (
    Answered,
    Booted,
    Crashed,
    Event,
    Exited,
    Failed,
    LineOpened,
    Panic,
)
from starrylab.session.snapshot import EMPTY, CallCount, MemoryKind, ProcessView, Snapshot


def process(pid: int, ppid: int, comm: str, **changes: object) -> ProcessView:
    fields: dict[str, object] = {
        "pid": pid, "ppid": ppid, "pgid": pid, "sid": 1, "tty": "console", "foreground": False,
        "state": "S", "waiting": "", "comm": comm, "cmdline": comm, "threads": 1,
        "utime_ns": 10_000_000 * pid, "stime_ns": 5_000_000, "rss": 65536 * pid,
        "vsize": 1 << 22, "minflt": 12 * pid, "majflt": 0, "syscalls": 1500 * pid, "nice": 0,
    }  # fmt: skip
    return ProcessView(**{**fields, **changes})


BUSY = Snapshot(
    sequence=2,
    uptime_ns=65 * 10**9,
    processes=(
        process(1, 0, "init", cmdline="/sbin/init", waiting="wait4"),
        process(2, 1, "sh", cmdline="sh -l", waiting="wait4"),
        process(7, 2, "find", cmdline="find / -name 文件", state="R", foreground=True, pgid=7),
        process(8, 2, "sort", state="S", foreground=True, pgid=7, waiting="read"),
        process(9, 2, "vi", cmdline="vi notes.txt", state="T"),
        process(12, 1, "orphan", state="Z", cmdline="", rss=0),
    ),
    memory=(
        MemoryKind("free", 190 << 20),
        MemoryKind("kernel heap", 2 << 20),
        MemoryKind("user", 40 << 20),
        MemoryKind("page cache", 23 << 20),
        MemoryKind("page table", 1 << 20),
        MemoryKind("dma", 0),
    ),
    memory_total=256 << 20,
    load=(0.42, 0.17, 0.05),
    switches=123456,
    forks=321,
    syscalls=9876543,
    top_calls=(CallCount("read", 5000), CallCount("write", 1200)),
    idle_share=0.25,
)


class FakeClient:
    def __init__(self, transcript: Path | None = None) -> None:
        self.config = LabConfig()
        self.state = LabState.OFF
        self.owner = self.control = True
        self.paused = False
        self.requests: list[LeakRequest] = []
        self.leak_answers: dict[type[LeakRequest], LeakAnswer] = {}
        self.commands: list[DebugCommand] = []
        self.replies: dict[type[DebugCommand], DebugAnswer | str] = {}  #: answers and errors
        self.snapshot = EMPTY
        self.rested_ns = 0  #: how long the machine has been at rest
        self.size = (24, 80)
        self.title = "riscv64 init"
        self.transcript_path = transcript
        self.typed = b""
        self.line_typed: dict[int, bytes] = {}
        self.line_sizes: dict[int, tuple[int, int]] = {}
        self.opened: list[int] = []
        self.listening = True
        self.signals: list[tuple[int, int]] = []
        self.limits: list[tuple[int, str, int, int]] = []
        self.asked: list[Question] = []
        self.answers: dict[Question, Answer] = {}  #: what the test wants answered
        self.starts = 0
        self.sent: list[object] = []
        self.counting = False
        self.drawn = 0
        self.closed = False
        self._queue: asyncio.Queue[Event] = asyncio.Queue()

    @property
    def uptime_ns(self) -> int:
        return self.snapshot.uptime_ns + self.rested_ns

    # -- what the test says ------------------------------------------------------------

    def happen(self, event: Event) -> None:
        match event:
            case Snapshot():
                self.snapshot = event
            case Booted():
                self.state = LabState.RUNNING
            case Stopped() | Resumed():
                self.paused = isinstance(event, Stopped)
            case Exited() | Failed():
                self.state = LabState.ENDED
            case Panic():
                self.state = LabState.PANIC
            case Crashed():
                self.state = LabState.CRASHED
        self._queue.put_nowait(event)

    # -- what the console uses ----------------------------------------------------------

    @property
    def alive(self) -> bool:
        return self.state in (LabState.STARTING, LabState.RUNNING)

    async def start(self, config: LabConfig) -> None:
        self.config = config
        self.starts += 1
        self.snapshot = EMPTY
        self.happen(Booted())

    async def close(self) -> None:
        self.closed = True

    async def events(self) -> AsyncIterator[Event]:
        while True:
            yield await self._queue.get()

    def send_input(self, data: bytes, line: int = 0) -> None:
        if self.alive and line:
            self.line_typed[line] = self.line_typed.get(line, b"") + data
        elif self.alive:
            self.typed += data

    def open_line(self, line: int) -> None:
        self.opened.append(line)
        self.happen(LineOpened(line, listening=self.listening))

    def resize(self, rows: int, columns: int, line: int = 0) -> None:
        if line:
            self.line_sizes[line] = (rows, columns)
        else:
            self.size = (rows, columns)

    def signal(self, pid: int, signo: int) -> None:
        self.signals.append((pid, signo))

    def set_limit(self, pid: int, name: str, soft: int, hard: int) -> None:
        self.limits.append((pid, name, soft, hard))

    def consumed(self, size: int, line: int = 0) -> None:
        self.drawn += size

    def ask(self, question: Question) -> None:
        self.asked.append(question)
        if (answer := self.answers.get(question)) is not None:
            self.happen(Answered(answer))

    def debug(self, command: DebugCommand, tell) -> None:
        self.commands.append(command)
        reply = self.replies.get(type(command), Done())
        if isinstance(reply, str):
            tell(DebugReply(1, error=reply))
        else:
            tell(DebugReply(1, reply))

    def leaks(self, request: LeakRequest, tell) -> None:
        self.requests.append(request)
        answer = self.leak_answers.get(type(request))
        tell(LeakReply(1, answer, "" if answer is not None else "allocations are not recorded"))

    def send(self, command) -> None:
        self.sent.append(command)

    def count_calls(self, on: bool) -> None:
        self.counting = on
