"""A serial line: bytes out, bytes in, a rate, and a bound on every wait.

pyserial opens the device, sets rates (custom ones too) and finds devices; reading and writing are
done here on the descriptor, because a reader that waits for as much as it can hold is of no use in
a dialogue, and because what a failed read means has to be told apart: an adapter that was unplugged
from a second program that takes our bytes.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import select
import stat
import struct
import sys
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

import serial

from .errors import BaudError, LinkError, PortGone
from .holders import holders
from .ports import access_advice, names_of_ports
from .record import Record

SOCKET: Final = "socket://"
_MEMORY_DEVICES: Final = 1  #: major number
_CHUNK: Final = 4096
_TCGETS2: Final = 0x802C542A  #: ioctl_tty(2), of most architectures; refused on others
_TERMIOS2: Final = struct.Struct("@4IB19s2I")  #: struct termios2: flags, keys, two rates
_TOLERANCE: Final = 0.03  #: of a rate, at which a UART still reads what another sends
_PULSE: Final = 0.2  #: seconds
_PATIENCE: Final = 3.0  #: seconds to wait for room, on top of the time that the bytes take


class Port:
    """An open line. All waits are seconds; `time_scale` shortens them for tests."""

    def __init__(
        self, line: serial.SerialBase, name: str, record: Record | None, time_scale: float
    ) -> None:
        self._line = line
        self._pushed = bytearray()
        self.name = name
        self.record = record
        self.time_scale = time_scale
        #: called at least every `_PULSE` seconds of a wait for data; what it raises ends the wait
        self.pulse: Callable[[], object] | None = None

    @classmethod
    def open(
        cls,
        name: str,
        baud: int = 115200,
        *,
        record: Record | None = None,
        time_scale: float = 1.0,
    ) -> Port:
        """Open a device (``/dev/ttyUSB0``, a pty) or ``socket://HOST:PORT``, for us alone.

        Raises LinkError: no such port, no permission, somebody else has it.
        """
        if "://" in name and not name.startswith(SOCKET):
            raise LinkError(f"{name}: give a device such as /dev/ttyUSB0, or {SOCKET}HOST:PORT")
        line = _open_socket(name, baud) if name.startswith(SOCKET) else _open_device(name, baud)
        port = cls(line, name, record, time_scale)
        port.note(f"open {name} at {baud} baud")
        return port

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close it; twice does no harm. The record stays open: it is its owner's."""
        try:
            if self._line.is_open and not self.name.startswith(SOCKET):
                fcntl.ioctl(self.fileno(), termios.TIOCNXCL)  # it outlives us where others have it
            self._line.close()
        except (OSError, serial.SerialException):  # unplugged: there is nothing left to close
            return

    def fileno(self) -> int:
        """Return the descriptor, for select(2)."""
        return int(self._line.fileno())

    @property
    def pushed(self) -> int:
        """How many bytes were put back and not yet read again: select(2) does not know them."""
        return len(self._pushed)

    def note(self, text: str) -> None:
        """Add a remark to the record, if there is one."""
        if self.record is not None:
            self.record.note(text)

    def now(self) -> float:
        """Return the time on this port's clock, in its own seconds."""
        return time.monotonic() / self.time_scale

    def sleep(self, seconds: float) -> None:
        """Do nothing for so long."""
        time.sleep(seconds * self.time_scale)

    def read(self, size: int = _CHUNK, timeout: float = 0.0) -> bytes:
        """Return 1..`size` bytes as soon as there are any, or none after `timeout` seconds.

        Raises PortGone when the device was unplugged, LinkError when somebody else reads from it.
        """
        if self._pushed:
            data = bytes(self._pushed[:size])
            del self._pushed[:size]
            return data
        data = self._awaited(size, max(0.0, timeout) * self.time_scale)
        if data and self.record is not None:
            self.record.add("<", data)
        return data

    def unread(self, data: bytes) -> None:
        """Put bytes back: the next read returns them first."""
        self._pushed[:0] = data

    def drain(self, quiet: float = 0.0, limit: float = 2.0) -> bytes:
        """Take what has arrived, until nothing comes for `quiet` seconds; return it."""
        taken = bytearray()
        end = self.now() + limit
        while data := self.read(timeout=quiet):
            taken += data
            if self.now() > end:
                break
        return bytes(taken)

    def write(self, data: bytes) -> None:
        """Send all of it; raise LinkError when the line takes nothing for seconds."""
        if self.record is not None:
            self.record.add(">", data)
        view = memoryview(data)
        while view:
            view = view[self._send(view) :]

    def flush(self) -> None:
        """Wait until the last bit has left, but not longer than the bytes can take."""
        if self.name.startswith(SOCKET):
            return
        end = time.monotonic() + 10 * _CHUNK / max(self.baud, 300) + _PATIENCE
        try:
            while _unsent(self.fileno()) and time.monotonic() < end:
                time.sleep(0.001)
        except (OSError, serial.SerialException) as error:
            raise self._gone() from error

    @property
    def baud(self) -> int:
        """Bits per second; setting it waits until what was sent has left. A socket has none."""
        return int(self._line.baudrate)

    @baud.setter
    def baud(self, rate: int) -> None:
        self.flush()
        before = self._line.baudrate
        try:
            self._line.baudrate = rate
        except (OSError, ValueError, OverflowError, serial.SerialException) as error:
            with suppress(OSError, serial.SerialException):
                self._line.baudrate = before  # pyserial would believe in the one that failed
            raise BaudError(f"{self.name}: the adapter cannot do {rate} baud") from error
        self.note(f"{rate} baud")

    def check_baud(self, rate: int) -> None:
        """Raise `BaudError` if the adapter says that it cannot do a rate; stay at the present one.

        Some drivers refuse a rate, others take the nearest that they have.
        """
        before = self.baud
        self.baud = rate
        actual = None if self.name.startswith(SOCKET) else _actual_baud(self.fileno())
        self.baud = before
        if actual is not None and abs(actual - rate) > _TOLERANCE * rate:
            raise BaudError(f"{self.name}: the adapter does {actual} baud instead of {rate}")

    def _awaited(self, size: int, seconds: float) -> bytes:
        if self.pulse is None:
            return self._receive(size, seconds)
        end = time.monotonic() + seconds
        while True:
            self.pulse()
            left = end - time.monotonic()
            data = self._receive(size, min(_PULSE, max(0.0, left)))
            if data or left <= _PULSE:
                return data

    def _receive(self, size: int, seconds: float) -> bytes:
        try:
            if not select.select([self.fileno()], (), (), seconds)[0]:
                return b""
            data = os.read(self.fileno(), size)
        except BlockingIOError:
            data = b""
        except (OSError, ValueError, serial.SerialException) as error:
            raise self._gone() from error
        if not data:
            raise self._nothing_there()
        return data

    def _send(self, view: memoryview) -> int:
        limit = (10 * len(view) / max(self.baud, 300)) + _PATIENCE
        try:
            if not select.select((), [self.fileno()], (), limit)[1]:
                raise LinkError(f"{self.name} takes no data: switch hardware flow control off")
            return os.write(self.fileno(), view[:_CHUNK])
        except BlockingIOError:
            return 0
        except (OSError, ValueError, serial.SerialException) as error:
            raise self._gone() from error

    def _nothing_there(self) -> LinkError:
        """Tell what a read of nothing means, though select(2) said that there is something."""
        if self.name.startswith(SOCKET):
            return PortGone(f"{self.name}: the other end has closed the connection")
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        hung_up = any(events & (select.POLLHUP | select.POLLERR) for _, events in poll.poll(0))
        if hung_up or not os.path.exists(self.name):
            return self._gone()
        return LinkError(f"{self.name}: {_culprit(self.name)} reads from it, too; end that program")

    def _gone(self) -> PortGone:
        return PortGone(f"{self.name} is gone: plug the adapter in again and start over")


