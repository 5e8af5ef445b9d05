"""What is said where there is no board to run on; and the way to one."""

from __future__ import annotations

import os
import re

import pytest

from starrylab.session import board_link
from starrylab.session.board_link import BoardLinkError, connect
from starrylab.session.config import BoardPort, LabConfig
from starrylab.session.harts import HartError, make_hart


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


def test_silence_leads_to_flashing() -> None:
    ours, theirs = os.openpty()
    try:
        port = os.ttyname(theirs)
        with pytest.raises(BoardLinkError, match=r"no monitor .* starrylab flash virt-r"):
            connect(BoardPort("virt-riscv64", port))
    finally:
        os.close(ours)
        os.close(theirs)


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
