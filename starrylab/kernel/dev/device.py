r"""``Device``: what stands behind a number in /dev (design document 7.3.3).

A new device is a subclass with a name, a number, and the operations it supports::

    class Answer(Device):
        name, major, minor = b"answer", 240, 0

        def read_at(self, size: int, offset: int) -> bytes:
            return b"42\n"[offset : offset + size]

    devices.add(Answer())
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ...abi.errno import EINVAL, ENODEV, ENOTTY
from ...abi.fcntl import O_NOCTTY
from ...abi.poll import POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM
from ...abi.stat import S_IFBLK, S_IFCHR
from ..files.device import DeviceFile
from ..task.cred import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..core.sched import Waker
    from ..files.file import File
    from ..mm.source import PageSource
    from ..thread import Thread
    from ..vfs.mount import Location

Key = tuple[str, int, int]  #: "char" or "block", major, minor


class Device:
    """A device: its name below /dev, its number, and how it is read and written."""

    name: bytes = b""  #: below /dev; empty: the device has no node there
    kind: ClassVar[str] = "char"
    major: int = 0
    minor: int = 0
    mode: int = 0o666
    gid: int = 0
    driver: str = ""  #: the line in /proc/devices; the name when empty

    def read_at(self, size: int, offset: int) -> bytes:
        """Return at most ``size`` bytes from ``offset`` on; ``b""`` is the end."""
        raise EINVAL

    def write_at(self, data: bytes, offset: int) -> int:
        """Write at ``offset``; return the number of bytes taken."""
        raise EINVAL

    def open(self, thread: Thread | None, place: Location, flags: int) -> File:
        """Return an open file of the device."""
        cred = ROOT if thread is None else thread.cred
        return DeviceFile(self, place, flags & ~O_NOCTTY, cred)

    def ioctl(self, thread: Thread, request: int, arg: int) -> Any:
        """Serve ioctl(2)."""
        raise ENOTTY

    def mappable(self, prot: int, flags: int) -> PageSource:
        """Return what mmap(2) maps."""
        raise ENODEV

    def poll(self) -> int:
        """Return what the device is ready for."""
        return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM

    def register(self, waker: Waker, events: int) -> None:
        """Wake ``waker`` at the next change; a device that is always ready has none."""

    @property
    def key(self) -> Key:
        """How the table of devices finds it."""
        return self.kind, self.major, self.minor

    @property
    def type(self) -> int:
        """The S_IF* bits of its node."""
        return S_IFBLK if self.kind == "block" else S_IFCHR

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.major}:{self.minor} {self.name.decode()})"


class DeviceTable(dict[Key, Device]):
    """All devices by number, and those with a node in /dev by name."""

    def __init__(self) -> None:
        super().__init__()
        self.named: dict[bytes, Device] = {}
        self.on_add: Callable[[Device], object] | None = None  #: for each that gets a name

    def add(self, device: Device) -> Device:
        """Make ``device`` known; raise ``ValueError`` when its number or name is taken."""
        if device.key in self or (device.name and device.name in self.named):
            raise ValueError(f"{device!r} collides with {self.get(device.key)!r}")
        self[device.key] = device
        if device.name:
            self.named[device.name] = device
            if self.on_add is not None:
                self.on_add(device)
        return device

    def remove(self, device: Device) -> None:
        """Forget ``device``; files that are open on it stay usable."""
        self.pop(device.key, None)
        self.named.pop(device.name, None)

    def majors(self, kind: str) -> Iterator[tuple[int, str]]:
        """Yield (major, driver) of one kind, ascending (/proc/devices)."""
        found = {
            (device.major, device.driver or device.name.decode())
            for device in self.values()
            if device.kind == kind
        }
        yield from sorted(found)
