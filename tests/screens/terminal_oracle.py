"""What other terminals make of a byte stream: streams of real programs, tmux's opinion."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import shutil
import struct
import subprocess
import termios
import time
from pathlib import Path

from starrylab.screens.widgets.terminal.screen import TerminalScreen
from starrylab.screens.widgets.terminal.stream import TerminalStream

TMUX = shutil.which("tmux")


def emulate(data: bytes, columns: int = 80, lines: int = 24, chunk: int = 0) -> TerminalScreen:
    """Feed ``data`` (in pieces of ``chunk`` bytes) to our emulator."""
    screen = TerminalScreen(columns, lines, lambda _: None)
    stream = TerminalStream(screen)
    for start in range(0, len(data), chunk or max(1, len(data))):
        stream.feed(data[start : start + (chunk or len(data))])
    return screen


def text_of(screen: TerminalScreen) -> list[str]:
    return ["".join(line[x].data for x in range(screen.columns)).rstrip() for line in screen.rows]


def record(
    argv: list[str], keys: list[bytes], columns: int = 80, lines: int = 24, pause: float = 0.15
) -> bytes:
    """Run a host program on a pty, type ``keys``, return all it printed."""
    pid, master = pty.fork()
    if pid == 0:
        env = {"TERM": "xterm-256color", "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        env["HOME"] = "/nonexistent"
        try:
            os.execvpe(argv[0], argv, env)
        finally:
            os._exit(127)
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("4H", lines, columns, 0, 0))
    output = bytearray()

    def drain(seconds: float) -> None:
        while select.select([master], [], [], seconds)[0]:
            try:
                data = os.read(master, 65536)
            except OSError:
                return
            if not data:
                return
            output.extend(data)

    try:
        drain(pause * 2)
        for key in keys:
            os.write(master, key)
            drain(pause)
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(master)
    return bytes(output)


class Tmux:
    """A private tmux server with one pane that prints what it is given."""

    def __init__(self, folder: Path, columns: int = 80, lines: int = 24) -> None:
        self._socket = folder / "tmux"
        self._fifo = folder / "fifo"
        os.mkfifo(self._fifo)
        command = f"stty raw -echo; printf ready; exec cat {self._fifo} -"
        self.run(
            "-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(lines), command
        )
        self.run("set", "-g", "status", "off")
        self.run("resize-window", "-x", str(columns), "-y", str(lines))

    def run(self, *args: str) -> str:
        command = ["tmux", "-u", "-S", str(self._socket), *args]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def show(self, data: bytes) -> tuple[list[str], tuple[int, int]]:
        """Print ``data`` on a fresh screen; return its lines and the cursor."""
        self._wait_for("ready")
        with self._fifo.open("wb") as fifo:
            fifo.write(b"\x1bc" + data + b"\x1b]2;done-with-it\x1b\\")
        deadline = time.monotonic() + 5
        while "done-with-it" not in self.run("display-message", "-p", "#{pane_title}"):
            assert time.monotonic() < deadline, "tmux did not get through"
            time.sleep(0.02)
        lines = self.run("capture-pane", "-p").split("\n")
        x, y = self.run("display-message", "-p", "#{cursor_x},#{cursor_y}").strip().split(",")
        return [line.rstrip() for line in lines], (int(x), int(y))

    def _wait_for(self, text: str) -> None:
        deadline = time.monotonic() + 5
        while text not in self.run("capture-pane", "-p"):
            assert time.monotonic() < deadline, "the pane did not start"
            time.sleep(0.02)

    def close(self) -> None:
        subprocess.run(["tmux", "-S", str(self._socket), "kill-server"], capture_output=True)
