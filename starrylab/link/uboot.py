"""U-Boot: `loady` at any rate, and where U-Boot itself lies in memory.

Read in cmd/load.c and cmd/bdinfo.c of U-Boot 2023.01 and 2025.01. `loady ADDRESS BAUD` asks no
table of rates, unlike ``setenv baudrate``; it waits for Enter at the new rate, and for Escape at
the old one when it has ended, however it has ended.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from .errors import BaudError
from .loader import Loader, Taken
from .port import Port
from .shell import ShellError
from .xmodem import cancel
from .ymodem import U_BOOT

_READY: Final = r"Ready for binary \(ymodem\) download to 0x[0-9A-Fa-f]+ at (\d+) bps\.\.\.\r?\n"
_READY_TEXT: Final = "Ready for binary (ymodem) download"
_ENTERS: Final = 5  #: times that Enter is sent at a new rate before it is given up
_BDINFOS: Final = 5
_ANSWER: Final = 0.4  #: seconds
_SETTLING: Final = 0.15  #: seconds: U-Boot waits 50 ms before and after it changes the rate
_END: Final = r"Switch baudrate to \d+ bps and press ESC"
_TOTAL: Final = re.compile(r"Total Size\s*=\s*0x([0-9a-fA-F]+)")
_BDINFO: Final = re.compile(
    r"^\s*(relocaddr|sp start|fdt_blob)\s*=\s*(?:0x)?([0-9a-fA-F]+)", re.MULTILINE
)
_LMB: Final = re.compile(r"reserved(?:\[\d+\]|\.reg\[\w+\]\.\w+)?\s*\[(?:0x)?(\w+)-(?:0x)?(\w+)\]")
_STACK: Final = 1 << 20  #: bytes below the stack pointer that U-Boot may come to need
_TEXT: Final = 4 << 20  #: bytes of U-Boot behind its relocated start
_TREE: Final = 64 << 10  #: bytes of a device tree


class UBoot(Loader):
    """U-Boot at its prompt."""

    receiver = U_BOOT

    def taken(self) -> list[Taken]:
        """Return U-Boot's relocated code, its stack and heap, the device tree, and what it guards.

        It moves itself to the end of RAM when it starts, so no description can know the place.
        Asked twice and more, until two answers agree: a digit may suffer on the line.
        """
        said = ""
        for _ in range(_BDINFOS):
            before, said = said, self.run("bdinfo")
            if said == before:
                break
        return taken_by(said)

    def _begin(self, address: int, baud: int) -> None:
        if baud == self.port.baud:
            self.enter(self.loader.load.format(address=address))
            self.expect(_READY, 10.0, _READY_TEXT)
            return
        if self.loader.load_baud is None or self.loader.baud_prompt is None:
            raise BaudError("this U-Boot cannot load at another rate")
        self.port.check_baud(baud)  # once U-Boot waits at another rate, only a reset brings it back
        self.enter(self.loader.load_baud.format(address=address, baud=baud))
        with suppress(ShellError):  # garbled, perhaps: the echo test decides
            self.expect(self.loader.baud_prompt, 3.0)
        self.port.drain(0.05, 0.5)
        self.port.sleep(_SETTLING)
        self.port.baud = baud
        self._echo_test(baud)

    def _echo_test(self, baud: int) -> None:
        """Send Enter until the answer reads as it should, which needs both directions."""
        for _ in range(_ENTERS):
            self.port.write(b"\r")
            try:
                self.expect(_READY, 1.0, _READY_TEXT)
            except ShellError:
                continue
            return
        raise BaudError(f"{baud} baud does not work here")

    def _finish(self, home: int) -> int | None:
        if self.port.baud != home:
            output = ""
            with suppress(ShellError):  # garbled, perhaps: the checksum decides
                output = self.expect(_END, 3.0).string.decode("utf-8", "replace")
            self._go_home(home)
            output += self.to_prompt(10.0)
        else:
            output = self.to_prompt(10.0)
        found = _TOTAL.search(output)
        return None if found is None else int(found[1], 16)

    def _cancel(self, home: int) -> None:
        if self.port.baud == home:
            super()._cancel(home)
        else:
            cancel(self.port)  # no prompt can come at this rate

    def _go_home(self, home: int) -> None:
        if self.port.baud == home:
            return
        self.port.drain(0.05, 0.5)
        self.port.baud = home
        self.port.sleep(2 * _SETTLING)
        self.port.write(b"\x1b")


def rescue(port: Port, bauds: Iterable[int]) -> bool:
    """End a `loady` that was left alone at another rate; tell whether there was one.

    It waits there for Enter, and then for a file; three Ctrl-C instead of one end it. The port is
    at its own rate afterwards.
    """
    home = port.baud
    found = False
    try:
        for baud in bauds:
            try:
                port.baud = baud
            except BaudError:
                continue
            port.drain()
            port.write(b"\r\x03\x03\x03")
            heard = port.read(timeout=_ANSWER) + port.drain(0.1, 1.0)
            found = b"press ESC" in heard
            if not found and b" bps..." in heard:
                cancel(port)
                found = True
            if found:
                break
    finally:
        port.baud = home
    if found:
        port.drain()
        port.sleep(2 * _SETTLING)
        port.write(b"\x1b")
    return found


def taken_by(bdinfo: str) -> list[Taken]:
    """Return the memory that the output of `bdinfo` tells of."""
    values = {name: int(value, 16) for name, value in _BDINFO.findall(bdinfo)}
    found = []
    if "relocaddr" in values:
        start = values["relocaddr"]
        found.append(Taken(start, start + _TEXT, "the running U-Boot"))
    if "sp start" in values:
        end = values["sp start"]
        top = max(end, values.get("relocaddr", end))
        found.append(Taken(end - _STACK, top, "U-Boot's stack and heap"))
    if "fdt_blob" in values:
        tree = values["fdt_blob"]
        found.append(Taken(tree, tree + _TREE, "the device tree"))
    for start, end in _LMB.findall(bdinfo):
        found.append(Taken(int(start, 16), int(end, 16) + 1, "what U-Boot reserves"))
    return found
