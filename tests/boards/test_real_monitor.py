"""A real U-Boot starts the monitor from a card, with packed pages, and the monitor has them."""

import os
import shutil
import time

import pytest

from starrylab.boards import load
from starrylab.boards.card import Card, write_card
from starrylab.boards.images import monitor_program
from starrylab.boards.monitor_build import monitor_elf
from starrylab.image.pages import PAGE, pack_pages, unpack_pages
from starrylab.link.monitor.client import MonitorClient
from starrylab.link.port import Port
from starrylab.machine.board.monitor import Fetch
from tests.boards.test_real_uboot import FIRMWARE, missing
from tests.fakes.qemu_board import QemuBoard
from tests.oracle import debian

BOARD = load("virt-riscv64")
FILES = [bytes([n]) * 2 * PAGE + b"x" * n for n in range(1, 20)]
PATIENCE = 60.0


@pytest.fixture
def command(tmp_path):
    if shutil.which("qemu-system-riscv64") is None:
        missing("qemu-system-riscv64 is not installed")
    try:
        firmware = debian.tree("u-boot", ("u-boot-qemu",)) / FIRMWARE
    except debian.Unavailable as error:
        missing(str(error))
    program = monitor_program(BOARD, monitor_elf("riscv64"), FILES)
    write_card(Card(BOARD, program, 0), tmp_path / "disk", tmp_path)
    disk = ["-drive", f"file={tmp_path / 'disk'},if=none,id=d,format=raw"]
    machine = ["-M", "virt", "-m", "256M", "-kernel", os.fspath(firmware)]
    return ["qemu-system-riscv64", *machine, *disk, "-device", "virtio-blk-device,drive=d"]


def test_the_monitor_has_the_packed_pages(command):
    packed = unpack_pages(pack_pages(FILES))
    with QemuBoard(command) as board, Port.open(board.tty) as port:
        board.power_on()
        seen, end = b"", time.monotonic() + PATIENCE
        while b"\nStarryLab monitor\r\n" not in seen:
            assert time.monotonic() < end, seen[-1000:]
            seen += port.read(4096, 1.0)
        client = MonitorClient(port)
        assert client.arch == "riscv64"
        assert client.cached() == list(packed)
        at = client.greeting.base
        client.change([Fetch(at, 7)])
        assert client.read([(at, PAGE)]) == [list(packed.values())[7]]
