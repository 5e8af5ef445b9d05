"""What goes wrong outside of a guest: one line that says what to do, and the right status."""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from starrylab.cli import main
from starrylab.userland import build
from tests.host_pty import STARRYLAB, HostTerminal

USAGE = 125  #: as docker run
BUILTIN = build.programs("riscv64") / "starry"


def fails(arguments: list[str], status: int, capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command that must fail; return its one line."""
    assert main(arguments) == status
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("starrylab: ")
    assert shown.err.count("\n") == 1, shown.err
    return shown.err


def elf(machine: int = 243, size: int = 4096, interpreter: bytes = b"") -> bytes:
    """Return the head of an executable ELF file (elf(5))."""
    number = int.to_bytes
    head = b"\x7fELF\x02\x01\x01" + bytes(9)
    head += number(2, 2, "little") + number(machine, 2, "little") + number(1, 4, "little")
    head += number(0x10000, 8, "little") + number(64, 8, "little") + bytes(8) + bytes(4)
    head += b"".join(number(n, 2, "little") for n in (64, 56, 2 if interpreter else 1, 64, 0, 0))
    entries = b""
    if interpreter:
        at = 64 + 2 * 56
        entries = b"".join(
            number(n, width, "little")
            for n, width in ((3, 4), (4, 4), (at, 8), (at, 8), (at, 8),
                             (len(interpreter) + 1, 8), (len(interpreter) + 1, 8), (1, 8))
        )  # fmt: skip
    load = b"".join(
        number(n, width, "little")
        for n, width in ((1, 4), (5, 4), (0, 8), (0x10000, 8), (0x10000, 8), (size, 8), (size, 8),
                         (4096, 8))
    )  # fmt: skip
    return (head + entries + load + interpreter + b"\0").ljust(size, b"\0")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with programs that cannot be started."""
    folder = tmp_path / "root"
    folder.mkdir()
    programs = {
        "foreign": elf(machine=62),
        "cut": elf()[:40],
        "cut-later": BUILTIN.read_bytes()[:20000],
        "no-linker": elf(interpreter=b"/lib/ld.so"),
        "no-interpreter": b"#!/no/such/shell\n",
        "text": b"just text\n",
        "object": elf()[:16] + b"\x01\x00" + elf()[18:],
    }
    for name, content in programs.items():
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o755)
    (folder / "not-executable").write_bytes(BUILTIN.read_bytes())
    return folder


@pytest.mark.parametrize(
    ("program", "status", "words"),
    [
        ("/foreign", 126, "a program for x86-64; this machine is riscv64"),
        ("/cut", 126, "damaged or cut short"),
        ("/cut-later", 126, "damaged or cut short"),
        ("/no-linker", 127, "interpreter (the dynamic linker) is not in the root"),
        ("/no-interpreter", 127, "interpreter /no/such/shell does not exist"),
        ("/text", 126, "neither an ELF program nor a script"),
        ("/object", 126, "not an executable ELF file"),
        ("/not-executable", 126, "chmod +x"),
        ("/dev", 126, "is a directory"),
        ("/nothing", 127, "no such program"),
        ("nothing", 127, "no such program"),
        ("", 127, "empty"),
    ],
)
def test_programs_that_cannot_start(root, program, status, words, capsys) -> None:
    assert words in fails(["run", "--rootfs", str(root), "--", program], status, capsys)


def test_a_program_of_the_host(tmp_path, monkeypatch, capsys) -> None:
    (tmp_path / "mine").write_bytes(BUILTIN.read_bytes())
    monkeypatch.chdir(tmp_path)
    line = fails(["run", "--", "./mine"], 127, capsys)
    assert f"the host has it: --bind {tmp_path}:/mnt -- /mnt/mine\n" in line
    assert "the host has it" not in fails(["run", "--", "/proc/self/nothing"], 127, capsys)


