"""Terminals as devices: ttyS*, /dev/tty, /dev/console, /dev/ptmx (tty(4), ttyS(4), ptmx(4))."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ...abi.errno import ENODEV, ENXIO
from ..files.pty import open_master
from ..files.tty import open_tty
from .device import Device

if TYPE_CHECKING:
    from ..files.file import File
    from ..thread import Thread
    from ..vfs.mount import Location
    from .pty import Ptys
    from .tty import Tty

SERIAL_MAJOR: Final = 4
SERIAL_MINOR: Final = 64  #: of ttyS0
_TTYAUX_MAJOR: Final = 5
_DIALOUT: Final = 20  #: Debian's group for serial lines
_TTY_GROUP: Final = 5


class TtyDevice(Device):
    """A terminal under its own name."""

    mode = 0o660
    gid = _DIALOUT
    driver = "ttyS"

    def __init__(self, tty: Tty) -> None:
        self.tty = tty
        self.name = tty.name
        self.major, self.minor = tty.major, tty.minor

    def open(self, thread: Thread | None, place: Location, flags: int) -> File:
        """See ``Device.open``."""
        return open_tty(self.tty, thread, place, flags)


class CurrentTty(Device):
    """/dev/tty: the controlling terminal of whoever opens it."""

    name, major, minor = b"tty", _TTYAUX_MAJOR, 0
    gid = _TTY_GROUP
    driver = "/dev/tty"

    def open(self, thread: Thread | None, place: Location, flags: int) -> File:
        """See ``Device.open``; raises ``ENXIO`` without a controlling terminal."""
        tty: Any = None if thread is None else thread.process.session.terminal
        if tty is None:
            raise ENXIO
        return open_tty(tty, thread, place, flags, may_control=False)


class Console(Device):
    """/dev/console: where the kernel speaks; it never becomes a controlling terminal."""

    name, major, minor = b"console", _TTYAUX_MAJOR, 1
    mode = 0o600
    driver = "/dev/console"

    def __init__(self) -> None:
        self.tty: Tty | None = None

    def open(self, thread: Thread | None, place: Location, flags: int) -> File:
        """See ``Device.open``; raises ``ENODEV`` while there is no console."""
        if self.tty is None:
            raise ENODEV
        return open_tty(self.tty, thread, place, flags, may_control=False)


class Ptmx(Device):
    """/dev/ptmx: every open makes a pair."""

    name, major, minor = b"ptmx", _TTYAUX_MAJOR, 2
    gid = _TTY_GROUP
    driver = "/dev/ptmx"

    def __init__(self, ptys: Ptys) -> None:
        self._ptys = ptys

    def open(self, thread: Thread | None, place: Location, flags: int) -> File:
        """See ``Device.open``."""
        return open_master(self._ptys, thread, place, flags)
