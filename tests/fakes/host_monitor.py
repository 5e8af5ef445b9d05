"""The real monitor's C sources, compiled for the host: a process instead of a board."""

from __future__ import annotations

import random
import select
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from starrylab.boards.monitor_build import COMMON, sources_folder

_HOST = Path(__file__).parents[1] / "link" / "monitor" / "host.c"


def build(folder: Path) -> Path:
    """Compile it, once for each state of the sources."""
    sources = [sources_folder() / f"{name}.c" for name in COMMON if name not in ("uart", "string")]
    program = folder / "monitor"
    command = ["gcc", "-O1", "-g", "-fno-builtin", "-Wall", "-Wno-builtin-declaration-mismatch"]
    strings = sources_folder() / "string.c"
    paths = [str(path) for path in (*sources, strings, _HOST)]
    include = f"-I{sources_folder()}"
    subprocess.run([*command, include, "-no-pie", "-o", str(program), *paths], check=True)
    return program


class HostMonitor:
    """The process, and the port that leads to it; a share of what crosses is damaged."""

    def __init__(self, program: Path, works_at: int = 4_000_000) -> None:
        self.baud = 115200
        self.works_at = works_at
        self.damage = random.Random(1)
        self.share = 0.0  #: of frames, in each direction
        self.damaged = 0
        self.delay = 0.0  #: seconds until a reply can be read
        self._sent_at = 0.0
        self._ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen([str(program)], stdin=theirs, stdout=theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ours.close()
        self._process.wait(10)

    def status(self) -> int:
        return self._process.wait(10)

    def read(self, n: int, timeout: float) -> bytes:
        early = self._sent_at + self.delay - time.monotonic()
        if early > 0:
            time.sleep(min(early, timeout))
            if early > timeout:
                return b""
        if not select.select([self._ours], [], [], timeout)[0]:
            return b""
        return self._damaged(self._ours.recv(n))

    def write(self, data: bytes) -> None:
        if time.monotonic() > self._sent_at + self.delay:
            self._sent_at = time.monotonic()
        self._ours.sendall(self._damaged(data))

    def close(self) -> None:
        pass

    def _damaged(self, data: bytes) -> bytes:
        if self.baud > self.works_at:
            data = bytes(byte ^ 0x5A for byte in data)
        if not data or self.damage.random() >= self.share:
            return data
        self.damaged += 1
        at = self.damage.randrange(len(data))
        kind = self.damage.randrange(3)
        middle = (b"", data[at : at + 1] * 2, bytes((data[at] ^ 1 << self.damage.randrange(8),)))
        return data[:at] + middle[kind] + data[at + 1 :]
