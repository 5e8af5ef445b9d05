"""The transcript: everything the console printed, with times, written as it happens.

The format is asciicast version 2 (one JSON header line, then ``[seconds, "o", text]``
lines), which players of terminal recordings read and which `grep` reads as well.  Each
event is flushed, so the file survives the lab process and the console.
"""

from __future__ import annotations

import codecs
import json
import os
import time
from pathlib import Path
from typing import Final, TextIO

import platformdirs

_LIMIT: Final = 64 << 20  #: bytes in one file; a guest that floods must not fill the disk
_KEEP: Final = 50  #: files kept in the folder


def transcript_folder() -> Path:
    """Return the folder of transcripts, in the user's state folder."""
    return platformdirs.user_state_path("starrylab") / "transcripts"


class Transcript:
    """One recording.  When it is full it starts over, keeping the part before as ``.1.cast``."""

    def __init__(
        self, title: str, columns: int, rows: int, folder: Path | None = None, line: str = ""
    ) -> None:
        """``line``: the name of a serial line beside the console, a part of the file's name."""
        folder = transcript_folder() if folder is None else folder
        folder.mkdir(parents=True, exist_ok=True)
        _prune(folder)
        stamp = time.strftime("%Y%m%d-%H%M%S")
        self.path = _unused(folder, f"{stamp}-{os.getpid()}{line and '-'}{line}")
        self._header = {
            "version": 2,
            "width": columns,
            "height": rows,
            "timestamp": int(time.time()),
            "title": title,
        }
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._started = time.monotonic()
        self._file: TextIO | None = self._open()

    def output(self, data: bytes) -> None:
        """Record what the console printed."""
        if text := self._decoder.decode(data):
            self._event("o", text)

    def resize(self, columns: int, rows: int) -> None:
        """Record a new window size."""
        self._event("r", f"{columns}x{rows}")

    def note(self, text: str) -> None:
        """Record a marker: a restart, a panic."""
        self._event("m", text)

    def close(self) -> None:
        """End the recording; closing twice is harmless."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> TextIO:
        file = self.path.open("w", encoding="utf-8")
        file.write(json.dumps(self._header) + "\n")
        self._size = 0
        return file

    def _event(self, kind: str, text: str) -> None:
        if self._file is None:
            return
        when = round(time.monotonic() - self._started, 6)
        line = json.dumps([when, kind, text], ensure_ascii=False) + "\n"
        self._size += len(line)
        if self._size > _LIMIT:
            self._file.close()
            self.path.replace(self.path.with_suffix(".1.cast"))
            self._file = self._open()
        self._file.write(line)
        self._file.flush()


def _unused(folder: Path, name: str) -> Path:
    path = folder / f"{name}.cast"
    number = 2
    while path.exists():
        path = folder / f"{name}-{number}.cast"
        number += 1
    return path


def _prune(folder: Path) -> None:
    files = sorted(folder.glob("*.cast"))
    for path in files[: max(0, len(files) - _KEEP + 1)]:
        path.unlink(missing_ok=True)
