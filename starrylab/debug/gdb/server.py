"""The way in for gdb: a listening socket on the loopback address, read through the door."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ..control.api import Reason
from .link import LinkError
from .packets import frame
from .stub import Stub

if TYPE_CHECKING:
    from ...kernel.kernel import Kernel
    from ...machine.door import HostDoor
    from ..control.api import Control, Stop

ADDRESS: Final = "127.0.0.1"
KNOCK: Final = "gdb knocks"  #: names of the door's sources
LINE: Final = "gdb"
_PATIENCE: Final = 10.0  #: seconds that gdb may take to read what it asked for
_LAST_WORDS: Final = 4  #: reads up to the end of a connection that was given up
_OCCUPIED: Final = b"E.another gdb is connected to this lab"


class ServerError(Exception):
    """The port cannot be had: one line."""


class Server:
    """Waits for gdb and serves one at a time."""

    def __init__(
        self,
        kernel: Kernel,
        control: Control,
        door: HostDoor,
        port: int,
        tell: Callable[[str], object] = str,
    ) -> None:
        """Listen on ``port``, 0 for any; ``tell`` takes lines for the user.

        Raises `ServerError`.
        """
        self._kernel = kernel
        self._control = control
        self._door = door
        self._tell = tell
        self._socket: socket.socket | None = None
        self._stub: Stub | None = None
        self._refused: socket.socket | None = None
        self._listener = _listen(port)
        self.port: int = self._listener.getsockname()[1]
        door.subscribe(KNOCK, lambda _data: self._accept())
        door.subscribe(LINE, self._receive)
        door.attach(KNOCK, self._listener.fileno(), listening=True)
        control.wake_sources().update((KNOCK, LINE))
        control.listen(self._stopped, self._resumed)
        control.leave_alone(kernel.init)  # until a gdb is there

    def announce(self, *, wait: bool) -> None:
        """Tell the user where to connect; ``wait``: the lab stands still until gdb lets it go."""
        what = "the lab waits for gdb" if wait else "gdb can connect"
        self._tell(f"{what}: gdb-multiarch -ex 'target remote :{self.port}'")
        if wait:
            self._control.pause()
            self._control.settle()

    def wait(self) -> None:
        """Serve nobody but gdb until one is there, if the lab waits for that."""
        while self._stub is None and self._control.paused:
            self._door.poll_only((KNOCK, LINE), None)

    def close(self) -> None:
        """Tell gdb that the lab is off, and stop listening."""
        if self._stub is not None:
            self._stub.machine_ended(self._kernel.exit_status or 0)
            self._hang_up()
        self._close_refused()
        self._door.detach(KNOCK)
        self._listener.close()

    # -- connections -------------------------------------------------------------------------

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:  # it went away before we looked
            return
        connection.settimeout(_PATIENCE)
        self._hear_out()
        if self._stub is not None:
            self._refuse(connection)
            return
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connection
        self._stub = Stub(self._kernel, self._control, self._send)
        self._door.attach(LINE, connection.fileno())

    def _hear_out(self) -> None:
        """Serve what was sent before somebody else connected: it may have been the end."""
        for _ in range(_LAST_WORDS):
            if self._stub is None:
                return
            self._door.poll_only((LINE,), 0)

    def _refuse(self, connection: socket.socket) -> None:
        self._tell("a second gdb was refused: one at a time")
        with contextlib.suppress(OSError):
            connection.sendall(b"+" + frame(_OCCUPIED))
            connection.shutdown(socket.SHUT_WR)
        # Closing it before its question was read would make the answer vanish (RFC 1122, 4.2.2.13).
        self._close_refused()
        self._refused = connection

    def _close_refused(self) -> None:
        if self._refused is not None:
            self._refused.close()
            self._refused = None

    def _receive(self, data: bytes) -> None:
        stub = self._stub
        if stub is None:
            return
        if not data:
            ends = self._kernel.init.exit_status is not None
            self._lost("gdb is gone" if ends else "gdb is gone; the lab goes on")
            return
        try:
            stub.receive(data)
        except LinkError as error:
            self._lost(f"connection closed: {error}")

    def _stopped(self, stop: Stop) -> None:
        if self._stub is not None:
            self._stub.stopped(stop)
        elif stop.reason is Reason.PANIC:  # nobody wants to look: the lab may end
            self._control.resume()

    def _resumed(self) -> None:
        if self._stub is not None:
            self._stub.resumed()

    def _send(self, data: bytes) -> None:
        if self._socket is None:
            return
        try:
            self._socket.sendall(data)
        except OSError:  # it is gone or never reads: the door is to see an end
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _lost(self, text: str) -> None:
        stub = self._stub
        self._hang_up()
        if stub is not None:
            stub.closed()
        self._tell(text)

    def _hang_up(self) -> None:
        self._close_socket()
        self._stub = None

    def _close_socket(self) -> None:
        self._door.detach(LINE)
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((ADDRESS, port))
        listener.listen(2)
        listener.setblocking(False)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or "ports are 0 to 65535"
        raise ServerError(f"port {port}: {reason}") from None
    return listener
