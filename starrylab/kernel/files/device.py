"""Open devices that are read and written by offset (design document 7.3.3, ``DeviceOps``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ...abi.errno import ENXIO
from ...abi.stat import S_IFBLK, S_IFCHR, S_IFMT, major, minor
from .file import sought
from .node_file import NodeFile

if TYPE_CHECKING:
    from ..core.sched import Waker
    from ..dev.device import Device
    from ..mm.source import PageSource
    from ..mm.space import AddressSpace
    from ..thread import Thread
    from ..vfs.mount import Location
    from ..vfs.node import Credentials, NodeOps
    from .file import File

_KINDS: Final = {S_IFCHR: "char", S_IFBLK: "block"}


class DeviceFile(NodeFile):
    """A device with a position; what can be done is the device's business."""

    __slots__ = ("device", "offset")
    kind = "device"

    def __init__(self, device: Device, place: Location, flags: int, cred: Credentials) -> None:
        super().__init__(place, flags, cred)
        self.device = device
        self.offset = 0

    def read(self, size: int) -> bytes:
        """See ``File.read``."""
        data = self.device.read_at(size, self.offset)
        self.offset += len(data)
        return data

    def write(self, data: bytes) -> int:
        """See ``File.write``."""
        count = self.device.write_at(data, self.offset)
        self.offset += count
        return count

    def pread(self, size: int, offset: int) -> bytes:
        """See ``File.pread``."""
        return self.device.read_at(size, offset)

    def pwrite(self, data: bytes, offset: int) -> int:
        """See ``File.pwrite``."""
        return self.device.write_at(data, offset)

    def seek(self, offset: int, whence: int) -> int:
        """See ``File.seek``; a device without a size has no end to seek from."""
        self.offset = sought(self.offset, offset, whence)
        return self.offset

    def poll(self) -> int:
        """See ``Pollable.poll``."""
        return self.device.poll()

    def register(self, waker: Waker, events: int) -> None:
        """See ``Pollable.register``."""
        self.device.register(waker, events)

    def ioctl(self, thread: Thread, request: int, arg: int) -> Any:
        """See ``File.ioctl``."""
        return self.device.ioctl(thread, request, arg)

    def mappable(self, prot: int, flags: int) -> PageSource:
        """See ``File.mappable``."""
        return self.device.mappable(prot, flags)


class NullFile(DeviceFile):
    """/dev/null, whose writes are the cheapest system call of all: the data is not looked at."""

    __slots__ = ()
    kind = "null"

    def write(self, data: bytes) -> int:
        """Take everything."""
        return len(data)

    def write_user(self, mm: AddressSpace, addr: int, size: int) -> int:
        """Take everything, unread: even a bad address, as on Linux."""
        return size

    def read(self, size: int) -> bytes:
        """Return the end of file."""
        return b""

    def seek(self, offset: int, whence: int) -> int:
        """See ``File.seek``; /dev/null is at 0 always (null_lseek)."""
        return 0


def open_device(
    devices: dict[tuple[str, int, int], Any],
    node: NodeOps,
    thread: Thread | None,
    place: Location,
    flags: int,
) -> File:
    """Open the device whose number ``node`` bears; raise ``ENXIO`` if nothing drives it."""
    kind = _KINDS.get(node.mode & S_IFMT, "")
    device = devices.get((kind, major(node.rdev), minor(node.rdev)))
    if device is None:
        raise ENXIO
    file: File = device.open(thread, place, flags)
    return file