def test_a_root_without_a_shell(root, capsys) -> None:
    line = fails(["run", "--rootfs", str(root)], 127, capsys)
    assert "no /sbin/init, /init or /bin/sh" in line
    assert "name a program" in line


def archive(path: Path, **members: bytes) -> bytes:
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path.read_bytes()


def test_roots_that_are_none(tmp_path, capsys) -> None:
    missing, text, cut, odd = (tmp_path / name for name in ("missing", "text", "cut", "odd"))
    text.write_text("not an archive\n" * 100)
    cut.write_bytes(archive(tmp_path / "whole", a=b"a" * 5000)[:3000])
    os.mkfifo(odd)
    for path, words in (
        (missing, "does not exist"),
        (text, "no tar archive"),
        (cut, "truncated"),
        (odd, "neither a folder nor a file"),
    ):
        line = fails(["run", "--rootfs", str(path), "--", "true"], USAGE, capsys)
        assert words in line
        assert str(path) in line


def test_a_root_with_a_file_in_the_way(tmp_path, capsys) -> None:
    (tmp_path / "dev").write_text("")
    line = fails(["run", "--rootfs", str(tmp_path), "--", "x"], USAGE, capsys)
    assert "root file system is not usable" in line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["bogus"], "there is no command 'bogus'; see starrylab --help"),
        (["run", "--bogus"], "--bogus; see starrylab run --help"),
        (["run", "--memory"], "--memory: expected one argument"),
        (["run", "--memory", "7", "--", "true"], "give 16M to 32G"),
        (["run", "--memory", "lots", "--", "true"], "give 16M to 32G"),
        (["run", "--arch", "vax", "--", "true"], "invalid choice: 'vax'"),
        (["run", "--user", "root", "--", "true"], "give UID or UID:GID"),
        (["run", "--user", "1:", "--", "nothing"], "nothing: no such program"),
        (["run", "--user", "4294967295", "--", "true"], "give UID or UID:GID"),
        (["run", "--hostname", "", "--", "true"], "give 1 to 64 characters"),
        (["run", "--hostname", "n" * 65, "--", "true"], "give 1 to 64 characters"),
        (["run", "--env", "=x", "--", "true"], "give NAME=VALUE"),
        (["run", "--cwd", "/nowhere", "--", "true"], "cannot start in /nowhere"),
        (["run", "--cwd", "/etc/passwd", "--", "true"], "cannot start in /etc/passwd"),
        (["run", "--bind", "/etc", "--", "true"], "give HOST:/GUEST"),
        (["run", "--bind", "/etc:mnt", "--", "true"], "give HOST:/GUEST"),
        (["run", "--bind", "/etc:/mnt:rx", "--", "true"], "give HOST:/GUEST"),
        (["run", "--bind", "/no/such:/mnt", "--", "true"], "there is no /no/such"),
        (["run", "--bind", "/etc:/etc/passwd", "--", "true"], "Not a directory"),
        (["run", "--strace=bogus", "--", "true"], "bogus is no system call"),
        (["syscalls", "surplus"], "surplus; see starrylab syscalls --help"),
        (["doctor", "--surplus"], "--surplus; see starrylab doctor --help"),
    ],
)
def test_wrong_options(arguments, words, capsys) -> None:
    status = 127 if "nothing" in arguments else USAGE
    assert words in fails(arguments, status, capsys)


def test_more_memory_than_there_is(monkeypatch, capsys) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr("starrylab.session.harts.HostRam", refuse)
    line = fails(["run", "--memory", "1G", "--", "true"], USAGE, capsys)
    assert "no 1024 MiB on this host" in line


