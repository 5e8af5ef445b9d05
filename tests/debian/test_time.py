"""An hour of guest time in seconds: a lab whose clocks jump over what everybody waits for."""

from __future__ import annotations

import time
from pathlib import Path

from tests import guest
from tests.debian.labs import MEMORY, SCRIPTS

HOUR_S = 3600


def test_cron_works_for_an_hour(trixie: Path) -> None:
    started = time.monotonic()
    result = guest.run(
        ["/bin/bash", "/scripts/cron.inc"],
        root=trixie,
        options=[*MEMORY, "--time", "skip", "--bind", f"{SCRIPTS}:/scripts"],
    )
    lines = result.stdout.decode().splitlines()
    assert result.status == 0, result.stderr
    passed, minutes, tens, slept, watch = (line.split() for line in lines)
    assert HOUR_S <= int(passed[1]) < HOUR_S + 90
    assert [int(m) for m in minutes[1:]] == list(range(int(minutes[1]), int(minutes[1]) + 60))
    assert len(tens) - 1 in (6, 7)
    assert all(int(t) % 600 < 60 for t in tens[1:])
    assert int(slept[1]) == 6
    assert int(watch[1]) in (11, 12)
    assert time.monotonic() - started < HOUR_S / 10
