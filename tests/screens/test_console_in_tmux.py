"""The console in a real terminal, with a real lab: boot, type, open panes, lose the lab, quit."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


class Terminal:
    def __init__(
        self, folder: Path, command: str = "", *, size=(120, 36), runtime: Path | None = None
    ) -> None:
        self._socket = folder / "tmux"
        # A test that ran before may have left these, and Textual believes them.
        folders = "env -u COLUMNS -u LINES "
        folders += f"XDG_STATE_HOME={folder} XDG_CONFIG_HOME={folder} "
        folders += f"XDG_RUNTIME_DIR={runtime or folder}"
        command = (
            f"cd {ROOT} && {folders} {sys.executable} -m starrylab {command}; "
            "echo ended with $?; sleep 60"
        )
        width, height = map(str, size)
        self._run("-f", "/dev/null", "new-session", "-d", "-x", width, "-y", height, command)

    def _run(self, *args: str) -> str:
        command = ["tmux", "-u", "-S", str(self._socket), *args]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def keys(self, *keys: str) -> None:
        self._run("send-keys", *keys)

    def text(self) -> str:
        return self._run("capture-pane", "-p")

    def shows(self, pattern: str, seconds: float = 60) -> str:
        deadline = time.monotonic() + seconds
        while not re.search(pattern, text := self.text()):
            assert time.monotonic() < deadline, text
            time.sleep(0.05)
        return text

    def close(self) -> None:
        subprocess.run(["tmux", "-S", str(self._socket), "kill-server"], capture_output=True)


@pytest.fixture
def terminal(tmp_path):
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.close()


def test_a_session_from_boot_to_quit(terminal, tmp_path) -> None:
    text = terminal.shows(r"starry:~# ")
    assert "running" in text
    terminal.keys("echo $((6*7)) 操作系统", "Enter")
    terminal.shows(r"║42 操作系统")
    terminal.keys("sleep 1000", "Enter")
    terminal.shows(r"S\+ .*sleep 1000")  # the process pane
    terminal.keys("C-c")
    terminal.shows(r"\^C")
    terminal.keys("F6")
    terminal.shows(r"╔═ Processes")
    terminal.keys("F5")
    terminal.shows(r"PGRP")  # a wide pane has more columns
    terminal.keys("F5")
    terminal.shows(r"╭─ Console")
    transcripts = list(tmp_path.glob("starrylab/transcripts/*.cast"))
    assert len(transcripts) == 1
    assert "操作系统" in transcripts[0].read_text()
    os.kill(lab_of(terminal), signal.SIGKILL)
    terminal.shows(r"killed by SIGKILL")
    terminal.keys("r")
    terminal.shows(r"● running(.|\n)*starry:~# ")
    terminal.keys("F10")
    terminal.shows(r"ended with 0")


def lab_of(terminal: Terminal) -> int:
    """Return the process id of the lab below the pane of ``terminal``."""
    todo = [int(terminal._run("display-message", "-p", "#{pane_pid}"))]
    while todo:
        pid = todo.pop()
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        if b"starrylab.session.lab" in command:
            return pid
        for task in Path(f"/proc/{pid}/task").iterdir():
            todo += map(int, (task / "children").read_text().split())
    raise AssertionError("there is no lab process")


def test_a_second_terminal_joins_and_a_third_watches(terminal, tmp_path) -> None:
    terminal.shows(r"starry:~# ")
    terminal.keys("echo before", "Enter")
    terminal.shows(r"║before ")
    folder = tmp_path / "second"
    folder.mkdir()
    second = Terminal(folder, "attach", size=(100, 30), runtime=tmp_path)
    third = None
    try:
        second.shows(r"\(joined\)")
        second.shows("before")
        second.keys("echo $((6*7)) shared", "Enter")
        terminal.shows("42 shared")
        second.shows("42 shared")
        folder = tmp_path / "third"
        folder.mkdir()
        third = Terminal(folder, "attach --watch", size=(80, 24), runtime=tmp_path)
        third.shows(r"\(watching\)")
        third.keys("echo never", "Enter")
        terminal.keys("echo last", "Enter")
        assert "never" not in third.shows(r"echo last")
        terminal.keys("F10")
        second.shows("the console that owns the lab has closed")
    finally:
        second.close()
        if third is not None:
            third.close()


def test_every_view_a_breakpoint_and_a_leak(terminal) -> None:
    terminal.shows(r"starry:~# ")
    terminal.shows("2 processes")
    for number, words in enumerate(
        ("100%|free", "general", "allocator", "disassembly", "starts a measurement", "support",
         "open files", r"starts it, c checks|\d+ h", "visionfive2"), 1,
    ):  # fmt: skip
        terminal.keys(f"M-{number}")
        terminal.shows(words)
    terminal.keys("M-1")
    # A measurement: what a program that stays leaves in the kernel.
    terminal.keys("M-5", "s")
    terminal.shows("recording;")
    terminal.keys("F6")
    terminal.keys("sleep 999 &", "Enter")
    terminal.shows(r"\[1\] \d+")
    terminal.keys("F6", "r")
    terminal.shows(r"thread 3|\(sleep|pid 3")
    terminal.keys("e", "F6")
    # A breakpoint in a program that does not run yet, and steps by line.
    terminal.keys("M-4", "p")
    terminal.shows("paused")
    terminal.keys("B")
    terminal.shows("Breakpoint: FUNCTION")
    terminal.keys("main_ls", "Enter")
    terminal.shows("╔═ Thread")  # the keys are the code's again
    terminal.keys("c")
    terminal.shows("Code .running")
    terminal.keys("F6", "F6", "F6")
    terminal.keys("ls /", "Enter")
    terminal.shows(r"●▶ +\d+ ")
    terminal.keys("F6", "n")
    terminal.shows(r"▶ +\d+ .*getopt")
    terminal.keys("c")
    terminal.shows(r"Code .running")
    terminal.shows(r"bin +\w+")
    terminal.keys("F6", "F6", "F6")
    terminal.keys("F10")
    terminal.shows("ended with 0")
