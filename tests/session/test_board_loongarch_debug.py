"""Debugging a loongarch64 program on QEMU's CPU: our debugger, and gdb's own view."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from starrylab.userland import compile_c, programs
from tests.oracle import gdb
from tests.oracle.fixtures import _or_missing
from tests.session import qemu_board

SOURCE = Path(__file__).parent / "board_steps.c"
BOARD = "virt-loongarch64"
PORT = re.compile(rb"target remote :(\d+)")
PATIENCE_S = 120

#: breakpoints, stacks through a signal frame, finish, steps, a watchpoint, values
COMMANDS = (
    f"directory {SOURCE.parent}", "break depth if n == 1", "run", "bt", "delete", "finish",
    "up", "up", "print p", "print p.w * 2", "ptype p", "break handler", "watch counter",
    "continue", "continue", "bt", "continue", "delete", "continue",
)  # fmt: skip


def line(text: str) -> int:
    return next(n for n, t in enumerate(SOURCE.read_text().splitlines(), 1) if text in t)


def program(arch: str) -> Path:
    return compile_c([SOURCE], arch, flags=("-g", "-O0"))


@pytest.fixture(scope="module")
def options(tmp_path_factory) -> Iterator[list[str]]:
    programs("loongarch64")  # or the first lab would say that it builds them
    folder, files = tmp_path_factory.mktemp("board"), [program("loongarch64")]
    with qemu_board.running(BOARD, folder, files) as port:
        yield ["--board", BOARD, "--port", port]


def command(name: str, elf: Path, options: Sequence[str]) -> list[str]:
    starrylab = [sys.executable, "-m", "starrylab", name, "--bind", f"{elf}:/tmp/prog:ro"]
    return [*starrylab, *options, "--", "/tmp/prog"]


def debugged(arch: str, options: Sequence[str]) -> str:
    """Return what our debugger prints, without addresses."""
    script = [part for text in COMMANDS for part in ("-ex", text)]
    done = subprocess.run(
        command("debug", program(arch), ["--batch", *options, *script]),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert (done.stderr, done.returncode) == ("", 3)
    return re.sub(r"0x[0-9a-f]+", "ADDR", done.stdout)


def test_the_debugger_says_what_it_says_of_riscv64(options):
    ours = debugged("loongarch64", options)
    assert "<signal handler called> SIGUSR1" in ours
    assert "New value = 11" in ours
    assert "x=7 w=17.5 counter=11" in ours
    assert ours == debugged("riscv64", [])


def test_gdb_knows_registers_steps_and_calls(options):
    found = _or_missing(gdb.loongarch64)
    lab = subprocess.Popen(
        command("run", program("loongarch64"), ["--gdb", "0", *options]),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        said = b""
        while (port := PORT.search(said)) is None:
            piece = lab.stderr.readline()  # type: ignore[union-attr]
            assert piece, said
            said += piece
        script = (
            "set confirm off", "set debuginfod enabled off", "set width 0",
            f"directory {SOURCE.parent}", f"target remote :{port[1].decode()}",
            "break depth if n == 1", "continue", "bt", "info registers a0 pc", "finish",
            "delete", "handle SIGUSR1 nostop noprint", "break handler", "continue", "bt",
            "stepi", "print $fcc0", "print $vr0", "print depth(2)", "x/i $pc", "delete", "continue",
        )  # fmt: skip
        arguments = [part for text in script for part in ("-ex", text)]
        shown = subprocess.run(
            [*found, "-batch", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=PATIENCE_S, check=False,
        ).stdout  # fmt: skip
        out, _ = lab.communicate(timeout=PATIENCE_S)
    finally:
        lab.kill()
        lab.wait()
    assert "rejected" not in shown, shown
    assert re.search(rf"depth \(n=1\) at .*board_steps.c:{line('if (n == 0)')}", shown)
    assert re.search(rf"#3 .* main \(.*\) at .*board_steps.c:{line('depth(3)')}", shown)
    assert re.search(r"^a0 +0x1 +1$", shown, re.MULTILINE)
    assert re.search(r"^pc +0x[0-9a-f]+ +0x[0-9a-f]+ <depth\+\d+>$", shown, re.MULTILINE)
    assert "Value returned is $1 = 2" in shown
    assert re.search(r"#1 +<signal handler called>.*#\d+ .* raise \(", shown, re.DOTALL)
    assert "$2 = 0" in shown
    assert "<unavailable>" in shown
    assert "$4 = 4" in shown, shown
    assert (out, lab.returncode) == (b"x=7 w=17.5 counter=12\n", 3)
