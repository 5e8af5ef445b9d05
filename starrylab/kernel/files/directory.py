"""``DirectoryFile``: an open directory (getdents64(2), lseek(2))."""

from __future__ import annotations

from itertools import chain
from struct import Struct
from typing import TYPE_CHECKING, Final

from ...abi.errno import EINVAL, EISDIR, ENOENT
from ...abi.stat import S_IFDIR
from ..vfs.mount import Location
from ..vfs.node import Credentials, DirNodeOps, Entry
from .file import sought
from .node_file import NodeFile, touch_atime

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADER: Final = Struct("<QqHB")  #: struct linux_dirent64: d_ino, d_off, d_reclen, d_type
_END: Final = (1 << 63) - 1


class DirectoryFile(NodeFile):
    """An open directory; the offset is the cookie of the last entry that was returned.

    What a call had no room for is kept for the next one, since no folder can begin in its middle:
    looking for the place each time makes a large folder take time with the square of its size.
    """

    __slots__ = ("offset", "rest", "rest_at")

    kind = "directory"
    node: DirNodeOps

    def __init__(self, place: Location, flags: int, cred: Credentials) -> None:
        super().__init__(place, flags, cred)
        self.offset = 0
        self.rest: Iterator[Entry] | None = None  #: what follows ``rest_at``, while it is known
        self.rest_at = 0

    def read(self, size: int) -> bytes:
        """Refuse: a directory is read by `entries` only."""
        raise EISDIR

    def pread(self, size: int, offset: int) -> bytes:
        """See `read`."""
        raise EISDIR

    def _listing(self) -> Iterator[Entry]:
        """Yield what follows the offset; cookies 1 and 2 are "." and ".."."""
        entry = self.place.entry
        if self.offset < 1:
            yield Entry(1, b".", self.node.ino, S_IFDIR)
        if self.offset < 2:
            parent = entry.parent if entry.parent is not None else entry
            if entry is self.place.mount.root and self.place.mount.at is not None:
                parent = self.place.mount.at.parent or self.place.mount.at
            yield Entry(2, b"..", parent.directory.ino, S_IFDIR)
        yield from self.node.entries(max(self.offset, 2))

    def entries(self, size: int) -> bytes:
        """Return what fits into ``size`` bytes as ``struct linux_dirent64``.

        Raises ``ENOENT`` for a removed directory, ``EINVAL`` if not one entry fits.
        """
        if self.node.dead:
            raise ENOENT
        pack = _HEADER.pack
        records: list[bytes] = []
        rest = self.rest if self.rest_at == self.offset else None
        self.rest = None
        listing = rest if rest is not None else self._listing()
        for entry in listing:
            cookie, name, ino, kind = entry
            length = len(name) + 27 & ~7  # header of 19 bytes, NUL, rounded up to 8
            size -= length
            if size < 0:
                if not records:
                    raise EINVAL
                self.rest, self.rest_at = chain((entry,), listing), self.offset
                break
            records.append((pack(ino, cookie, length, kind >> 12) + name).ljust(length, b"\0"))
            self.offset = cookie
        touch_atime(self.place, self.flags)
        return b"".join(records)

    def seek(self, offset: int, whence: int) -> int:
        """See ``File.seek``; an offset is a d_off that `entries` gave, or 0."""
        self.offset = sought(self.offset, offset, whence, _END)
        return self.offset
