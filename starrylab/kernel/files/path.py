"""``PathFile``: a descriptor that only names a place (open(2), "O_PATH")."""

from __future__ import annotations

from typing import NoReturn

from ...abi.errno import EBADF
from ...abi.fcntl import O_PATH
from ..vfs.mount import Location
from ..vfs.node import Credentials
from .node_file import NodeFile


class PathFile(NodeFile):
    """Good for fstat(2), fchdir(2), the *at calls and execveat(2); not for reading."""

    __slots__ = ()

    kind = "path"

    def __init__(self, place: Location, flags: int, cred: Credentials) -> None:
        super().__init__(place, O_PATH, cred)
        self.place.mount.writers -= self.writable
        self.readable = self.writable = False
        self.flags = flags

    def _refuse(self, *args: object) -> NoReturn:
        raise EBADF

    read = write = pread = pwrite = seek = poll = ioctl = mappable = _refuse  # type: ignore[assignment]
