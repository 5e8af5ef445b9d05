"""Bringing bytes into the board's memory, at the fastest rate that works, and verifying them."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Final

from ..boards.board import BootLoader, Uart
from ..link.errors import BaudError
from ..link.loader import Loader
from ..link.shell import ShellError
from ..link.xmodem import Progress, TransferError
from .errors import FlashError
from .events import Event, Said, Sent

_TRIES: Final = 3  #: transfers at one rate
_ASKED: Final = 3  #: times for a checksum
_TOO_MANY: Final = 20  #: one block in so many sent again: the rate is too high
_SMALL: Final = 16 << 10  #: bytes below which another rate is not worth its handshake


class Deaf(Exception):
    """The board does not answer any more: somebody has to press reset."""


class Transfer:
    """Loads, at rates that get slower as they fail. Keeps what it learned for the next piece."""

    def __init__(
        self, loader: Loader, dialect: BootLoader, uart: Uart, baud: int | None,
        say: Callable[[Event], None],
    ) -> None:  # fmt: skip
        self._loader = loader
        self._dialect = dialect
        self._say = say
        self._home = loader.port.baud
        self._asked = baud is not None
        self._rates = [baud] if baud is not None else self._possible(uart)

    def load(self, address: int, data: bytes, name: str) -> None:
        """Put `data` at a physical address and verify it; raise `FlashError`, `Deaf`."""
        trouble = "it was not tried"
        for baud in self._attempts(len(data)):
            try:
                resent = self._once(address, data, name, baud)
            except BaudError as error:
                trouble = str(error)
                self._slower(baud)
            except (TransferError, ShellError) as error:
                trouble = str(error)
            else:
                if resent > len(data) // 1024 // _TOO_MANY + 1:
                    self._slower(baud)
                return
            self._say(Said(f"{trouble}; trying again"))
            self._insist_on_prompt()
        raise FlashError(f"{name} could not be sent: {trouble}")

    def verify(self, address: int, data: bytes) -> bool:
        """Compare the board's checksum of its memory with ours."""
        wanted = zlib.crc32(data)
        at = self._dialect.spelled(address)
        for left in reversed(range(_ASKED)):  # the answer itself may suffer on the line
            try:
                found = self._loader.crc32(at, len(data))
            except ShellError:
                if not left:
                    raise
                self._loader.sync()
                continue
            if found is None:
                self._say(Said("this boot loader has no checksum command: each block was checked"))
                return True
            if found == wanted:
                return True
        return False

    def _once(self, address: int, data: bytes, name: str, baud: int) -> int:
        def tell(progress: Progress) -> None:
            self._say(Sent(name, baud, progress))

        at = self._dialect.spelled(address)
        resent = self._loader.load(at, data, baud=baud, progress=tell, name=name)
        if not self.verify(address, data):
            raise TransferError("the checksum on the board is another one")
        return resent

    def _attempts(self, size: int) -> Iterator[int]:
        """Yield the rate of each attempt: a few at one rate, then as many at the next."""
        baud, left = self._rate(size), _TRIES
        while left:
            yield baud
            left -= 1
            if not left:
                self._slower(baud)
            if self._rate(size) != baud:
                baud, left = self._rate(size), _TRIES

    def _rate(self, size: int) -> int:
        return self._home if size < _SMALL and not self._asked else self._rates[0]

    def _slower(self, baud: int) -> None:
        """Give up a rate, unless it is the last."""
        if self._rates[0] == baud and len(self._rates) > 1:
            del self._rates[0]

    def _possible(self, uart: Uart) -> list[int]:
        if self._dialect.load_baud is None:
            return [self._home]
        return [*(rate for rate in uart.bauds if rate > self._home), self._home]

    def _insist_on_prompt(self) -> None:
        try:
            self._loader.sync(3.0)
        except ShellError as error:
            raise Deaf(str(error)) from error
