"""A short soak: five rounds of everything leave the kernel as two did (benchmarks/soak.py)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import soak

SOAK = Path(soak.__file__)


def test_nothing_grows() -> None:
    command = [sys.executable, str(SOAK), "--rounds", "5", "--stress", "0.3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 rounds" in done.stdout


def test_growth_is_told_from_noise() -> None:
    first = {"x": 3, "host: resident KiB": 100, "cache: absent names": 1, "gone": 2}
    last = {"x": 4, "host: resident KiB": 5000, "cache: absent names": 100, "new": 1}
    grown = {name for name, _, _, leak in soak.differences(first, last) if leak}
    assert grown == {"x", "new"}


@pytest.mark.usefixtures("few_objects")
def test_a_leak_of_every_sort_is_seen(tmp_path: Path) -> None:
    """What the kernel keeps by mistake shows up: an object, a table's entry, a frame."""
    lab_of: list[soak.Soak] = []
    kept: list[object] = []

    def leak(rounds: int) -> bool:
        kernel = lab_of[0].lab.kernel
        if rounds == soak.WARM_UP:
            kept.append(kernel.executor.call_at(1 << 62, print))
            kernel.clock.was_set.register(soak_waker(kernel))
            kernel.frames.alloc()
        return rounds <= soak.WARM_UP

    lab_of.append(soak.Soak(tmp_path, "true\n", leak, lambda line: None))
    assert lab_of[0].run() is None
    found = {row[0] for row in soak.differences(lab_of[0].first, lab_of[0].last) if row[3]}
    assert "kernel.core.timer.Timer" in found
    assert "kernel.core.sched.Executor._timers holds" in found
    assert "kernel.core.poll.PollSet._wakers holds" in found
    assert "memory: USER KiB" in found


def soak_waker(kernel):
    from starrylab.kernel.core.sched import Waker

    return Waker()
