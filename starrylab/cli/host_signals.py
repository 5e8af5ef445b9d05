"""The host's signals, as events of a lab.

A handler of Python's runs between two of its instructions, and a wait that was just about to begin
would not end for it.  So a signal is written to a pipe, and comes in through the door, where
everything waits.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ..machine.door import HostDoor

SOURCE: Final = "host signals"


@contextlib.contextmanager
def signals_through_door(
    door: HostDoor, numbers: Iterable[int], serve: Callable[[int], object]
) -> Iterator[None]:
    """Call ``serve`` with each of the signals ``numbers`` that arrives."""

    def arrived(data: bytes) -> None:
        for signo in data:
            if signo in handlers:  # others are the host's own business
                serve(signo)

    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    handlers = {number: signal.signal(number, _ignore) for number in numbers}
    door.subscribe(SOURCE, arrived)
    door.attach(SOURCE, reading)
    try:
        yield
    finally:
        door.detach(SOURCE)
        for signo, handler in handlers.items():
            signal.signal(signo, handler)
        signal.set_wakeup_fd(before)
        os.close(reading)
        os.close(writing)


def _ignore(*_: object) -> None:
    """Be there: only a signal with a handler is written to the pipe."""
