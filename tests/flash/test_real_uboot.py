"""A real U-Boot, old and new, is flashed under QEMU: the monitor greets, a disk keeps an image."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from starrylab.boards import load
from starrylab.boards.images import monitor_program, pack
from starrylab.boards.monitor_build import monitor_elf
from starrylab.flash.events import Event, Said, State, StateChanged
from starrylab.flash.greeting import MonitorGreeter
from starrylab.flash.job import Job
from starrylab.flash.strategy import Flasher
from starrylab.link.detect import Kind, Watcher
from starrylab.link.port import Port
from starrylab.link.record import Record
from tests.boards.test_real_uboot import FIRMWARE, missing
from tests.fakes.qemu_board import QemuBoard
from tests.oracle import debian

BOARD = load("virt-riscv64")


OLD = ("bookworm", "amd64")  #: 2023.01; the package is the same for all architectures
NEW = ("trixie", "riscv64")  #: 2025.01


@pytest.fixture
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[QemuBoard]:
    """QEMU with U-Boot, switched off, and an empty disk `disk`."""
    if shutil.which("qemu-system-riscv64") is None:
        missing("qemu-system-riscv64 is not installed")
    try:
        suite, arch = request.param
        firmware = debian.tree("u-boot", ("u-boot-qemu",), suite=suite, arch=arch) / FIRMWARE
    except debian.Unavailable as error:
        missing(str(error))
    disk = tmp_path / "disk"
    with disk.open("wb") as file:
        file.truncate(1 << 20)
    drive = [
        "-drive",
        f"file={disk},if=none,id=d,format=raw",
        "-device",
        "virtio-blk-device,drive=d",
    ]
    command = ["qemu-system-riscv64", "-M", "virt", "-m", "256M", "-kernel", os.fspath(firmware)]
    with QemuBoard([*command, *drive]) as machine:
        yield machine


@pytest.mark.parametrize("machine", [OLD, NEW], ids=["2023.01", "2025.01"], indirect=True)
def test_the_monitor_is_flashed_and_greets(machine: QemuBoard, tmp_path: Path) -> None:
    image = pack(monitor_program(BOARD, monitor_elf("riscv64")), BOARD, "riscv", 0)
    events: list[Event] = []
    record = Record.to(tmp_path / "line.log")
    with Port.open(machine.tty, record=record) as port:
        machine.power_on()
        job = Job(BOARD, image, "monitor", greets=True)
        Flasher(port, job, events.append, greeter=MonitorGreeter()).run()
        assert MonitorGreeter().hello(port, 5.0) is not None
        MonitorGreeter().reset(port)
        assert Watcher(port, [BOARD.boot]).wait(30.0).kind is Kind.PROMPT
    record.close()
    states = [event.state for event in events if isinstance(event, StateChanged)]
    assert states == [State.UNKNOWN, State.LOADER, State.LOADED, State.STARTED, State.DONE]
    greetings = [event.text for event in events if isinstance(event, Said)]
    assert [text.startswith("the monitor answers: riscv64") for text in greetings] == [True]
    log = (tmp_path / "line.log").read_text()
    assert "> loady 0x84000000" in log
    assert "Total Size" in log


@pytest.mark.parametrize("machine", [NEW], ids=["2025.01"], indirect=True)
def test_a_disk_keeps_an_image(machine: QemuBoard, tmp_path: Path) -> None:
    image = bytes(510) + b"\x55\xaa" + b"EFI PART" + os.urandom(3000) + bytes(300_000) + b"end"
    with Port.open(machine.tty) as port:
        machine.power_on()
        job = Job(BOARD, image, persist="disk")
        Flasher(port, job, lambda _: None, confirm=lambda _: True).run()
    assert (tmp_path / "disk").read_bytes()[: len(image)] == image
