"""Small things in packets: hexadecimal numbers and text, thread ids, errors."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from ...abi import errno

ALL: Final = -1  #: every process, every thread
ANY: Final = 0  #: an arbitrary one
_NUMBER: Final = re.compile(rb"[0-9a-fA-F]{1,16}")


class GdbError(Exception):
    """A request that cannot be done: an error number and one line for the user."""

    def __init__(self, message: str, number: int = errno.EINVAL.errno) -> None:
        super().__init__(message)
        self.number = number


class ThreadId(NamedTuple):
    """``pPID.TID``; each may be ALL or ANY."""

    pid: int
    tid: int


ANYBODY: Final = ThreadId(ANY, ANY)
EVERYBODY: Final = ThreadId(ALL, ALL)


def number(text: bytes) -> int:
    """Return a hexadecimal number of at most 64 bits; raise `GdbError`."""
    if _NUMBER.fullmatch(text) is None:
        raise GdbError(f"not a hexadecimal number: {text[:40].decode(errors='replace')!r}")
    return int(text, 16)


def numbers(text: bytes, separator: bytes = b",", count: int = 2) -> list[int]:
    """Return exactly ``count`` hexadecimal numbers; raise `GdbError`."""
    parts = text.split(separator)
    if len(parts) != count:
        raise GdbError(f"{count} numbers are expected")
    return [number(part) for part in parts]


def from_hex(text: bytes) -> bytes:
    """Return the bytes that pairs of digits stand for; raise `GdbError`."""
    try:
        return bytes.fromhex(text.decode("ascii"))
    except ValueError:
        raise GdbError("not pairs of hexadecimal digits") from None


def thread_id(text: bytes) -> ThreadId:
    """Return what ``pPID.TID``, ``pPID`` or ``TID`` names; raise `GdbError`.

    Without a process the pid is ANY.
    """
    if text[:1] != b"p":
        return ThreadId(ANY, _signed(text))
    pid, dot, tid = text[1:].partition(b".")
    return ThreadId(_signed(pid), _signed(tid) if dot else ALL)


def thread_text(pid: int, tid: int, *, multiprocess: bool) -> bytes:
    """Return a thread id as replies have it."""
    return b"p%x.%x" % (pid, tid) if multiprocess else b"%x" % tid


def _signed(text: bytes) -> int:
    return ALL if text == b"-1" else number(text)
