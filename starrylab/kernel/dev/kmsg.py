"""The kernel log: a ring of records, /dev/kmsg and syslog(2) (dev-kmsg, syslog(2), dmesg(1))."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ...abi.errno import EAGAIN, EINVAL, EPIPE
from ...abi.fcntl import O_NOCTTY
from ...abi.poll import POLLERR, POLLIN, POLLOUT, POLLPRI, POLLRDNORM, POLLWRNORM
from ..core.poll import PollSet
from ..files.device import DeviceFile
from ..task.cred import ROOT
from .device import Device

if TYPE_CHECKING:
    from ..core.sched import Waker
    from ..files.file import File
    from ..thread import Thread
    from ..vfs.mount import Location

LOG_SIZE: Final = 1 << 17  #: bytes of text kept (CONFIG_LOG_BUF_SHIFT=17)
_LINE_MAX: Final = 976  #: bytes a writer may give in one record (LOG_LINE_MAX)
DEFAULT_LEVEL: Final = 4  #: of lines without a priority
CONSOLE_LEVEL: Final = 7  #: lines below it go to the console
_FACILITY_USER: Final = 1
_SEEK_SET, _SEEK_DATA, _SEEK_END = 0, 3, 2


class Record(NamedTuple):
    """One line of the log."""

    sequence: int
    priority: int  #: facility * 8 + level
    time_ns: int  #: since boot
    text: bytes

    def kmsg(self) -> bytes:
        """Return the record as /dev/kmsg shows it."""
        escaped = b"".join(
            bytes((c,)) if 32 <= c < 127 and c != 92 else b"\\x%02x" % c for c in self.text
        )
        head = b"%d,%d,%d,-;" % (self.priority, self.sequence, self.time_ns // 1000)
        return head + escaped + b"\n"

    def syslog(self) -> bytes:
        """Return the record as syslog(2) and /proc/kmsg show it."""
        seconds, rest = divmod(self.time_ns // 1000, 1_000_000)
        head = b"<%d>[%5d.%06d] " % (self.priority, seconds, rest)
        return head + self.text + b"\n"


class KernelLog:
    """The ring."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now  #: nanoseconds since boot
        self.records: deque[Record] = deque()
        self.size = 0  #: bytes of text in `records`
        self.next = 0  #: sequence number of the next record
        self.cleared = 0  #: first record after SYSLOG_ACTION_CLEAR
        self.console_level = CONSOLE_LEVEL
        self.saved_level: int | None = None  #: while SYSLOG_ACTION_CONSOLE_OFF is in force
        self.readers = PollSet()
        #: Shows a line with its level, where somebody does; `CONSOLE_LEVEL` says which.
        self.console: Callable[[int, bytes], object] | None = None
        self.capacity = LOG_SIZE
        self._taken = 0  #: sequence number of the next record for `take`

    def log(self, text: str, level: int = 6) -> None:
        """Append a line of the kernel's own."""
        self.append(text.encode(), level)

    def append(self, text: bytes, priority: int) -> None:
        """Append a line with facility and level; the oldest go when the ring is full."""
        record = Record(self.next, priority, self._now(), text)
        self.next += 1
        self.records.append(record)
        self.size += len(text)
        while self.size > LOG_SIZE:
            self.size -= len(self.records.popleft().text)
        self.readers.wake()
        if self.console is not None and priority & 7 < self.console_level:
            self.console(priority & 7, record.syslog().partition(b">")[2].rstrip(b"\n"))

    def take(self, size: int) -> bytes:
        """Return whole records that nobody took yet, at most ``size`` bytes."""
        taken = b""
        for record in self.after(self._taken):
            line = record.syslog()
            if len(taken) + len(line) > size:
                return taken or self._part(record, line, size)
            taken += line
            self._taken = record.sequence + 1
        return taken

    def _part(self, record: Record, line: bytes, size: int) -> bytes:
        self._taken = record.sequence + 1  # a buffer smaller than a record gets its beginning
        return line[:size]

    def unread(self) -> int:
        """Return the bytes that `take` would find."""
        return sum(len(record.syslog()) for record in self.after(self._taken))

    def poll(self) -> int:
        """See ``Pollable.poll``, for whoever takes records."""
        return POLLIN | POLLRDNORM if self._taken < self.next else 0

    def register(self, waker: Waker, events: int) -> None:
        """See ``Pollable.register``."""
        self.readers.register(waker)

    @property
    def first(self) -> int:
        """Sequence number of the oldest record that is left."""
        return self.records[0].sequence if self.records else self.next

    def after(self, sequence: int) -> list[Record]:
        """Return the records from ``sequence`` on."""
        skip = max(0, sequence - self.first)
        return list(self.records)[skip:]


class KmsgFile(DeviceFile):
    """/dev/kmsg: each read gives one record; each write makes one."""

    __slots__ = ("_log", "_position")
    kind = "kmsg"

    def __init__(
        self, log: KernelLog, device: Device, place: Location, flags: int, cred: Any
    ) -> None:
        super().__init__(device, place, flags, cred)
        self._log = log
        self._position = log.first

    def read(self, size: int) -> bytes:
        """See ``File.read``; ``EPIPE`` once when records were lost, ``EINVAL`` if too small."""
        log = self._log
        if self._position >= log.next:
            raise EAGAIN
        if self._position < log.first:
            self._position = log.first
            raise EPIPE
        data = log.records[self._position - log.first].kmsg()
        if len(data) > size:
            raise EINVAL
        self._position += 1
        return data

    def write(self, data: bytes) -> int:
        """See ``File.write``; a ``<N>`` in front is the priority."""
        if len(data) > _LINE_MAX:
            raise EINVAL
        priority, text = _FACILITY_USER << 3 | DEFAULT_LEVEL, data
        if data[:1] == b"<":
            number, closing, rest = data[1:].partition(b">")
            if closing and number.isdigit():
                priority, text = int(number), rest
                if not priority >> 3:
                    priority |= _FACILITY_USER << 3
        self._log.append(text.rstrip(b"\n"), priority)
        return len(data)

    def seek(self, offset: int, whence: int) -> int:
        """See ``File.seek``: to the oldest, after the last clear, or to the end."""
        if offset:
            raise EINVAL
        log = self._log
        targets = {_SEEK_SET: log.first, _SEEK_DATA: log.cleared, _SEEK_END: log.next}
        if whence not in targets:
            raise EINVAL
        self._position = targets[whence]
        return 0

    def poll(self) -> int:
        """See ``Pollable.poll``."""
        ready = POLLOUT | POLLWRNORM
        if self._position < self._log.next:
            ready |= POLLIN | POLLRDNORM
            if self._position < self._log.first:
                ready |= POLLERR | POLLPRI
        return ready

    def register(self, waker: Waker, events: int) -> None:
        """See ``Pollable.register``."""
        self._log.readers.register(waker)


class Kmsg(Device):
    """The log as a device."""

    name, major, minor, driver = b"kmsg", 1, 11, "mem"
    mode = 0o644

    def __init__(self, log: KernelLog) -> None:
        self._log = log

    def open(self, thread: Thread | None, place: Location, flags: int) -> File:
        """See ``Device.open``."""
        cred = ROOT if thread is None else thread.cred
        return KmsgFile(self._log, self, place, flags & ~O_NOCTTY, cred)
