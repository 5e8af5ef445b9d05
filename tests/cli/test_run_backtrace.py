"""`starrylab run --backtrace` and `--core`: what is left of what a signal ended."""

from __future__ import annotations

import subprocess
from pathlib import Path

from starrylab.userland import programs
from tests import guest


def test_the_stack_of_a_fault_with_functions_and_lines() -> None:
    result = guest.run(["/bin/sh", "-c", "segv null; echo $?"], options=["--backtrace"])
    text = result.stderr.decode()
    assert result.stdout.split()[-1] == b"139"
    assert "unhandled signal 11 (SIGSEGV)" in text
    assert "   0: fault\n            at /usr/src/starrylab/segv.c:" in text
    assert ": main_segv\n" in text
    assert "fp=0x" in text


def test_nothing_is_printed_without_a_death() -> None:
    result = guest.run(["/bin/true"], options=["--backtrace"])
    assert (result.status, result.stderr) == (0, b"")


def test_a_core_file_that_gdb_reads(tmp_path: Path, gdb_multiarch: str) -> None:
    result = guest.run(["/bin/segv", "write"], options=["--core", str(tmp_path)])
    core = tmp_path / "core.segv.1"
    assert result.stderr.decode() == f"starrylab: core file: {core}\n"
    commands = ("-ex", "bt", "-ex", "print $_siginfo.si_signo", "-ex", "info threads")
    done = subprocess.run(
        [gdb_multiarch, "-nx", "--batch", "-ex", f"file {programs('riscv64') / 'starry'}",
         "-ex", f"core-file {core}", *commands],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert "Program terminated with signal SIGSEGV" in done.stdout
    assert "main_segv" in done.stdout
    assert "$1 = 11" in done.stdout


def test_a_folder_for_core_files_that_is_none(tmp_path: Path) -> None:
    result = guest.run(["/bin/true"], options=["--core", str(tmp_path / "missing")])
    assert result.status == 125
    assert b"is not a folder" in result.stderr
    assert b"Traceback" not in result.stderr


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "core.segv.1").mkdir()
    result = guest.run(["/bin/segv"], options=["--core", str(tmp_path)])
    assert result.stderr.decode().startswith("starrylab: --core: ")
    assert result.stderr.decode().endswith("core.segv.1: Is a directory\n")
    assert result.status == 139
