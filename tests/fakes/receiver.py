"""The receiver of U-Boot and PMON (common/xyzModem.c), written from what it does on the line.

A bad block is answered with `C`; block 0 is acknowledged without one; EOT is acknowledged twice;
three CAN or ETX where a header is expected cancel; a block with a broken frame is followed by two
seconds of silence that it waits for; an acknowledgement leaves when the next block is asked for.
"""

from __future__ import annotations

from binascii import crc_hqx
from dataclasses import dataclass, field

from .wire import Wire

SOH, STX, ETX, EOT, ACK, NAK, CAN = 1, 2, 3, 4, 6, 0x15, 0x18
_CHAR = 2.0  #: seconds
_RETRIES = 20


class Failed(Exception):
    """Gave up; the message is what U-Boot prints."""


@dataclass
class Quirks:
    """What a test wants to be different."""

    asks_after_block_0: bool = False  #: as the book has it
    double_ack: bool = False  #: every block
    gives_up_at: int | None = None  #: block after which it prints "Cancelled" by itself
    start_timeout: float = 90.0
    naks_first: int = 0  #: floods of NAK that are sent before the first block is taken
    wants_crc: bool = True
    etx_cancels: bool = True  #: not the boot ROM's
    blocks: list[int] = field(default_factory=list)  #: numbers, as they were accepted


class Receiver:
    def __init__(self, wire: Wire, quirks: Quirks, *, batch: bool = True) -> None:
        self._wire = wire
        self._quirks = quirks
        self._batch = batch
        self._cancels = (CAN, ETX) if quirks.etx_cancels else (CAN,)
        self._again = b"C" if quirks.wants_crc else bytes((NAK,))

    def receive(self) -> bytes:
        """Return the file; raise `Failed`."""
        size = self._open() if self._batch else None
        data = self._blocks()
        if self._batch:
            self._wire.write(b"C")
            self._block(0)
            self._wire.write(bytes((ACK,)))
        return data if size is None else data[:size]

    def _open(self) -> int:
        self._wire.mark()
        end = self._wire.now() + self._quirks.start_timeout
        self._wire.write(self._again)
        while self._wire.now() < end:
            got = self._header()
            if isinstance(got, tuple) and got[0] == 0:
                self._ack()
                if self._quirks.asks_after_block_0:
                    self._wire.write(b"C")
                return int(got[1].split(b"\0")[1].split()[0])
            self._wire.write(self._again)
        raise Failed("Timeout")

    def _blocks(self) -> bytes:
        if not self._batch:
            self._wire.mark()
            self._wire.write(self._again)
        data, expected, tries = bytearray(), 1, 0
        while True:
            got = self._header()
            if got == "eot":
                self._wire.write(bytes((ACK,)))
                self._wire.write(bytes((ACK,)))
                return bytes(data)
            if self._quirks.naks_first:
                self._quirks.naks_first -= 1
                self._wire.write(bytes((NAK,)) * 100)
                continue
            if isinstance(got, tuple) and got[0] == expected & 0xFF:
                data += got[1]
                self._quirks.blocks.append(expected)
                if self._quirks.gives_up_at == expected:
                    self._quirks.gives_up_at = None
                    raise Failed("Cancelled")
                expected, tries = expected + 1, 0
                self._ack()
            elif isinstance(got, tuple) and got[0] == (expected - 1) & 0xFF:
                self._wire.write(bytes((ACK,)))
            else:
                if isinstance(got, tuple):
                    self._silence()
                tries += 1
                if tries > _RETRIES:
                    raise Failed("CRC/checksum error")
                self._wire.write(self._again)

    def _block(self, number: int) -> None:
        for _ in range(_RETRIES):
            got = self._header()
            if isinstance(got, tuple) and got[0] == number:
                return
            self._wire.write(self._again)

    def _ack(self) -> None:
        self._wire.write(bytes((ACK,)) * (2 if self._quirks.double_ack else 1))

    def _header(self) -> tuple[int, bytes] | str:
        """Return a good block, ``eot``, or what is wrong."""
        cancels = 0
        while True:
            byte = self._wire.read(_CHAR)
            if byte is None:
                return "timeout"
            if byte in (SOH, STX):
                break
            if byte == EOT:
                return "eot"
            cancels = cancels + 1 if byte in self._cancels else 0
            if cancels == 3:
                raise Failed("Cancelled")
        length = 1024 if byte == STX else 128
        check = 2 if self._quirks.wants_crc else 1
        rest = bytearray()
        while len(rest) < 2 + length + check:
            byte = self._wire.read(_CHAR)
            if byte is None:
                return "timeout"
            rest.append(byte)
        number, complement, payload = rest[0], rest[1], bytes(rest[2 : 2 + length])
        if number ^ complement != 0xFF:
            self._silence()
            return "frame"
        found = int.from_bytes(rest[2 + length :], "big")
        if found != (crc_hqx(payload, 0) if check == 2 else sum(payload) & 0xFF):
            return "crc"
        return number, payload

    def _silence(self) -> None:
        while self._wire.read(_CHAR) is not None:
            pass
