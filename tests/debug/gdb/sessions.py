"""A lab that listens for gdb, the real gdb, and a client of our own that speaks raw packets."""

from __future__ import annotations

import re
import select
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from starrylab.userland.build import compile_c
from tests.oracle import gdb as oracle

PROGRAMS = Path(__file__).parent / "programs"
_PORT = re.compile(rb"target remote :(\d+)")
_LIMIT = 60.0  #: seconds for anything here


def program(name: str, *, optimise: str = "-O0") -> Path:
    """Return the riscv64 ELF of a C program in `programs`."""
    return compile_c([PROGRAMS / f"{name}.c"], "riscv64", flags=(optimise,))


def line_of(name: str, mark: str) -> int:
    """Return the number of the line that ends with ``/* mark: MARK */``."""
    lines = (PROGRAMS / f"{name}.c").read_text().splitlines()
    return next(n for n, line in enumerate(lines, 1) if line.endswith(f"/* mark: {mark} */"))


class ListeningLab:
    """`starrylab run --gdb 0` in a process of its own."""

    def __init__(
        self,
        elf: Path | None,
        *argv: str,
        option: str = "0",
        root: Path | None = None,
        patch: str = "",
    ) -> None:
        """``patch`` is Python that runs in the lab's process before everything else."""
        code = f"import sys; from starrylab.cli import main\n{patch}\nsys.exit(main(sys.argv[1:]))"
        command = [sys.executable, "-c", code, "run", "--gdb", option]
        if elf is not None:
            command += ["--bind", f"{elf.parent}:/prog"]
            argv = (f"/prog/{elf.name}", *argv)
        if root is not None:
            command += ["--rootfs", str(root)]
        self.process = subprocess.Popen(
            [*command, "--", *argv],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.said = b""
        try:
            self.port = int(self.wait_for(_PORT)[1])
        except AssertionError:
            self.__exit__()
            raise

    def wait_for(self, pattern: re.Pattern[bytes]) -> re.Match[bytes]:
        """Return what the lab said on standard error, as soon as it matches."""
        stream = self.process.stderr
        assert stream is not None
        deadline = time.monotonic() + _LIMIT
        while (found := pattern.search(self.said)) is None:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([stream], [], [], left)[0]:
                raise AssertionError(f"the lab did not say {pattern.pattern!r}: {self.said!r}")
            piece = stream.read1(4096)  # type: ignore[attr-defined]
            if not piece:
                raise AssertionError(f"the lab ended: {self.said!r}")
            self.said += piece
        return found

    def finish(self) -> tuple[int, str, str]:
        """Wait for the end; return status, standard output and error."""
        out, err = self.process.communicate(timeout=_LIMIT)
        return self.process.returncode, out.decode(), (self.said + err).decode()

    def __enter__(self) -> ListeningLab:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        if not self.process.stdout.closed:  # type: ignore[union-attr]
            self.process.communicate()


def run_gdb(
    port: int, commands: Sequence[str], *, first: Sequence[str] = (), target: str = "remote"
) -> str:
    """Let gdb-multiarch do ``commands`` on a lab; return all that it printed."""
    before = (
        "set auto-connect-native-target off", "set confirm off", "set pagination off",
        "set debuginfod enabled off", "set width 0", "set print address off", *first,
    )  # fmt: skip
    arguments = [oracle.program(), "-nx", "-batch"]
    for command in (*before, f"target {target} :{port}", *commands):
        arguments += ["-ex", command]
    done = subprocess.run(
        arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=_LIMIT, check=False,
    )  # fmt: skip
    return done.stdout.decode(errors="replace")


def interrupting(seconds: float) -> str:
    """Return a command for gdb that presses Ctrl-C later."""
    return (
        "python import threading, os, signal; "
        f"threading.Timer({seconds}, lambda: os.kill(os.getpid(), signal.SIGINT)).start()"
    )


class RawClient:
    """Speaks the protocol byte by byte."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_LIMIT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""
        self.output = b""  #: text of O packets

    def send(self, packet: bytes) -> None:
        """Send a packet."""
        self.socket.sendall(b"$" + packet + b"#%02x" % (sum(packet) & 255))

    def receive(self) -> bytes:
        """Return the next packet but for O packets, with its escapes undone; b"" at the end."""
        while True:
            match = re.search(rb"\$([^#]*)#..", self._rest, re.DOTALL)
            if match is None:
                piece = self.socket.recv(65536)
                if not piece:
                    return b""
                self._rest += piece
                continue
            self._rest = self._rest[match.end() :]
            self.socket.sendall(b"+")
            data = re.sub(rb"}(.)", lambda m: bytes((m[1][0] ^ 0x20,)), match[1], flags=re.DOTALL)
            if data[:1] != b"O" or data == b"OK":
                return data
            self.output += bytes.fromhex(data[1:].decode())

    def ask(self, packet: bytes) -> bytes:
        """Return the reply to a packet."""
        self.send(packet)
        return self.receive()

    def begin(self, wishes: str = "multiprocess+;swbreak+;error-message+") -> None:
        """Introduce this client."""
        assert b"PacketSize=" in self.ask(b"qSupported:" + wishes.encode())

    def close(self) -> None:
        """Go away without a word."""
        self.socket.close()

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
