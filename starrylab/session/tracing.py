"""Traces and the wait graph over the session protocol.

A trace is switched on and off per process.  Records are gathered and sent in batches, the next one
when the front end has taken the last; what comes meanwhile is kept up to `KEPT` records, and
counted beyond.  So a flood neither stalls the guest nor fills a queue.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from ..debug.trace import CallRecord, EventRecord, Options, Tracer
    from ..debug.waits import Waits
    from ..kernel.kernel import Kernel
    from ..kernel.thread import Thread

KEPT: Final = 2000  #: records that wait to be sent
_GATHER_NS: Final = 50_000_000  #: how long a record may wait for others

# -- commands -----------------------------------------------------------------------------


class Trace(msgspec.Struct, frozen=True, tag="trace"):
    """Trace a process (0: all) or, if not ``on``, no longer.  `TraceRefused` tells what is wrong.

    The other fields hold for the whole trace from now on.
    """

    on: bool
    pid: int = 0
    filter: str = "all"
    follow: bool = True  #: its children too
    strings: int = 32  #: bytes of a string
    fds: bool = False  #: descriptors with what they are open on
    stacks: bool = False


class TraceSeen(msgspec.Struct, frozen=True, tag="trace-seen"):
    """The last `Traced` was taken; the next may come."""


class AskWaits(msgspec.Struct, frozen=True, tag="waits?"):
    """Ask what every thread waits for; replied with `WaitsFound`."""


# -- events -------------------------------------------------------------------------------


class TraceLine(msgspec.Struct, frozen=True, array_like=True):
    """A call that has ended, a signal, or the end of a thread."""

    kind: str  #: "call", "signal" or "exit"
    pid: int
    tid: int
    time_ns: int  #: wall clock
    name: str  #: of the call; else the whole text
    args: tuple[tuple[str, str], ...] = ()  #: name and text
    result: str = ""
    errno: str = ""  #: "ENOENT"
    duration_ns: int = 0
    stack: tuple[str, ...] = ()


class Traced(msgspec.Struct, frozen=True, tag="traced"):
    """What was traced since the last one."""

    lines: tuple[TraceLine, ...]
    dropped: int = 0  #: records that there was no room for


class TraceRefused(msgspec.Struct, frozen=True, tag="trace-refused"):
    """The trace is not what was asked for: one line."""

    text: str


class NeedView(msgspec.Struct, frozen=True, array_like=True):
    """See `debug.waits.model.Need`."""

    what: str
    wakers: tuple[int, ...]
    because: str
    outside: str
    unknown: str


class WaitView(msgspec.Struct, frozen=True, array_like=True):
    """See `debug.waits.model.Wait`."""

    tid: int
    pid: int
    comm: str
    state: str
    call: str
    needs: tuple[NeedView, ...]
    left_ns: int | None
    alarm: str


class DeadlockView(msgspec.Struct, frozen=True, array_like=True):
    """See `debug.waits.model.Deadlock`."""

    tids: tuple[int, ...]
    victims: tuple[int, ...]


class WaitsFound(msgspec.Struct, frozen=True, tag="waits!"):
    """The wait graph at one moment, and in words."""

    threads: tuple[WaitView, ...]
    deadlocks: tuple[DeadlockView, ...]
    text: str


TraceCommand = Trace | TraceSeen | AskWaits
TraceEvent = Traced | TraceRefused | WaitsFound


# -- the lab's side -----------------------------------------------------------------------


class TraceServer:
    """Serves one front end; is the sink of its trace."""

    def __init__(self, kernel: Kernel, send: Callable[[TraceEvent], object]) -> None:
        self._kernel = kernel
        self._send = send
        self._tracer: Tracer | None = None
        self._lines: list[TraceLine] = []
        self._dropped = 0
        self._on_its_way = False  #: a batch that the front end has not taken yet
        self._due = False

    def serve(self, command: TraceCommand) -> None:
        """Do what a command asks for."""
        match command:
            case Trace():
                self._trace(command)
            case TraceSeen():
                self._on_its_way = False
                self._flush()
            case AskWaits():
                from ..debug.waits import look

                self._send(waits_found(look(self._kernel, self._names)))

    @cached_property
    def _names(self) -> Callable[[Thread, int], str]:
        from ..debug.inspect import namer
        from ..debug.stack import Stacks

        return namer(Stacks(self._kernel))

    def _trace(self, command: Trace) -> None:
        from ..debug.trace import FilterError, Tracer

        if command.on and command.pid and command.pid not in self._kernel.processes:
            self._send(TraceRefused(f"there is no process {command.pid}"))
            return
        try:
            options = _options(command)
        except FilterError as error:
            self._send(TraceRefused(str(error)))
            return
        if self._tracer is None:
            self._tracer = Tracer(self._kernel, [self])
        tracer = self._tracer
        if not command.on:
            tracer.untrace(command.pid) if command.pid else tracer.stop()
            return
        tracer.options = options
        tracer.show_stacks(on=command.stacks)
        tracer.trace(command.pid) if command.pid else tracer.trace_all()

    # -- the sink

    def begun(self, call: CallRecord) -> None:
        """See `debug.trace.Sink`: a call is sent when it has ended."""

    def ended(self, call: CallRecord) -> None:
        """See `debug.trace.Sink`."""
        self._add(
            TraceLine(
                "call", call.pid, call.tid, call.time_ns, call.name, tuple(call.args),
                call.result_text, call.errno, call.duration_ns, call.stack,
            )
        )  # fmt: skip

    def event(self, event: EventRecord) -> None:
        """See `debug.trace.Sink`."""
        self._add(TraceLine(event.kind, event.pid, event.tid, event.time_ns, event.text))

    def _add(self, line: TraceLine) -> None:
        if len(self._lines) >= KEPT:
            self._dropped += 1
            return
        self._lines.append(line)
        if not self._due and not self._on_its_way:
            self._due = True
            executor = self._kernel.executor
            executor.call_at(executor.now + _GATHER_NS, self._flush)

    def _flush(self) -> None:
        self._due = False
        if self._on_its_way or not self._lines:
            return
        self._on_its_way = True
        lines, self._lines = tuple(self._lines), []
        dropped, self._dropped = self._dropped, 0
        self._send(Traced(lines, dropped))

    def finish(self) -> None:
        """Send what is left: the machine has ended."""
        self._on_its_way = False
        self._flush()


def _options(command: Trace) -> Options:
    from ..debug.trace import Filter, Options, Style

    style = Style(min(max(command.strings, 0), 4096), command.fds)
    return Options(Filter(command.filter), style, command.follow)


def waits_found(waits: Waits) -> WaitsFound:
    """Return the wait graph as a message."""
    from ..debug.waits import report

    threads = msgspec.convert(
        [[*_fields(wait)] for wait in waits.threads], tuple[WaitView, ...], strict=True
    )
    deadlocks = tuple(DeadlockView(found.tids, found.victims) for found in waits.deadlocks)
    return WaitsFound(threads, deadlocks, report(waits))


def _fields(wait: object) -> list[object]:
    found = msgspec.to_builtins(wait)
    needs = [list(need.values()) for need in found["needs"]]
    return [*[found[name] for name in ("tid", "pid", "comm", "state", "call")], needs,
            found["left_ns"], found["alarm"]]  # fmt: skip
