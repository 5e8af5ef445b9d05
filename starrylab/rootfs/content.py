"""Where the bytes of files come from that are too many to be kept: parts of a host file.

A `Slice` is a part of a file that stays open, so it can be read as long as somebody has it,
whatever becomes of the file's name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Protocol

from .errors import RootfsError

_CHUNK: Final = 1 << 20
_MAX_BUFFERS: Final = 1024  #: of one preadv(2)
HOLE: Final = -1  #: instead of an offset: zeros


class OpenFile:
    """A host file that is open for reading as long as this object exists."""

    __slots__ = ("_fd", "name")

    def __init__(self, source: Path | IO[bytes]) -> None:
        """Open a path, or take over a copy of an open file's descriptor; raise OSError."""
        if isinstance(source, Path):
            self.name = str(source)
            self._fd = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
        else:
            self.name = "a temporary file"
            self._fd = os.dup(source.fileno())

    def __del__(self) -> None:
        fd = getattr(self, "_fd", -1)
        if fd >= 0:
            os.close(fd)

    def size(self) -> int:
        """Return its size in bytes."""
        return os.lseek(self._fd, 0, os.SEEK_END)  # also of a block device

    def read(self, offset: int, size: int) -> bytes:
        """Return `size` bytes from `offset`; fewer at its end."""
        return os.pread(self._fd, size, offset)

    def read_into(self, buffers: Sequence[memoryview], offset: int) -> int:
        """Fill buffers as far as the file goes; return the number of bytes."""
        done = 0
        left = [buffer for buffer in buffers if len(buffer)]
        while left:
            count = os.preadv(self._fd, left[:_MAX_BUFFERS], offset + done)
            if not count:
                break
            done += count
            left = _after(left, count)
        return done


@dataclass(frozen=True, slots=True)
class Slice:
    """Bytes of an open file: pieces of (offset, length), `HOLE` for zeros.

    It is what a kernel's page cache reads from (``vfs.page_cache.Backing``).
    """

    file: OpenFile
    pieces: tuple[tuple[int, int], ...]

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return sum(length for _, length in self.pieces)

    def read(self) -> bytes:
        """Return all bytes; raise OSError."""
        return b"".join(self.chunks())

    def chunks(self) -> Iterator[bytes]:
        """Yield all bytes in parts of at most a mebibyte; raise OSError."""
        for start, length in self.pieces:
            for at in range(0, length, _CHUNK):
                size = min(_CHUNK, length - at)
                data = bytes(size) if start == HOLE else self.file.read(start + at, size)
                if len(data) < size:
                    raise EOFError(f"{self.file.name} has become shorter")
                yield data

    def read_into(self, buffers: Sequence[memoryview], offset: int) -> int:
        """Fill buffers from `offset` of these bytes on; return the number of bytes."""
        done = 0
        left = list(buffers)
        for start, length in self.pieces:
            if offset >= length:
                offset -= length
                continue
            wanted = _first(left, length - offset)
            count = sum(map(len, wanted))
            if start == HOLE:
                for buffer in wanted:
                    buffer[:] = bytes(len(buffer))
            elif self.file.read_into(wanted, start + offset) < count:
                raise OSError(5, f"{self.file.name} has become shorter")
            left = _after(left, count)
            done += count
            offset = 0
            if not left:
                break
        return done

    def write(self, data: bytes | memoryview, offset: int) -> None:
        """Never called: what is written stays in the guest's RAM."""
        raise AssertionError("a root's file is read only")


class Part(Protocol):
    """A content that is read when it is used: a `Slice`, or a file of a running lab."""

    @property
    def size(self) -> int:
        """How many bytes there are."""
        ...

    def read(self) -> bytes:
        """Return all bytes; raise OSError."""
        ...

    def chunks(self) -> Iterator[bytes]:
        """Yield all bytes in parts; raise OSError."""
        ...

    def read_into(self, buffers: Sequence[memoryview], offset: int) -> int:
        """Fill buffers from `offset` of these bytes on; return the number of bytes."""
        ...

    def write(self, data: bytes | memoryview, offset: int) -> None:
        """Never called: a root's file is read only."""
        ...


Content = bytes | Path | Part  #: bytes, the host file that has them, or a part of one


def size_of(content: Content) -> int:
    """Return the number of bytes; raise RootfsError for a host file that is gone."""
    if isinstance(content, bytes):
        return len(content)
    if not isinstance(content, Path):
        return content.size
    try:
        return content.stat().st_size
    except OSError as error:
        raise RootfsError(f"cannot read {content}: {error.strerror}") from None


def read_all(content: Content) -> bytes:
    """Return the bytes; raise OSError."""
    if isinstance(content, bytes):
        return content
    return content.read_bytes() if isinstance(content, Path) else content.read()


def chunks_of(content: Content) -> Iterator[bytes]:
    """Yield the bytes in parts; raise OSError."""
    if isinstance(content, bytes):
        yield content
    elif isinstance(content, Path):
        with content.open("rb") as file:
            while data := file.read(_CHUNK):
                yield data
    else:
        yield from content.chunks()


def _first(buffers: list[memoryview], size: int) -> list[memoryview]:
    """Return the first `size` bytes of what buffers hold."""
    found = []
    for buffer in buffers:
        if size <= 0:
            break
        found.append(buffer[:size])
        size -= len(buffer)
    return found


def _after(buffers: list[memoryview], size: int) -> list[memoryview]:
    """Return what buffers hold behind the first `size` bytes."""
    left = list(buffers)
    while left and size >= len(left[0]):
        size -= len(left.pop(0))
    if size and left:
        left[0] = left[0][size:]
    return left
