"""A board's end of a serial line: a pseudo-terminal with a rate, damage, and a clock of its own."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import threading
import time
import tty
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Literal, Self

_TCGETS2 = 0x802C542A
_TERMIOS2 = struct.Struct("@4IB19s2I")

Damage = Literal["drop", "flip", "double"]


class PowerLost(Exception):
    """The board has no power any more, or is reset."""


class Wire:
    """Bytes in and out, one after the other. `scale` shortens the board's seconds."""

    def __init__(self, scale: float = 0.05, rate: int = 115200) -> None:
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.tty = os.ttyname(self._slave)
        self.scale = scale
        self.rate = rate  #: what the board's UART is set to
        self.works_at: Callable[[int], bool] = lambda _: True  #: what adapter and cable do
        self.to_board: dict[int, Damage] = {}  #: place since `mark` -> what happens to the byte
        self.from_board: dict[int, Damage] = {}
        self.lose_power_at: int | None = None  #: place since `mark` of a byte to the board
        self.marked = False
        self.powered = threading.Event()
        self._got = bytearray()
        self._counts = {"in": 0, "out": 0}

    def mark(self) -> None:
        """Begin to count bytes: places of damage are counted from here on. The first time only."""
        if not self.marked:
            self.marked = True
            self._counts = {"in": 0, "out": 0}

    def close(self) -> None:
        """Unplug the adapter."""
        for fd in (self._master, self._slave):
            with suppress(OSError):
                os.close(fd)

    def now(self) -> float:
        return time.monotonic() / self.scale

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds * self.scale)

    def read(self, timeout: float) -> int | None:
        """Return the next byte; None after `timeout` seconds."""
        if not self.powered.is_set():
            raise PowerLost
        end = time.monotonic() + timeout * self.scale
        while not self._got:
            left = end - time.monotonic()
            if left <= 0 or not self._fill(left):
                return None
        byte = self._got[0]
        del self._got[0]
        return byte

    def unread(self, byte: int) -> None:
        self._got.insert(0, byte)

    def waiting(self) -> bool:
        """Tell whether a key is in the FIFO."""
        return bool(self._got) or self._fill(0)

    def forget(self) -> None:
        """Lose what is in the FIFO, as a reset does."""
        while self.waiting():
            self._got.clear()

    def write(self, data: bytes | str) -> None:
        raw = data.encode() if isinstance(data, str) else data
        raw = self._damaged(raw, self.from_board, "out")
        try:
            os.write(self._master, self._garbled(raw))
        except OSError as error:
            raise PowerLost from error

    def _fill(self, seconds: float) -> bool:
        try:
            if not select.select([self._master], (), (), seconds)[0]:
                return False
            raw = self._garbled(os.read(self._master, 4096))
        except (OSError, ValueError) as error:
            raise PowerLost from error
        raw = self._damaged(raw, self.to_board, "in")
        self._got += raw
        limit = self.lose_power_at if self.marked else None
        if limit is not None and self._counts["in"] >= limit:
            self.lose_power_at = None
            self._got.clear()
            raise PowerLost
        return bool(raw)

    def _damaged(self, data: bytes, plan: dict[int, Damage], way: str) -> bytes:
        if not self.marked or not data:
            return data
        start = self._counts[way]
        self._counts[way] += len(data)
        out = bytearray()
        for place, byte in enumerate(data, start):
            damage = plan.pop(place, None)
            if damage == "drop":
                continue
            out.append(byte ^ 0x40 if damage == "flip" else byte)
            if damage == "double":
                out.append(byte)
        return bytes(out)

    def _garbled(self, data: bytes) -> bytes:
        """Return what comes out where the two sides are set to different rates."""
        raw = fcntl.ioctl(self._slave, _TCGETS2, bytes(_TERMIOS2.size))
        host = _TERMIOS2.unpack(raw)[-1]
        if host == self.rate and self.works_at(host):
            return data
        return bytes((byte * 7 & 0x7F) | 0x80 for byte in data)


class FakeBoard:
    """A board whose program is `boot`, on a thread; started again after every loss of power."""

    def __init__(self, scale: float = 0.05, rate: int = 115200) -> None:
        self.wire = Wire(scale, rate)
        self._home = rate
        self.boots = 0
        self.failure: BaseException | None = None
        self.comes_back = True  #: whether it is switched on again after a loss of power
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)

    def boot(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self.wire.powered.clear()
        self._thread.join(10)
        self.wire.close()
        if self.failure is not None and error is None:
            raise self.failure

    @property
    def tty(self) -> str:
        return self.wire.tty

    def power_on(self) -> Self:
        self.wire.powered.set()
        return self

    def press_reset(self) -> None:
        """Off, and on again a moment later."""
        self.wire.powered.clear()
        threading.Timer(0.05, self.wire.powered.set).start()

    def unplug(self) -> None:
        self.comes_back = False
        self.wire.powered.clear()
        self.wire.close()

    def _live(self) -> None:
        while not self._stop.is_set():
            if not self.wire.powered.wait(0.02):
                continue
            self.boots += 1
            self.wire.rate = self._home
            try:
                self.boot()
            except PowerLost:
                if self.wire.powered.is_set() and not self.comes_back:
                    self.wire.powered.clear()
            except BaseException as error:  # a bug in the fake: told where the test can see it
                self.failure = error
                return
