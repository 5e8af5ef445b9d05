"""The master side of a pseudo-terminal, which is what opening /dev/ptmx gives (pty(7))."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from ...abi import ioctl as io
from ...abi import termios as t
from ...abi.errno import EAGAIN, EINVAL, EIO
from ...abi.fcntl import O_CLOEXEC, O_NOCTTY, O_RDWR
from ...abi.poll import POLLHUP, POLLIN, POLLOUT, POLLPRI, POLLRDNORM, POLLWRNORM
from ...abi.signal import SIGINT, SIGQUIT, SIGTSTP
from ..task.cred import ROOT
from .tty import TerminalFile, TtyFile, open_tty
from .tty_ioctl import Ioctl

if TYPE_CHECKING:
    from ..core.sched import Waker
    from ..dev.pty import PtyDriver, Ptys
    from ..dev.tty import Tty
    from ..thread import Thread
    from ..vfs.mount import Location
    from ..vfs.node import Credentials

_SIGNALS: Final = (SIGINT, SIGQUIT, SIGTSTP)


class PtyMaster(TerminalFile):
    """The master: reads what the slave prints, writes what the slave's user types."""

    __slots__ = ("_ptys", "driver")
    kind = "ptmx"

    def __init__(
        self,
        ptys: Ptys,
        driver: PtyDriver,
        slave: Tty,
        place: Location,
        flags: int = O_RDWR,
        cred: Credentials = ROOT,
    ) -> None:
        super().__init__(slave, place, flags, cred)
        self._ptys = ptys
        self.driver = driver

    def read(self, size: int) -> bytes:
        """See ``File.read``; ``EIO`` when the slave was closed and all is read."""
        driver = self.driver
        if driver.packet and driver.status:
            status, driver.status = driver.status, 0
            return bytes((status,))
        output = driver.output
        if not output:
            if driver.slave_gone:
                raise EIO
            raise EAGAIN
        if driver.packet:
            size -= 1
        data = bytes(output[:size])
        del output[:size]
        self.tty.output_space()
        return b"\0" + data if driver.packet else data

    def write(self, data: bytes) -> int:
        """See ``File.write``."""
        room = self.tty.input_room()
        if not room and data:
            raise EAGAIN
        self.tty.receive(data[:room])
        return min(len(data), room)

    def poll(self) -> int:
        """See ``Pollable.poll``."""
        driver = self.driver
        ready = 0
        if driver.output:
            ready = POLLIN | POLLRDNORM
        if driver.packet and driver.status:
            ready |= POLLPRI | POLLIN | POLLRDNORM
        if driver.slave_gone:
            ready |= POLLHUP
        if self.tty.input_room():
            ready |= POLLOUT | POLLWRNORM
        return ready

    def register(self, waker: Waker, events: int) -> None:
        """See ``Pollable.register``."""
        self.driver.readers.register(waker)
        if events & (POLLOUT | POLLWRNORM):
            self.driver.writers.register(waker)

    def controlling(self, thread: Thread) -> bool:
        """See ``TerminalFile.controlling``; the master may always ask."""
        return True

    def check_change(self) -> None:
        """See ``TerminalFile.check_change``; the master is nobody's controlling terminal."""

    def flush_queue(self, queue: int) -> None:
        """See ``TerminalFile.flush_queue``: the slave's output is the master's input."""
        if queue in (t.TCIFLUSH, t.TCIOFLUSH):
            self.driver.output.clear()
            self.tty.output_space()

    def unread(self) -> int:
        """See ``TerminalFile.unread``."""
        return len(self.driver.output)

    def closed(self) -> None:
        """See ``File.closed``."""
        self._ptys.master_closed(self.driver, self.tty)
        super().closed()

    # -- ioctls ---------------------------------------------------------------------

    def _get_number(self, thread: Thread, arg: int) -> int:
        thread.mm.write_u32(arg, self.driver.index)
        return 0

    def _set_lock(self, thread: Thread, arg: int) -> int:
        self.driver.locked = bool(thread.mm.read_u32(arg))
        return 0

    def _get_lock(self, thread: Thread, arg: int) -> int:
        thread.mm.write_u32(arg, int(self.driver.locked))
        return 0

    def _set_packet(self, thread: Thread, arg: int) -> int:
        on = bool(thread.mm.read_u32(arg))
        if on and not self.driver.packet:
            self.driver.status = 0
        self.driver.packet = on
        return 0

    def _get_packet(self, thread: Thread, arg: int) -> int:
        thread.mm.write_u32(arg, int(self.driver.packet))
        return 0

    def _signal(self, thread: Thread, arg: int) -> int:
        if arg not in _SIGNALS:
            raise EINVAL
        self.tty.signal(arg)
        return 0

    def _open_peer(self, thread: Thread, arg: int) -> int:
        place = thread.fs.walk(b"/dev/" + self.tty.name, thread.cred)
        slave = open_slave(self.tty, thread, place, arg)
        slave.acquire()
        try:
            return thread.install(slave, cloexec=bool(arg & O_CLOEXEC))
        finally:
            slave.release()

    own: ClassVar[dict[int, Ioctl]] = {
        io.TIOCGPTN: _get_number,
        io.TIOCSPTLCK: _set_lock,
        io.TIOCGPTLCK: _get_lock,
        io.TIOCPKT: _set_packet,
        io.TIOCGPKT: _get_packet,
        io.TIOCSIG: _signal,
        io.TIOCGPTPEER: _open_peer,
    }


def open_master(ptys: Ptys, thread: Thread | None, place: Location, flags: int) -> PtyMaster:
    """Make a pair and return its master; raise ``ENOSPC`` when there are too many."""
    cred = ROOT if thread is None else thread.cred
    driver, slave = ptys.make(cred.fsuid, cred.fsgid)
    return PtyMaster(ptys, driver, slave, place, flags & ~O_NOCTTY, cred)


def open_slave(slave: Tty, thread: Thread | None, place: Location, flags: int) -> TtyFile:
    """Open a slave; raise ``EIO`` while it is locked or after its master is gone."""
    driver: Any = slave.driver
    if driver.locked or not driver.master_open:
        raise EIO
    file = open_tty(slave, thread, place, flags)
    driver.slave_gone = False
    return file
