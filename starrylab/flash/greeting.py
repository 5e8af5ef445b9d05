"""Speaking to the monitor, as far as flashing has to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..link.monitor.client import MonitorClient
from ..machine.board.monitor import MonitorError

if TYPE_CHECKING:
    from ..link.port import Port


class MonitorGreeter:
    """See `job.Greeter`."""

    def hello(self, port: Port, seconds: float) -> str | None:
        """Return what a running monitor says of itself; None: none answers."""
        end = port.now() + seconds
        while True:
            try:
                greeting = MonitorClient(port).greeting
            except MonitorError:
                if port.now() > end:
                    return None
            else:
                return (
                    f"the monitor answers: {greeting.arch}, {greeting.size >> 20} MiB of memory, "
                    f"counter at {greeting.timer_hz / 1e6:g} MHz"
                )

    def reset(self, port: Port) -> None:
        """Make it restart the board; one that does not answer is left alone."""
        try:
            MonitorClient(port).reset()
        except MonitorError:
            return
