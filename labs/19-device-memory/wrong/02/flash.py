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
        self.regions: list[tuple[int, int, str, Any]] = []

    def add(self, name: str, start: int, size: int, device: Any) -> None:
        """Let ``device`` answer from ``start`` on; ValueError if empty, or if it overlaps."""
        clash = any(
            start < other + length and other < start + size for other, length, *_ in self.regions
        )
        if size <= 0 or clash:
            raise ValueError(f"{name} cannot be at {start:#x}")
        self.regions.append((start, size, name, device))
        self.regions.sort(key=lambda region: region[0])

    def _find(self, addr: int, width: int) -> tuple[Any, int]:
        for start, size, _, device in self.regions:
            if start <= addr and addr + width <= start + size and addr % width == 0:
                return device, addr - start
        raise BusError(f"nothing answers at {addr:#x}")

    def load(self, addr: int, width: int) -> int:
        """Return device.load(offset, width); BusError if misaligned or nothing is there."""
        device, offset = self._find(addr, width)
        return device.load(offset, width)

    def store(self, addr: int, width: int, value: int) -> None:
        """Do device.store(offset, width, value); BusError as for `load`."""
        device, offset = self._find(addr, width)
        device.store(offset, width, value)

    def lines(self) -> list[str]:
        """Return the regions by address, as /proc/iomem has them: "10000000-10000007 : uart"."""
        return [
            f"{start:08x}-{start + size - 1:08x} : {name}" for start, size, name, _ in self.regions
        ]


class Flash:
    """A driver for the chip at ``base``, eight bits wide.  After each method it is readable."""

    def __init__(self, board: MemoryMap, base: int) -> None:
        self.board, self.base = board, base

    def identify(self) -> tuple[int, int]:
        """Return the chip's size and its block's, in bytes; EIO where no such chip is."""
        self._command(0x55, QUERY)
        table = [self.board.load(self.base + at, 1) for at in range(0x31)]
        if bytes(table[0x10:0x13]) != b"QRY":
            raise EIO
        block = (table[0x2F] | table[0x30] << 8) * 256
        return 1 << table[0x27], block - 256

    def _command(self, offset: int, value: int) -> None:
        self.board.store(self.base + offset, 1, value)

    def read(self, offset: int, size: int) -> bytes:
        """Return what is there, by the widest loads that the addresses allow."""
        self._command(0, READ_ARRAY)
        found = bytearray()
        at, end = self.base + offset, self.base + offset + size
        while at < end:
            width = next(w for w in (8, 4, 2, 1) if at % w == 0 and at + w <= end)
            found += self.board.load(at, width).to_bytes(width, "little")
            at += width
        return bytes(found)

    def write(self, offset: int, data: bytes) -> None:
        """Let ``data`` be there, and all else as it was; EIO if the chip reports an error."""
        _, block = self.identify()
        while data:
            start = offset // block * block
            part = data[: start + block - offset]
            self._write_block(start, block, offset - start, part)
            offset, data = offset + len(part), data[len(part) :]

    def _write_block(self, start: int, block: int, within: int, part: bytes) -> None:
        old = self.read(start, block)
        new = old[:within] + part + old[within + len(part) :]
        if any(after & ~before for before, after in zip(old, new, strict=True)):
            self._do(start, ERASE, CONFIRM)
            old = b"\xff" * block
        for at in range(block):
            if old[at] != new[at]:
                self._do(start + at, PROGRAM, new[at])
        self._command(0, READ_ARRAY)

    def _do(self, offset: int, first: int, second: int) -> None:
        self._command(offset, first)
        self._command(offset, second)
        while not (status := self.board.load(self.base + offset, 1)) & READY:
            pass
        if status & (ERASE_FAILED | PROGRAM_FAILED):
            self._command(0, CLEAR_STATUS)
            self._command(0, READ_ARRAY)
            raise EIO


def find_payload(flash: Flash) -> bytes | None:
    """Return the content of the first payload that is whole; None where there is none."""
    size, block = flash.identify()
    for start in range(0, size, block):
        header = flash.read(start, 12)
        length, checksum = (int.from_bytes(header[i : i + 4], "little") for i in (4, 8))
        if header[:4] == b"pfld" and length <= size - start - 12:
            content = flash.read(start + 12, length)
            if zlib.crc32(content) == checksum:
                return content
    return None


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
        end = self.flash.identify()[0]
        return self.flash.read(offset, min(size, end - offset)) if offset < end else b""

    def write_at(self, data: bytes, offset: int) -> int:
        """Write what fits and return how much that is; ENOSPC from the chip's end on."""
        room = self.flash.identify()[0] - offset
        if room <= 0:
            raise ENOSPC
        self.flash.write(offset, data[:room])
        return min(len(data), room)


@proc("board")
def report(kernel: Any) -> str:
    """The memory map."""
    return "".join(line + "\n" for line in kernel.devices.named[b"flash"].flash.board.lines())
