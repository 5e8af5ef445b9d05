"""Frames among text: COBS between zeros, and a check.

    00  COBS(content, check: u32 little-endian)  00

A zero occurs nowhere else, so both sides find the next frame after any damage.  The check is
CRC-32; a monitor inverts all its bits, so that what a boot loader echoes is no reply.  What comes
outside of frames is text, of the firmware for one.
"""

from __future__ import annotations

import zlib
from typing import Final

_RUN: Final = 254  #: bytes that one code byte of COBS can stand before
_FLIP: Final = 0xFFFFFFFF


class BadFrame(ValueError):
    """Not a frame, or a damaged one."""


def stuff(data: bytes) -> bytes:
    """Encode so that no zero is left (Consistent Overhead Byte Stuffing)."""
    out = bytearray()
    parts = data.split(b"\0")
    for index, part in enumerate(parts):
        while len(part) >= _RUN:
            out.append(_RUN + 1)
            out += part[:_RUN]
            part = part[_RUN:]
            if not part and index == len(parts) - 1:
                return bytes(out)
        out.append(len(part) + 1)
        out += part
    return bytes(out)


def unstuff(data: bytes) -> bytes:
    """Decode; `BadFrame`."""
    out = bytearray()
    at, end = 0, len(data)
    while at < end:
        code = data[at]
        if not code or at + code > end:
            raise BadFrame("broken COBS")
        out += data[at + 1 : at + code]
        at += code
        if code <= _RUN and at < end:
            out.append(0)
    return bytes(out)


def frame(content: bytes, *, of_monitor: bool = False) -> bytes:
    """Return the frame around ``content``."""
    check = zlib.crc32(content) ^ (_FLIP if of_monitor else 0)
    return b"\0" + stuff(content + check.to_bytes(4, "little")) + b"\0"


def content(stuffed: bytes, *, of_monitor: bool = True) -> bytes:
    """Return what is in a frame, without its zeros; `BadFrame`."""
    data = unstuff(stuffed)
    check = zlib.crc32(data[:-4]) ^ (_FLIP if of_monitor else 0)
    if len(data) < 5 or check != int.from_bytes(data[-4:], "little"):
        raise BadFrame("wrong check")
    return data[:-4]


class Splitter:
    """Tells the frames of a stream from the text between them."""

    def __init__(self) -> None:
        self._inside = False
        self._held = bytearray()
        self.text = bytearray()  #: whoever reads takes it out
        self.bad = 0  #: frames that were damaged

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes from the line; return the contents of good frames."""
        found: list[bytes] = []
        first, *rest = bytes(data).split(b"\0")
        self._add(first)
        for part in rest:
            self._zero(found)
            self._add(part)
        return found

    def idle(self) -> None:
        """Note that nothing came for long: what was begun is no frame."""
        if self._held:
            self.text += self._held
            self.bad += 1
        self._held.clear()
        self._inside = False

    def _add(self, part: bytes) -> None:
        (self._held if self._inside else self.text).extend(part)

    def _zero(self, found: list[bytes]) -> None:
        """Handle a zero: the end of a frame, or the beginning of one."""
        if not self._held:
            self._inside = True
            return
        try:
            found.append(content(bytes(self._held)))
            self._inside = False
        except BadFrame:
            self.bad += 1  # this zero may just as well begin the next
        self._held.clear()
