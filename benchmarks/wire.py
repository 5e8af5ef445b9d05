"""What a board on a serial line takes: requests, bytes and seconds, on a modelled line.

    python benchmarks/wire.py [--turn-ms 2]

The board is emulated (`link/monitor/emulated.py`); what crosses the line is what would cross a
real one, and its seconds are reckoned from bytes, rate and the time that an adapter takes to turn
around.  The time that CPUs take is left out.  "again" is the same program once more: its pages
are in the board's cache.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).parents[1]))

from starrylab.boards import load
from starrylab.boards.images import monitor_program
from starrylab.boards.monitor_build import monitor_elf
from starrylab.link.monitor.client import MonitorClient
from starrylab.link.monitor.emulated import EmulatedLine, WireBoard
from starrylab.machine.board.emulated import EmulatedBoard
from starrylab.machine.board.hart import BoardHart
from starrylab.machine.ram import HostRam
from starrylab.session import assemble
from starrylab.session.config import Bind, LabConfig
from starrylab.userland import compile_c

HERE = Path(__file__).parent
RATES = (115200, 460800, 1_500_000)
#: bytes of a YMODEM block of 1 KiB, and of the answer to it
BLOCK, PAYLOAD = 1029 + 1, 1024
OPTIMISED = ("-O2", "-Wno-unused-parameter")


@dataclass(frozen=True, slots=True)
class Crossed:
    """What crossed the line."""

    requests: int
    sent: int
    received: int

    def seconds(self, baud: int, turn_s: float) -> float:
        """Return how long it took."""
        return (self.sent + self.received) * 10 / baud + self.requests * turn_s

    def less(self, other: Crossed) -> Crossed:
        """Return the difference."""
        return Crossed(
            self.requests - other.requests,
            self.sent - other.sent,
            self.received - other.received,
        )


class Kept(MonitorClient):
    """A session that leaves the line to the next."""

    def close(self) -> None:
        """Keep the emulated board."""


def run(line: EmulatedLine, argv: list[str], share: Path | None = None) -> Crossed:
    """Run a program in a session of its own; return what crossed, the greeting included."""
    clients: list[MonitorClient] = []

    def make_hart(config: LabConfig) -> BoardHart:
        clients.append(Kept(line))
        return BoardHart(clients[-1], HostRam(config.memory))

    said = bytearray()
    nothing = os.open(os.devnull, os.O_RDONLY)
    io = assemble.HostIo(
        emit_console=said.extend,
        emit=(_taker(said), _taker(said)),
        stdin_tty=False,
        stdout_tty=False,
        stderr_tty=False,
        stdin_fd=nothing,
    )
    binds = () if share is None else (Bind(str(share), b"/mnt"),)
    words = tuple(word.encode() for word in argv)
    with mock.patch.object(assemble, "make_hart", make_hart):
        lab = assemble.assemble(LabConfig(binds=binds, argv=words, memory=64 << 20), io)
        status = lab.run()
        lab.finish_output()
    os.close(nothing)
    if status or lab.kernel.panic_text:
        raise SystemExit(f"{argv} ended with {status}: {said.decode(errors='replace')}")
    traffic = clients[0].exchange.traffic
    return Crossed(traffic.requests, traffic.sent, traffic.received)


def _taker(said: bytearray):  # noqa: ANN202
    def take(data) -> int:  # noqa: ANN001
        said.extend(data)
        return len(data)

    return take


def image() -> Crossed:
    """Return what YMODEM takes to bring the monitor to a VisionFive 2."""
    board = load("visionfive2")
    size = len(monitor_program(board, monitor_elf(board.arch)).data)
    blocks = -(-size // PAYLOAD)
    return Crossed(blocks + 3, (blocks + 2) * BLOCK, blocks + 6)


def rows() -> dict[str, Crossed]:
    """Measure everything."""
    hello = compile_c([HERE / "hello.c"], "riscv64", flags=OPTIMISED)
    bench = compile_c([HERE / "bench.c"], "riscv64", flags=OPTIMISED)
    line = EmulatedLine(WireBoard(EmulatedBoard()))
    greeting = Kept(line).exchange.traffic
    found = {
        "monitor image, by YMODEM": image(),
        "greeting": Crossed(greeting.requests, greeting.sent, greeting.received),
        "hello": run(line, ["/mnt/hello"], hello.parent),
        "hello again": run(line, ["/mnt/hello"], hello.parent),
        "sh, up to its prompt": run(line, ["/bin/sh", "-c", ":"]),
        "sh again": run(line, ["/bin/sh", "-c", ":"]),
        "sh, a pipe of two programs": run(line, ["/bin/sh", "-c", "echo hi | cat"]),
    }
    few = run(line, ["/mnt/bench", "getppid", "10"], bench.parent)
    few = run(line, ["/mnt/bench", "getppid", "10"], bench.parent)
    many = run(line, ["/mnt/bench", "getppid", "110"], bench.parent)
    found["100 getppid"] = many.less(few)
    return found


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turn-ms", type=float, default=2.0, help="of a USB adapter (default: 2)")
    turn_s = parser.parse_args().turn_ms / 1000
    print(f"{'':30}{'requests':>9}{'out':>9}{'in':>8}", *(f"{rate:>9}" for rate in RATES))
    for name, crossed in rows().items():
        seconds = (f"{crossed.seconds(rate, turn_s):8.2f}s" for rate in RATES)
        print(f"{name:30}{crossed.requests:9}{crossed.sent:9}{crossed.received:8}", *seconds)


if __name__ == "__main__":
    main()
