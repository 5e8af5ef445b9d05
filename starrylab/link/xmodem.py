"""Sending a file by XMODEM, to receivers as they are.

The book is Chuck Forsberg's *XMODEM/YMODEM Protocol Reference*. What receivers do beyond or against
it was read in their sources and seen on the line:

* U-Boot and PMON (xyzModem.c) answer a bad block with another ``C``, not with NAK; a block that
  they have already is acknowledged again.
* When they give up they print a message, whose first letter may be ``C`` ("Cancelled", "CRC
  error") - and then there is a shell, which would execute what is sent. So whoever asks again is
  listened to for a moment, and nothing more is sent if text follows.
* Three CAN cancel, where a header is expected.
* The JH7110's boot ROM sends NAK many times over, and says ``(C)StarFive`` before it asks.
"""

from __future__ import annotations

import re
from binascii import crc_hqx
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from .errors import LinkError
from .port import Port

SOH: Final = 0x01
STX: Final = 0x02
EOT: Final = 0x04
ACK: Final = 0x06
NAK: Final = 0x15
CAN: Final = 0x18
CRC: Final = 0x43  #: ``C``: start, or send again, with a CRC
PAD: Final = b"\x1a"

_SIGNS: Final = bytes((ACK, NAK, CAN, CRC, 0x08))
_TEXT: Final = re.compile(rb"[ -~]")
_WORDS: Final = re.compile(rb"[ -BD-~\r\n]{8}")
_BANNER: Final = re.compile(r"OpenSBI v\d|U-Boot (SPL )?20\d\d")
_NOISE: Final = "noise"
_MUCH: Final = 48  #: bytes that are no sign: noise of another rate
_GLANCE: Final = 0.1  #: seconds in which text follows the letter that began it
_GAP: Final = 0.05
_LATE: Final = 0.2  #: seconds in which the answer to the first copy of a block follows the second's
_RATE_OVER: Final = 3.0  #: seconds over which the speed is averaged


class TransferError(LinkError):
    """The file did not arrive; the receiver is a shell again, or will be after its timeout."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """How one program receives. Times are seconds."""

    name: str
    start_marks: int = 1  #: this many ``C`` in a row are a request, fewer are text
    start_timeout: float = 15.0
    ack_timeout: float = 6.0  #: its own 2 s for a byte, 2 s of silence after an error, and some
    retries: int = 12  #: of one block
    hopeless: re.Pattern[bytes] | None = None  #: text after which it never takes a block again
    advice: str = ""  #: what to do then


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a transfer is."""

    sent: int  #: bytes that the receiver has acknowledged
    total: int  #: bytes
    rate: float  #: bytes per second, lately
    seconds_left: float
    resent: int  #: blocks that were sent again


class _Answer(Enum):
    ACK = "acknowledged"
    AGAIN = "asked again"
    SILENCE = "silence"
    TEXT = "text"


