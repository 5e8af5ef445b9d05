"""Open terminals: read, write, poll and the ioctls (ioctl_tty(2), termios(3))."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Final

from ...abi import ioctl as io
from ...abi import termios as t
from ...abi.errno import (
    EAGAIN,
    EIO,
    ENOTTY,
)
from ...abi.fcntl import (
    O_ACCMODE,
    O_APPEND,
    O_DIRECT,
    O_NOATIME,
    O_NOCTTY,
    O_NONBLOCK,
    O_RDWR,
)
from ...abi.poll import (
    POLLERR,
    POLLHUP,
    POLLIN,
    POLLOUT,
    POLLRDNORM,
    POLLWRNORM,
)
from ...abi.signal import SIGTTIN, SIGTTOU
from ..task.cred import ROOT
from .node_file import NodeFile
from .tty_ioctl import COMMON, Ioctl

if TYPE_CHECKING:
    from ..core.sched import Waker
    from ..dev.tty import Tty
    from ..thread import Thread
    from ..vfs.mount import Location
    from ..vfs.node import Credentials

_HUNG_UP: Final = POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDNORM | POLLWRNORM
_STATUS: Final = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME  #: what F_GETFL shows
_FLUSH_INPUT: Final = (t.TCIFLUSH, t.TCIOFLUSH)
_FLUSH_OUTPUT: Final = (t.TCOFLUSH, t.TCIOFLUSH)


class TerminalFile(NodeFile):
    """What both ends of a terminal have in common; `tty` is the end with the line discipline."""

    __slots__ = ("hung_up", "tty")
    kind = "tty"
    own: ClassVar[dict[int, Ioctl]] = {}  #: requests that only this kind of file knows

    def __init__(
        self, tty: Tty, place: Location, flags: int = O_RDWR, cred: Credentials = ROOT
    ) -> None:
        super().__init__(place, flags, cred)
        self.tty = tty
        self.hung_up = False  #: by vhangup(2) or a dead line; set by the terminal

    def ioctl(self, thread: Thread, request: int, arg: int) -> Any:
        """See ``File.ioctl``; a request that has to wait answers with a coroutine."""
        if self.hung_up:
            raise ENOTTY if request == io.TIOCSPGRP else EIO
        serve = self.own.get(request) or COMMON.get(request)
        if serve is None:
            raise ENOTTY
        return serve(self, thread, arg)

    def controlling(self, thread: Thread) -> bool:
        """Tell whether the terminal may be asked about its session by ``thread``."""
        return self.tty.controls(thread.process)

    def check_change(self) -> None:
        """Let only the foreground change the terminal (SIGTTOU); raises like a read would."""
        self.tty.check_background(SIGTTOU)

    def flush_queue(self, queue: int) -> None:
        """TCFLSH, seen from this end."""
        raise NotImplementedError

    def unread(self) -> int:
        """Return how many bytes a read would find (FIONREAD)."""
        raise NotImplementedError

    def unsent(self) -> int:
        """Return how many written bytes have not left (TIOCOUTQ)."""
        return 0

    def when(self, thread: Thread, attempt: Callable[[], int]) -> Any:
        """Serve a request that may have to wait, whatever O_NONBLOCK says."""
        try:
            return attempt()
        except EAGAIN:
            return thread.wait_io(self, POLLOUT, attempt, nonblocking=False)

    def drained(self) -> None:
        """Raise ``EAGAIN`` until all output has left."""
        if self.unsent():
            raise EAGAIN


class TtyFile(TerminalFile):
    """A terminal, opened by its name, as /dev/tty or as /dev/console."""

    __slots__ = ()

    def __init__(
        self, tty: Tty, place: Location, flags: int = O_RDWR, cred: Credentials = ROOT
    ) -> None:
        super().__init__(tty, place, flags, cred)
        tty.opened(self)

    def read(self, size: int) -> bytes:
        """See ``File.read``; ``EIO`` for a background process that cannot be stopped."""
        if self.hung_up:
            return b""
        tty = self.tty
        if tty.session is not None:
            tty.check_background(SIGTTIN)
        return tty.read(size, nonblocking=self.nonblocking)

    def write(self, data: bytes) -> int:
        """See ``File.write``; ``EIO`` after a hang-up."""
        if self.hung_up or self.tty.other_closed:
            raise EIO
        tty = self.tty
        if tty.termios.lflag & t.TOSTOP:
            tty.check_background(SIGTTOU)
        return tty.write(data)

    def poll(self) -> int:
        """See ``Pollable.poll``."""
        return _HUNG_UP if self.hung_up else self.tty.poll()

    def register(self, waker: Waker, events: int) -> None:
        """See ``Pollable.register``."""
        self.tty.register(waker, events)

    def flush_queue(self, queue: int) -> None:
        """See ``TerminalFile.flush_queue``."""
        if queue in _FLUSH_INPUT:
            self.tty.ldisc.flush_input()
        if queue in _FLUSH_OUTPUT:
            self.tty.flush_output()

    def unread(self) -> int:
        """See ``TerminalFile.unread``."""
        return self.tty.ldisc.countable

    def unsent(self) -> int:
        """See ``TerminalFile.unsent``."""
        return self.tty.driver.pending()

    def closed(self) -> None:
        """See ``File.closed``."""
        self.tty.closed(self)
        super().closed()


def open_tty(
    tty: Tty, thread: Thread | None, place: Location, flags: int, *, may_control: bool = True
) -> TtyFile:
    """Open ``tty``; a session leader without a terminal gets it as its own.

    Raises ``EBUSY`` while somebody else has it for himself (TIOCEXCL).
    """
    tty.check_open(thread)
    cred = ROOT if thread is None else thread.cred
    file = TtyFile(tty, place, flags & (O_ACCMODE | _STATUS), cred)
    if thread is not None and may_control and not flags & O_NOCTTY and file.readable:
        tty.acquire_on_open(thread)
    return file
