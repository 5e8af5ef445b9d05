"""`starrylab flash`: what it shows, and what it refuses in one line."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

from starrylab.cli import main
from starrylab.link import ports
from starrylab.link.port import Port
from tests.fakes.uboot import FakeUBoot
from tests.flash.test_flasher import DISK, IMAGE, SCALE


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeUBoot]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "image").write_bytes(IMAGE)
    (tmp_path / "disk").write_bytes(DISK)
    monkeypatch.setattr(Port, "open", functools.partial(Port.open, time_scale=SCALE))
    with FakeUBoot(SCALE, delay=600) as board:  # imports take their time
        yield board


def flash(*args: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    status = main(["flash", *args])
    said = capsys.readouterr()
    return status, said.out + said.err


def test_each_step_is_told(board: FakeUBoot, capsys: pytest.CaptureFixture[str]) -> None:
    board.power_on()
    status, said = flash(
        "virt-riscv64", "--port", board.tty, "--image", "image", "--log", "log", capsys=capsys
    )
    assert status == 0, said
    steps = [line for line in said.splitlines() if line.startswith(("* ", "  image"))]
    assert steps[0] == "* looking what is there"
    assert steps[1] == "* at the boot loader's prompt"
    assert steps[2].startswith("  image at 230400 baud: 20,064 bytes, ")
    assert steps[-3:] == [
        "* the image is in memory and verified", "* the image was started", "* done",
    ]  # fmt: skip
    log = Path("log").read_text()
    assert "# 230400 baud" in log
    assert "< hello from the image" in log


def test_storage_is_asked_about(board: FakeUBoot, capsys: pytest.CaptureFixture[str]) -> None:
    board.power_on()
    arguments = ("virt-riscv64", "--port", board.tty, "--image", "disk", "--persist", "disk")
    status, said = flash(*arguments, capsys=capsys)
    assert status != 0
    assert "answer it beforehand with --yes" in said
    assert not any(board.storage)
    status, said = flash(*arguments, "--yes", capsys=capsys)
    assert status == 0, said
    assert board.storage[: len(DISK)] == DISK


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "which board? One of 2k1000la, "),
        (["nothing"], "nothing"),
        (["virt-riscv64", "--image", "none"], "none: No such file"),
        (["virt-riscv64", "--port", "/dev/ttyUSB99"], "no such port"),
        (["virt-riscv64", "--baud", "0"], "0 is no rate, such as 115200"),
        (["virt-riscv64", "--baud", "99999999999"], "99999999999 is no rate"),
        (["virt-riscv64", "--baud", "\u0663\u0660\u0660"], "is no rate"),
        (["virt-riscv64", "--wait", "nan"], "nan is no number of seconds"),
        (["virt-riscv64", "--wait", "-1"], "-1 is no number of seconds"),
        (["virt-loongarch64", "--port", "x"], "has no boot loader with a serial line"),
        (["visionfive2", "--recovery", "image", "image"], "the SPL has no JH7110 header"),
        (["visionfive2", "--recovery", "none", "none"], "package u-boot-starfive has"),
    ],
)
def test_what_is_refused(
    board: FakeUBoot, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, said = flash(*arguments, capsys=capsys)
    assert status != 0
    assert words in said
    assert len(said.splitlines()) == 1


def test_ports_are_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ports, "find_ports", list)
    assert flash("--ports", capsys=capsys) == (0, "no serial port: plug the USB adapter in\n")
    info = ports.PortInfo("/dev/ttyUSB0", "1a86:7523", "USB Serial", "permission denied")
    monkeypatch.setattr(ports, "find_ports", lambda: [info])
    words = "/dev/ttyUSB0  1a86:7523  USB Serial  permission denied\n"
    assert flash("--ports", capsys=capsys) == (0, words)
