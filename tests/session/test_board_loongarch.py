"""Programs for loongarch64, on QEMU under the monitor, do what they do for riscv64 on unicorn."""

from __future__ import annotations

from pathlib import Path

import pytest

from starrylab.boards import load
from starrylab.boards.images import monitor_program, pack
from starrylab.boards.monitor_build import monitor_elf
from starrylab.link.monitor.client import MonitorClient
from starrylab.link.port import Port
from starrylab.machine.board.hart import BoardHart
from starrylab.machine.unicorn import UnicornHart
from starrylab.userland import compile_c
from tests.fakes.qemu_board import QemuBoard
from tests.oracle import qemu_system
from tests.oracle.fixtures import _or_missing
from tests.session import board_lab

HERE = Path(__file__).parent
BOARD = load("virt-loongarch64")


class Kept(MonitorClient):
    """A session that leaves the port open for the next."""

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    image = tmp_path_factory.mktemp("image") / "monitor"
    image.write_bytes(pack(monitor_program(BOARD, monitor_elf("loongarch64")), BOARD, "elf", 0))
    command = [*_or_missing(qemu_system.loongarch64), "-kernel", str(image)]
    with QemuBoard(command) as machine, Port.open(machine.tty) as port:
        machine.power_on()
        seen = b""
        while b"StarryLab monitor\r\n" not in seen:
            data = port.read(timeout=30.0)
            assert data, seen
            seen += data
        yield port


@pytest.mark.parametrize(
    ("source", "flags"),
    [("board_program.c", ()), ("board_vectors.c", ("-O3",)), ("board_halves.c", ())],
    ids=["everything", "vectors", "halves"],
)
def test_a_program_does_what_it_does_elsewhere(port, source, flags, monkeypatch):
    ours = compile_c([HERE / source], "loongarch64", flags=flags)
    theirs = compile_c([HERE / source], "riscv64")

    def run(make_hart, program):
        argv = [f"/tmp/share/{program.name}", "word"]
        return board_lab.run(make_hart, argv, monkeypatch, share=program.parent)

    result = run(lambda ram: BoardHart(Kept(port), ram), ours)
    assert result.stdout
    assert result == run(UnicornHart, theirs)
