"""Sending a file by YMODEM: XMODEM with a header that has the name and the length.

Against the book, U-Boot's receiver acknowledges the header and does *not* ask again before the
first block, and acknowledges EOT twice; who waits for what is missing loses seconds for every file.
"""

from __future__ import annotations

import re
from typing import Final

from .xmodem import CRC, NAK, Receiver, Sender, TransferError

U_BOOT: Final = Receiver("U-Boot")
PMON: Final = Receiver("PMON")
SPL: Final = Receiver("the SPL", start_marks=3, start_timeout=30.0)
BOOT_ROM: Final = Receiver(
    "the boot ROM",
    start_marks=3,
    start_timeout=60.0,
    retries=60,  # it says NAK many times and takes the block then
    hopeless=re.compile(rb"CRC Error|Try again", re.IGNORECASE),
    advice="switch the power off and on, and start over: it takes no block after an error",
)

_NEXT_FILE: Final = 3.0  #: seconds until it asks for one more file
_NAME: Final = 64  #: characters


class BatchSender(Sender):
    """Sends one file by YMODEM."""

    def _header(self, name: str, size: int) -> None:
        safe = re.sub(r"[^\w.-]", "_", name, flags=re.ASCII)[-_NAME:] or "image"
        text = f"{safe}\0{size} 0 100644\0".encode()
        self._deliver(self._packet(0, text.ljust(128, b"\0")), "the file's name")

    def _trailer(self) -> None:
        """Say that there are no more files."""
        port, end = self._port, self._port.now() + _NEXT_FILE
        while (left := end - port.now()) > 0:
            byte = port.read(1, left)
            if byte and byte[0] in (CRC, NAK):
                port.unread(byte)
                self._no_more()
                return
            if byte.isalnum() or byte == b"#":  # it has ended already
                port.unread(byte)
                return

    def _no_more(self) -> None:
        empty = self._packet(0, bytes(128))
        first = self._port.read(1)
        if self._asked_again(first).name == "TEXT":
            return
        try:
            self._deliver(empty, "the end of the batch")
        except TransferError:
            if not self.said:  # else it has everything, and says so
                raise
