"""A JH7110 without a boot loader: its boot ROM takes an SPL by XMODEM, that takes U-Boot by YMODEM.

Source: U-Boot, doc/board/starfive/jh7110_common.rst and tools/sfspl.c.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ..image.reading import read_image
from ..link.port import Port
from ..link.xmodem import Progress, Sender
from ..link.ymodem import BOOT_ROM, SPL, BatchSender
from .errors import FlashError
from .events import Event, Sent
from .job import Recovery

FOLDER: Final = Path("/usr/lib/u-boot/starfive_visionfive2")
FILES: Final = ("u-boot-spl.bin.normal.out", "u-boot.itb")
_TREE: Final = bytes.fromhex("d00dfeed")
_SIZE_AT: Final = 0x288
_CRC_AT: Final = 0x290
_HEADER: Final = 0x400


def read_files(spl: Path | None = None, uboot: Path | None = None) -> Recovery:
    """Return the two files, Debian's if none are named; raise `FlashError`."""
    paths = [spl or FOLDER / FILES[0], uboot or FOLDER / FILES[1]]
    try:
        recovery = Recovery(*(read_image(path) for path in paths))
    except OSError as error:
        raise FlashError(
            f"{error.filename}: {error.strerror}; Debian's package u-boot-starfive has "
            f"{' and '.join(FILES)}: install it, or name them with --recovery"
        ) from error
    check(recovery)
    return recovery


def check(recovery: Recovery) -> None:
    """Raise `FlashError` for files that the boot ROM or the SPL would not start."""
    spl = recovery.spl
    size, crc = (int.from_bytes(spl[at : at + 4], "little") for at in (_SIZE_AT, _CRC_AT))
    cut = not size or len(spl) < _HEADER + size
    if cut or zlib.crc32(spl[_HEADER : _HEADER + size]) != crc:
        raise FlashError("the SPL has no JH7110 header, or a wrong checksum: take *.normal.out")
    if recovery.uboot[:4] != _TREE:
        raise FlashError("that is no FIT image of U-Boot: take u-boot.itb")


def send_spl(port: Port, recovery: Recovery, say: Callable[[Event], None]) -> None:
    """Answer the boot ROM; raise `TransferError`."""
    Sender(port, BOOT_ROM, progress=_teller(port, "SPL", say)).send(recovery.spl)


def send_uboot(port: Port, recovery: Recovery, say: Callable[[Event], None]) -> None:
    """Answer the SPL; raise `TransferError`."""
    sender = BatchSender(port, SPL, progress=_teller(port, "U-Boot", say))
    sender.send(recovery.uboot, FILES[1])


def _teller(port: Port, what: str, say: Callable[[Event], None]) -> Callable[[Progress], None]:
    def tell(progress: Progress) -> None:
        say(Sent(what, port.baud, progress))

    return tell
