"""The native signal handler: the bytes are the instructions, and they do what they should."""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from starrylab.machine.unicorn.stop_signal import CODE, Cell, StopSignal, stop_signal

RUNNERS = {"x86_64": [], "aarch64": ["qemu-aarch64-static"]}
HARNESS = Path(__file__).with_name("stop_signal.c")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux's signals")


def _zig(*arguments: object) -> None:
    command = [sys.executable, "-m", "ziglang", *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True)


@pytest.mark.parametrize("cpu", CODE)
def test_the_bytes_are_what_an_assembler_makes(cpu, tmp_path):
    (tmp_path / "code.s").write_text("".join(f"{text}\n" for _, text in CODE[cpu]))
    made, octets = tmp_path / "code.o", tmp_path / "code.bin"
    _zig("cc", "-target", f"{cpu}-linux-musl", "-c", tmp_path / "code.s", "-o", made)
    _zig("objcopy", "-O", "binary", "--only-section=.text", made, octets)
    assert octets.read_bytes().hex() == "".join(row for row, _ in CODE[cpu])


@pytest.mark.parametrize("cpu", CODE)
def test_the_handler_stops_the_engine_of_a_timer_only(cpu, tmp_path):
    """A C program with the same bytes; each of its checks has an exit status of its own."""
    code = bytes.fromhex("".join(row for row, _ in CODE[cpu]))
    (tmp_path / "code.h").write_text(", ".join(map(str, code)))
    program = tmp_path / "program"
    options = ("-target", f"{cpu}-linux-musl", "-nostdlib", "-static", "-O1", f"-I{tmp_path}")
    _zig("cc", *options, HARNESS, "-o", program)
    runner = [] if cpu == platform.machine() else RUNNERS[cpu]
    assert subprocess.run([*runner, program], timeout=60, check=False).returncode == 0


def test_one_signal_serves_the_whole_process():
    assert stop_signal() is stop_signal()
    other = StopSignal()  # as if another library had come first
    assert other.number != stop_signal().number
    assert signal.SIGRTMIN < other.number <= signal.SIGRTMAX


def test_a_signal_from_elsewhere_does_nothing():
    os.kill(os.getpid(), stop_signal().number)


def test_cells_are_bounded_and_come_back():
    stop = StopSignal()
    address = ctypes.cast(ctypes.CDLL(None).abs, ctypes.c_void_p).value
    cells = []
    with pytest.raises(OSError, match="too many engines"):
        cells.extend(stop.take(1, address)[1] for _ in iter(int, 1))
    assert len(cells) > 100
    stop.give_back(cells[7])
    assert cells[7].engine == 0
    at, cell = stop.take(5, address)
    assert (at, cell.engine, cell.stop) == (ctypes.addressof(cells[7]), 5, address)


def test_disarming_waits_for_the_handler():
    cell = Cell(engine=1, stop=2, busy=1)
    reads = iter((1, 1, 0))
    spied = type("Spied", (), {"busy": property(lambda self: next(reads)), "engine": 1})()
    Cell.disarm(spied)
    assert spied.engine == 0
    assert next(reads, None) is None
    assert cell.busy == 1


def test_an_unknown_host_is_refused(monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "vax")
    with pytest.raises(OSError, match="host"):
        StopSignal()
