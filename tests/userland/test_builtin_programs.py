"""The built-in programs, run under qemu-user, against dash and coreutils of the host."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from starrylab import userland
from tests.oracle import qemu


@pytest.fixture(scope="session")
def programs(qemu_user: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every built-in program by its name."""
    folder = tmp_path_factory.mktemp("bin")
    shutil.copy(userland.programs("riscv64") / "starry", folder)
    for name in (*userland.applets(), "["):
        (folder / name).symlink_to("starry")
    return folder


def run(programs: Path, script: str, stdin: bytes = b"") -> qemu.Result:
    with tempfile.TemporaryDirectory() as folder:
        return qemu.run_tree(
            None,
            [f"{programs}/sh", "-c", script],
            env={"PATH": f"{programs}:/usr/bin:/bin", "HOME": "/root"},
            stdin=stdin,
            cwd=folder,
            keep_tmp=True,  # the programs are there
        )


SCRIPTS = {path.stem: path.read_text() for path in (Path(__file__).parent / "scripts").iterdir()}


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_scripts_print_what_dash_prints(programs: Path, tmp_path: Path, name: str) -> None:
    expected = subprocess.run(
        ["dash" if shutil.which("dash") else "sh", "-c", SCRIPTS[name]],
        cwd=tmp_path,
        env={"PATH": os.defpath, "HOME": "/root", "LC_ALL": "C"},
        capture_output=True,
        check=False,
    )
    result = run(programs, SCRIPTS[name])
    assert result.stdout.decode() == expected.stdout.decode()
    assert result.status == expected.returncode


def test_syntax_error_is_one_line_and_status_2(programs: Path) -> None:
    result = run(programs, "if true; then echo x")
    assert result.status == 2
    assert result.stderr.count(b"\n") == 1
    assert b"syntax error" in result.stderr


def test_cow_demo_keeps_the_parents_pages(programs: Path) -> None:
    assert b"the parent's pages are as they were" in run(programs, "cowdemo").stdout


def test_signal_demo_runs_to_its_alternate_stack(programs: Path) -> None:
    assert b"handler on its own stack: SIGSEGV" in run(programs, "sigdemo").stdout


def test_threads_lose_nothing_under_the_lock(programs: Path) -> None:
    result = run(programs, "threads 3 2000")
    assert b"with the lock 6000" in result.stdout
    assert result.status == 0


def test_stress_succeeds(programs: Path) -> None:
    result = run(programs, "stress 0.5 2")
    assert result.stdout.count(b"worker") == 2
    assert result.status == 0


@pytest.mark.parametrize(("kind", "status"), [("null", 139), ("abort", 134), ("write", 139)])
def test_fault_demos_die_by_their_signal(programs: Path, kind: str, status: int) -> None:
    assert run(programs, f"segv {kind}; echo $?").stdout.split()[-1] == b"%d" % status


class Terminal:
    """A program on a pseudo-terminal."""

    def __init__(self, argv: list[str], env: dict[str, str]) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(argv[0], argv, env)

    def until(self, mark: str, seconds: float = 20) -> str:
        """Read until `mark` comes; return all that came."""
        seen, end = b"", time.monotonic() + seconds
        while mark.encode() not in seen:
            left = end - time.monotonic()
            assert left > 0, f"{mark!r} did not come, but {seen!r}"
            if select.select([self.fd], [], [], left)[0]:
                seen += os.read(self.fd, 4096)
        return seen.decode(errors="replace")

    def type(self, keys: str) -> None:
        os.write(self.fd, keys.encode())


#: what the shell draws when it waits for a new line
PROMPT = "ready> \x1b[K\r\x1b[7C"


@pytest.fixture
def terminal(programs: Path) -> Iterator[Terminal]:
    command = qemu.namespace_command(None, "/", keep_tmp=True)
    terminal = Terminal(
        [*command, f"{programs}/sh", "-i"],
        {"PATH": f"{programs}:/usr/bin:/bin:/usr/sbin", "PS1": "ready> ", "HOME": "/root"},
    )
    terminal.until(PROMPT)
    yield terminal
    os.close(terminal.fd)
    os.waitpid(terminal.pid, 0)


def test_job_control(terminal: Terminal) -> None:
    terminal.type("sh -c 'echo go; exec sleep 30'\r")
    terminal.until("\ngo\r")
    terminal.type("\x1a")
    assert "Stopped" in terminal.until(PROMPT)
    terminal.type("bg\r")
    assert "exec sleep 30" in terminal.until(PROMPT)
    terminal.type("jobs\r")
    assert "Running" in terminal.until(PROMPT)
    terminal.type("fg\r")
    time.sleep(0.3)
    terminal.type("\x03")
    terminal.until(PROMPT)
    terminal.type("echo status $?\r")
    assert "\nstatus 130" in terminal.until(PROMPT)
    terminal.type("exit 0\r")


def test_line_editing(terminal: Terminal) -> None:
    terminal.type("echo wrong\x17right\x01\x05!\r")
    assert "\nright!" in terminal.until(PROMPT)
    terminal.type("\x1b[A\x7f?\r")
    assert "\nright?" in terminal.until(PROMPT)
    terminal.type("echo abd\x1b[Dc\r")
    assert "\nabcd" in terminal.until(PROMPT)
    terminal.type("not this\x03")
    terminal.until(PROMPT)
    terminal.type("echo $?\r")
    assert "\n130" in terminal.until(PROMPT)
    terminal.type("exit 0\r")
