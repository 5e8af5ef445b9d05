"""The lab process: one machine, its kernel, and one front end (`python -m starrylab.session.lab`).

The connection's descriptor is the only argument.  Commands enter through the machine's
door, like everything else that comes from outside.  When the front end's credit is used
up that line's UART is told that the line is busy, so the guest waits at its terminal as
it would on a real board.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
from collections import deque
from typing import TYPE_CHECKING

from .assemble import AssemblyError, HostIo, Lab, SerialIo, assemble
from .channel import LabChannel
from .debugging.model import Debug, DebugReply
from .inspection.answering import Answerer
from .inspection.model import Question
from .leaks import LeakReply, Leaks, LeakServer
from .port import Port
from .protocol import (
    LINES,
    Answered,
    Ask,
    Booted,
    Command,
    Consumed,
    CountCalls,
    Exited,
    Failed,
    Hello,
    Input,
    Interval,
    Log,
    OpenLine,
    Panic,
    ProtocolError,
    Resize,
    SetLimit,
    Signal,
    SnapshotSeen,
    Start,
    Stop,
)
from .steering import send_signal, set_limit
from .tracing import AskWaits, Trace, TraceCommand, TraceSeen, TraceServer
from .view import View

if TYPE_CHECKING:
    from .debugging.serving import DebugServer

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_SECOND = 1_000_000_000
_COST = 40  #: snapshots and answers may take one part in so many of the guest's time
_REST_NS = 10_000_000  #: a machine that did less in an interval only kept its clock going


class Session:
    """Serves one front end."""

    def __init__(self, channel: LabChannel) -> None:
        self._channel = channel
        self._lab: Lab | None = None
        self._view: View | None = None
        self._answerer: Answerer | None = None
        self._debugging: DebugServer | None = None
        self._tracing: TraceServer | None = None
        self._interval_ns = 0
        self._seen = True  #: the front end took the last snapshot
        self._resting = False  #: the last snapshot showed a machine at rest
        self._looking_ns = 0  #: spent on answers since the last snapshot
        self._looked = (-1, 0, 0)  #: switches, time and idle time at the last look
        self._ports = [Port(channel, line) for line in range(LINES)]
        self._unserved: deque[Command] = deque()

    def run(self) -> int:
        """Greet, boot, run, report; return the process's exit status."""
        self._channel.send(Hello())
        while not self._channel.closed:  # as long as the machine is off
            self._unserved.extend(self._channel.receive())
            self._serve_all()
        return 0

    # -- commands -----------------------------------------------------------------------

    def _serve_all(self) -> None:
        while self._unserved:
            self._serve(self._unserved.popleft())

    def _serve(self, command: Command) -> None:
        match command:
            case Start():
                self._boot(command)
            case Input() | Resize() | OpenLine() | Consumed():
                self._serve_line(command)
            case Signal() | SetLimit():
                self._steer(command)
            case SnapshotSeen():
                self._seen = True
            case Interval(seconds=seconds):
                self._set_interval(seconds)
            case CountCalls(on=on):
                if self._view is not None:
                    self._view.count_calls(on)
            case Ask(question=question):
                self._answer(question)
            case Debug():
                self._debug(command)
            case Leaks():
                self._track(command)
            case Trace() | TraceSeen() | AskWaits():
                self._trace(command)
            case Stop():
                self._leave()

    def _serve_line(self, command: Input | Resize | OpenLine | Consumed) -> None:
        if not 0 <= command.line < LINES:
            raise ProtocolError(f"no serial line {command.line}; there are {LINES}")
        port = self._ports[command.line]
        match command:
            case Input(data=data):
                port.type(data)
            case Resize(rows=rows, columns=columns):
                port.resize(rows, columns)
            case OpenLine():
                port.wake()
            case Consumed(size=size):
                self._channel.give_back(size, port.line)
                port.flush()

    def _flush(self) -> None:
        for port in self._ports:
            port.flush()

    def _arrived(self, data: bytes) -> None:
        """Take what the door read from the connection."""
        self._unserved.extend(self._channel.decode(data))
        self._serve_all()
        if self._channel.closed:
            self._leave()

    def _leave(self) -> None:
        self._channel.closed = True
        if self._lab is not None:
            self._lab.stop()

    def _steer(self, command: Signal | SetLimit) -> None:
        if self._lab is None:
            return
        if isinstance(command, Signal):
            send_signal(self._lab.kernel, command.pid, command.signo)
        elif problem := set_limit(self._lab.kernel, command):
            self._channel.send(Log(problem))

    def _answer(self, question: Question) -> None:
        if self._lab is None or self._answerer is None:
            return
        executor = self._lab.kernel.executor
        started = executor.now
        self._channel.send(Answered(self._answerer.answer(question)))
        self._looking_ns += executor.now - started

    def _debug(self, request: Debug) -> None:
        if self._lab is None:
            self._channel.send(DebugReply(request.number, error="there is no machine yet"))
        else:
            self._debug_server(self._lab).serve(request)

    def _debug_server(self, lab: Lab) -> DebugServer:
        if self._debugging is None:
            from .debugging.serving import DebugServer  # most labs are not debugged

            debugger = lab.debug()
            debugger.wake_sources().add("command")
            debugger.listen(lambda _: self._flush())
            self._debugging = DebugServer(debugger, self._channel.send, lab.exercise)
        return self._debugging

    def _track(self, request: Leaks) -> None:
        if self._lab is None:
            self._channel.send(LeakReply(request.number, error="there is no machine yet"))
            return
        executor = self._lab.kernel.executor
        started = executor.now
        LeakServer(self._lab.tracker(), self._channel.send).serve(request)
        self._looking_ns += executor.now - started

    def _trace(self, command: TraceCommand) -> None:
        if self._lab is None:
            return
        if self._tracing is None:
            self._tracing = TraceServer(self._lab.kernel, self._channel.send)
        self._tracing.serve(command)

    # -- the machine ----------------------------------------------------------------------

    def _boot(self, start: Start) -> None:
        if self._lab is not None:
            raise ProtocolError("a lab process runs one machine")
        console, *others = self._ports
        io = HostIo(
            emit_console=console.emit,
            emit=(console.emit, console.emit),
            size=(start.rows, start.columns),
            stdin_fd=console.input_fd,
            lines=[SerialIo(port.emit, port.input_fd) for port in others],
            progress=lambda text: self._channel.send(Log(text)),
            tell=lambda text: self._channel.send(Log(text)),
            warn=lambda text: self._channel.send(Log(text)),
            may_pause=True,
        )
        try:
            lab = self._lab = assemble(start.config, io)
        except AssemblyError as error:
            self._channel.send(Failed(str(error), error.status))
            return
        for port in self._ports:
            port.attach(lab)
        lab.door.subscribe("command", self._arrived)
        lab.door.attach("command", self._channel.fileno())
        if lab.debugger is not None:
            lab.debugger.wake_sources().add("command")
        if start.config.debug:
            self._debug_server(lab)
        self._view = View(lab.kernel)
        self._answerer = Answerer(lab.kernel)
        self._channel.send(Booted())
        self._set_interval(start.interval)
        # What came along with `Start` (keys, for one) is not to wait until the machine is off.
        lab.kernel.executor.call_at(lab.kernel.executor.now, self._serve_all)
        self._run(lab)

    def _run(self, lab: Lab) -> None:
        kernel = lab.kernel
        try:
            lab.run()
        except ProtocolError:
            raise
        except (Exception, SystemExit) as bug:  # a bug in the kernel is its panic, not ours
            kernel.panic(bug)
        lab.door.detach("command")
        if self._tracing is not None:
            self._tracing.finish()
        self._flush()
        self._send_snapshot()
        if kernel.panic_text is not None:
            self._channel.send(Panic(kernel.panic_text, lost=kernel.hart_lost is not None))
        elif kernel.exit_status is not None:
            self._channel.send(Exited(kernel.exit_status))

    # -- snapshots ------------------------------------------------------------------------

    def _set_interval(self, seconds: float) -> None:
        was_off = not self._interval_ns
        self._interval_ns = int(max(0.0, seconds) * _SECOND)
        if was_off and self._interval_ns:
            self._tick()

    def _tick(self) -> None:
        """Send a snapshot if something ran since the last, and once more when it rests."""
        if self._lab is None or not self._interval_ns:
            return
        executor = self._lab.kernel.executor
        started = executor.now
        if self._seen:
            ran = self._something_ran()
            if ran or not self._resting:
                self._send_snapshot()
            self._resting = not ran
        now = executor.now
        cost_ns, self._looking_ns = now - started + self._looking_ns, 0
        executor.call_at(now + max(self._interval_ns, cost_ns * _COST), self._tick)

    def _something_ran(self) -> bool:
        """Tell whether a task was switched to, or one went on without a switch."""
        assert self._lab is not None
        executor = self._lab.kernel.executor
        before = self._looked
        now = self._looked = (executor.switches, executor.now, executor.idle_ns)
        busy_ns = (now[1] - before[1]) - (now[2] - before[2])
        return now[0] != before[0] or busy_ns > _REST_NS

    def _send_snapshot(self) -> None:
        if self._view is not None and self._answerer is not None:
            self._seen = False
            self._answerer.snapshot_taken()
            self._channel.send(self._view.take())


def die_with_parent() -> None:
    """Ask Linux to kill this process when its parent dies; elsewhere the connection's end does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def main(argv: list[str]) -> int:
    """Serve the front end on the socket whose descriptor is ``argv[1]``."""
    die_with_parent()
    os.environ["TERM"] = "xterm-256color"  # what the console emulates
    channel = LabChannel(socket.socket(fileno=int(argv[1])))
    try:
        return Session(channel).run()
    except ProtocolError as error:
        sys.stderr.write(f"starrylab lab: {error}\n")
        return 1
    finally:
        channel.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
