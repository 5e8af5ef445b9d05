"""The emulated boot loader of the course, spoken to by the project's own U-Boot client."""

from __future__ import annotations

import io
import zlib
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from starrylab.boards import load
from starrylab.boards.images import monitor_program
from starrylab.boards.monitor_build import monitor_elf
from starrylab.image.riscv import RiscvHeader
from starrylab.labs import catalog
from starrylab.labs.emulated_loader import EmulatedLoader, Places, places_of, start_of
from starrylab.labs.student import load_module
from starrylab.labs.try_board import main
from starrylab.link.monitor.client import MonitorClient
from starrylab.link.port import Port
from starrylab.link.uboot import UBoot

BOARD = load("virt-riscv64")
AT = BOARD.boot.load_address


class Line(Port):
    """The client's port, over the loader's."""

    baud = 115200

    def __init__(self, board: EmulatedLoader) -> None:
        self._pushed = bytearray()
        self.record = self.pulse = None
        self.name, self.time_scale = "emulated", 1.0
        self.board = board

    def now(self) -> float:
        return self.board.now()

    def _receive(self, size: int, timeout: float) -> bytes:
        return self.board.read(size, timeout)

    def write(self, data: bytes) -> None:
        self.board.write(data)


@pytest.fixture(scope="module")
def image() -> bytes:
    return monitor_program(BOARD, monitor_elf(BOARD.arch)).data


def client(board: EmulatedLoader) -> UBoot:
    board.read(1000, 1.0)
    board.read(1000, 1.0)
    found = UBoot(Line(board), BOARD.boot)
    found.sync(10)
    return found


def test_the_usual_client_flashes_it_over_a_bad_line(image: bytes) -> None:
    board = EmulatedLoader(places_of(BOARD), image[64:])
    u_boot = client(board)
    board.flip, board.drop = {3000}, {7000, 9000}
    assert u_boot.load(AT, image) >= 2
    said = u_boot.run(f"crc32 {AT:#x} {len(image):#x}")
    assert f"{zlib.crc32(image):08x}" in said
    u_boot.enter(f"booti {AT:#x} - ${{fdtcontroladdr}}")
    assert MonitorClient(board).greeting.arch == "riscv64"
    board.close()


def test_an_image_that_lies_elsewhere_does_not_run(image: bytes) -> None:
    board = EmulatedLoader(places_of(BOARD), image[64:])
    u_boot = client(board)
    u_boot.load(AT, RiscvHeader(bytes(8), 0x40_0000, len(image)).pack() + image[64:])
    u_boot.enter(f"booti {AT:#x} - ${{fdtcontroladdr}}")
    assert board.monitor is None
    assert "moved to" in board.problem


def test_what_is_no_image_is_refused_at_the_prompt() -> None:
    u_boot = client(EmulatedLoader(Places(0, 1 << 28, (), 0, 0)))
    u_boot.load(AT, bytes(3000))
    assert "Bad Linux RISCV Image magic" in u_boot.run(f"booti {AT:#x} - 0")
    assert "Unknown command" in u_boot.run("nonsense")
    assert "no number" in u_boot.run("loady here")


def test_the_monitor_begins_with_a_jump(image: bytes) -> None:
    assert 64 < start_of(image) < len(image)


def test_the_solution_as_a_program() -> None:
    lab = next(lab for lab in catalog() if lab.name == "20-board")
    module = load_module(lab.solution / "board.py")
    out = io.StringIO()
    with redirect_stdout(out):
        main([str(lab.solution / "board.py")], module.make_image, module.flash)
    assert "argv[2]=two\n" in out.getvalue()
    assert "exit status 0" in out.getvalue()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["x"], "usage"),
        (["nosuchboard", "/dev/null"], "nosuchboard"),
        (["2k1000la", "/dev/null"], "RISC-V"),
    ],
)
def test_wrong_arguments_end_in_one_line(arguments: list[str], why: str) -> None:
    with pytest.raises(SystemExit, match=why):
        main([str(Path("board.py")), *arguments], lambda *_: b"", lambda *_: None)


@pytest.mark.parametrize("damage", ["flip", "drop"])
def test_a_block_whose_first_byte_is_damaged_is_no_end_of_the_file(damage: str) -> None:
    board = EmulatedLoader(Places(0, 1 << 28, (), 0, 0))
    u_boot = client(board)
    getattr(board, damage).add(133)  # behind the name's block
    data = b"\x04" * 3000
    u_boot.load(AT, data)
    assert board.memory[AT] == data
