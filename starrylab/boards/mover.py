"""Code that moves a program to where it has to run, and jumps there: `go` starts it anywhere.

Boot loaders load a raw image to a place of their own choice. The mover takes its first page; the
program lies behind it. It changes no argument register, and stays in the direct-mapped window in
which a LoongArch boot loader calls it.

The words are kept beside their source, so that nobody needs an assembler; a test assembles them.
"""

from __future__ import annotations

import struct
from typing import Final

PAGE: Final = 4096
FIELDS: Final = 128  #: offset of: destination, bytes to copy, bytes of zeros behind, entry
ALIGNMENT: Final = 8

_RISCV: Final = (
    (0x00000297, "auipc t0, 0"),
    (0x0802B303, "ld t1, 128(t0)"),
    (0x0882B383, "ld t2, 136(t0)"),
    (0x0902BE03, "ld t3, 144(t0)"),
    (0x0982BE83, "ld t4, 152(t0)"),
    (0x00001F37, "lui t5, 1"),
    (0x01E282B3, "add t0, t0, t5"),
    (0x00038E63, "1: beqz t2, 2f"),
    (0x0002BF03, "ld t5, 0(t0)"),
    (0x01E33023, "sd t5, 0(t1)"),
    (0x00828293, "addi t0, t0, 8"),
    (0x00830313, "addi t1, t1, 8"),
    (0xFF838393, "addi t2, t2, -8"),
    (0xFE9FF06F, "j 1b"),
    (0x000E0A63, "2: beqz t3, 3f"),
    (0x00033023, "sd zero, 0(t1)"),
    (0x00830313, "addi t1, t1, 8"),
    (0xFF8E0E13, "addi t3, t3, -8"),
    (0xFF1FF06F, "j 2b"),
    (0x0000100F, "3: fence.i"),
    (0x000E8067, "jr t4"),
)

_LOONGARCH: Final = (
    (0x1800000C, "pcaddi $t0, 0"),
    (0x28C2018D, "ld.d $t1, $t0, 128"),
    (0x28C2218E, "ld.d $t2, $t0, 136"),
    (0x28C2418F, "ld.d $t3, $t0, 144"),
    (0x28C26190, "ld.d $t4, $t0, 152"),
    (0x0045F191, "srli.d $t5, $t0, 60"),
    (0x0041F231, "slli.d $t5, $t5, 60"),
    (0x001545AD, "or $t1, $t1, $t5"),
    (0x00154610, "or $t4, $t4, $t5"),
    (0x14000032, "lu12i.w $t6, 1"),
    (0x0010C98C, "add.d $t0, $t0, $t6"),
    (0x40001DC0, "1: beqz $t2, 2f"),
    (0x28C00192, "ld.d $t6, $t0, 0"),
    (0x29C001B2, "st.d $t6, $t1, 0"),
    (0x02C0218C, "addi.d $t0, $t0, 8"),
    (0x02C021AD, "addi.d $t1, $t1, 8"),
    (0x02FFE1CE, "addi.d $t2, $t2, -8"),
    (0x53FFEBFF, "b 1b"),
    (0x400015E0, "2: beqz $t3, 3f"),
    (0x29C001A0, "st.d $zero, $t1, 0"),
    (0x02C021AD, "addi.d $t1, $t1, 8"),
    (0x02FFE1EF, "addi.d $t3, $t3, -8"),
    (0x53FFF3FF, "b 2b"),
    (0x38720000, "3: dbar 0"),
    (0x38728000, "ibar 0"),
    (0x4C000200, "jr $t4"),
)

CODE: Final = {"riscv64": _RISCV, "loongarch64": _LOONGARCH}


def movable(arch: str, data: bytes, *, to: int, memory_size: int, entry: int) -> bytes:
    """Return an image that puts `data` to the physical address `to`, zeros behind it, and starts.

    `to` is a multiple of 8. Where the image is loaded must not overlap with where it goes.
    """
    data += bytes(-len(data) % ALIGNMENT)
    zeros = max(0, memory_size - len(data) + 7 & ~7)
    code = b"".join(word.to_bytes(4, "little") for word, _ in CODE[arch])
    fields = struct.pack("<4Q", to, len(data), zeros, entry)
    return (code.ljust(FIELDS, b"\0") + fields).ljust(PAGE, b"\0") + data
