"""`go` enters the monitor wherever it was loaded, and does not say on which hart."""

from __future__ import annotations

import time

from starrylab.boards import load
from starrylab.boards.images import monitor_program, pack
from starrylab.boards.monitor_build import monitor_elf
from starrylab.link.monitor.client import MonitorClient
from starrylab.link.port import Port
from starrylab.link.uboot import UBoot
from tests.boards.test_real_uboot import FIRMWARE
from tests.fakes.qemu_board import QemuBoard
from tests.oracle import debian, qemu_system
from tests.oracle.fixtures import _or_missing

BOARD = load("virt-riscv64")
PATIENCE = 60.0


def test_go(tmp_path):
    machine = _or_missing(qemu_system.riscv64)
    firmware = _or_missing(lambda: debian.tree("u-boot", ("u-boot-qemu",))) / FIRMWARE
    image = tmp_path / "monitor"
    image.write_bytes(pack(monitor_program(BOARD, monitor_elf("riscv64")), BOARD, "raw", 0))
    place = BOARD.boot.load_address + 0x123000
    there = f"loader,file={image},addr={place:#x},force-raw=on"
    command = [*machine, "-kernel", str(firmware), "-device", there]
    with QemuBoard(command) as board, Port.open(board.tty) as port:
        board.power_on()
        wait_for(port, b"Hit any key")
        port.write(b"\x03")
        loader = UBoot(port, BOARD.boot)
        loader.sync()
        loader.enter(f"go {place:#x}")
        wait_for(port, b"StarryLab monitor\r\n")
        greeting = MonitorClient(port).greeting
        assert greeting.image == place
        assert greeting.hart == -1
        assert not place <= greeting.base < place + greeting.image_size


def wait_for(port, text):
    seen, end = b"", time.monotonic() + PATIENCE
    while text not in seen:
        assert time.monotonic() < end, seen[-1000:]
        seen += port.read(timeout=1.0)
