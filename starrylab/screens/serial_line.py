"""A serial port as a terminal of the console: a thread reads it, keys are queued for it.

No Textual here.  The callbacks are called in the thread.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ..link.port import Port

_WAIT: Final = 0.02  #: seconds for the next bytes, before what was typed is sent


class SerialLine:
    """An open port, until `close` or until it is gone."""

    def __init__(
        self, port: Port, got: Callable[[bytes], object], ended: Callable[[str], object]
    ) -> None:
        """``got`` is told what arrives; ``ended`` why there is no more, "" after `close`."""
        self._port = port
        self._got = got
        self._ended = ended
        self._typed: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="serial line", daemon=True)

    @classmethod
    def open(
        cls, name: str, baud: int, got: Callable[[bytes], object], ended: Callable[[str], object]
    ) -> SerialLine:
        """Open a port and listen; raises `LinkError`, one line for the user."""
        from ..link.port import Port

        line = cls(Port.open(name, baud), got, ended)
        line.begin()
        return line

    def begin(self) -> None:
        """Listen."""
        self._thread.start()

    def type(self, data: bytes) -> None:
        """Send ``data`` soon."""
        self._typed.put(data)

    def close(self) -> None:
        """Let go of the port."""
        self._closing.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(5)

    def _run(self) -> None:
        from ..link.errors import LinkError

        problem = ""
        try:
            while not self._closing.is_set():
                if data := self._port.read(timeout=_WAIT):
                    self._got(data)
                while not self._typed.empty():
                    self._port.write(self._typed.get())
        except LinkError as error:
            problem = str(error)
        finally:
            self._port.close()
        self._ended(problem)
