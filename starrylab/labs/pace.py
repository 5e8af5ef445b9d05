"""How fast this host is: limits on Python code are given for a reference host.

A limit of one second is as much work everywhere: a host that runs the loop below half as fast
as the reference gets two seconds.
"""

from __future__ import annotations

import time
from functools import cache
from typing import Final

_LOOP: Final = 200_000
_REFERENCE_SECONDS: Final = 0.010  #: of CPU time for the loop, CPython 3.11 at about 3 GHz
_TRIES: Final = 3


@cache
def slowness() -> float:
    """Return how many times longer than the reference this host takes; at least 1."""
    return max(1.0, min(_once() for _ in range(_TRIES)) / _REFERENCE_SECONDS)


def _once() -> float:
    start = time.thread_time()
    total = 0
    for number in range(_LOOP):
        total += number & 7
    return time.thread_time() - start
