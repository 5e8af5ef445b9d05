"""What open files with a place in the file tree have in common (open(2))."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi.fcntl import (
    MS_NOATIME,
    MS_NODIRATIME,
    MS_RDONLY,
    MS_STRICTATIME,
    O_NOATIME,
)
from ...abi.file_flags import FS_NOATIME_FL
from ...abi.inotify import IN_CLOSE_NOWRITE, IN_CLOSE_WRITE
from ..vfs.file_flags import flags_of
from ..vfs.locks import LockTable, drop_process_locks
from ..vfs.mount import Location
from ..vfs.node import DIRECTORY, Credentials, NodeOps
from ..vfs.notify import tell_file
from .dnotify import Notices
from .file import File

if TYPE_CHECKING:
    from .fdtable import FdTable

DAY_NS: Final = 86_400_000_000_000


class NodeFile(File):
    """An open file that a path led to."""

    __slots__ = ("cred", "node", "place")

    node: NodeOps
    place: Location

    def __init__(self, place: Location, flags: int, cred: Credentials) -> None:
        super().__init__(flags)
        self.place = place
        self.node = place.node
        self.cred = cred  #: of who opened it
        mount = place.mount
        mount.users += 1
        if self.writable:
            mount.writers += 1

    def closed(self) -> None:
        """See ``File.closed``."""
        mount = self.place.mount
        mount.users -= 1
        if self.writable:
            mount.writers -= 1
        data = self.node.data
        if data is not None and LockTable in data:
            data[LockTable].closed(self)
        if mount.fs.watched and self.kind != "path":
            tell_file(self.place, IN_CLOSE_WRITE if self.writable else IN_CLOSE_NOWRITE)

    def drop_locks(self, table: FdTable) -> None:
        """See ``File.drop_locks``."""
        data = self.node.data
        if data is not None:
            drop_process_locks(self.node, table)
            if Notices in data:
                data[Notices].dropped(self, table)

    def path(self) -> bytes:
        """See ``File.path``."""
        return self.place.path()


def wants_atime(place: Location, flags: int) -> bool:
    """Tell whether reads through this open file may touch the access time (relatime)."""
    mount = place.mount
    if flags & O_NOATIME or mount.flags & (MS_NOATIME | MS_RDONLY) or mount.fs.read_only:
        return False
    node = place.node
    if node.kind == DIRECTORY and mount.flags & MS_NODIRATIME:
        return False
    if flags_of(node) & FS_NOATIME_FL:
        return False
    if mount.flags & MS_STRICTATIME:
        return True
    atime = node.atime
    return atime <= node.mtime or atime <= node.ctime or node.fs.now() - atime > DAY_NS


def touch_atime(place: Location, flags: int) -> None:
    """Set the access time if the mount wants it set now."""
    if wants_atime(place, flags):
        node = place.node
        node.atime = node.fs.now()
