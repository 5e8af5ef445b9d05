"""The same steps as gdb makes, line by line; gdb drives the lab through the stub."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from starrylab.debug.control import creating
from starrylab.debug.control.api import StepKind
from starrylab.userland import compile_c
from tests.debug.control.conftest import PROGRAMS, Bench

ROOT = Path(__file__).resolve().parents[3]


def gdb_lines(program: Path, word: str, count: int) -> list[int]:
    """Let gdb step ``count`` times from the start of main; return the lines where it stops."""
    lab = subprocess.Popen(
        [sys.executable, "-m", "starrylab", "run", "--gdb", "0", "--bind",
         f"{program}:/tmp/prog:ro", "--", "/tmp/prog"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    with lab:
        assert lab.stderr is not None
        port = re.search(r"remote :(\d+)", lab.stderr.readline())
        assert port is not None
        commands = [
            f"file {program}", f"target remote :{port[1]}", "handle SIGUSR1 nostop noprint pass",
            "tbreak main", "continue",
            *[part for _ in range(count) for part in (word, 'printf "AT "', "info line *$pc")],
            "kill",
        ]  # fmt: skip
        words = [part for command in commands for part in ("-ex", command)]
        done = subprocess.run(
            ["gdb-multiarch", "-nx", "--batch", *words],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        lab.kill()
    return [int(n) for n in re.findall(r"AT Line (\d+)", done.stdout)]


def our_lines(program: Path, kind: StepKind, count: int) -> list[int]:
    bench = Bench(program)
    try:
        bench.debugger.run()
        bench.debugger.handling.stop.clear()
        creating.add_breakpoint(bench.debugger, "main", temporary=True)
        bench.go()
        found = []
        for _ in range(count):
            bench.step(kind)
            found.append(bench.line())
        return found
    finally:
        bench.close()


#: How far gdb is an oracle: it does not follow longjmp on RISC-V, and shows the line of a call
#: twice where it enters an inlined function.
CASES = [
    ("-O0", "next", StepKind.OVER, 12),
    ("-O0", "step", StepKind.LINE, 31),
    ("-O2", "next", StepKind.OVER, 9),
    ("-O2", "step", StepKind.LINE, 9),
]


@pytest.mark.parametrize(("level", "word", "kind", "count"), CASES)
def test_steps_are_those_of_gdb(gdb_multiarch, level, word, kind, count):
    program = compile_c([PROGRAMS / "steps.c"], "riscv64", flags=("-g", level))
    theirs = gdb_lines(program, word, count)
    assert len(theirs) == count
    assert our_lines(program, kind, count) == theirs
