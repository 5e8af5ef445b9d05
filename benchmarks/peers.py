"""Measure StarryLab beside qemu-user: the same binaries, in turn, in one run.

Speed on a shared machine varies by tens of percent from minute to minute; so the peers alternate
within each round, their order rotates, and what counts is the ratio of the medians.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from starrylab.userland import BuildError, compile_c
from tests.oracle import debian, qemu

#: seconds that the measured part of a row should take
TARGET = 0.3
TIMEOUT = 60
OPTIMISED = ("-O2", "-Wno-unused-parameter")


@dataclass(frozen=True, slots=True)
class Row:
    """One workload: its unit, a first count, and the least ratio to qemu-user, if there is one."""

    name: str
    unit: str
    first: int
    bar: float | None = None
    most: int | None = None  #: rows that take memory have a greatest count
    script: str = ""  #: a busybox script with {n}, instead of a row of bench.c


ROWS = (
    Row("getppid", "op/s", 20000, 0.3),
    Row("clock", "op/s", 10000),
    Row("vdso", "op/s", 10000),
    Row("wnull", "op/s", 5000, 0.2),
    Row("openclose", "op/s", 2000, 0.4),
    Row("stat", "op/s", 2000, 0.25),
    Row("yield", "op/s", 5000),
    Row("fork", "op/s", 50, 5),
    Row("forkexec", "op/s", 10, 8),
    Row("thread", "op/s", 100, 5),
    Row("pingpong", "rt/s", 1000, 0.2),
    Row("sockpp", "rt/s", 1000),
    Row("futex", "rt/s", 1000, 0.5),
    Row("mutex", "rt/s", 1000),
    Row("pipebw", "MB/s", 32),
    Row("fwrite", "MB/s", 32, 1.0),
    Row("fread", "MB/s", 32, 0.3),
    Row("fault", "pg/s", 32, 0.3, most=64),
    Row("cow", "pg/s", 32, 0.3, most=32),
    Row("mmap", "op/s", 2000, 0.8),
    Row("mmaptouch", "op/s", 1000),
    Row("signal", "op/s", 2000, 0.4),
    Row("segv", "op/s", 1000),
    Row("fib", "it/s", 1, 0.5),
    Row("sieve", "it/s", 2, 0.5),
    Row("fnv", "Mit/s", 20, 0.5),
    Row("qsort", "it/s", 2, 0.5),
    Row("dbl", "Mit/s", 5, 0.3),
    Row("matmul", "it/s", 10, 0.3),
    Row("memcpy", "MB/s", 4),
    Row("shloop", "it/s", 3000, 0.3, script="i=0; while [ $i -lt {n} ]; do i=$((i+1)); done"),
    Row("shfork", "it/s", 30, script="i=0; while [ $i -lt {n} ]; do (:); i=$((i+1)); done"),
)


class Failed(Exception):
    """A peer could not run a row; the message is what it said."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Something that runs riscv64 programs: `prefix` stands before the program's own words."""

    name: str
    prefix: tuple[str, ...]
    bench: str
    busybox: str
    execs: tuple[str, ...]  #: the command for forkexec
    scratch: str

    def measure(self, row: Row, count: int) -> float:
        """Return units per second; raises Failed."""
        if row.script:
            script = row.script.format(n=count)
            empty = self._time([self.busybox, "sh", "-c", ":"])[0]
            seconds = self._time([self.busybox, "sh", "-c", script])[0] - empty
            return count / max(seconds, 1e-6)
        words = [self.bench, row.name, str(count)]
        if row.name == "forkexec":
            words += self.execs
        output = self._time(words)[1]
        lines = [line.split() for line in output.splitlines() if line.startswith("R ")]
        if not lines:
            raise Failed(" ".join(output.split())[-200:] or "no result")
        return float(lines[0][2]) / max(float(lines[0][3]), 1e-6)

    def _time(self, words: list[str]) -> tuple[float, str]:
        environment = {"PATH": os.defpath, "HOME": "/root", "BENCH_FILE": self.scratch}
        start = time.perf_counter()
        try:
            result = subprocess.run(
                [*self.prefix, *words],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=TIMEOUT,
                check=False,
                text=True,
            )
        except subprocess.TimeoutExpired as error:
            raise Failed(f"longer than {TIMEOUT} s") from error
        except OSError as error:
            raise Failed(str(error)) from error
        if result.returncode != 0:
            raise Failed(" ".join(result.stdout.split())[-200:] or f"status {result.returncode}")
        return time.perf_counter() - start, result.stdout


