"""The header of a RISC-V kernel image, which U-Boot's `booti` starts.

Source: Linux, Documentation/arch/riscv/boot-image-header.rst; U-Boot, arch/riscv/lib/image.c.
"""

import struct
from dataclasses import dataclass

from .errors import ImageFormatError

HEADER = struct.Struct(
    "<8sQQQI12s8s4sI"
)  # code, offset, size, flags, version, reserved, two magics
SIZE = HEADER.size
MAGIC = b"RISCV\0\0\0"
MAGIC2 = b"RSC\x05"
VERSION = 2  # 0.2
BIG_ENDIAN = 1
_U64 = 1 << 64


@dataclass(frozen=True, slots=True)
class RiscvHeader:
    """A header of 64 bytes; it is the start of the image itself."""

    code: bytes  # two instructions, executed first: 8 bytes
    text_offset: int  # bytes from the start of RAM to where the image is moved
    image_size: int  # bytes in memory, from the header to the end of .bss; not 0
    flags: int = 0
    version: int = VERSION

    def pack(self) -> bytes:
        """Return the bytes of the header.

        Raises:
            ImageFormatError: a value does not fit; `image_size` is 0, which U-Boot refuses.

        """
        if len(self.code) != 8:
            raise ImageFormatError(f"the first instructions are 8 bytes, not {len(self.code)}")
        if not 0 < self.image_size < _U64:
            raise ImageFormatError(f"image size {self.image_size:#x} is not in 1..2^64-1")
        if not (0 <= self.text_offset < _U64 and 0 <= self.flags < _U64):
            raise ImageFormatError("text offset and flags have 64 bits")
        if not 0 <= self.version < 1 << 32:
            raise ImageFormatError(f"version {self.version:#x} has more than 32 bits")
        return HEADER.pack(
            self.code, self.text_offset, self.image_size, self.flags, self.version,
            bytes(12), MAGIC, MAGIC2, 0,
        )  # fmt: skip


def is_riscv(data: bytes) -> bool:
    """Whether `data` begins with the header of a RISC-V image."""
    return len(data) >= SIZE and data[56:60] == MAGIC2


def read_header(data: bytes) -> RiscvHeader:
    """Return the header at the start of `data`.

    Raises:
        ImageFormatError: too short, another magic, big-endian, or without a size.

    """
    if len(data) < SIZE:
        raise ImageFormatError(f"{len(data)} bytes: a RISC-V image has a header of {SIZE}")
    code, offset, size, flags, version, _, _, magic2, _ = HEADER.unpack_from(data)
    if magic2 != MAGIC2:
        raise ImageFormatError(f"no RISC-V image: {magic2!r} at byte 56, not {MAGIC2!r}")
    if flags & BIG_ENDIAN:
        raise ImageFormatError("a big-endian RISC-V image: no board here starts it")
    if size == 0:
        raise ImageFormatError("the RISC-V image lacks image_size")
    return RiscvHeader(code, offset, size, flags, version)
