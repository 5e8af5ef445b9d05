"""Measure real programs: StarryLab, qemu-user and qemu-system with Debian's kernel, in turn.

All three run the same root tree, from a shell that stays, with caches warm. The clock is the
host's: from the line that starts a row to the line that tells its end. What counts is the ratio of
medians of one run; the order rotates within its rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import machines
from tests.oracle import debian, qemu

TIMEOUT = 900.0
_TICK = os.sysconf("SC_CLK_TCK")

#: A project of 50 C files and a Makefile, and a program of one.
PREPARE = r"""
mkdir -p /tmp/project && cd /tmp/project &&
for i in $(seq 50); do
    printf '#include <stdio.h>\n#include <string.h>\n\n' > f$i.c &&
    printf 'int f%d(const char *s) { return printf("%%s %%zu\\n", s, strlen(s)); }\n' $i >> f$i.c;
done &&
echo 'int f1(const char *); int main(void) { return f1("x") < 0; }' > main.c &&
printf 'SOURCES := $(wildcard *.c)\nall: $(SOURCES:.c=.o)\n\t$(CC) -o all $^\n' > Makefile &&
printf '#include <stdio.h>\nint main(void) { puts("hello, world"); return 0; }\n' > /tmp/hello.c
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One workload; ``before`` is not measured, nor is ``warm``, instead of the first round."""

    name: str
    what: str
    command: str
    before: str = "true"
    warm: str = ""


ROWS = (
    Row("bash", "20 starts of bash", "for i in $(seq 20); do bash -c true; done"),
    Row("ls", "ls -lR /usr", "ls -lR /usr > /dev/null"),
    Row("gcc", "gcc of hello.c", "gcc -O2 -o /tmp/hello /tmp/hello.c && /tmp/hello"),
    Row("python", "5 starts of python3", "for i in 1 2 3 4 5; do python3 -c pass; done"),
    Row(
        "make",
        "make -j2 of 50 files",
        "make -C /tmp/project -j2 CC=gcc",
        "rm -f /tmp/project/*.o",
        "make -C /tmp/project CC=gcc f1.o f2.o && gcc -o /tmp/hello /tmp/hello.c",
    ),
    Row("dpkg", "dpkg -i of hello", "dpkg -i /bench/hello.deb", "dpkg --purge hello"),
)


class Failed(Exception):
    """A peer could not run a row; the message is what it said."""


class Session:
    """A shell in one of the peers, which runs a line at a time."""

    def __init__(self, name: str, command: Sequence[str | Path]) -> None:
        """Start it; raises Failed."""
        self.name = name
        self._number = 0
        self._buffer = b""
        start = time.perf_counter()
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        self._until(b"@ready")
        self.start_seconds = time.perf_counter() - start

    def run(self, command: str) -> tuple[float, float]:
        """Run a line of shell; return wall and CPU seconds. Raises Failed."""
        self._number += 1
        assert self._process.stdin is not None
        line = f"{self._number} {' '.join(command.split(chr(10)))}\n"
        before, start = self._cpu(), time.perf_counter()
        self._process.stdin.write(line.encode())
        self._process.stdin.flush()
        answer = self._until(f"@{self._number} ".encode())
        wall, cpu = time.perf_counter() - start, self._cpu() - before
        if answer.split() != [b"0"]:
            raise Failed(f"status {answer.decode(errors='replace').strip()}: {command}")
        return wall, cpu

    def _until(self, mark: bytes) -> bytes:
        """Return the rest of the line that begins with ``mark``."""
        assert self._process.stdout is not None
        deadline = time.monotonic() + TIMEOUT
        os.set_blocking(self._process.stdout.fileno(), False)
        while True:
            found, _, rest = self._buffer.partition(mark)
            if len(found) < len(self._buffer) and b"\n" in rest:
                answer, _, self._buffer = rest.partition(b"\n")
                return answer
            piece = self._process.stdout.read()
            if piece:
                self._buffer += piece
            elif piece == b"" or time.monotonic() > deadline:
                raise Failed(f"{self.name}: {self._buffer[-300:].decode(errors='replace')}")
            else:
                time.sleep(0.0005)

    def _cpu(self) -> float:
        """Return the CPU seconds of all that the peer consists of, ended children included."""
        parents, ticks = {}, {}
        for entry in os.scandir("/proc"):
            if entry.name.isdigit():
                try:
                    text = Path(entry.path, "stat").read_text()
                except OSError:
                    continue
                fields = text.rpartition(")")[2].split()
                parents[int(entry.name)] = int(fields[1])
                ticks[int(entry.name)] = sum(map(int, fields[11:15]))
        total = 0
        for pid, used in ticks.items():
            above = pid
            while above > 1 and above != self._process.pid:
                above = parents.get(above, 0)
            total += used if above == self._process.pid else 0
        return total / _TICK

    def close(self) -> None:
        """End it and all that it started."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def starrylab(command: str, root: Path) -> Session:
    """Start a lab."""
    arguments = ("run", "--memory", "2G", "--rootfs", root, "--", "/bin/bash", "/bench/loop")
    return Session("starrylab", (command, *arguments))


