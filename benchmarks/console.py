"""Does the console stay alive?  Key to echo under load, and what snapshots cost the guest.

    python benchmarks/console.py [--keys N] [--rounds N]

The whole console runs (without a real terminal); a key is pressed and its echo counts when the
terminal has it on its screen.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starrylab.app import ConsoleApp
from starrylab.session.client import LabClient
from starrylab.session.config import LabConfig

LOADS = {
    "idle": b"",
    "yes": b"yes\r",
    "fork storm": b"while true; do /bin/true; done\r",
    "CPU loop": b"while :; do :; done\r",
}
KEY, ECHO = "Z", b"Z"
BAR_MS = 100  #: p99
WORK = b"printf '\\132\\n'; seq 60000 | sort -rn | md5sum; printf '\\132\\n'\r"


@asynccontextmanager
async def console() -> AsyncIterator[tuple[ConsoleApp, Any, list[float]]]:
    """Boot a shell in the console; the list gets the time of each echo."""
    with tempfile.TemporaryDirectory() as folder:
        client = LabClient(transcript_folder=Path(folder))
        app = ConsoleApp(LabConfig(argv=(b"/bin/sh",)), client)
        echoes: list[float] = []

        def tap(data: bytes) -> None:
            echoes.extend([time.perf_counter()] * data.count(ECHO))

        async with app.run_test(size=(140, 40)) as pilot:
            app.console_screen.terminal.tap = tap
            while client.snapshot.sequence < 2:
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.5)
            yield app, pilot, echoes


async def latencies(load: bytes, keys: int) -> list[float]:
    """Return the seconds from key to echo, sorted."""
    async with console() as (app, _, echoes):
        app.client.send_input(load)
        await asyncio.sleep(1)
        found = []
        for _ in range(keys):
            count = len(echoes)
            pressed = time.perf_counter()
            app.console_screen.terminal.type_key(KEY, KEY)
            while len(echoes) == count and time.perf_counter() - pressed < 5:
                await asyncio.sleep(0.0005)
            found.append((echoes[-1] if len(echoes) > count else pressed + 5) - pressed)
            await asyncio.sleep(0.03)
        return sorted(found)


async def work(interval: float) -> float:
    """Return the seconds that a fixed work takes with snapshots every ``interval`` seconds."""
    async with console() as (app, _, echoes):
        app.client.set_interval(interval)
        # What is typed is echoed at once, so the letter is made only when the program prints.
        app.client.send_input(WORK)
        while len(echoes) < 2:
            await asyncio.sleep(0.005)  # the tap is no coroutine
        return echoes[1] - echoes[0]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    print(f"{'guest':<12} {'median':>9} {'p99':>9} {'worst':>9}   key to echo, ms")
    for name, load in LOADS.items():
        found = asyncio.run(latencies(load, args.keys))
        p99 = found[min(len(found) - 1, int(len(found) * 0.99))]
        verdict = "PASS" if p99 * 1000 < BAR_MS else "above"
        print(
            f"{name:<12} {statistics.median(found) * 1000:>9.1f} {p99 * 1000:>9.1f} "
            f"{found[-1] * 1000:>9.1f}   bar {BAR_MS} {verdict}"
        )
    pairs = [(asyncio.run(work(0)), asyncio.run(work(0.25))) for _ in range(args.rounds)]
    off, on = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(
        f"snapshots: {off:.3f} s without, {on:.3f} s with; {100 * (on / off - 1):+.1f} %  bar 3 %"
    )


if __name__ == "__main__":
    main()
