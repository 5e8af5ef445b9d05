"""Something to be done a few milliseconds from now, for certain.

Textual's one-shot timers leave out a tick that is already late when they start: under load one
of two milliseconds may never come, and what waited for it would stand still for good.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual.message_pump import MessagePump


def later(pump: MessagePump, seconds: float, callback: Callable[[], object]) -> None:
    """Call ``callback`` between the messages of ``pump``, not before ``seconds`` have passed."""
    asyncio.get_running_loop().call_later(seconds, pump.call_next, callback)
