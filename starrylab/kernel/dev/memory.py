"""The memory devices: null, zero, full, random and urandom (null(4), full(4), random(4))."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from ...abi.capability import CAP_SYS_ADMIN
from ...abi.errno import EINVAL, ENODEV, ENOSPC, ENOTTY, EPERM
from ...abi.fcntl import O_NOCTTY
from ...abi.stat import makedev
from ..files.device import DeviceFile, NullFile
from ..mm.shared import SharedPages
from ..task.cred import ROOT
from .device import Device

if TYPE_CHECKING:
    from ..files.file import File
    from ..mm.frames import FrameAllocator
    from ..mm.source import PageSource
    from ..mm.space import AddressSpace
    from ..thread import Thread
    from ..vfs.mount import Location

_MEM_MAJOR: Final = 1
_ZEROS: Final = bytes(65536)
_WHOLE: Final = 1 << 47  #: bytes; larger than any mapping

RNDGETENTCNT: Final = 0x80045200
RNDADDTOENTCNT: Final = 0x40045201
RNDADDENTROPY: Final = 0x40085203
RNDZAPENTCNT: Final = 0x5204
RNDCLEARPOOL: Final = 0x5206
RNDRESEEDCRNG: Final = 0x5207
POOL_BITS: Final = 256  #: what /proc/sys/kernel/random tells once the generator is seeded


class Null(Device):
    """Nothing to read; room for everything."""

    name, major, minor, driver = b"null", _MEM_MAJOR, 3, "mem"

    def read_at(self, size: int, offset: int) -> bytes:
        """See ``Device.read_at``."""
        return b""

    def write_at(self, data: bytes, offset: int) -> int:
        """See ``Device.write_at``."""
        return len(data)

    def open(self, thread: Thread | None, place: Location, flags: int) -> File:
        """See ``Device.open``."""
        cred = ROOT if thread is None else thread.cred
        return NullFile(self, place, flags & ~O_NOCTTY, cred)


class ZeroFile(DeviceFile):
    """Zeros, written to user memory from one block of them."""

    __slots__ = ()
    kind = "zero"

    def read_user(self, mm: AddressSpace, addr: int, size: int) -> int:
        """See ``File.read_user``."""
        done = 0
        while done < size:
            count = min(size - done, len(_ZEROS))
            mm.write(addr + done, _ZEROS if count == len(_ZEROS) else bytes(count))
            done += count
        return size

    def seek(self, offset: int, whence: int) -> int:
        """See ``File.seek``; no position matters (null_lseek)."""
        return 0


class Zero(Device):
    """Zeros without end; a mapping is memory that starts as zeros."""

    name, major, minor, driver = b"zero", _MEM_MAJOR, 5, "mem"

    def __init__(self, frames: FrameAllocator) -> None:
        self._frames = frames

    def read_at(self, size: int, offset: int) -> bytes:
        """See ``Device.read_at``."""
        return bytes(size)

    def write_at(self, data: bytes, offset: int) -> int:
        """See ``Device.write_at``."""
        return len(data)

    def open(self, thread: Thread | None, place: Location, flags: int) -> File:
        """See ``Device.open``."""
        cred = ROOT if thread is None else thread.cred
        return ZeroFile(self, place, flags & ~O_NOCTTY, cred)

    def mappable(self, prot: int, flags: int) -> PageSource:
        """See ``Device.mappable``: every mapping has pages of its own."""
        return SharedPages(self._frames, _WHOLE, (makedev(0, 1), 0), b"/dev/zero")


class Full(Zero):
    """A disk that is always full."""

    name, major, minor, driver = b"full", _MEM_MAJOR, 7, "mem"

    def write_at(self, data: bytes, offset: int) -> int:
        """See ``Device.write_at``."""
        raise ENOSPC

    def mappable(self, prot: int, flags: int) -> PageSource:
        """See ``Device.mappable``."""
        raise ENODEV


class RandomFile(DeviceFile):
    """Random bytes, of which each is the first (noop_llseek)."""

    __slots__ = ()
    kind = "random"

    def read(self, size: int) -> bytes:
        """See ``File.read``."""
        return self.device.read_at(size, 0)

    def write(self, data: bytes) -> int:
        """See ``File.write``."""
        return self.device.write_at(data, 0)

    def seek(self, offset: int, whence: int) -> int:
        """See ``File.seek``; no position is refused, and none is taken."""
        return 0


class Random(Device):
    """Random bytes; the generator is always seeded, so nobody ever waits for it."""

    driver = "mem"
    major = _MEM_MAJOR

    def __init__(self, name: bytes, minor: int, source: Callable[[int], bytes]) -> None:
        self.name = name
        self.minor = minor
        self._source = source

    def read_at(self, size: int, offset: int) -> bytes:
        """See ``Device.read_at``."""
        return self._source(size)

    def write_at(self, data: bytes, offset: int) -> int:
        """See ``Device.write_at``: the bytes may be mixed in, and credit for them is not given."""
        return len(data)

    def open(self, thread: Thread | None, place: Location, flags: int) -> File:
        """See ``Device.open``."""
        cred = ROOT if thread is None else thread.cred
        return RandomFile(self, place, flags & ~O_NOCTTY, cred)

    def ioctl(self, thread: Thread, request: int, arg: int) -> Any:
        """See ``Device.ioctl`` (random(4))."""
        if request == RNDGETENTCNT:
            thread.mm.write_u32(arg, POOL_BITS)
            return 0
        if request not in (
            RNDADDTOENTCNT, RNDADDENTROPY, RNDZAPENTCNT, RNDCLEARPOOL, RNDRESEEDCRNG,
        ):  # fmt: skip
            raise ENOTTY
        if not thread.cred.capable(CAP_SYS_ADMIN):
            raise EPERM
        if request in (RNDADDTOENTCNT, RNDADDENTROPY):
            amount: int = struct.unpack("<i", thread.mm.read(arg, 4))[0]
            if amount < 0:
                raise EINVAL
        return 0


def memory_devices(frames: FrameAllocator, random: Callable[[int], bytes]) -> list[Device]:
    """Return all devices of this module."""
    return [
        Null(),
        Zero(frames),
        Full(frames),
        Random(b"random", 8, random),
        Random(b"urandom", 9, random),
    ]
