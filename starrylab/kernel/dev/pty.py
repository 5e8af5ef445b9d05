"""Pseudo-terminals: pairs of a terminal and the program that plays its user (pty(7)).

The slave is an ordinary `Tty`; this driver is its line.  What the slave sends waits in
`output` for the master to read, and what the master writes is the slave's input.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ...abi import ioctl as io
from ...abi import termios as t
from ...abi.errno import ENOSPC
from ...abi.termios import Termios
from ..core.poll import PollSet
from .tty import Tty
from .tty_driver import TtyDriver

if TYPE_CHECKING:
    from .job_control import Surroundings

SLAVE_MAJOR: Final = 136  #: UNIX98_PTY_SLAVE_MAJOR
PTY_MAX: Final = 4096  #: /proc/sys/kernel/pty/max
_LIMIT: Final = 65536  #: bytes on the way to the master
_KEPT: Final = 4095  #: of these, a flush leaves what Linux would have handed over already
_CTRL_S, _CTRL_Q = 0x13, 0x11


class PtyDriver(TtyDriver):
    """The line between a slave and its master."""

    pseudo = True

    def __init__(self, index: int) -> None:
        self.index = index
        self.output = bytearray()  #: to be read by the master
        self.readers = PollSet()  #: who waits for `output`
        self.writers = PollSet()  #: who waits for room in the slave's input
        self.locked = True  #: the slave cannot be opened yet (unlockpt(3))
        self.packet = False  #: TIOCPKT
        self.status = 0  #: TIOCPKT_* events not yet read
        self.master_open = True
        self.slave_gone = False  #: it was open, and nobody has it open any more

    def room(self) -> int:
        """See ``TtyDriver.room``."""
        return max(0, _LIMIT - len(self.output))

    def write(self, data: bytes) -> None:
        """See ``TtyDriver.write``."""
        if self.master_open:
            self.output += data
            self.readers.wake()

    def flush(self) -> None:
        """See ``TtyDriver.flush``."""
        del self.output[_KEPT:]
        self._note(io.TIOCPKT_FLUSHWRITE)

    def input_flushed(self) -> None:
        """See ``TtyDriver.input_flushed``."""
        self._note(io.TIOCPKT_FLUSHREAD)
        self.writers.wake()

    def throttle(self, on: bool) -> None:
        """See ``TtyDriver.throttle``; the master simply finds no room."""
        if not on:
            self.writers.wake()

    def flow_changed(self, stopped: bool) -> None:
        """See ``TtyDriver.flow_changed``."""
        if stopped:
            self._note(io.TIOCPKT_STOP, not_=io.TIOCPKT_START)
        else:
            self._note(io.TIOCPKT_START, not_=io.TIOCPKT_STOP)

    def configure(self, new: Termios, old: Termios) -> None:
        """See ``TtyDriver.configure``; the master hears whether ^S and ^Q still work."""
        was, now = _local_flow(old), _local_flow(new)
        if was != now:
            if now:
                self._note(io.TIOCPKT_DOSTOP, not_=io.TIOCPKT_NOSTOP)
            else:
                self._note(io.TIOCPKT_NOSTOP, not_=io.TIOCPKT_DOSTOP)
        if (new.lflag | old.lflag) & t.EXTPROC:
            self._note(io.TIOCPKT_IOCTL)

    def _note(self, event: int, *, not_: int = 0) -> None:
        if self.packet:
            self.status = self.status & ~not_ | event
            self.readers.wake()

    def last_close(self) -> None:
        """See ``TtyDriver.last_close``; the master's reads fail from now on."""
        self.slave_gone = True
        self.readers.wake()


def _local_flow(termios: Termios) -> bool:
    cc = termios.cc
    return bool(termios.iflag & t.IXON) and (cc[t.VSTOP], cc[t.VSTART]) == (_CTRL_S, _CTRL_Q)


class Ptys:
    """The pairs of one /dev/pts."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings
        self._slaves: dict[int, Tty] = {}
        self._owners: dict[int, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self._slaves)

    def __iter__(self) -> Iterator[tuple[int, Tty]]:
        return iter(sorted(self._slaves.items()))

    def get(self, index: int) -> Tty | None:
        """Return the slave with this number, while its master is open."""
        return self._slaves.get(index)

    def owner(self, index: int) -> tuple[int, int]:
        """Return uid and gid of whoever opened the master."""
        return self._owners[index]

    def make(self, uid: int = 0, gid: int = 0) -> tuple[PtyDriver, Tty]:
        """Make a pair with the lowest free number; raise ``ENOSPC`` at the limit."""
        index = next((i for i in range(PTY_MAX) if i not in self._slaves), None)
        if index is None:
            raise ENOSPC
        driver = PtyDriver(index)
        settings = Termios(cflag=t.B38400 | t.CS8 | t.CREAD)
        name = b"pts/%d" % index
        slave = Tty(name, (SLAVE_MAJOR, index), driver, self._around, settings)
        self._slaves[index] = slave
        self._owners[index] = (uid, gid)
        return driver, slave

    def master_closed(self, driver: PtyDriver, slave: Tty) -> None:
        """Hang the slave up, and free its number."""
        driver.master_open = False
        driver.output.clear()
        slave.other_closed = True
        slave.hang_up()
        if self._slaves.get(driver.index) is slave:
            del self._slaves[driver.index]
            del self._owners[driver.index]
