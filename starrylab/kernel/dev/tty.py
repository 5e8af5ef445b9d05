"""A terminal: a line discipline between a driver and the files that are open on it (tty(4)).

What goes on here is what POSIX chapter 11 describes: who may read and write (job control),
who is signalled, what a hang-up does.  The driver carries bytes; `ldisc` edits lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from weakref import WeakSet

from ...abi import termios as t
from ...abi.capability import CAP_SYS_ADMIN
from ...abi.errno import EAGAIN, EBUSY, EIO
from ...abi.poll import POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM
from ...abi.signal import SIGCONT, SIGHUP, SIGWINCH
from ...abi.termios import UNLOCKED, Termios
from .controlling import ControllingTerminal
from .ldisc import LineDiscipline
from .tty_driver import TtyDriver

if TYPE_CHECKING:
    from ..core.sched import Waker
    from ..files.tty import TtyFile
    from ..thread import Thread
    from .job_control import Surroundings

_DECISECOND: Final = 100_000_000  #: nanoseconds; VTIME counts in tenths of a second
_HELD_LIMIT: Final = 65536  #: input bytes kept while the line discipline's buffer is full
_CHUNK: Final = 65536  #: output bytes processed at a time


class Tty(ControllingTerminal):
    """One terminal."""

    def __init__(
        self,
        name: bytes,
        device: tuple[int, int],
        driver: TtyDriver,
        surroundings: Surroundings,
        termios: Termios | None = None,
    ) -> None:
        super().__init__(surroundings)
        self.name = name  #: below /dev
        self.major, self.minor = device
        self.driver = driver
        self.winsize = (0, 0, 0, 0)  #: rows, columns, width and height in pixels
        self.ldisc = LineDiscipline(self, Termios() if termios is None else termios)
        self.files: WeakSet[TtyFile] = WeakSet()  #: open on it
        self.opens = 0
        self.locked = UNLOCKED  #: settings that stay as they are (TIOCSLCKTRMIOS)
        self.exclusive = False
        self.other_closed = False  #: the other side of a pseudo-terminal is gone
        self.dropped = 0  #: input bytes lost because nobody read
        self._held = b""  #: input that the line discipline had no room for
        self._full = False  #: the line discipline's buffer nearly is
        self._paused = False  #: the other end was asked to pause
        self._last_input = 0
        self._calls: dict[int, tuple[int, int]] = {}  #: tid -> (call count, start of the call)

    # -- settings -------------------------------------------------------------------

    @property
    def termios(self) -> Termios:
        """The settings."""
        return self.ldisc.termios

    def set_termios(self, new: Termios) -> None:
        """Change the settings; whoever waits looks again."""
        old = self.ldisc.termios
        if self.locked is not UNLOCKED:
            new = new.keeping(old, self.locked)
        self.ldisc.set_termios(new)
        self.driver.configure(new, old)
        self.refill()
        self.readers.wake()
        self.writers.wake()

    def resize(self, rows: int, columns: int, width: int = 0, height: int = 0) -> None:
        """Set the window size; a change is told to the foreground (SIGWINCH)."""
        new = (rows, columns, width, height)
        if new != self.winsize:
            self.winsize = new
            self.signal(SIGWINCH)

    # -- the line discipline's port ---------------------------------------------------

    def transmit(self, data: bytes) -> None:
        """Send echoes."""
        self.driver.echo(data)

    def flush_output(self) -> None:
        """Drop output that has not left."""
        self.driver.flush()
        self.writers.wake()

    def input_flushed(self) -> None:
        """Drop the rest of the input too."""
        self._held = b""
        self._pace()
        self.driver.input_flushed()

    def flow_changed(self, stopped: bool) -> None:
        """Tell the driver, and whoever waits to write."""
        self.driver.flow_changed(stopped)
        if not stopped:
            self.writers.wake()

    def throttle(self, on: bool) -> None:
        """Ask the other end to pause; with IXOFF by the STOP key."""
        if self.termios.iflag & t.IXOFF:
            self.driver.send_urgent(self.termios.cc[t.VSTOP if on else t.VSTART])
        self._full = on
        self._pace()

    def _pace(self) -> None:
        """Let the other end send, unless the buffer is full or input is held."""
        pause = self._full or bool(self._held)
        if pause != self._paused:
            self._paused = pause
            self.driver.throttle(pause)

    # -- input ------------------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Take bytes from the driver."""
        self._last_input = self.around.now()
        if self._held:
            self._hold(data)
            return
        taken = self.ldisc.receive(data)
        if taken < len(data):
            self._hold(data[taken:])
        if self.ldisc.readable:
            self.readers.wake()

    def receive_break(self) -> None:
        """Take a break condition from the driver."""
        self.ldisc.receive_break()
        self.readers.wake()

    def receive_bad(self, data: bytes) -> None:
        """Take bytes with a parity or framing error from the driver."""
        self.ldisc.receive_bad(data)
        self.readers.wake()

    def input_room(self) -> int:
        """Return how many bytes `receive` can take without loss."""
        return _HELD_LIMIT - len(self._held)

    def _hold(self, data: bytes) -> None:
        room = _HELD_LIMIT - len(self._held)
        self.dropped += max(0, len(data) - room)
        self._held += data[:room]
        self._pace()

    def refill(self) -> None:
        """Give the line discipline what it had no room for before."""
        while self._held:
            held, self._held = self._held, b""
            taken = self.ldisc.receive(held)
            self._held = held[taken:] + self._held
            if self.ldisc.readable:
                self.readers.wake()
            if not taken:
                return
        self._pace()

    # -- reading and writing ------------------------------------------------------------

    def read(self, size: int, *, nonblocking: bool = False) -> bytes:
        """Read as the settings say; raise ``EAGAIN`` while there is nothing to return."""
        if not size:
            return b""
        ldisc = self.ldisc
        if ldisc.canonical:
            if not ldisc.readable:
                self._nothing()
            data = ldisc.read(size)
        else:
            data = self._read_raw(size, nonblocking)
        if self._held:
            self.refill()
        return data

    def _nothing(self) -> None:
        if self.other_closed:
            raise EIO
        raise EAGAIN

    def _read_raw(self, size: int, nonblocking: bool) -> bytes:
        """Non-canonical mode: the four cases of VMIN and VTIME (termios(3))."""
        ldisc, cc = self.ldisc, self.termios.cc
        have = ldisc.readable
        least, time = cc[t.VMIN], cc[t.VTIME] * _DECISECOND
        if have and (nonblocking or have >= min(least, size)):
            return self._finish(ldisc.read(size))
        if not have and (self.other_closed or (nonblocking and (least or time))):
            self._nothing()
        if not least and not time:
            return b""
        if time and (have or not least):
            start = self._call_start()
            deadline = (max(start, self._last_input) if least else start) + time
            if self.around.now() >= deadline:
                return self._finish(ldisc.read(size) if have else b"")
            self.around.call_at(deadline, self.readers.wake)
        raise EAGAIN

    def _call_start(self) -> int:
        """Return when the system call began that reads now, however often it tried since."""
        thread = self.around.current()
        now = self.around.now()
        if thread is None:
            return now
        count, start = self._calls.get(thread.tid, (-1, now))
        if count != thread.syscalls:
            start = now
            self._calls[thread.tid] = (thread.syscalls, start)
        return start

    def _finish(self, data: bytes) -> bytes:
        if self._calls:
            self._calls.clear()
        return data

    def write(self, data: bytes) -> int:
        """Process and send what fits of ``data``; raise ``EAGAIN`` if nothing does."""
        ldisc, driver = self.ldisc, self.driver
        if ldisc.stopped:
            raise EAGAIN
        done = 0
        output = ldisc.output
        while done < len(data) and (room := driver.room()):
            chunk = data[done : done + min(room, _CHUNK)]
            if len(chunk) * output.expansion > room:
                chunk = chunk[: self._fitting(chunk, room)]
                if not chunk:
                    break
            driver.write(output.process(chunk))
            done += len(chunk)
        if not done and data:
            raise EAGAIN
        return done

    def _fitting(self, chunk: bytes, room: int) -> int:
        """Return how much of ``chunk`` surely fits into ``room`` bytes when processed."""
        if self.ldisc.output.expansion == 2 and len(chunk) + chunk.count(b"\n") <= room:
            return len(chunk)
        return room // self.ldisc.output.expansion

    def poll(self) -> int:
        """Return what the terminal is ready for."""
        ready = 0
        ldisc = self.ldisc
        least = 1
        if not ldisc.canonical and not self.termios.cc[t.VTIME]:
            least = max(1, self.termios.cc[t.VMIN])
        if ldisc.readable >= least:
            ready = POLLIN | POLLRDNORM
        if self.other_closed:
            ready |= POLLHUP
        if not ldisc.stopped and self.driver.room():
            ready |= POLLOUT | POLLWRNORM
        return ready

    def register(self, waker: Waker, events: int) -> None:
        """Wake for input or for room, whichever is asked for; for a hang-up in any case."""
        self.readers.register(waker)
        if events & (POLLOUT | POLLWRNORM):
            self.writers.register(waker)

    def output_space(self) -> None:
        """Learn from the driver that there is room again."""
        self.writers.wake()

    # -- opening, closing, hanging up ---------------------------------------------------

    def check_open(self, thread: Thread | None) -> None:
        """Raise ``EBUSY`` for a terminal in exclusive use (TIOCEXCL)."""
        if self.exclusive and thread is not None and not thread.cred.capable(CAP_SYS_ADMIN):
            raise EBUSY

    def opened(self, file: TtyFile) -> None:
        """Count an open file."""
        self.files.add(file)
        self.opens += 1

    def closed(self, file: TtyFile) -> None:
        """Forget an open file."""
        self.files.discard(file)
        self.opens -= 1
        if not self.opens:
            self.exclusive = False
            self.locked = UNLOCKED
            self.driver.last_close()

    def hang_up(self) -> None:
        """Act on a line that went dead: tell the session leader, end every wait (SIGHUP)."""
        self.invalidate_files()
        session = self.session
        self.release()
        if session is not None:
            leader = self.around.process(session.sid)
            if leader is not None:
                self.around.signal_process(leader, SIGHUP)
                self.around.signal_process(leader, SIGCONT)

    def session_over(self) -> None:
        """See ``ControllingTerminal.session_over``."""
        if not self.driver.pseudo:
            self.invalidate_files()

    def invalidate_files(self) -> None:
        """Make every open file useless, as vhangup(2) does; new ones can be opened."""
        for file in list(self.files):
            file.hung_up = True
        self.ldisc.flush_input()
        self.driver.flush()
        self.readers.wake()
        self.writers.wake()

    def __repr__(self) -> str:
        return f"Tty({self.name.decode()})"
