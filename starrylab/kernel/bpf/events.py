"""Programs at events of perf_event_open(2): tracepoints and samples."""

from __future__ import annotations

from dataclasses import replace
from struct import Struct
from typing import TYPE_CHECKING, Final

from ...abi import bpf as b
from ...abi import perf
from ...abi.errno import EACCES, EEXIST, EINVAL
from ..perf.counter import Counter
from ..perf.file import PerfFile
from .context import PERF_REGISTERS
from .files import ProgramFile
from .links import PerfEventLink
from .system import system_of

if TYPE_CHECKING:
    from ..files.file import File
    from ..perf.moment import Moment
    from ..thread import Thread
    from .program import Program
    from .system import Bpf

_WORDS: Final = PERF_REGISTERS // 8
_TAIL: Final = Struct("<QQ")  #: sample_period, addr


class EventProgram:
    """A program that an event runs; it says whether the event is told to others too."""

    __slots__ = ("_bpf", "_counter", "_own", "cookie", "program")

    def __init__(self, bpf: Bpf, program: Program, counter: Counter, cookie: int) -> None:
        self._bpf = bpf
        self._counter = counter
        self._own: Counter | None = None
        self.program = program
        self.cookie = cookie
        program.acquire()
        counter.program_end = self.released
        if program.type == b.BPF_PROG_TYPE_TRACEPOINT:
            self._listen()
        else:
            counter.program = self

    def _listen(self) -> None:
        """Run at each event of the tracepoint, whoever and whether the descriptor counts it."""
        system = self._counter.perf
        plain = replace(self._counter.attr, flags=0, sample_period=0, sample_type=0)
        self._own = Counter(system, plain, system.cpu)
        self._own.program = self
        system.cpu.add(self._own)

    def __call__(self, moment: Moment) -> bool:
        """Run the program."""
        program = self.program
        if program.type == b.BPF_PROG_TYPE_TRACEPOINT:
            context = bytearray(moment.raw)
            context[:8] = bytes(8)
        else:
            words = moment.words[:_WORDS]
            context = bytearray(b"".join(word.to_bytes(8, "little") for word in words))
            context = context.ljust(PERF_REGISTERS, b"\0")
            context += _TAIL.pack(self._counter.period, moment.addr)
        return bool(
            self._bpf.run(program, context, moment.raw, cookie=self.cookie, thread=moment.thread)
        )

    def exchange(self, program: Program) -> None:
        """Run another program from now on."""
        program.acquire()
        before, self.program = self.program, program
        before.release()

    def released(self) -> None:
        """Note that the event does not use it any more."""
        self._counter.program = self._counter.program_end = None
        if self._own is not None:
            self._own.program = None
            self._own.retire()
        self.program.release()


def attach(bpf: Bpf, program: Program, counter: Counter, cookie: int = 0) -> EventProgram:
    """Let an event run a program; raise ``EINVAL``, ``EEXIST``, ``EACCES``."""
    traced = counter.attr.type == perf.TYPE_TRACEPOINT
    wanted = b.BPF_PROG_TYPE_TRACEPOINT if traced else b.BPF_PROG_TYPE_PERF_EVENT
    if program.type != wanted:
        raise EINVAL
    if counter.program_end is not None:
        raise EEXIST
    if traced and program.context_used > 8 + counter.perf.points[counter.attr.config].body.size:
        raise EACCES
    return EventProgram(bpf, program, counter, cookie)


def attach_descriptor(thread: Thread, counter: Counter, fd: int) -> None:
    """PERF_EVENT_IOC_SET_BPF."""
    file = thread.fds[fd]
    if not isinstance(file, ProgramFile):
        raise EINVAL
    attach(system_of(thread.kernel), file.program, counter)


def attach_event(bpf: Bpf, program: Program, file: File, cookie: int) -> PerfEventLink:
    """Return a link of a program and an event, which it keeps open; ``EINVAL``, ``EEXIST``."""
    if not isinstance(file, PerfFile):
        raise EINVAL
    counter = file.counter
    held = attach(bpf, program, counter, cookie)
    file.acquire()

    def detach() -> None:
        held.released()
        file.release()

    name = b""
    if counter.attr.type == perf.TYPE_TRACEPOINT:
        name = counter.perf.points[counter.attr.config].name.encode()
    return PerfEventLink(program, cookie, detach, name, counter, held)