def test_what_may_not_be_read(monkeypatch, tmp_path, capsys) -> None:
    """Simulated, since tests may run as root, who may read everything."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    line = fails(["run", "--bind", f"{tmp_path}:/mnt", "--", "true"], USAGE, capsys)
    assert f"no permission to read {tmp_path}" in line
    line = fails(["run", "--rootfs", str(tmp_path), "--", "true"], USAGE, capsys)
    assert "no permission to read" in line


def test_the_console_needs_a_terminal(capsys) -> None:
    assert "starrylab run" in fails([], USAGE, capsys)


# -- the compiler and its cache -----------------------------------------------------------


@pytest.fixture
def empty_cache(monkeypatch, tmp_path) -> Path:
    monkeypatch.delenv("STARRYLAB_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_missing_compiler(empty_cache, monkeypatch, capsys) -> None:
    monkeypatch.setattr(build, "compiler_folder", lambda: None)
    assert "pip install ziglang" in fails(["run", "--", "true"], USAGE, capsys)


def test_a_cache_that_cannot_be_written(empty_cache, capsys) -> None:
    empty_cache.write_text("in the way")
    line = fails(["run", "--", "true"], USAGE, capsys)
    assert f"{empty_cache}/starrylab/programs: Not a directory" in line
    assert "XDG_CACHE_HOME" in line


def test_a_full_disk_in_the_cache(empty_cache, monkeypatch, capsys) -> None:
    def full(*_: object, **__: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 1, "", "error: unable to write: NoSpaceLeft\n")

    monkeypatch.setattr(subprocess, "run", full)
    line = fails(["run", "--", "true"], USAGE, capsys)
    assert "No space left on device; make room" in line
    assert list((empty_cache / "starrylab" / "programs").glob("[!.]*")) == []


@pytest.mark.optional
@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("mount") is None, reason="only root can mount a small disk"
)
def test_a_disk_that_is_full_indeed(empty_cache) -> None:
    empty_cache.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(empty_cache)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this host does not let us mount")
    try:
        done = subprocess.run([*STARRYLAB, "run", "--", "true"], capture_output=True, check=False)
    finally:
        subprocess.run(["umount", str(empty_cache)], check=True)
    assert done.returncode == USAGE
    assert b"No space left on device; make room" in done.stderr
    assert done.stderr.count(b"\n") == 1


# -- interruption -------------------------------------------------------------------------


@pytest.mark.parametrize("delay", [0.15, 0.25])
def test_an_interrupt_while_starting(delay: float) -> None:
    process = subprocess.Popen(
        [*STARRYLAB, "run", "--", "sleep", "10"],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    time.sleep(delay)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode in (-signal.SIGINT, 130)
    assert errors in (b"", b"starrylab: interrupted\n")


def test_an_interrupt_while_building(empty_cache) -> None:
    """Nothing half-built stays behind."""
    terminal = HostTerminal([*STARRYLAB, "run", "--", "true"])
    try:
        terminal.see("Building starry")
        terminal.type("\x03")
        assert terminal.end() == 130
        assert terminal.text.endswith("starrylab: interrupted\n")
    finally:
        terminal.close()
    assert list((empty_cache / "starrylab" / "programs").glob("[!.]*")) == []
    assert list((empty_cache / "starrylab" / "programs").glob(".build-*")) == []


# -- help ---------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [[], ["run"], ["syscalls"], ["doctor"]])
def test_help(command, capsys) -> None:
    with pytest.raises(SystemExit) as end:
        main([*command, "--help"])
    assert end.value.code == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert shown.out.startswith("usage: starrylab")
    assert all(len(line) <= 80 for line in shown.out.splitlines())


def test_the_version(capsys) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("starrylab 0.")


def test_output_that_nobody_reads() -> None:
    for command in ("syscalls", "--version", "doctor"):
        script = f"{' '.join(STARRYLAB)} {command} | true"
        done = subprocess.run(["bash", "-c", script], capture_output=True, check=False)
        assert done.stderr == b""
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*STARRYLAB, "syscalls"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1
    assert done.stderr == b"starrylab: cannot write: No space left on device\n"


def test_python_can_run_the_package() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "starrylab", "--version"], capture_output=True, check=True
    )
    assert done.stdout.startswith(b"starrylab ")
