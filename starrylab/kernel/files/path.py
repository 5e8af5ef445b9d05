"""``PathFile``: a descriptor that only names a place (open(2), "O_PATH")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...abi.errno import EBADF
from ...abi.poll import POLLNVAL
from ..vfs.mount import Location
from ..vfs.node import Credentials
from .node_file import NodeFile

if TYPE_CHECKING:
    from ..thread import Thread


class PathFile(NodeFile):
    """Good for fstat(2), fchdir(2), the *at calls and execveat(2); not for reading."""

    __slots__ = ()

    kind = "path"

    def __init__(self, place: Location, flags: int, cred: Credentials) -> None:
        super().__init__(place, flags, cred)
        self.readable = self.writable = False

    def seek(self, offset: int, whence: int) -> int:
        """See ``File.seek``."""
        raise EBADF

    def ioctl(self, thread: Thread, request: int, arg: int) -> int:
        """See ``File.ioctl``."""
        raise EBADF

    def poll(self) -> int:
        """See ``File.poll``."""
        return POLLNVAL