def qemu_user(root: Path) -> Session:
    """Start qemu-user in a copy of the root: it writes to the host's own files."""
    return Session("qemu-user", (*qemu.namespace_command(root), "/bin/bash", "/bench/loop"))


def qemu_system(root: Path, folder: Path) -> Session:
    """Boot Debian's kernel with the root on a disk."""
    kernel, initrd = machines.make_kernel(folder)
    disk = machines.make_disk(root, folder)
    return Session(
        "qemu-system",
        (
            *("qemu-system-riscv64", "-M", "virt", "-m", "2G", "-display", "none"),
            *("-serial", "stdio", "-monitor", "none", "-no-reboot"),
            *("-kernel", kernel, "-initrd", initrd, "-append", "console=ttyS0 quiet"),
            *("-drive", f"file={disk},format=raw,if=none,id=disk,cache=unsafe"),
            *("-device", "virtio-blk-pci,drive=disk"),
        ),
    )


@dataclass(slots=True)
class Outcome:
    """What the rounds of one row gave: peer -> seconds."""

    row: Row
    wall: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def medians(self, peer: str) -> tuple[float, float] | None:
        """Return wall and CPU seconds; None if the peer failed."""
        if peer in self.failures or not self.wall.get(peer):
            return None
        return statistics.median(self.wall[peer]), statistics.median(self.cpu[peer])


def measure(row: Row, sessions: Sequence[Session], rounds: int) -> Outcome:
    """Run a row once to warm up, then in rounds."""
    outcome = Outcome(row)
    for number in range(rounds + 1):
        turn = number % len(sessions)
        for session in (*sessions[turn:], *sessions[:turn]):
            if session.name in outcome.failures:
                continue
            try:
                session.run(row.before)
                wall, cpu = session.run(row.command if number or not row.warm else row.warm)
            except Failed as error:
                outcome.failures[session.name] = str(error)
                continue
            if number:
                outcome.wall.setdefault(session.name, []).append(wall)
                outcome.cpu.setdefault(session.name, []).append(cpu)
    return outcome


def report(outcome: Outcome, names: Sequence[str]) -> None:
    """Print a line: seconds of each peer, and how many times longer than ours the others take."""
    cells = []
    ours = outcome.medians("starrylab")
    for name in names:
        found = outcome.medians(name)
        if found is None:
            cells.append(f"{'-':>22}")
            continue
        ratio = f"{found[0] / ours[0]:.2f}x" if ours and name != "starrylab" else ""
        cells.append(f"{found[0]:7.3f} {found[1]:7.3f} {ratio:>6}")
    print(f"{outcome.row.name:<8} {'  '.join(cells)}   {outcome.row.what}", flush=True)
    for name, reason in outcome.failures.items():
        print(f"         {name}: {' '.join(reason.split())[-200:]}")


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", help="only these rows")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", default="starrylab,qemu-user,qemu-system")
    parser.add_argument("--json", type=Path, help="write all values to this file")
    parser.add_argument("--starrylab", default=str(Path(sys.executable).with_name("starrylab")))
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # which closes the sessions
    rows = [row for row in ROWS if not arguments.rows or row.name in arguments.rows]
    sessions: list[Session] = []
    names = arguments.peers.split(",")
    with tempfile.TemporaryDirectory(prefix="programs-") as name:
        folder = Path(name)
        try:
            root = machines.make_root()
            for peer in names:
                sessions.append(_start(peer, arguments.starrylab, root, folder))
                print(f"{peer}: ready in {sessions[-1].start_seconds:.2f} s", file=sys.stderr)
                sessions[-1].run(PREPARE)
            head = "  ".join(f"{peer + ': wall, CPU s':<22}" for peer in names)
            print(f"{'row':<8} {head}")
            outcomes = []
            for row in rows:
                outcomes.append(measure(row, sessions, arguments.rounds))
                report(outcomes[-1], names)
        except (debian.Unavailable, qemu.Unavailable, Failed) as error:
            parser.error(str(error))
        finally:
            for session in sessions:
                session.close()
    if arguments.json:
        table = {o.row.name: {"wall": o.wall, "cpu": o.cpu} for o in outcomes}
        arguments.json.write_text(json.dumps(table, indent=1))
    return 0


def _start(peer: str, command: str, root: Path, folder: Path) -> Session:
    if peer == "starrylab":
        return starrylab(command, root)
    if peer == "qemu-system":
        return qemu_system(root, folder)
    copy = folder / "root"
    subprocess.run(["cp", "-a", root, copy], check=True)
    return qemu_user(copy)


if __name__ == "__main__":
    sys.exit(main())
