"""Lab 19: a memory map, a driver for a flash chip, and /dev/flash."""

from __future__ import annotations

import zlib
from typing import Any

from starrylab.labs.bus import EIO, ENOSPC, BusError, demonstration
from starrylab.labs.nodes import Device, proc

READ_ARRAY, PROGRAM, ERASE, CONFIRM = 0xFF, 0x40, 0x20, 0xD0
CLEAR_STATUS, READ_STATUS, QUERY = 0x50, 0x70, 0x98
READY, ERASE_FAILED, PROGRAM_FAILED = 0x80, 0x20, 0x10


class MemoryMap:
    """What lies where in physical memory; ``widths`` are 1, 2, 4 and 8 bytes."""

    def __init__(self) -> None:
        raise NotImplementedError("MemoryMap.__init__")

    def add(self, name: str, start: int, size: int, device: Any) -> None:
        """Let ``device`` answer from ``start`` on; ValueError if empty, or if it overlaps."""
        raise NotImplementedError("MemoryMap.add")

    def load(self, addr: int, width: int) -> int:
        """Return device.load(offset, width); BusError if misaligned or nothing is there."""
        raise NotImplementedError("MemoryMap.load")

    def store(self, addr: int, width: int, value: int) -> None:
        """Do device.store(offset, width, value); BusError as for `load`."""
        raise NotImplementedError("MemoryMap.store")

    def lines(self) -> list[str]:
        """Return the regions by address, as /proc/iomem has them: "10000000-10000007 : uart"."""
        raise NotImplementedError("MemoryMap.lines")


class Flash:
    """A driver for the chip at ``base``, eight bits wide.  After each method it is readable."""

    def __init__(self, board: MemoryMap, base: int) -> None:
        self.board, self.base = board, base

    def identify(self) -> tuple[int, int]:
        """Return the chip's size and its block's, in bytes; EIO where no such chip is."""
        raise NotImplementedError("Flash.identify")

    def read(self, offset: int, size: int) -> bytes:
        """Return what is there, by the widest loads that the addresses allow."""
        raise NotImplementedError("Flash.read")

    def write(self, offset: int, data: bytes) -> None:
        """Let ``data`` be there, and all else as it was; EIO if the chip reports an error."""
        raise NotImplementedError("Flash.write")


def find_payload(flash: Flash) -> bytes | None:
    """Return the content of the first payload that is whole; None where there is none."""
    raise NotImplementedError("find_payload")


class FlashNode(Device):
    """/dev/flash."""

    name, major, minor = b"flash", 240, 1
    chip: Flash | None = None

    @property
    def flash(self) -> Flash:
        """The driver; without another one that of a chip with something in it."""
        if self.chip is None:
            self.chip = Flash(*demonstration(MemoryMap))
        return self.chip

    def read_at(self, size: int, offset: int) -> bytes:
        """Return up to ``size`` bytes; none from the chip's end on."""
        raise NotImplementedError("FlashNode.read_at")

    def write_at(self, data: bytes, offset: int) -> int:
        """Write what fits and return how much that is; ENOSPC from the chip's end on."""
        raise NotImplementedError("FlashNode.write_at")


@proc("board")
def report(kernel: Any) -> str:
    """The memory map."""
    return "".join(line + "\n" for line in kernel.devices.named[b"flash"].flash.board.lines())
