"""Framing of the GDB remote serial protocol: ``$data#checksum``, escapes, acknowledgements.

GDB manual, "Remote Protocol Overview".  Run-length encoding is understood by gdb alone and
sent by nobody here; its marker ``*`` must be escaped in replies all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import Final

PACKET_SIZE: Final = 0x4000  #: bytes of a packet's data, as announced in qSupported

_ESCAPE: Final = 0x7D
_FLIP: Final = 0x20
_MUST_ESCAPE: Final = re.compile(rb"[#$}*]")
_ESCAPED: Final = re.compile(rb"}(.)", re.DOTALL)
_START, _END = b"$", b"#"
_CHECKSUM: Final = 2  #: hexadecimal digits after the end mark
_LONGEST: Final = 2 * PACKET_SIZE + 64  #: escaped, with what belongs to the frame
_INTERRUPT: Final = 0x03


class Mark(Enum):
    """What arrives between packets."""

    ACK = "+"
    NAK = "-"
    INTERRUPT = "Ctrl-C"
    BAD = "bad checksum"
    NOISE = "noise"  #: a byte that belongs to nothing


_MARKS: Final = {0x2B: Mark.ACK, 0x2D: Mark.NAK, _INTERRUPT: Mark.INTERRUPT}


def checksum(data: bytes) -> bytes:
    """Return the two hexadecimal digits that follow a packet's data."""
    return b"%02x" % (sum(data) & 0xFF)


def escape(data: bytes) -> bytes:
    """Return binary data as it may stand in a packet."""
    return _MUST_ESCAPE.sub(lambda found: bytes((_ESCAPE, found[0][0] ^ _FLIP)), data)


def unescape(data: bytes) -> bytes:
    """Undo `escape`; an escape at the very end is dropped."""
    if _ESCAPE not in data:
        return data
    plain = _ESCAPED.sub(lambda found: bytes((found[1][0] ^ _FLIP,)), data)
    return plain[:-1] if len(data) - len(data.rstrip(b"}")) & 1 else plain


def frame(data: bytes) -> bytes:
    """Return a packet on the wire; ``data`` is escaped already where it is binary."""
    return b"$" + data + b"#" + checksum(data)


class Framer:
    """Cuts a stream of bytes into packets and marks; whatever arrives, it goes on."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes | Mark]:
        """Yield what is complete: the data of a packet with its escapes undone, or a mark."""
        buffer = self._buffer
        buffer += data
        while buffer:
            if buffer[:1] != _START:
                yield _MARKS.get(buffer.pop(0), Mark.NOISE)
                continue
            end = buffer.find(_END)
            if end < 0 or len(buffer) < end + 1 + _CHECKSUM:
                if len(buffer) <= _LONGEST:
                    return
                end = len(buffer) - _CHECKSUM - 1  # too long for a packet: drop it
            yield self._take(end)

    def _take(self, end: int) -> bytes | Mark:
        """Take the packet off whose end mark is at ``end``."""
        buffer = self._buffer
        body = bytes(buffer[1:end])
        is_good = buffer[end : end + 1] == _END and (
            bytes(buffer[end + 1 : end + 1 + _CHECKSUM]).lower() == checksum(body)
        )
        # A "$" inside is the start of another packet: the first one lost its end.
        again = body.rfind(_START)
        if not is_good and again >= 0:
            del buffer[: again + 1]
            return Mark.BAD
        del buffer[: end + 1 + _CHECKSUM]
        return unescape(body) if is_good else Mark.BAD
