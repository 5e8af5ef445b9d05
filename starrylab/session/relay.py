"""A console shares its lab: others join over a Unix socket, to watch or to work along.

The lab process knows one front end only.  The console that owns it passes on what it gets,
so a slow watcher holds up nobody: when too much waits for one, its output is dropped, and
the whole screen follows once it has caught up.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import warnings
from pathlib import Path
from typing import Final, Protocol

import msgspec
import platformdirs

from .debugging.model import Debug, DebugReply
from .front_end import FrontEnd
from .inspection.model import Answer
from .leaks import LeakReply, Leaks
from .protocol import (
    Answered,
    Ask,
    Command,
    Consumed,
    Event,
    Hello,
    Input,
    Interval,
    Join,
    Joined,
    LineOpened,
    Output,
    ProtocolError,
    Resize,
    SnapshotSeen,
    Start,
    Stop,
    WindowSize,
    check_hello,
    command_reader,
    encode,
)
from .tracing import TraceSeen

_MOST_WAITING: Final = 1 << 20  #: bytes that may wait for one watcher
_CHUNK: Final = 65536
_SUFFIX: Final = ".lab"
#: What concerns the owner's own window and process, and is not passed on.
_OWNERS: Final = (
    Hello, Start, Stop, Resize, Interval, Consumed, SnapshotSeen, Join, TraceSeen,
)  # fmt: skip


class Picture(Protocol):
    """The owner's terminal of one line."""

    @property
    def window(self) -> tuple[int, int]:
        """Rows and columns."""
        ...

    def redraw(self) -> bytes:
        """Return what brings an empty terminal to the present state."""
        ...


def socket_folder() -> Path:
    """Return where the sockets of this user's labs are."""
    with warnings.catch_warnings():  # without XDG_RUNTIME_DIR it falls back, which is fine
        warnings.simplefilter("ignore")
        return platformdirs.user_runtime_path("starrylab")


def running_labs(folder: Path | None = None) -> list[Path]:
    """Return the sockets of labs whose console still runs, oldest first; remove dead ones."""
    found = []
    for path in (socket_folder() if folder is None else folder).glob(f"*{_SUFFIX}"):
        if path.stem.rpartition("-")[2].isdigit() and _listens(path):
            found.append(path)
        else:
            with contextlib.suppress(OSError):
                path.unlink()
    return sorted(found, key=lambda path: path.stat().st_mtime)


def _listens(path: Path) -> bool:
    """Say whether somebody takes connections there; a process number may be another's by now."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.setblocking(False)
        try:
            sock.connect(str(path))
        except BlockingIOError:  # a console that is too busy to answer is there
            return True
        except OSError:
            return False
    return True


class Relay:
    """Serves those who join one console."""

    def __init__(self, client: FrontEnd, picture: Picture, folder: Path | None = None) -> None:
        self.path: Path | None = None  #: of the socket, while it is open
        self._client = client
        self._pictures = {0: picture}  #: by serial line
        self._folder = folder
        self._peers: set[_Peer] = set()
        self._server: asyncio.Server | None = None

    @property
    def watchers(self) -> int:
        """How many have joined."""
        return sum(peer.joined for peer in self._peers)

    async def open(self) -> None:
        """Listen on a socket that only this user can reach; raises ``OSError``."""
        folder = socket_folder() if self._folder is None else self._folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"lab-{os.getpid()}{_SUFFIX}"
        path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, path)
        path.chmod(0o600)
        self.path = path

    async def close(self) -> None:
        """Say goodbye to everybody and remove the socket."""
        if self._server is None:
            return
        self._server.close()
        for peer in list(self._peers):
            peer.close()
        if self.path is not None:
            self.path.unlink(missing_ok=True)
            self.path = None

    # -- what the owner's console gets ---------------------------------------------------------

    def add_line(self, line: int, picture: Picture) -> None:
        """Share one more serial line."""
        self._pictures[line] = picture

    def forget_lines(self) -> None:
        """Share only the console again: the machine is a new one."""
        for line in [line for line in self._pictures if line]:
            del self._pictures[line]

    def output(self, data: bytes, line: int = 0) -> None:
        """Pass on output of a line, at the moment that the line's picture contains it."""
        for peer in self._peers:
            peer.output(data, line)

    def event(self, event: Event) -> None:
        """Pass on what happened to the lab."""
        if isinstance(event, Output | Answered | Hello):
            return
        frame = encode(event)
        for peer in self._peers:
            peer.event(frame)

    def resized(self, rows: int, columns: int, line: int = 0) -> None:
        """Pass on the new size of a line's window."""
        self.event(WindowSize(rows, columns, line))

    # -- one peer -------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = _Peer(self._client, self._pictures, writer)
        self._peers.add(peer)
        try:
            await peer.run(reader)
        except (ProtocolError, ConnectionError):
            return  # the peer's own trouble, which it notices by the end of the connection
        finally:
            self._peers.discard(peer)
            peer.close()


