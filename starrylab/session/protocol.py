"""The one protocol between the lab process and its front ends.

Messages are msgspec Structs, a tagged union each way, packed with msgpack and sent over a
stream socket with a four-byte big-endian length in front.  The first message each way is
``Hello``; peers of different versions part at once with a clear error.

The lab has `LINES` serial lines, ttyS0 (the console) to ttyS3.  Output is bounded by credit
for each line: the lab may have `WINDOW` bytes on the way, and the front end gives them back
with ``Consumed`` as it draws.  A guest that floods is held at that terminal, so no queue grows.
Input needs no credit: typed keys always get through.

A restart is no command: a front end ends the process and starts a new one, because only
that leaves nothing behind.
"""

from __future__ import annotations

from typing import Final, Generic, TypeAlias, TypeVar

import msgspec

from .config import LabConfig
from .debugging.model import Debug, DebugReply, Resumed, Stopped
from .inspection.model import Answer, Question
from .leaks import LeakReply, Leaks
from .snapshot import Snapshot
from .tracing import AskWaits, Trace, Traced, TraceRefused, TraceSeen, WaitsFound

VERSION: Final = 4
MAX_FRAME: Final = 8 << 20  #: bytes; a longer length means garbage
WINDOW: Final = 16 << 10  #: bytes of one line's output that may be on the way
LINES: Final = 4  #: serial lines; 0 is the console
_LENGTH: Final = 4  #: bytes of the frame header

T = TypeVar("T")


class ProtocolError(Exception):
    """The peer sent what this version does not understand."""


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """The first message, in both directions."""

    version: int = VERSION


# -- commands: front end to lab ---------------------------------------------------------


class Start(msgspec.Struct, frozen=True, tag="start"):
    """Build the machine and boot."""

    config: LabConfig
    rows: int = 24  #: of the console's window
    columns: int = 80
    interval: float = 0.25  #: seconds, see `Interval`


class Input(msgspec.Struct, frozen=True, tag="input"):
    """Bytes for a serial line, as typed."""

    data: bytes
    line: int = 0


class Resize(msgspec.Struct, frozen=True, tag="resize"):
    """The window of a line has a new size."""

    rows: int
    columns: int
    line: int = 0


class OpenLine(msgspec.Struct, frozen=True, tag="open"):
    """Wake whoever waits at a line, as Enter does on a real one; `LineOpened` follows."""

    line: int


class Signal(msgspec.Struct, frozen=True, tag="signal"):
    """Send a signal to a process, as its owner would."""

    pid: int
    signo: int


class SetLimit(msgspec.Struct, frozen=True, tag="limit"):
    """Change a resource limit of a process (prlimit(2)); a `Log` says why that cannot be."""

    pid: int
    name: str  #: as `inspection.model.LimitView` names it
    soft: int  #: -1 is infinity
    hard: int


class Interval(msgspec.Struct, frozen=True, tag="interval"):
    """Send a snapshot at most every so many seconds; 0 stops them."""

    seconds: float


class CountCalls(msgspec.Struct, frozen=True, tag="count"):
    """Count system calls by name from now on, or stop."""

    on: bool


class Ask(msgspec.Struct, frozen=True, tag="ask"):
    """Look closely at one part of the system; `Answered` follows while there is a machine."""

    question: Question


class Consumed(msgspec.Struct, frozen=True, tag="consumed"):
    """So many bytes of a line's output were drawn: credit for as many more."""

    size: int
    line: int = 0


class SnapshotSeen(msgspec.Struct, frozen=True, tag="seen"):
    """The last snapshot was taken; the next may come."""


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """End the machine and the lab process."""


class Join(msgspec.Struct, frozen=True, tag="join"):
    """Ask the console of a running lab to share it: its first command of another front end."""

    control: bool = False  #: also type, send signals and so on


# -- events: lab to front end -----------------------------------------------------------


class Output(msgspec.Struct, frozen=True, tag="output"):
    """What was printed on a line."""

    data: bytes
    line: int = 0


class LineOpened(msgspec.Struct, frozen=True, tag="opened"):
    """A line beside the console is in use."""

    line: int
    listening: bool = True  #: a program of the guest has it open


