"""Ports: found, opened for one program alone, recorded; every failure in one line."""

from __future__ import annotations

import ast
import os
import pty
import re
import socket
import subprocess
import sys
import threading
import tty
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from serial.tools import list_ports

from starrylab.link import port as port_module
from starrylab.link import ports
from starrylab.link.errors import BaudError, LinkError, PortGone
from starrylab.link.port import Port
from starrylab.link.record import Record


@pytest.fixture
def line() -> Iterator[tuple[int, str]]:
    """The board's end of a pseudo-terminal, and the name of the other."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    yield master, os.ttyname(slave)
    for fd in (master, slave):
        try:
            os.close(fd)
        except OSError:
            continue


def test_bytes_go_and_come_as_soon_as_there_are_any(line: tuple[int, str]) -> None:
    master, name = line
    with Port.open(name) as port:
        port.write(b"hello")
        assert os.read(master, 100) == b"hello"
        os.write(master, b"answer")
        assert port.read(3, 5.0) == b"ans"
        port.unread(b"ans")
        assert port.drain(0.05) == b"answer"
        assert port.read(timeout=0.01) == b""


def test_what_a_boot_loader_takes_slowly_is_sent_whole(line: tuple[int, str]) -> None:
    master, name = line
    data = os.urandom(50_000)
    got = bytearray()

    def receive() -> None:
        while len(got) < len(data):
            got.extend(os.read(master, 1000))

    reader = threading.Thread(target=receive)
    reader.start()
    with Port.open(name) as port:
        port.write(data)
        reader.join(20)
    assert bytes(got) == data


def test_a_second_program_is_told_who_has_the_port(line: tuple[int, str]) -> None:
    code = "import os, sys; os.open(sys.argv[1], os.O_RDWR); print('open', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code, line[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        other.stdout.readline()
        words = rf"in use by python\S* \(process {other.pid}\); end that program first"
        with pytest.raises(LinkError, match=words):
            Port.open(line[1])
        other.stdin.close()
    Port.open(line[1]).close()


def test_the_same_port_twice(line: tuple[int, str]) -> None:
    with Port.open(line[1]), pytest.raises(LinkError, match="in use by"):
        Port.open(line[1])


def test_a_second_reader_is_noticed(line: tuple[int, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """One that had opened the port before us, and takes what select(2) has announced to us."""
    with Port.open(line[1]) as port:
        monkeypatch.setattr("starrylab.link.port.select.select", lambda *_: ([1], [], []))
        with pytest.raises(LinkError, match="another program reads from it, too"):
            port.read(timeout=1.0)


def test_an_unplugged_adapter(line: tuple[int, str]) -> None:
    port = Port.open(line[1])
    os.close(line[0])
    with pytest.raises(PortGone, match="is gone: plug the adapter in again"):
        port.read(timeout=5.0)
    with pytest.raises(PortGone):
        port.write(b"x")
    port.close()


def test_a_socket(line: tuple[int, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        name = f"socket://127.0.0.1:{server.getsockname()[1]}"
        with Port.open(name) as port:
            board, _ = server.accept()
            assert port.baud == 115200
            port.baud = 460_800  # which it has not
            port.write(b"hello")
            assert board.recv(10) == b"hello"
            board.sendall(b"answer")
            assert port.read(100, 5.0) == b"answer"
            board.close()
            with pytest.raises(PortGone, match="the other end has closed"):
                port.read(timeout=5.0)
    with pytest.raises(LinkError, match=r"cannot connect: Connection refused$"):
        Port.open(name)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("/dev/ttyUSB99", "no such port"),
        ("/dev/null", "not a serial port"),
        ("rfc2217://host:1", "give a device such as /dev/ttyUSB0"),
    ],
)
def test_what_is_no_port(name: str, words: str) -> None:
    with pytest.raises(LinkError, match=words):
        Port.open(name)


def test_a_rate_that_the_driver_refuses_is_not_kept(
    line: tuple[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Port.open(line[1]) as port:
        port.check_baud(12_345)
        with pytest.raises(BaudError, match=r"the adapter cannot do \d+ baud"):
            port.baud = 1 << 40
        assert port.baud == 115200
        monkeypatch.setattr(port_module, "_actual_baud", lambda _: 250_000)
        port.check_baud(256_000)
        with pytest.raises(BaudError, match="does 250000 baud instead of 300000"):
            port.check_baud(300_000)
        assert port.baud == 115200
    with pytest.raises(LinkError, match="cannot do"):
        Port.open(line[1], 1 << 40)


def test_a_port_that_vanishes_while_it_is_opened(
    line: tuple[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    master, name = line

    def look(_: str) -> list[object]:
        os.close(master)
        return []

    monkeypatch.setattr(port_module, "holders", look)
    with pytest.raises(LinkError, match="no such port"):
        Port.open(name)


def test_advice_names_the_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports.grp, "getgrgid", lambda _: SimpleNamespace(gr_name="dialout"))
    monkeypatch.setattr(ports.getpass, "getuser", lambda: "ada")
    assert ports.access_advice(str(tmp_path)).endswith("sudo usermod -aG dialout ada")


def fake_port(device: str, hwid: str, **more: object) -> SimpleNamespace:
    empty = {"vid": None, "pid": None, "product": None, "description": "n/a"}
    return SimpleNamespace(device=device, hwid=hwid, **{**empty, **more})


def test_phantoms_are_hidden_and_adapters_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        fake_port("/dev/ttyS0", "PNP0501"),
        *(fake_port(f"/dev/ttyS{n}", "n/a") for n in range(1, 32)),
        fake_port("/dev/ttyUSB0", "USB ...", vid=0x1A86, pid=0x7523, product="USB Serial"),
    ]
    monkeypatch.setattr(list_ports, "comports", lambda: found)
    monkeypatch.setattr(ports.os, "access", lambda *_: True)
    usb, uart = ports.find_ports()
    assert str(usb) == "/dev/ttyUSB0  1a86:7523  USB Serial"
    assert uart.path == "/dev/ttyS0"
    with pytest.raises(LinkError, match=r"which port\? .*ttyUSB0.*ttyS0"):
        ports.choose_port(None)
    found[:] = found[-1:]
    assert ports.choose_port(None) == "/dev/ttyUSB0"
    found.clear()
    with pytest.raises(LinkError, match="no serial port found"):
        ports.choose_port(None)


def test_a_record_has_both_directions_and_can_be_read_back(
    line: tuple[int, str], tmp_path: Path
) -> None:
    record = Record.to(tmp_path / "log")
    with Port.open(line[1], record=record) as port:
        port.write(b"loady 84000000\r")
        os.write(line[0], b"ready\r\nC\x06\xff")
        while port.read(timeout=0.1):
            pass
        port.baud = 230_400
    record.close()
    passed = {">": b"", "<": b""}
    for text in (tmp_path / "log").read_text().splitlines()[1:]:
        found = re.fullmatch(r" *\d+\.\d{6} ([<>#]) (.*)", text)
        assert found, text
        if found[1] != "#":
            quoted = found[2].replace('"', '\\"')
            passed[found[1]] += ast.literal_eval(f'b"{quoted}"')
    assert passed == {">": b"loady 84000000\r", "<": b"ready\r\nC\x06\xff"}
    assert "# 230400 baud" in (tmp_path / "log").read_text()


def test_a_record_that_cannot_be_kept(tmp_path: Path) -> None:
    with pytest.raises(LinkError, match="No such file"):
        Record.to(tmp_path / "no" / "log")


@pytest.mark.parametrize("name", ["socket://x", "socket://", "socket://127.0.0.1:", "socket://:x"])
def test_a_socket_needs_host_and_port(name):
    with pytest.raises(LinkError, match="give host and port, for example socket://127"):
        Port.open(name)