class _Peer:
    """One that joined, or is about to."""

    def __init__(
        self, client: FrontEnd, pictures: dict[int, Picture], writer: asyncio.StreamWriter
    ) -> None:
        self.joined = False
        self._control = False
        self._client = client
        self._pictures = pictures
        self._writer = writer
        self._lagging: set[int] = set()  #: lines whose output was dropped: a picture is owed

    async def run(self, reader: asyncio.StreamReader) -> None:
        """Serve the commands of the peer until it leaves."""
        frames = command_reader()
        greeted = False
        self._writer.write(encode(Hello()))
        while data := await reader.read(_CHUNK):
            for command in frames.feed(data):
                if greeted:
                    self._command(command)
                else:
                    check_hello(command)
                    greeted = True

    def close(self) -> None:
        """End the connection."""
        self._writer.close()

    def output(self, data: bytes, line: int) -> None:
        """Send output of a line, or note that it was dropped."""
        if not self.joined:
            return
        waiting = self._writer.transport.get_write_buffer_size()
        if self._lagging:
            self._lagging.add(line)
            if not waiting:
                self._catch_up()
        elif waiting > _MOST_WAITING:
            self._lagging.add(line)
        else:
            self._send(Output(data, line))

    def _catch_up(self) -> None:
        """Send the pictures that are owed."""
        for line in sorted(self._lagging & self._pictures.keys()):
            self._send(Output(self._pictures[line].redraw(), line))
        self._lagging.clear()

    def event(self, frame: bytes) -> None:
        """Send an event; a peer that takes nothing for long is left out of snapshots too."""
        if self.joined and not self._lagging:
            self._writer.write(frame)

    def _send(self, event: Event) -> None:
        if not self._writer.is_closing():
            self._writer.write(encode(event))

    def _command(self, command: Command) -> None:
        if isinstance(command, Join):
            self._join(command)
        elif not self.joined:
            raise ProtocolError("a command before Join")
        elif isinstance(command, Ask):
            self._client.ask(command.question, self._answer)
        elif self._control and not isinstance(command, _OWNERS):
            if isinstance(command, Input):
                self._client.send_input(command.data, command.line)
            elif isinstance(command, Debug):
                number = command.number
                self._client.debug(command.command, lambda reply: self._reply(number, reply))
            elif isinstance(command, Leaks):
                number = command.number
                self._client.leaks(
                    command.request,
                    lambda reply: self._send(LeakReply(number, reply.answer, reply.error)),
                )
            else:
                self._client.send(command)

    def _answer(self, answer: Answer) -> None:
        self._send(Answered(answer))

    def _reply(self, number: int, reply: DebugReply) -> None:
        self._send(DebugReply(number, reply.answer, reply.error))

    def _join(self, join: Join) -> None:
        client = self._client
        self.joined = True
        self._control = join.control
        self._send(Joined(client.config, client.state.value, join.control))
        for line, picture in self._pictures.items():
            if line:
                self._send(LineOpened(line))
            self._send(WindowSize(*(picture.window if line else client.size), line))
            self._send(Output(picture.redraw(), line))
        # A machine at rest sends no later one, and time passed since.
        later = client.uptime_ns if client.snapshot.sequence else 0
        self._send(msgspec.structs.replace(client.snapshot, uptime_ns=later))


__all__ = ["Picture", "Relay", "running_labs", "socket_folder"]
