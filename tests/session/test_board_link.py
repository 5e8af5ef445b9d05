"""What is said where there is no board to run on; and the way to one."""

from __future__ import annotations

import os
import re
from functools import partial

import pytest

from starrylab.boards import load
from starrylab.link.detect import Kind, Watcher
from starrylab.link.port import Port
from starrylab.session import board_link
from starrylab.session.board_link import BoardLinkError, connect
from starrylab.session.config import BoardPort, LabConfig
from starrylab.session.harts import HartError, make_hart
from tests.fakes.uboot import FakeUBoot


@pytest.mark.parametrize(
    ("board", "message"),
    [
        (BoardPort("toaster"), "there is no board toaster; known: "),
        (BoardPort("visionfive2"), "say where it is connected, for example --port /dev/ttyUSB0"),
        (BoardPort("visionfive2", "/dev/nothing"), "/dev/nothing: no such port"),
        (BoardPort("visionfive2", "telnet://host"), "give a device such as /dev/ttyUSB0"),
    ],
)
def test_what_cannot_be_connected_is_said_in_one_line(board: BoardPort, message: str) -> None:
    with pytest.raises(BoardLinkError, match=re.escape(message)) as caught:
        connect(board)
    assert "\n" not in str(caught.value)


def test_silence_leads_to_flashing(monkeypatch) -> None:
    monkeypatch.setattr(board_link, "Session", partial(board_link.Session, turn_s=0.001))
    monkeypatch.setattr(board_link.Port, "open", partial(Port.open, time_scale=0.05))
    ours, theirs = os.openpty()
    try:
        port = os.ttyname(theirs)
        with pytest.raises(BoardLinkError, match=r"no monitor .* starrylab flash virt-r"):
            connect(BoardPort("virt-riscv64", port))
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_boot_loader_is_named_and_told_nothing() -> None:
    with FakeUBoot(1.0, delay=60) as uboot:
        uboot.power_on()
        with Port.open(uboot.tty) as port:
            assert Watcher(port, load("virt-riscv64").loader).wait(60.0).kind is Kind.PROMPT
        with pytest.raises(BoardLinkError, match=r"\(but a boot loader at its prompt\); start it"):
            connect(BoardPort("virt-riscv64", uboot.tty))
        assert uboot.entered == []


def test_a_board_of_another_architecture(monkeypatch) -> None:
    ours, theirs = os.openpty()

    def greet(port, bauds, on_text) -> board_link.Session:
        return board_link.Session(board_link.emulated_line())

    monkeypatch.setattr(board_link, "_greet", greet)
    with pytest.raises(BoardLinkError, match="is a riscv64, but virt-loongarch64 is a loongarch64"):
        connect(BoardPort("virt-loongarch64", os.ttyname(theirs)))
    os.close(ours)
    os.close(theirs)


def test_the_emulated_board_is_always_there() -> None:
    monitor = connect(BoardPort("emulated"))
    assert monitor.arch == "riscv64"
    monitor.close()


def test_an_architecture_without_an_emulated_cpu() -> None:
    with pytest.raises(HartError, match=r"^--arch loongarch64: runs on a board only"):
        make_hart(LabConfig(arch="loongarch64"))
    with pytest.raises(HartError, match="there is no board toaster"):
        make_hart(LabConfig(board=BoardPort("toaster")))
