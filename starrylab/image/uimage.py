"""U-Boot's legacy image, the uImage: a header of 64 bytes and the data, each with a CRC.

Source: U-Boot, include/image.h (struct legacy_img_hdr), boot/image.c. Numbers are big-endian.
"""

import struct
import zlib
from dataclasses import dataclass

from .errors import ImageFormatError

HEADER = struct.Struct(">7I4B32s")
SIZE = HEADER.size
MAGIC = 0x27051956
NAME_SIZE = 32
OS_LINUX = 5
ARCH_RISCV = 26
ARCH_LOONGARCH = 27  # in Loongson's U-Boot 2022.04; mainline has none
TYPE_KERNEL = 2
TYPE_SCRIPT = 6
COMPRESSION_NONE = 0
COMPRESSION_GZIP = 1
_U32 = 1 << 32


@dataclass(frozen=True, slots=True)
class UImage:
    """One uImage. Addresses have 32 bits, `time` is in seconds since 1970 (SOURCE_DATE_EPOCH)."""

    data: bytes
    name: str
    load: int
    entry: int
    time: int
    os: int = OS_LINUX
    arch: int = ARCH_RISCV
    kind: int = TYPE_KERNEL
    compression: int = COMPRESSION_NONE

    def pack(self) -> bytes:
        """Return header and data.

        Raises:
            ImageFormatError: an address, the time or the name does not fit its field.

        """
        name = _name(self.name)
        for what, value in (("load", self.load), ("entry", self.entry), ("time", self.time)):
            if not 0 <= value < _U32:
                raise ImageFormatError(f"{what} {value:#x} does not fit in 32 bits")
        kinds = (self.os, self.arch, self.kind, self.compression)
        if not all(0 <= value < 256 for value in kinds):
            raise ImageFormatError("system, architecture, type and compression have 8 bits each")
        rest = (self.time, len(self.data), self.load, self.entry, zlib.crc32(self.data))
        crc = zlib.crc32(HEADER.pack(MAGIC, 0, *rest, *kinds, name))
        return HEADER.pack(MAGIC, crc, *rest, *kinds, name) + self.data


def script(text: str, name: str, time: int) -> bytes:
    """Return a script for U-Boot's `source`: a uImage, a table of one length before the text."""
    body = text.encode()
    data = struct.pack(">2I", len(body), 0) + body
    return UImage(data, name, 0, 0, time, kind=TYPE_SCRIPT).pack()


def read_uimage(image: bytes) -> UImage:
    """Return the uImage at the start of `image`; bytes after its data are ignored.

    Raises:
        ImageFormatError: too short, another magic, or a CRC that is wrong.

    """
    if len(image) < SIZE:
        raise ImageFormatError(f"{len(image)} bytes: a uImage has a header of {SIZE}")
    magic, crc, time, size, load, entry, data_crc, *kinds, name = HEADER.unpack_from(image)
    if magic != MAGIC:
        raise ImageFormatError(f"no uImage: magic {magic:#010x}, not {MAGIC:#010x}")
    if zlib.crc32(image[:4] + bytes(4) + image[8:SIZE]) != crc:
        raise ImageFormatError("the CRC of the uImage's header is wrong")
    data = image[SIZE : SIZE + size]
    if len(data) < size:
        raise ImageFormatError(f"the uImage is cut: {len(data)} of {size} bytes of data")
    if zlib.crc32(data) != data_crc:
        raise ImageFormatError("the CRC of the uImage's data is wrong")
    text = name.rstrip(b"\0").decode("utf-8", "replace")
    return UImage(data, text, load, entry, time, *kinds)


def _name(name: str) -> bytes:
    encoded = name.encode()
    if len(encoded) > NAME_SIZE or "\0" in name:
        raise ImageFormatError(f"name {name!r}: at most {NAME_SIZE} bytes, none of them NUL")
    return encoded
