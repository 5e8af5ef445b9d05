"""Where the pages of files come from that are not in RAM: host files, and bytes at hand.

Each class is a ``vfs.page_cache.Backing``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from ...abi.errno import from_host
from .hostfs_access import HostPlace


class _HostFile:
    """The content of a host file that is only read: opened for every read-ahead.

    Opening costs less than a tenth of reading 128 KiB, and so no descriptor is held.
    """

    __slots__ = ()

    def _open(self) -> int:
        """Return a descriptor; raise the host's error."""
        raise NotImplementedError

    def read_into(self, buffers: Sequence[memoryview], offset: int) -> int:
        """See ``Backing.read_into``."""
        fd = self._open()
        try:
            return read_fully(fd, buffers, offset)
        finally:
            os.close(fd)

    def write(self, data: bytes | memoryview, offset: int) -> None:
        """Never called: a copy-on-write file keeps what is written in RAM."""
        raise AssertionError("a lower file is read only")


class LowerFile(_HostFile):
    """The content of a file in a host folder."""

    __slots__ = ("_name", "_place")

    def __init__(self, place: HostPlace, name: bytes) -> None:
        self._place = place
        self._name = name

    def host_path(self) -> str:
        """Return where the host has the file at the moment, for whoever maps it there."""
        return os.fsdecode(os.path.join(self._place.path(), self._name))

    def _open(self) -> int:
        return self._place.open(self._name, os.O_RDONLY)


class HostPath(_HostFile):
    """The content of a file named by a path of the host, for trees built in Python."""

    __slots__ = ("_path",)

    def __init__(self, path: os.PathLike[str]) -> None:
        self._path = path

    def host_path(self) -> str:
        """Return the path."""
        return os.fspath(self._path)

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise from_host(error) from None


class BytesContent:
    """Content that is there as bytes, copied into pages when it is read."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read_into(self, buffers: Sequence[memoryview], offset: int) -> int:
        """See ``Backing.read_into``."""
        done = 0
        for buffer in buffers:
            part = self.data[offset + done : offset + done + len(buffer)]
            buffer[: len(part)] = part
            done += len(part)
        return done

    def write(self, data: bytes | memoryview, offset: int) -> None:
        """Never called: see ``LowerFile.write``."""
        raise AssertionError("a lower file is read only")


def read_fully(fd: int, buffers: Sequence[memoryview], offset: int) -> int:
    """Fill ``buffers`` from ``fd`` at ``offset`` as far as the file goes."""
    done = 0
    left = list(buffers)
    try:
        while left:
            count = os.preadv(fd, left[:1024], offset + done)
            if not count:
                break
            done += count
            while left and count >= len(left[0]):
                count -= len(left.pop(0))
            if count:
                left[0] = left[0][count:]
    except OSError as error:
        raise from_host(error) from None
    return done


class HostContent:
    """The descriptor of a host file, opened when it is first read or written."""

    __slots__ = ("descriptor", "writable")

    def __init__(self) -> None:
        self.descriptor = -1
        self.writable = False

    def open(self, place: HostPlace, name: bytes, *, write: bool) -> None:
        """Have a descriptor, for writing too if asked."""
        if self.descriptor >= 0 and (self.writable or not write):
            return
        fd = place.open(name, os.O_RDWR if write else os.O_RDONLY)
        self.close()
        self.descriptor, self.writable = fd, write

    def close(self) -> None:
        """Close the descriptor."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def __del__(self) -> None:
        self.close()

    def host_path(self) -> str:
        """Return a path of the open descriptor, "" if there is none; good while it is open."""
        return f"/proc/self/fd/{self.descriptor}" if self.descriptor >= 0 else ""

    def read_into(self, buffers: Sequence[memoryview], offset: int) -> int:
        """See ``Backing.read_into``."""
        return read_fully(self.descriptor, buffers, offset)

    def write(self, data: bytes | memoryview, offset: int) -> None:
        """See ``Backing.write``."""
        view = memoryview(data)
        try:
            while view:
                count = os.pwrite(self.descriptor, view, offset)
                view = view[count:]
                offset += count
        except OSError as error:
            raise from_host(error) from None
