"""`starrylab console`: a board's text as it is, explained, stamped, and after an interruption."""

from __future__ import annotations

import os
import pty
import re
import tty
from argparse import Namespace
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from starrylab.cli import main
from starrylab.cli.errors import UserError
from starrylab.cli.profiles import Profile, profile
from starrylab.cli.serial_console import stamped
from tests.cli.test_symbolize_command import FRAME
from tests.debug.dwarf_writer import elf
from tests.debug.symbols.programs import VARIANTS
from tests.host_pty import STARRYLAB, HostTerminal


class Board:
    """A device file that goes and comes: a link to a pseudo-terminal."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.plug()

    def plug(self) -> None:
        self.master, slave = pty.openpty()
        tty.setraw(slave)
        self.path.symlink_to(os.ttyname(slave))
        os.close(slave)  # who has it open has the port

    def unplug(self) -> None:
        self.path.unlink()
        os.close(self.master)


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    board = Board(tmp_path / "port")
    yield board
    board.unplug()


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STARRYLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def test_a_terminal_that_explains_and_outlives_its_adapter(board: Board, tmp_path: Path) -> None:
    kernel, log = tmp_path / "kernel", tmp_path / "log"
    kernel.write_bytes(elf(VARIANTS["5"]().sections()))
    command = [*STARRYLAB, "console", "--port", str(board.path), "--log", str(log)]
    full = [*command, "--elf", str(kernel), "--timestamps"]
    with closing(HostTerminal(full, columns=160)) as terminal:
        terminal.see("115200 baud; Ctrl-] ends")
        os.write(board.master, b"login: ")
        terminal.see("] login:")
        terminal.type("root\x03")  # Ctrl-C goes to the board
        got = b""
        while not got.endswith(b"\x03"):
            got += os.read(board.master, 100)
        assert got == b"root\x03"
        os.write(board.master, f"\r\n{FRAME}\r\n".encode())
        terminal.see("at /src/main.c:10:1")
        os.write(board.master, b"cut off")
        terminal.see("] cut off")
        board.unplug()
        terminal.see("is gone; waiting for it")
        board.plug()
        terminal.wait_until(lambda: terminal.text.count("Ctrl-] ends") == 2, "the port again")
        os.write(board.master, b"again\r\n")
        terminal.see("] again")  # a line of its own
        terminal.type("\x1d")
        assert terminal.end() == 0
    assert "< login: " in log.read_text()


def test_each_line_begins_with_its_time() -> None:
    pieces = [b"one\r\ntwo", b" more\n", b"", b"\nthree"]
    out = b"".join(stamped(iter(pieces))).decode()
    bare = re.sub(r"\[\d\d:\d\d:\d\d\.\d{3}\] ", "@", out)
    assert bare == "@one\r\n@two more\n@\n@three"


def options(**given: object) -> Namespace:
    names = ("profile", "port", "baud", "elf", "base", "log", "timestamps", "save")
    return Namespace(**{**dict.fromkeys(names), **given})


def test_profiles_are_kept() -> None:
    assert profile(options()) == Profile()
    first = profile(options(port='/dev/"a\\b"', baud=9600, timestamps=True, save="vf 2"))
    assert profile(options(profile="vf 2")) == first
    profile(options(port="/dev/b", save="other"))
    assert profile(options(profile="vf 2", baud=1200)).baud == 1200
    with pytest.raises(UserError, match="no profile 'x': other, vf 2"):
        profile(options(profile="x"))


@pytest.mark.parametrize(
    "text", ["nonsense", "[a]\nspeed = 1", "[a]\nbaud = true", "a = 1", "[a]\nport = 3"]
)
def test_a_file_of_profiles_that_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config" / "starrylab" / "consoles.toml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(UserError, match=r"consoles\.toml"):
        profile(options(profile="a"))


def test_a_port_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["console", "--port", "/dev/ttyUSB99"]) == 1
    assert "no such port" in capsys.readouterr().err