def _unsent(fd: int) -> int:
    """Return how many bytes the driver still has to send (tty_ioctl(4))."""
    return int.from_bytes(fcntl.ioctl(fd, termios.TIOCOUTQ, bytes(4)), sys.byteorder)


def _actual_baud(fd: int) -> int | None:
    """Return the rate that the driver has set, both ways; None: it does not tell."""
    try:
        answer = fcntl.ioctl(fd, _TCGETS2, bytes(_TERMIOS2.size))
    except OSError:
        return None
    taken, given = _TERMIOS2.unpack(answer)[-2:]
    return int(given) if taken == given else None


def _culprit(name: str) -> str:
    return ", ".join(map(str, holders(name))) or "another program"


def _open_socket(name: str, baud: int) -> serial.SerialBase:
    if not re.fullmatch(r"\w+://.+:\d+/?", name):
        raise LinkError(f"{name}: give host and port, for example socket://127.0.0.1:4444")
    try:
        return serial.serial_for_url(name, baud)
    except (OSError, ValueError, serial.SerialException) as error:
        reason = str(error).rsplit(": ", 1)[-1].rpartition("] ")[2]  # without [Errno ...]
        raise LinkError(f"{name}: cannot connect: {reason}") from error


def _open_device(name: str, baud: int) -> serial.SerialBase:
    try:
        if not _may_be_serial(name):
            raise LinkError(f"{name}: not a serial port")
        others = holders(name)
        if others:
            who = ", ".join(map(str, others))
            raise LinkError(f"{name}: in use by {who}; end that program first")
        line = serial.Serial(name, baud, timeout=0, exclusive=True)
        fcntl.ioctl(line.fileno(), termios.TIOCEXCL)  # flock(2) holds off only those who ask for it
    except (OSError, ValueError, OverflowError, serial.SerialException, termios.error) as error:
        raise LinkError(_why_not(name, baud, error)) from error
    return line


def _may_be_serial(name: str) -> bool:
    """Tell whether it is a device, and none of memory such as /dev/null (devices.txt)."""
    status = os.stat(name)
    return stat.S_ISCHR(status.st_mode) and os.major(status.st_rdev) != _MEMORY_DEVICES


def _why_not(name: str, baud: int, error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number == errno.ENOENT:
        known = names_of_ports()
        return f"{name}: no such port; " + (f"there is {known}" if known else "none found")
    if number in (errno.EACCES, errno.EPERM):
        return access_advice(name)
    if number in (errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK) or "lock" in str(error):
        return f"{name}: in use by {_culprit(name)}; end that program first"
    if isinstance(error, (ValueError, OverflowError)):
        return f"{name}: the adapter cannot do {baud} baud"
    reason = os.strerror(number) if number else str(error)
    return f"{name}: not a serial port: {reason}"
