"""The files that a JH7110's boot ROM is given: Debian's are taken, others are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from starrylab.flash.errors import FlashError
from starrylab.flash.job import Recovery
from starrylab.flash.recovery import FILES, FOLDER, check, read_files
from tests.boards.test_real_uboot import missing
from tests.oracle import debian


@pytest.fixture(scope="module")
def folder() -> Path:
    try:
        root = debian.tree("u-boot-starfive", ("u-boot-starfive",))
    except debian.Unavailable as error:
        missing(str(error))
    return root / FOLDER.relative_to("/")


def test_debians_files(folder: Path) -> None:
    files = read_files(folder / FILES[0], folder / FILES[1])
    for at in (0x288, 0x290, 0x400, 0x5000):  # size, checksum, payload
        damaged = bytearray(files.spl)
        damaged[at] ^= 1
        with pytest.raises(FlashError, match="no JH7110 header, or a wrong checksum"):
            check(Recovery(bytes(damaged), files.uboot))
    with pytest.raises(FlashError, match="no JH7110 header"):
        check(Recovery(b"", files.uboot))
    with pytest.raises(FlashError, match="no FIT image of U-Boot"):
        check(Recovery(files.spl, (folder / "u-boot.bin").read_bytes()))
