"""A driver of the kernel serves a UART of the board, through the monitor on another."""

from __future__ import annotations

import socket
import time
from types import SimpleNamespace

import pytest

from starrylab.abi.errno import EAGAIN
from starrylab.abi.fcntl import O_RDWR
from starrylab.boards import load
from starrylab.boards.images import monitor_program, pack
from starrylab.boards.monitor_build import monitor_elf
from starrylab.kernel.dev.tty import Tty
from starrylab.kernel.dev.uart import UartDriver
from starrylab.kernel.files.tty import TtyFile
from starrylab.link.monitor.client import MonitorClient
from starrylab.link.monitor.mmio import UART_16550_READ, UART_16550_WRITE, MonitorMmio
from starrylab.link.port import Port
from tests.fakes.qemu_board import QemuBoard
from tests.kernel.dev.test_tty import Around, place
from tests.oracle import qemu_system
from tests.oracle.fixtures import _or_missing

BOARD = load("virt-loongarch64")
SECOND = 0x100  #: bytes from the first UART to the second (QEMU 9.1 and later)
PATIENCE = 30.0


def connect(line, path):
    """Connect as soon as QEMU listens."""
    end = time.monotonic() + PATIENCE
    while line.connect_ex(path):
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def other_end(tmp_path):
    """The far end of the board's second UART, and a client of its monitor."""
    image = tmp_path / "monitor"
    image.write_bytes(pack(monitor_program(BOARD, monitor_elf("loongarch64")), BOARD, "elf", 0))
    command = [*_or_missing(qemu_system.loongarch64), "-kernel", str(image)]
    more = ["-serial", f"unix:{tmp_path / 'line'},server=on,wait=off"]
    line = socket.socket(socket.AF_UNIX)
    with QemuBoard(command, more) as machine, Port.open(machine.tty) as port, line:
        line.settimeout(PATIENCE)
        connect(line, str(tmp_path / "line"))
        machine.power_on()
        seen = b""
        while b"StarryLab monitor\r\n" not in seen:
            data = port.read(timeout=PATIENCE)
            assert data, seen
            seen += data
        yield line, MonitorClient(port)


def test_a_terminal_on_a_uart_of_the_board(other_end):
    line, client = other_end
    registers = MonitorMmio(
        client,
        BOARD.uart.base + SECOND,
        read_ready=UART_16550_READ,
        write_ready=UART_16550_WRITE,
    )
    around = Around()
    driver = UartDriver(registers, around, BOARD.uart.clock_hz)
    tty = Tty(b"ttyS1", (4, 65), driver, around)
    driver.start(tty)
    file = TtyFile(tty, place(), O_RDWR)
    around.thread = SimpleNamespace(process=SimpleNamespace(group=None, session=None), tid=1)

    def poll_until(done):
        end = time.monotonic() + PATIENCE
        while not done():
            assert time.monotonic() < end
            driver.interrupt()  # nobody tells of the board's interrupts

    text = b"a line of text that fills more than one FIFO, then another\n"
    assert file.write(text) == len(text)
    poll_until(lambda: not driver.pending())
    got = b""
    while not got.endswith(b"\r\n"):
        got += line.recv(1000)
    assert got == text.replace(b"\n", b"\r\n")

    line.sendall(b"typed\r")
    heard = []

    def read():
        try:
            heard.append(file.read(100))
        except EAGAIN:
            return False
        return True

    poll_until(read)
    assert heard == [b"typed\n"]
