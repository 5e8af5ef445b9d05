"""A terminal for tests: a program on a host pseudo-terminal, and the screen it draws."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyte

STARRYLAB = (sys.executable, "-m", "starrylab")
_ESCAPES = re.compile(rb"\x1b\[[?0-9;]*[a-zA-Z]\r?")
_PATIENCE = 15.0  #: seconds; a failure takes that long, a success does not


class Screen(pyte.Screen):
    """Knows besides that CSI with ? and m is no colour (XTQMODKEYS of xterm)."""

    def select_graphic_rendition(self, *attrs: int, private: bool = False) -> None:
        if not private:
            super().select_graphic_rendition(*attrs)


class HostTerminal:
    """A pseudo-terminal with a program on it, read as a person would."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        rows: int = 24,
        columns: int = 80,
        stdin: int | None = None,
        stdout: int | None = None,
        stderr: int | None = None,
        patience: float = _PATIENCE,
    ) -> None:
        self.patience = patience  #: seconds that it may take until something is seen
        self.screen = Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.output = bytearray()  #: everything that was drawn
        self.master, slave = pty.openpty()
        self._size(rows, columns)
        self.process = subprocess.Popen(
            ["sh", "-c", ': <"$0"; exec "$@"', os.ttyname(slave), *command],
            stdin=slave if stdin is None else stdin,
            stdout=slave if stdout is None else stdout,
            stderr=slave if stderr is None else stderr,
            start_new_session=True,  # whose leader the shell is: what it opens becomes its terminal
        )
        self.slave = slave  # kept open: the settings can be asked for after the end

    def _size(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))

    def resize(self, rows: int, columns: int) -> None:
        """Give the window another size; the terminal signals its foreground."""
        self.screen.resize(rows, columns)
        self.screen.ensure_vbounds()
        self._size(rows, columns)

    def type(self, text: str | bytes) -> None:
        """Type."""
        data = text.encode() if isinstance(text, str) else text
        while data:
            self.read(0)
            if select.select((), (self.master,), (), 1)[1]:
                data = data[os.write(self.master, data[:1024]) :]

    def read(self, seconds: float) -> bool:
        """Draw what the program wrote, or within ``seconds`` writes; False when it does not."""
        if not select.select((self.master,), (), (), seconds)[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.output += data
        self._stream.feed(data)
        return bool(data)

    @property
    def text(self) -> str:
        """What is on the screen, without the empty rest of each line and of the screen."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip() + "\n"

    @property
    def line(self) -> str:
        """The line with the cursor."""
        return self.screen.display[self.screen.cursor.y].rstrip()

    def wait_until(self, done: Callable[[], bool], what: str = "") -> None:
        """Read until something is true; fail with the screen if it does not come to pass."""
        end = time.monotonic() + self.patience
        while not done():
            assert time.monotonic() < end, f"waited in vain for {what}; the screen:\n{self.text}"
            self.read(0.05)

    def see(self, text: str) -> None:
        """Wait for a text on the screen."""
        self.wait_until(lambda: text in self.text, repr(text))

    def see_line(self, text: str) -> None:
        """Wait for the line with the cursor to be ``text``."""
        self.wait_until(lambda: self.line == text.rstrip(), f"the line {text!r}")

    def start(self, line: str) -> None:
        """Type a command line into a shell and wait until the cursor has left it."""
        self.type(line)
        self.wait_until(lambda: self.line.endswith(line.rstrip()), f"the echo of {line!r}")
        row = self.screen.cursor.y
        self.type("\r")
        self.wait_until(
            lambda: self.screen.cursor.y != row or not self.line.endswith(line), "a new line"
        )

    def run(self, line: str, prompt: str = "$ ") -> str:
        """Type a command line into a shell; return what the screen shows of its output."""
        start = len(self.output)
        self.type(line + "\r")
        marker = prompt.encode()
        end = time.monotonic() + self.patience

        def answer() -> bytes:
            return _ESCAPES.sub(b"", bytes(self.output[start:]).partition(b"\n")[2])

        while not answer().endswith(marker):
            assert time.monotonic() < end, f"{line!r} goes on; the screen:\n{self.text}"
            self.read(0.05)
        shown = answer()[: -len(marker)].replace(b"\r\n", b"\n").rstrip(b"\r")
        return shown.decode(errors="replace")

    def settings(self) -> list[int | list[bytes | int]]:
        """Return the host terminal's settings (tcgetattr(3))."""
        return termios.tcgetattr(self.slave)

    def hang_up(self) -> None:
        """Take the terminal away, as closing a window does."""
        os.close(self.slave)
        os.close(self.master)
        self.slave = self.master = -1

    def end(self) -> int:
        """Wait for the program to end; return its status as a shell has it."""
        end = time.monotonic() + self.patience
        while self.process.poll() is None:
            assert time.monotonic() < end, f"it does not end; the screen:\n{self.text}"
            if self.master >= 0:
                self.read(0.05)
            else:
                time.sleep(0.02)
        while self.master >= 0 and self.read(0):
            pass
        status = self.process.returncode
        return 128 - status if status < 0 else status

    def close(self) -> None:
        """End what still runs."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        for fd in (self.master, self.slave):
            if fd >= 0:
                os.close(fd)


@contextmanager
def lab(
    *argv: str, root: Path | None = None, options: Sequence[str] = (), **more: int
) -> Iterator[HostTerminal]:
    """Run ``starrylab run`` on a terminal of its own."""
    command = [*STARRYLAB, "run", *options]
    if root is not None:
        command += ["--rootfs", str(root)]
    terminal = HostTerminal([*command, "--", *argv], **more)
    try:
        yield terminal
    finally:
        terminal.close()
