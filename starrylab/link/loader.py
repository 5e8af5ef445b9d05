"""A boot loader that takes files over its serial line: what U-Boot and PMON have in common."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple, Protocol

from .errors import BaudError, LinkError
from .port import Port
from .shell import Dialect, Shell, ShellError
from .xmodem import Progress, Receiver, TransferError, cancel
from .ymodem import BatchSender

_CRC_RATE: Final = 2e6  #: bytes per second that the slowest core checks


class LoaderDialect(Dialect, Protocol):
    """What loading has to know; see `starrylab.boards.BootLoader`."""

    @property
    def load(self) -> str:
        """Template of the command that receives YMODEM: `address`."""

    @property
    def load_baud(self) -> str | None:
        """The same at another rate: `address`, `baud`."""

    @property
    def baud_prompt(self) -> str | None:
        """What is printed before the rate changes."""

    @property
    def crc(self) -> str | None:
        """Template of the command that prints a CRC-32: `address`, `size`."""

    @property
    def crc_result(self) -> str | None:
        """Regular expression; group 1 has the eight digits."""


class Taken(NamedTuple):
    """Memory that the running boot loader needs: physical addresses."""

    start: int
    end: int
    why: str


class Loader(Shell):
    """The command line, and files. Addresses are spelled as the boot loader wants them."""

    receiver: Receiver

    def __init__(self, port: Port, dialect: LoaderDialect) -> None:
        super().__init__(port, dialect)
        self.loader = dialect

    def load(
        self,
        address: int,
        data: bytes,
        *,
        baud: int | None = None,
        progress: Callable[[Progress], None] | None = None,
        name: str = "image",
    ) -> int:
        """Put `data` into the board's memory; return how many blocks were sent again.

        Raises BaudError, ShellError, TransferError. Then, and when it is interrupted, the boot
        loader is left at its prompt and the port at its rate, if the board still answers.
        """
        home = self.port.baud
        try:
            self._begin(address, baud or home)
            sender = BatchSender(self.port, self.receiver, progress=progress)
            sender.send(data, name)
            size = self._finish(home)
        except BaseException:
            self.abandon(home)
            raise
        if size is not None and size != len(data):
            raise TransferError(f"the board received {size} bytes of {len(data)}")
        return sender.resent

    def crc32(self, address: int, size: int) -> int | None:
        """Return the board's own CRC-32 of its memory; None: it has no command for that."""
        if self.loader.crc is None or self.loader.crc_result is None:
            return None
        command = self.loader.crc.format(address=address, size=size)
        output = self.run(command, 10 + size / _CRC_RATE)
        found = re.search(self.loader.crc_result, output)
        if found is None:
            raise ShellError(f"the board computed no checksum, but said {output.strip()[-120:]!r}")
        return int(found[1], 16)

    def taken(self) -> list[Taken]:
        """Return what the running boot loader needs of the memory, as far as it tells."""
        return []

    def abandon(self, home: int) -> None:
        """Get the prompt back from wherever a transfer was. Nothing is raised."""
        with suppress(LinkError):
            self._cancel(home)
        with suppress(LinkError):
            self._go_home(home)
        with suppress(LinkError):
            self.sync()

    def _begin(self, address: int, baud: int) -> None:
        """Make it receive; `BaudError` if it cannot at that rate."""
        if baud != self.port.baud:
            raise BaudError(f"{self.receiver.name} cannot load at another rate than its own")
        self.enter(self.loader.load.format(address=address))

    def _finish(self, home: int) -> int | None:
        """Wait for the prompt after a transfer; return the size that is printed, if one is."""
        self.to_prompt(10.0)
        return None

    def _cancel(self, home: int) -> None:
        """Stop a receiver, if there is one: not where a prompt answers already."""
        try:
            self.sync(1.0)
        except ShellError:
            cancel(self.port)

    def _go_home(self, home: int) -> None:
        """Go back to the rate of the command line."""
        if self.port.baud != home:
            self.port.baud = home
