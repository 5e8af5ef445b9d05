"""/dev/memtrack: start and end an analysis of what the kernel allocated (design document 11.2).

    echo start > /dev/memtrack; run something; echo end > /dev/memtrack

The analysis itself is no part of the kernel: whoever offers one binds it to `MemoryTracker`
(`Components.bind`).  Its text appears on the console, and is read back from the device.
Unlike Starry Mix, a command that is not known is an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi.errno import EAGAIN, EINVAL, ENODEV
from ...abi.poll import POLLOUT
from ..core.sched import Waker
from .device import Device

if TYPE_CHECKING:
    from ..kernel import Kernel
    from .tty import Tty

_LONGEST: Final = 64  #: bytes of a command


class MemoryTracker:
    """What the device speaks to."""

    def command(self, name: str) -> str:
        """Obey ``name``, such as "start"; return what to print.

        Raises ``EINVAL`` for a command that is not known or makes no sense now.
        """
        raise NotImplementedError


class _Printer(Waker):
    """Writes to the console as it takes it."""

    __slots__ = ("_rest", "_tty")

    def __init__(self, tty: Tty) -> None:
        self._tty = tty
        self._rest = b""

    def print(self, text: bytes) -> None:
        """Write ``text`` after what is still to be written."""
        self._rest += text
        self.wake()

    def wake(self) -> None:
        """See ``Waker.wake``: there is room again."""
        while self._rest:
            try:
                taken = self._tty.write(self._rest)
            except EAGAIN:
                self._tty.register(self, POLLOUT)
                return
            self._rest = self._rest[taken:]


class MemTrack(Device):
    """The device; a program writes commands and reads the latest report."""

    name, major, minor = b"memtrack", 114, 514
    mode = 0o600

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._tracker: MemoryTracker | None = None
        self._printer: _Printer | None = None
        self._text = b""

    def read_at(self, size: int, offset: int) -> bytes:
        """Return a part of what the latest command printed."""
        return self._text[offset : offset + size]

    def write_at(self, data: bytes, offset: int) -> int:
        """Obey one command, with or without a newline.

        Raises ``EINVAL`` for an unknown one, ``ENODEV`` where nobody offers the analysis.
        """
        if len(data) > _LONGEST:
            raise EINVAL
        tracker = self._find_tracker()
        text = tracker.command(data.decode("ascii", errors="replace").removesuffix("\n"))
        self._text = text.encode()
        self._print(self._text)
        return len(data)

    def _find_tracker(self) -> MemoryTracker:
        if self._tracker is None:
            try:
                self._tracker = self._kernel.components.make(MemoryTracker, self._kernel)
            except LookupError:
                self._kernel.log("memtrack: this kernel was started without a memory tracker")
                raise ENODEV from None
        return self._tracker

    def _print(self, text: bytes) -> None:
        tty: Tty | None = self._kernel.console.tty
        if tty is None:
            return
        if self._printer is None:
            self._printer = _Printer(tty)
        self._printer.print(text)
