"""devfs: a node for every device that the kernel knows (design document 7.3.3, devtmpfs).

As on Linux it is a tmpfs that the kernel fills: programs may add nodes, links and
directories of their own, and a device that is registered later appears by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ...abi.stat import S_IFDIR, makedev
from .tmpfs import Tmpfs

if TYPE_CHECKING:
    from ..dev.device import Device, DeviceTable
    from ..vfs.page_pool import PagePool

_LINKS: Final = {
    b"fd": b"/proc/self/fd",
    b"stdin": b"/proc/self/fd/0",
    b"stdout": b"/proc/self/fd/1",
    b"stderr": b"/proc/self/fd/2",
}
_DIRECTORIES: Final = {b"pts": 0o755, b"shm": 0o1777}


class DevFs(Tmpfs):
    """The one instance of a kernel; every mount shows it."""

    name = "devtmpfs"

    def __init__(self, now: Callable[[], int], pool: PagePool, devices: DeviceTable) -> None:
        super().__init__(now, pool, b"mode=755")
        root = self.root
        for name, target in _LINKS.items():
            root.symlink(name, target, 0, 0)
        for name, mode in _DIRECTORIES.items():
            root.create(name, S_IFDIR | mode, 0, 0)
        for device in devices.named.values():
            self.add(device)
        devices.on_add = self.add

    def add(self, device: Device) -> None:
        """Make the node of a device."""
        rdev = makedev(device.major, device.minor)
        self.root.create(device.name, device.type | device.mode, 0, device.gid, rdev)

    def unmounted(self) -> None:
        """See ``FilesystemOps.unmounted``: the kernel keeps the instance for the next mount."""
