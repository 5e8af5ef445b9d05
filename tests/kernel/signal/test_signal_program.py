"""A C program full of signals prints the same here as under qemu-user."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from starrylab.userland import BuildError, compile_c
from tests.oracle import qemu

pytest.importorskip("unicorn")


@pytest.mark.timeout(120)
def test_signals_of_a_real_program(tmp_path: Path) -> None:
    source = Path(__file__).with_name("signal_program.c")
    try:
        program = compile_c([source], "riscv64", flags=["-std=gnu11", "-w", "-O1"])
        oracle = [qemu.interpreter(), str(program)]
    except (BuildError, qemu.Unavailable) as missing:
        pytest.skip(str(missing))
    shutil.copy(program, tmp_path / "program")
    expected = subprocess.run(oracle, capture_output=True, check=True, timeout=60)
    command = [sys.executable, "-m", "starrylab", "run", "--bind", f"{tmp_path}:/mnt"]
    found = subprocess.run(
        [*command, "--", "/mnt/program"],
        cwd=Path(__file__).parents[3],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=60,
    )
    lines = found.stdout.decode().replace("\r\n", "\n").splitlines()
    assert lines == expected.stdout.decode().splitlines(), found.stderr.decode()
    assert found.returncode == expected.returncode
