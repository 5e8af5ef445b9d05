"""`mmc` and `sf` of a real U-Boot keep what `--persist` writes: QEMU's model of a SiFive board.

The commands are those that boards/visionfive2 has.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from starrylab.boards import load
from starrylab.boards.loader import parse
from starrylab.flash.errors import FlashError
from starrylab.flash.events import Said
from starrylab.flash.job import Job
from starrylab.flash.strategy import Flasher
from starrylab.link.port import Port
from tests.boards.test_real_uboot import missing
from tests.fakes.qemu_board import QemuBoard
from tests.oracle import debian

BOARD = load(Path(__file__).parent / "sifive_u")
FIRMWARE = "usr/lib/u-boot/sifive_unleashed/u-boot.bin"
SIZES = {"sd": 8 << 20, "spi": 32 << 20}
DRIVES = {"sd": "sd", "spi": "mtd"}
IMAGES = {
    "sd": bytes(510) + b"\x55\xaa" + b"EFI PART" + os.urandom(800) + bytes(700) + b"end",
    "spi": os.urandom(800) + bytes(700) + b"end",
}


def test_the_commands_are_those_of_the_visionfive2() -> None:
    real = load("visionfive2")
    for name in IMAGES:
        ours, theirs = BOARD.storage_named(name), real.storage_named(name)
        assert ours is not None
        assert theirs is not None
        assert (ours.write, ours.read, ours.unit) == (theirs.write, theirs.read, theirs.unit)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[QemuBoard]:
    """QEMU with U-Boot, switched off, an empty card `sd` and an empty flash `spi`."""
    if shutil.which("qemu-system-riscv64") is None:
        missing("qemu-system-riscv64 is not installed")
    try:
        tree = debian.tree("u-boot-sifive", ("u-boot-sifive",), suite="trixie", arch="riscv64")
    except debian.Unavailable as error:
        missing(str(error))
    command = ["qemu-system-riscv64", "-M", "sifive_u", "-m", "2G"]
    command += ["-kernel", os.fspath(tree / FIRMWARE)]
    for name, size in SIZES.items():
        with (tmp_path / name).open("wb") as file:
            file.truncate(size)
        command += ["-drive", f"file={tmp_path / name},if={DRIVES[name]},format=raw"]
    with QemuBoard(command) as machine:
        yield machine


def test_a_card_and_a_flash_keep_an_image(machine: QemuBoard, tmp_path: Path) -> None:
    said: list[str] = []
    with Port.open(machine.tty) as port:
        machine.power_on()
        for name, image in IMAGES.items():
            job = Job(BOARD, image, persist=name)
            Flasher(
                port, job, lambda e: said.append(e.text) if isinstance(e, Said) else None,
                confirm=lambda _: True,
            ).run()  # fmt: skip
            medium = BOARD.storage_named(name)
            assert medium is not None
            start = medium.at * medium.unit
            assert (tmp_path / name).read_bytes()[start : start + len(image)] == image
    assert any("are on the SD card, and were read back" in text for text in said)


def test_a_medium_that_is_not_there_is_said(machine: QemuBoard) -> None:
    text = (Path(__file__).parent / "sifive_u" / "board.toml").read_text()
    board = parse(text.replace('"mmc dev 0"', '"mmc dev 3"'), "board.toml")
    with Port.open(machine.tty) as port:
        machine.power_on()
        job = Job(board, IMAGES["sd"], persist="sd")
        with pytest.raises(FlashError, match="SD card: `mmc dev 3` said") as caught:
            Flasher(port, job, lambda _: None, confirm=lambda _: True).run()
    assert "\n" not in str(caught.value)
