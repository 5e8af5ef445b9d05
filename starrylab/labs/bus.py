"""A board's devices for a student's memory map and drivers."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, Protocol

from ..abi.errno import EIO, ENOSPC
from ..devices.nor_flash import NorFlash

RAM, UART, FLASH = 0x8000_0000, 0x1000_0000, 0x2000_0000  #: as on QEMU's "virt" board
MAGIC = b"pfld"


class BusError(Exception):
    """Nothing answered an access: what a CPU takes as an access fault."""


class BusDevice(Protocol):
    """What answers accesses; offsets are from its first byte, widths are in bytes."""

    def load(self, offset: int, width: int) -> int:
        """Answer a load."""
        ...

    def store(self, offset: int, width: int, value: int) -> None:
        """Take a store."""
        ...


class BusRam:
    """Memory."""

    def __init__(self, size: int) -> None:
        self.content = bytearray(size)

    def load(self, offset: int, width: int) -> int:
        """See `BusDevice.load`."""
        return int.from_bytes(self.content[offset : offset + width], "little")

    def store(self, offset: int, width: int, value: int) -> None:
        """See `BusDevice.store`."""
        self.content[offset : offset + width] = value.to_bytes(width, "little")


def payload(content: bytes) -> bytes:
    """Return ``content`` with the header that a payload has in flash."""
    return (
        MAGIC
        + b"".join(n.to_bytes(4, "little") for n in (len(content), zlib.crc32(content)))
        + content
    )


def demonstration(make_map: Callable[[], Any]) -> tuple[Any, int]:
    """Return a board's map with RAM and a flash chip that has a payload, and the chip's address."""
    chip = NorFlash(1 << 16, 1 << 12)
    text = payload(b"#!/bin/sh\necho this script came out of a flash chip\n")
    chip.content[0x3000 : 0x3000 + len(text)] = text
    board = make_map()
    board.add("ram", RAM, 1 << 16, BusRam(1 << 16))
    board.add("flash", FLASH, chip.size, chip)
    return board, FLASH


__all__ = [
    "EIO",
    "ENOSPC",
    "FLASH",
    "MAGIC",
    "RAM",
    "UART",
    "BusDevice",
    "BusError",
    "BusRam",
    "NorFlash",
]
