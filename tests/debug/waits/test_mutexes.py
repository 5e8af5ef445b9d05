"""Two mutexes taken in opposite orders by real programs of musl and glibc."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from starrylab.debug.inspect import namer
from starrylab.debug.stack import Stacks
from starrylab.debug.waits import Waits, look, report
from starrylab.session.assemble import HostIo, assemble
from starrylab.session.config import Bind, LabConfig
from starrylab.userland import compile_c, compiler_environment

PROGRAM = Path(__file__).parent / "programs" / "abba.c"
DEADLINE_NS = 60_000_000_000
_LOOK_NS = 100_000_000


@pytest.fixture(scope="session")
def glibc_abba(tmp_path_factory) -> Path:
    """The program, linked with glibc's shared library."""
    output = tmp_path_factory.mktemp("glibc") / "abba"
    subprocess.run(
        [sys.executable, "-m", "ziglang", "cc", "-target", "riscv64-linux-gnu.2.36", "-O1",
         "-fno-sanitize=undefined", "-o", str(output), str(PROGRAM)],
        env=compiler_environment(),
        check=True, capture_output=True,
    )  # fmt: skip
    return output


def run(program: Path, *argv: str, root: Path | None = None) -> Waits:
    """Run ``program`` until there is a deadlock, a minute at the longest."""
    stdin = os.open(os.devnull, os.O_RDONLY)
    io = HostIo(
        emit_console=len, emit=(len, len), stdin_tty=False, stdout_tty=False, stderr_tty=False,
        stdin_fd=stdin,
    )  # fmt: skip
    lab = assemble(
        LabConfig(
            rootfs=str(root) if root is not None else None,
            binds=(Bind(str(program), b"/tmp/prog", "ro"),),
            argv=(b"/tmp/prog", *(word.encode() for word in argv)),
            memory=64 << 20,
        ),
        io,
    )
    executor = lab.kernel.executor
    end = executor.now + DEADLINE_NS
    seen: list[Waits] = []

    def snap() -> None:
        found = look(lab.kernel, namer(Stacks(lab.kernel)))
        if found.deadlocks or executor.now > end:
            seen.append(found)
            executor.stop()
        else:
            executor.call_at(executor.now + _LOOK_NS, snap)

    executor.call_at(executor.now + _LOOK_NS, snap)
    try:
        lab.run()
    finally:
        os.close(stdin)
    assert seen, "the program ended"
    return seen[0]


def wakers(waits: Waits) -> dict[int, set[int]]:
    return {wait.tid: set(wait.wakers) for wait in waits.threads}


def test_threads_of_musl_that_say_who_owns() -> None:
    waits = run(compile_c([PROGRAM], "riscv64"), "threads", "checked")
    assert [deadlock.tids for deadlock in waits.deadlocks] == [(1, 2)]
    assert wakers(waits) == {1: {2}, 2: {1}}
    assert "the mutex: thread 2 of pid 1" in report(waits)


def test_threads_of_musl_that_do_not() -> None:
    waits = run(compile_c([PROGRAM], "riscv64"), "threads")
    assert [deadlock.tids for deadlock in waits.deadlocks] == [(1, 2)]
    assert "whose owner is not known" in report(waits)
    assert re.search(r"on futex 0x\w+ <own\+4>", report(waits))
    assert re.search(r"on futex 0x\w+ <own\+44>", report(waits))


def test_files_of_musl() -> None:
    waits = run(compile_c([PROGRAM], "riscv64"), "files")
    assert [deadlock.tids for deadlock in waits.deadlocks] == [(1, 2)]
    assert wakers(waits) == {1: {2}, 2: {1}}
    assert re.search(r"on futex 0x\w+ <\w*stderr\w*\+\d+>", report(waits))


def test_processes_of_musl() -> None:
    waits = run(compile_c([PROGRAM], "riscv64"), "processes", "checked")
    assert [deadlock.tids for deadlock in waits.deadlocks] == [(2, 3)]
    assert waits.deadlocks[0].victims == (1,)
    assert wakers(waits) == {1: {2, 3}, 2: {3}, 3: {2}}


@pytest.mark.parametrize(
    ("how", "members", "victims"), [("threads", (1, 2), ()), ("processes", (2, 3), (1,))]
)
def test_glibc(glibc_abba: Path, debian_root: Path, how: str, members, victims) -> None:
    waits = run(glibc_abba, how, root=debian_root)
    assert [(found.tids, found.victims) for found in waits.deadlocks] == [(members, victims)]
    assert "the mutex: " in report(waits)
