"""`starrylab leaks`, as a user types it."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest


def leaks(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "starrylab", "leaks", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)


def test_a_thousand_iterations_of_everyday_work_leave_nothing() -> None:
    work = (
        "echo hi | cat >/tmp/x; cat /tmp/x >/dev/null; rm /tmp/x; mkdir /tmp/d; rmdir /tmp/d; true"
    )
    done = leaks("--iterations", "1000", "--", "sh", "-c", work)
    assert (done.returncode, done.stderr) == (0, "")
    assert "nothing grows, and all memory adds up" in done.stdout
    assert "note:" not in done.stdout


def test_a_file_that_stays_is_named_with_its_holder_and_its_call() -> None:
    done = leaks("--", "sh", "-c", "echo x >/tmp/f$$")
    assert done.returncode == 1
    assert "+1.00    +4096  PAGE_CACHE frames" in done.stdout
    assert "dentry /tmp/f" in done.stdout
    assert "made in openat()" in done.stdout
    assert "DirEntry.attach at kernel/vfs/dentry.py:" in done.stdout
    assert "apply_redirects at /usr/src/starrylab/sh_exec.c:" in done.stdout  # the program's side


def test_a_process_that_stays_is_growth_as_json() -> None:
    # The child has its own name only once it has run execve: that is waited for.
    script = "sleep 1000 & until read n </proc/$!/comm && [ $n = sleep ]; do :; done; exit 3"
    done = leaks("--iterations", "8", "--json", "--", "sh", "-c", script)
    assert done.returncode == 1
    report = json.loads(done.stdout)
    growth = {row["what"]: row["slope"] for row in report["growth"]}
    assert growth["process"] == growth["thread"] == growth["address space"] == pytest.approx(1)
    assert report["status"] == 3 << 8
    assert report["iterations"] == 8
    assert report["audit"]["frames"] == []
    processes = [leak for leak in report["leaks"] if leak["kind"] == "process"]
    # (The kernel may still know the shell: the thread that made the last call.)
    (process,) = [leak for leak in processes if leak["name"].endswith("(sleep)")]
    assert process["how"] == "held"


def test_a_long_report_is_whole_without_a_buffer_too() -> None:
    words = ["leaks", "--iterations", "8", "--json", "--", "sh", "-c", "sleep 1000 & exit 3"]
    process = subprocess.Popen(
        [sys.executable, "-m", "starrylab", *words],
        stdout=subprocess.PIPE, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    with process:
        pipe = process.stdout
        waiting = bytearray(4)
        while process.poll() is None and int.from_bytes(waiting, sys.byteorder) < 65536:
            fcntl.ioctl(pipe, termios.FIONREAD, waiting)
            time.sleep(0.05)  # until the pipe is full, and a tick has come
        text = pipe.read()
    assert len(text) > 65537
    assert json.loads(text)["iterations"] == 8


def test_what_the_program_prints_is_shown_on_request() -> None:
    done = leaks("--iterations", "7", "--output", "--", "echo", "hello")
    assert done.stderr == "hello\n" * 8  # the last one is recorded


def test_a_program_that_removes_itself_cannot_be_run_again(tmp_path: Path) -> None:
    program = tmp_path / "once"
    program.write_text("#!/bin/sh\nrm /mnt/once\n")
    program.chmod(0o755)
    done = leaks("--bind", f"{tmp_path}:/mnt", "--", "/mnt/once")
    assert done.returncode == 125
    assert done.stderr.startswith("starrylab: leaks: cannot start /mnt/once again: ENOENT")
    assert done.stderr.count("\n") == 1


def test_it_can_be_interrupted() -> None:
    command = [sys.executable, "-m", "starrylab", "leaks", "--output", "--"]
    script = "echo started; sleep 1000"
    with subprocess.Popen([*command, "sh", "-c", script], stderr=subprocess.PIPE, text=True) as it:
        assert it.stderr is not None
        assert it.stderr.readline() == "started\n"
        it.send_signal(signal.SIGINT)
        assert it.stderr.read() == "starrylab: leaks: interrupted\n"
        assert it.wait(30) == 125


def test_it_can_be_interrupted_while_nothing_moves() -> None:
    command = [sys.executable, "-m", "starrylab", "leaks", "--output", "--"]
    with subprocess.Popen(
        [*command, "sh", "-c", "echo started; sleep 1000"], stderr=subprocess.PIPE, text=True
    ) as it:
        assert it.stderr is not None
        assert it.stderr.readline() == "started\n"
        stat = Path(f"/proc/{it.pid}/stat")
        while stat.read_text().rpartition(")")[2].split()[0] != "S":
            time.sleep(0.01)
        it.send_signal(signal.SIGINT)
        assert it.wait(30) == 125
        assert it.stderr.read() == "starrylab: leaks: interrupted\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "starrylab: leaks: name a program"),
        (("--iterations", "6", "--", "true"), "starrylab: --iterations 6: give 7 to 1000000"),
        (("--iterations", "x", "--", "true"), "starrylab: --iterations x: give"),
        (("--", "nothing-like-it"), "starrylab: nothing-like-it"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(arguments: tuple[str, ...], message: str) -> None:
    done = leaks(*arguments)
    assert done.returncode not in (0, 1)
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1
