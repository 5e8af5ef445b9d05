"""QEMU's `virt` machine with its UART on a pseudo-terminal, stopped until somebody listens."""

from __future__ import annotations

import re
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

_PATIENCE = 20.0  #: seconds until QEMU has made its terminal


class QemuBoard:
    """What a pseudo-terminal gets before it is opened is lost: open `tty`, then call `power_on`."""

    def __init__(self, command: Sequence[str], more: Sequence[str] = ()) -> None:
        """Start QEMU; ``more`` are arguments behind the first serial line."""
        self._folder = tempfile.TemporaryDirectory(prefix="starrylab-qemu-")
        self._monitor = Path(self._folder.name) / "monitor"
        self._log = Path(self._folder.name) / "log"
        options = ["-display", "none", "-S", "-chardev", "pty,id=line", "-serial", "chardev:line"]
        options += ["-monitor", f"unix:{self._monitor},server=on,wait=off"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, *options, *more], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self.tty = self._find_terminal()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()

    def power_on(self) -> None:
        """Let it run."""
        self._tell("cont")

    def reset(self) -> None:
        """Press the reset button."""
        self._tell("system_reset")

    def _tell(self, command: str) -> None:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(_PATIENCE)
            line.connect(str(self._monitor))
            _until_prompt(line)
            line.sendall(command.encode() + b"\n")
            _until_prompt(line)

    def _find_terminal(self) -> str:
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end and self._process.poll() is None:
            found = re.search(r"redirected to (\S+)", self._log.read_text())
            if found:
                return found[1]
            time.sleep(0.02)
        raise RuntimeError(f"QEMU made no terminal: {self._log.read_text().strip()}")


def _until_prompt(line: socket.socket) -> None:
    seen = b""
    while not seen.rstrip().endswith(b"(qemu)"):
        data = line.recv(4096)
        if not data:
            return
        seen += data
