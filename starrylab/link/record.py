"""A record of everything on a serial line: time, direction, bytes.

A line of the file is ``seconds  direction  text``; ``>`` is what went to the board, ``<`` what came
from it. Bytes that are not printable ASCII are written as in Python's bytes literals, so that a
record can be read by people and turned back into bytes. Lines end where the line's own do, and
where the direction changes or `_PAUSE` seconds pass.
"""

from __future__ import annotations

import os
import time
from datetime import datetime
from typing import IO, Final, Literal

from .errors import LinkError

Direction = Literal[">", "<"]

_PAUSE: Final = 0.2  #: seconds
_LONGEST: Final = 512  #: bytes of a line


class Record:
    """Writes what passes over a line to a file."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._start = time.monotonic()
        self._direction: Direction = "<"
        self._pending = bytearray()
        self._since = self._last = 0.0
        self._file.write(f"# {datetime.now().astimezone().isoformat(timespec='seconds')}\n")

    @classmethod
    def to(cls, path: str | os.PathLike[str]) -> Record:
        """Record to a new file; raise `LinkError`."""
        try:
            return cls(open(path, "w", encoding="ascii"))  # `close` closes it
        except OSError as error:
            raise LinkError(f"{os.fspath(path)}: {error.strerror}") from error

    def add(self, direction: Direction, data: bytes) -> None:
        """Note bytes that just went or came."""
        now = time.monotonic() - self._start
        if direction != self._direction or now - self._last > _PAUSE:
            self._write()
        self._direction = direction
        self._last = now
        for line in data.splitlines(keepends=True):
            if not self._pending:
                self._since = now
            self._pending += line
            if line.endswith(b"\n") or len(self._pending) >= _LONGEST:
                self._write()

    def note(self, text: str) -> None:
        """Add a remark, such as a change of the rate."""
        self._write()
        self._file.write(f"{time.monotonic() - self._start:12.6f} # {text}\n")

    def close(self) -> None:
        """End the record."""
        self._write()
        self._file.close()

    def _write(self) -> None:
        if self._pending:
            text = repr(bytes(self._pending))[2:-1]
            self._file.write(f"{self._since:12.6f} {self._direction} {text}\n")
            self._file.flush()
            self._pending.clear()
