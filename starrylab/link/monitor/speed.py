"""The fastest rate that board, adapter and cable stand: tried, and given up when it fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from ...machine.board.monitor import MonitorError
from .client import MonitorClient
from .exchange import LinePort
from .protocol import Feature

_TESTS: Final = 3
_PATTERN: Final = bytes(range(256)) * 2
_SETTLE_S: Final = 0.02  #: an adapter's, after a change of its rate
_FALL_BACK_S: Final = 1.2  #: the monitor returns to its old rate after a second without a frame


def greet(
    port: LinePort, bauds: Sequence[int], on_text: Callable[[bytes], object] | None = None
) -> MonitorClient:
    """Find the monitor at one of ``bauds``; raises `MonitorError` if it is at none."""
    failure = MonitorError("no rates to try")
    for baud in bauds:
        port.baud = baud
        try:
            return MonitorClient(port, on_text=on_text)
        except MonitorError as error:
            failure = error
    raise failure


def speed_up(
    client: MonitorClient, bauds: Sequence[int], sleep: Callable[[float], object] = time.sleep
) -> int:
    """Change to the first of ``bauds`` that works; return the rate, at worst the present one."""
    port = client.exchange.port
    home = port.baud
    if Feature.SPEED not in client.greeting.features:
        return home
    for baud in bauds:
        if baud == home:
            break
        client.ask("BAUD", baud)
        port.baud = baud
        sleep(_SETTLE_S)
        if _works(client):
            return baud
        port.baud = home
        sleep(_FALL_BACK_S)
    return home


def _works(client: MonitorClient) -> bool:
    tries, client.exchange.tries = client.exchange.tries, 2
    before = client.exchange.traffic.resent
    try:
        good = all(client.ask("ECHO", _PATTERN)["data"] == _PATTERN for _ in range(_TESTS))
    except MonitorError:
        return False
    finally:
        client.exchange.tries = tries
    return good and client.exchange.traffic.resent == before