@dataclass(slots=True)
class Outcome:
    """What the rounds of one row gave."""

    row: Row
    values: dict[str, list[float]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def median(self, peer: str) -> float | None:
        """Return the median of a peer's rounds, None if it failed."""
        values = self.values.get(peer)
        return statistics.median(values) if values and peer not in self.failures else None

    def ratio(self) -> float | None:
        """Return StarryLab's median through qemu-user's."""
        ours, theirs = self.median("starrylab"), self.median("qemu")
        return ours / theirs if ours is not None and theirs else None


def make_peers(starrylab: Path) -> list[Peer]:
    """Build the programs and say how each peer runs them."""
    here = Path(__file__).parent
    bench = compile_c([here / "bench.c"], "riscv64", flags=OPTIMISED, progress=_say)
    tree = debian.tree("busybox", debian.BUSYBOX)
    busybox = tree / "usr/bin/busybox"
    emulator = qemu.interpreter()
    share = Path("/dev/shm" if Path("/dev/shm").is_dir() else "/tmp")
    ours = (str(starrylab), "run", "--rootfs", str(tree), "--bind", f"{bench.parent}:/mnt", "--env",
            "BENCH_FILE=/tmp/bench.tmp", "--")  # fmt: skip
    return [
        Peer("starrylab", ours, "/mnt/bench", "/bin/busybox", ("/bin/busybox", "true"), ""),
        Peer(
            "qemu",
            (emulator,),
            str(bench),
            str(busybox),
            # qemu-user cannot execute a child itself, so the child is another qemu-user.
            (emulator, str(busybox), "true"),
            str(share / "starrylab-bench.tmp"),
        ),
    ]


def calibrate(peer: Peer, row: Row) -> int:
    """Return a count that takes about TARGET seconds; raises Failed."""
    speed = peer.measure(row, row.first)
    if row.most is not None:
        return row.first
    scale = 16 if row.name == "memcpy" else 1
    return max(1, min(row.first * 1000, int(speed * TARGET / scale)))


def run_row(row: Row, peers: list[Peer], rounds: int) -> Outcome:
    """Measure a row in `rounds` rounds, every peer once in each, in rotating order."""
    outcome = Outcome(row)
    counts: dict[str, int] = {}
    for peer in peers:
        try:
            counts[peer.name] = calibrate(peer, row)
        except Failed as error:
            outcome.failures[peer.name] = str(error)
    for number in range(rounds):
        turn = number % len(peers)
        for peer in peers[turn:] + peers[:turn]:
            if peer.name in outcome.failures:
                continue
            try:
                value = peer.measure(row, counts[peer.name])
            except Failed as error:
                outcome.failures[peer.name] = str(error)
            else:
                outcome.values.setdefault(peer.name, []).append(value)
    return outcome


def startup(starrylab: Path, rounds: int) -> dict[str, float]:
    """Return the CPU seconds and the MiB of `starrylab run -- true`, medians."""
    seconds, wall = [], []
    for _ in range(rounds + 1):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        subprocess.run([starrylab, "run", "--", "true"], check=True, stdin=subprocess.DEVNULL)
        wall.append(time.perf_counter() - start)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(
            after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        )
    script = "read line < /dev/null; exec sleep 1"
    peak = _peak_mib([str(starrylab), "run", "--", "sh", "-c", script])
    # The first run warms the caches; it does not count.
    return {
        "cpu_seconds": statistics.median(seconds[1:]),
        "wall_seconds": statistics.median(wall[1:]),
        "resident_mib": peak,
    }


def _peak_mib(command: list[str]) -> float:
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    return usage.ru_maxrss / 1024


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    for limit, unit in ((1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.3g}{unit}"
    return f"{value:.3g}"


def print_row(outcome: Outcome) -> None:
    """Print one line of the table."""
    row, ratio = outcome.row, outcome.ratio()
    verdict = ""
    if row.bar is not None:
        verdict = "PASS" if ratio is not None and ratio >= row.bar else "below"
    print(
        f"{row.name:<10} {row.unit:<6} {_number(outcome.median('starrylab')):>9} "
        f"{_number(outcome.median('qemu')):>9} {_number(ratio):>7} "
        f"{row.bar if row.bar is not None else '-':>5} {verdict:<6}",
        *(f"{name}: {reason}" for name, reason in outcome.failures.items()),
        flush=True,
    )


def main() -> int:
    """Run what the command line asks for; the status says whether every bar was reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", help="only these rows")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write all values to this file")
    parser.add_argument("--starrylab", type=Path, help="the command to measure")
    arguments = parser.parse_args()
    beside = Path(sys.executable).with_name("starrylab")
    found = arguments.starrylab or (beside if beside.exists() else shutil.which("starrylab"))
    if found is None:
        parser.error("the starrylab command is missing; run: make bench")
    unknown = set(arguments.rows) - {row.name for row in ROWS}
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    try:
        peers = make_peers(Path(found))
    except (BuildError, debian.Unavailable, qemu.Unavailable) as error:
        parser.error(str(error))
    print(f"{'row':<10} {'unit':<6} {'starrylab':>9} {'qemu':>9} {'ratio':>7} {'bar':>5}")
    outcomes = []
    for row in ROWS:
        if not arguments.rows or row.name in arguments.rows:
            outcomes.append(run_row(row, peers, arguments.rounds))
            print_row(outcomes[-1])
    start: dict[str, float] = {}
    if not arguments.rows:
        try:
            start = startup(Path(found), arguments.rounds)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"start-up: {error}")
        else:
            print("start-up:", ", ".join(f"{key} {value:.2f}" for key, value in start.items()))
    if arguments.json:
        rows = [{**asdict(outcome), "ratio": outcome.ratio()} for outcome in outcomes]
        arguments.json.write_text(json.dumps({"rows": rows, "startup": start}, indent=1))
    below = [o for o in outcomes if o.row.bar is not None and (o.ratio() or 0) < o.row.bar]
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main())
