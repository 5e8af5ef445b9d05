"""A faster rate, if both ends and the cable can do it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from ...machine.board.monitor import MonitorError
from ..errors import LinkError
from .client import MonitorClient
from .protocol import Feature

_PROBE: Final = bytes(range(256)) + b"U" * 64  #: every byte, and the fastest square wave
_PROBES: Final = 4
_FALL_BACK_S: Final = 1.2  #: after so long the monitor is back at the old rate
_SETTLE_S: Final = 0.02  #: until the monitor has changed its divisor


def raise_baud(
    client: MonitorClient, bauds: Sequence[int], fall_back_s: float = _FALL_BACK_S
) -> int:
    """Change to the first of ``bauds``, fastest first, that works; return the rate in use.

    Raises `MonitorError` when the monitor is lost on the way.
    """
    port = client.exchange.port
    if Feature.SPEED not in client.greeting.features:
        return port.baud
    for baud in bauds:
        if baud <= port.baud:
            break
        if _works(client, baud, fall_back_s):
            return baud
    return port.baud


def _works(client: MonitorClient, baud: int, fall_back_s: float) -> bool:
    port = client.exchange.port
    old = port.baud
    client.ask("BAUD", baud)
    time.sleep(_SETTLE_S)
    try:
        port.baud = baud
        for _ in range(_PROBES):
            client.exchange.attempts(1, lambda: client.ask("ECHO", _PROBE))
        return True
    except (LinkError, MonitorError):  # the adapter, the divisor or the cable cannot
        port.baud = old
        time.sleep(fall_back_s)
        client.ask("ECHO", _PROBE)
        return False
