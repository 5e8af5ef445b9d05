"""What recording allocations costs: the same rows of bench.c with it off and on, in turn.

    python benchmarks/leak_cost.py [--rounds 5] [ROW ...]

While it is off there is nothing to measure: constructors are the classes' own and the hooks of
the frame allocator are `None`, as they are without the package.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from starrylab.session.assemble import HostIo, assemble
from starrylab.session.config import Bind, LabConfig
from starrylab.userland import compile_c

#: row -> operations
ROWS = {
    "getppid": 60000,
    "openclose": 8000,
    "stat": 8000,
    "fork": 400,
    "forkexec": 100,
    "thread": 1000,
    "pingpong": 4000,
    "sockpp": 4000,
    "futex": 4000,
    "fault": 64,
    "cow": 32,
    "mmap": 8000,
    "signal": 8000,
}
OPTIMISED = ("-O2", "-Wno-unused-parameter")


def measure(folder: Path, row: str, count: int, record: bool) -> float:
    """Run one row in a new lab; return seconds an operation."""
    said = bytearray()
    nothing = os.open(os.devnull, os.O_RDONLY)
    io = HostIo(
        stdin_tty=False,
        stdout_tty=False,
        stderr_tty=False,
        stdin_fd=nothing,
        emit_console=said.extend,
        emit=(said.extend, said.extend),
    )
    argv = [b"/mnt/bench", row.encode(), b"%d" % count]
    if row == "forkexec":
        argv.append(b"/bin/true")
    config = LabConfig(binds=(Bind(str(folder), b"/mnt"),), argv=tuple(argv), memory=128 << 20)
    lab = assemble(config, io)
    if record:
        lab.tracker().start()
    try:
        lab.run()
        lab.finish_output()
    finally:
        lab.tracker().stop()
        os.close(nothing)
    line = next(x.split() for x in said.decode().splitlines() if x.startswith("R "))
    return float(line[3]) / float(line[2])


def main() -> int:
    """Print a table; return 1 when recording costs four times as much or more."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("rows", nargs="*", default=list(ROWS))
    args = parser.parse_args()
    folder = compile_c([Path(__file__).parent / "bench.c"], "riscv64", flags=OPTIMISED).parent
    worst = 0.0
    print(f"{'row':10} {'off us':>9} {'on us':>9} {'times':>6}")
    for row in args.rows:
        off, on = [], []
        for _ in range(args.rounds):
            off.append(measure(folder, row, ROWS[row], record=False))
            on.append(measure(folder, row, ROWS[row], record=True))
        ratio = statistics.median(on) / statistics.median(off)
        worst = max(worst, ratio)
        micro = [statistics.median(values) * 1e6 for values in (off, on)]
        print(f"{row:10} {micro[0]:9.2f} {micro[1]:9.2f} {ratio:6.2f}", flush=True)
    return int(worst >= 4)


if __name__ == "__main__":
    sys.exit(main())