class Sender:
    """Sends one file by XMODEM. `send` may be called once."""

    def __init__(
        self,
        port: Port,
        receiver: Receiver,
        *,
        progress: Callable[[Progress], None] | None = None,
        block: int = 1024,
    ) -> None:
        self._port = port
        self._receiver = receiver
        self._progress = progress
        self._block = block
        self._marks: list[tuple[float, int]] = []
        self._crc = True
        self.resent = 0  #: blocks that were sent again
        self.said = ""  #: text that came after the end

    def send(self, data: bytes, name: str = "") -> None:
        """Send `data`; raise `TransferError`. Whoever interrupts it has to call `cancel`."""
        self._crc = self._started()
        self._header(name, len(data))
        self._body(data)
        if self._ended():
            self._trailer()

    # What YMODEM adds.

    def _header(self, name: str, size: int) -> None:
        """Send what comes before the first block."""

    def _trailer(self) -> None:
        """Send what comes behind EOT."""

    # What both do.

    def _started(self) -> bool:
        """Wait for the receiver to ask; return whether it wants a CRC."""
        port, end, row = self._port, self._port.now() + self._receiver.start_timeout, 0
        heard = bytearray()
        while (left := end - port.now()) > 0:
            byte = port.read(1, left)
            heard += byte
            row = row + 1 if byte == b"C" else 0
            if row >= self._receiver.start_marks or byte == bytes((NAK,)):
                more = port.drain(_GAP, _GLANCE)
                if not more.strip(_SIGNS):
                    return byte == b"C"
                port.unread(more)
        text = printable(heard)
        if self._is_hopeless(text):
            raise TransferError(f"{self._receiver.name} says {text!r}: {self._receiver.advice}")
        raise TransferError(
            f"{self._receiver.name} did not ask for the file" + (f": {text}" if text else "")
        )

    def _body(self, data: bytes) -> None:
        sent, number = 0, 1
        self._tell(0, len(data))
        while sent < len(data):
            piece = data[sent : sent + self._block]
            size = self._block if len(piece) > 128 else 128
            self._deliver(self._packet(number, piece.ljust(size, PAD)), f"block {number}")
            sent += len(piece)
            number += 1
            self._tell(sent, len(data))

    def _packet(self, number: int, payload: bytes) -> bytes:
        low = number & 0xFF
        head = bytes((STX if len(payload) == 1024 else SOH, low, 0xFF - low))
        if self._crc:
            return head + payload + crc_hqx(payload, 0).to_bytes(2, "big")
        return head + payload + bytes((sum(payload) & 0xFF,))

    def _deliver(self, packet: bytes, what: str) -> None:
        """Send a block until it is acknowledged."""
        silent = False
        for attempt in range(self._receiver.retries):
            self.resent += attempt > 0
            if self._is_talk(self._port.drain()):  # else acknowledgements of what was sent twice
                raise self._gave_up()
            self._port.write(packet)
            answer = self._answer()
            if answer is _Answer.ACK:
                if silent:
                    self._port.drain(_LATE)
                return
            if answer is _Answer.TEXT:
                raise self._gave_up()
            silent |= answer is _Answer.SILENCE
        cancel(self._port)
        raise TransferError(
            f"{self._receiver.name} did not take {what} in {self._receiver.retries} attempts"
            + (f"; {self._receiver.advice}" if self._receiver.advice else "")
        )

    def _ended(self) -> bool:
        """Send EOT until it is acknowledged; False: the receiver has ended already."""
        for _ in range(self._receiver.retries):
            self._port.write(bytes((EOT,)))
            answer = self._answer()
            if answer is not _Answer.AGAIN and answer is not _Answer.SILENCE:
                return answer is _Answer.ACK
        raise TransferError(f"{self._receiver.name} did not acknowledge the end of the file")

    def _answer(self) -> _Answer:
        """Wait for what the receiver says of what it was sent."""
        port, end = self._port, self._port.now() + self._receiver.ack_timeout
        cancels, heard = 0, b""
        while (left := end - port.now()) > 0:
            byte = port.read(1, left)
            heard += byte
            if self._is_talk(heard):
                return _Answer.TEXT
            cancels = cancels + 1 if byte == bytes((CAN,)) else 0
            if cancels == 2:
                raise TransferError(f"{self._receiver.name} cancelled the transfer")
            if byte == bytes((ACK,)):
                return _Answer.ACK
            if byte and byte[0] in (CRC, NAK):
                return self._asked_again(byte)
        return _Answer.SILENCE

    def _is_talk(self, heard: bytes) -> bool:
        """Tell whether that is no receiver any more: the board has restarted, at its own rate."""
        if len(heard.translate(None, _SIGNS)) < _MUCH and not _WORDS.search(heard):
            return False
        self.said = printable(heard + self._port.drain(_GAP, _GLANCE)) or _NOISE
        return True

    def _asked_again(self, first: bytes) -> _Answer:
        """Tell a request from the first letter of a message."""
        heard = first + self._port.drain(_GAP, _GLANCE)
        rest = heard.lstrip(_SIGNS)
        if len(_TEXT.findall(rest)) < 3:  # a byte of noise is no message
            return _Answer.ACK if heard.endswith(bytes((ACK,))) else _Answer.AGAIN
        text = heard[len(heard) - len(rest) - heard.startswith(b"C") :]
        self._port.unread(text)
        self.said = printable(text.split(b"\r")[0])
        return _Answer.TEXT

    def _gave_up(self) -> TransferError:
        receiver = self._receiver
        if self._is_hopeless(self.said):
            return TransferError(f"{receiver.name} says {self.said!r}: {receiver.advice}")
        if _BANNER.search(self.said):
            return TransferError("the board started anew in the middle of the transfer")
        if self.said == _NOISE:
            return TransferError("noise comes: the board may have started anew, at its own rate")
        return TransferError(f"{receiver.name} gave up: {self.said}")

    def _is_hopeless(self, text: str) -> bool:
        pattern = self._receiver.hopeless
        return pattern is not None and pattern.search(text.encode()) is not None

    def _tell(self, sent: int, total: int) -> None:
        if self._progress is None:
            return
        now = self._port.now()
        self._marks.append((now, sent))
        while len(self._marks) > 2 and now - self._marks[1][0] > _RATE_OVER:
            del self._marks[0]
        since, before = self._marks[0]
        rate = (sent - before) / (now - since) if now > since else 0.0
        left = (total - sent) / rate if rate else 0.0
        self._progress(Progress(sent, total, rate, left, self.resent))


def cancel(port: Port, patience: float = 8.0) -> None:
    """Make a receiver stop: CAN until it says something, or for `patience` seconds.

    In the middle of a block CAN is data; the receiver then needs 2 s of silence to notice.
    """
    end = port.now() + patience
    while port.now() < end:
        port.write(bytes((CAN,)) * 5)
        heard = port.read(timeout=2.5)
        heard += port.drain(_GAP, 1.0)
        rest = heard.strip(_SIGNS)
        if len(_TEXT.findall(rest)) > 2:
            port.unread(heard)
            return


def printable(data: bytes | bytearray) -> str:
    """Return the text in `data` on one line, for a message."""
    text = re.sub(rb"[^ -~]+", b" ", bytes(data).strip(_SIGNS.replace(b"C", b""))).decode("ascii")
    return " ".join(text.split())[:160]