class Answered(msgspec.Struct, frozen=True, tag="answered"):
    """What was asked for with `Ask`, in the order of the questions."""

    answer: Answer


class Joined(msgspec.Struct, frozen=True, tag="joined"):
    """The lab is shared; its screen and snapshot follow."""

    config: LabConfig
    state: str  #: the value of a `LabState`
    control: bool


class WindowSize(msgspec.Struct, frozen=True, tag="window"):
    """The window of a line of the lab that is shared has this size."""

    rows: int
    columns: int
    line: int = 0


class Booted(msgspec.Struct, frozen=True, tag="booted"):
    """The first program is about to run."""


class Exited(msgspec.Struct, frozen=True, tag="exited"):
    """The first process ended; ``status`` is the wait(2) status word."""

    status: int


class Panic(msgspec.Struct, frozen=True, tag="panic"):
    """The kernel has a bug, and stopped; or it lost the board that it ran programs on."""

    text: str
    lost: bool = False  #: the board


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The lab could not start: one line that says what to do."""

    text: str
    status: int = 125  #: for a command line: 127 when there is no such program


class Log(msgspec.Struct, frozen=True, tag="log"):
    """A line for whoever watches: strace, start-up progress."""

    text: str


class Crashed(msgspec.Struct, frozen=True, tag="crashed"):
    """The lab process died; made by the client, never sent."""

    reason: str
    stderr: str  #: its last lines


Command: TypeAlias = (
    Hello
    | Start
    | Input
    | Resize
    | OpenLine
    | Signal
    | SetLimit
    | Interval
    | CountCalls
    | Ask
    | Consumed
    | SnapshotSeen
    | Stop
    | Join
    | Debug
    | Leaks
    | Trace
    | TraceSeen
    | AskWaits
)
Event: TypeAlias = (
    Hello
    | Output
    | LineOpened
    | Snapshot
    | Answered
    | Joined
    | WindowSize
    | Booted
    | Exited
    | Panic
    | Failed
    | Log
    | Crashed
    | DebugReply
    | Stopped
    | Resumed
    | LeakReply
    | Traced
    | TraceRefused
    | WaitsFound
)

_encoder: Final = msgspec.msgpack.Encoder()


def encode(message: Command | Event) -> bytes:
    """Return ``message`` as one frame."""
    body = _encoder.encode(message)
    return len(body).to_bytes(_LENGTH, "big") + body


class FrameReader(Generic[T]):
    """Cuts a byte stream into messages of one union."""

    def __init__(self, decoder: msgspec.msgpack.Decoder[T]) -> None:
        self._decoder = decoder
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[T]:
        """Take what arrived; return the messages that are complete.

        Raises ``ProtocolError`` on anything that is not a message.
        """
        buffer = self._buffer
        buffer += data
        messages: list[T] = []
        start = 0
        while len(buffer) - start >= _LENGTH:
            body = start + _LENGTH
            size = int.from_bytes(buffer[start:body], "big")
            if size > MAX_FRAME:
                raise ProtocolError(f"a frame of {size} bytes; the limit is {MAX_FRAME}")
            if len(buffer) < body + size:
                break
            start = body + size
            try:
                messages.append(self._decoder.decode(memoryview(buffer)[body:start]))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise ProtocolError(f"not a message: {error}") from error
        del buffer[:start]
        return messages

    def end(self) -> None:
        """Note the end of the stream; raises ``ProtocolError`` in the middle of a message."""
        if self._buffer:
            raise ProtocolError(f"the stream ended inside a message ({len(self._buffer)} bytes)")


def command_reader() -> FrameReader[Command]:
    """Return a reader for the lab's side."""
    return FrameReader(msgspec.msgpack.Decoder(Command))


def event_reader() -> FrameReader[Event]:
    """Return a reader for the front end's side."""
    return FrameReader(msgspec.msgpack.Decoder(Event))


def check_hello(message: object) -> None:
    """Raise ``ProtocolError`` unless ``message`` is a Hello of this version."""
    if not isinstance(message, Hello):
        raise ProtocolError(f"expected Hello, got {type(message).__name__}")
    if message.version != VERSION:
        raise ProtocolError(
            f"the other side speaks version {message.version}, this one {VERSION}; "
            "install the same StarryLab on both sides"
        )
