"""Signals for what happens in a directory (F_NOTIFY of fcntl(2)), before inotify(7) was there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ...abi.fanotify import FAN_RENAME
from ...abi.fcntl import (
    DN_ACCESS,
    DN_ATTRIB,
    DN_CREATE,
    DN_DELETE,
    DN_MODIFY,
    DN_MULTISHOT,
    DN_RENAME,
)
from ...abi.inotify import (
    IN_ACCESS,
    IN_ATTRIB,
    IN_CREATE,
    IN_DELETE,
    IN_ISDIR,
    IN_MODIFY,
    IN_MOVED_FROM,
    IN_MOVED_TO,
)
from ..vfs.node import FilesystemOps, NodeOps
from ..vfs.notify import Watches

if TYPE_CHECKING:
    from .fdtable import FdTable
    from .file import File

_EVENTS: Final = {
    DN_ACCESS: IN_ACCESS,
    DN_MODIFY: IN_MODIFY,
    DN_CREATE: IN_CREATE | IN_MOVED_TO,
    DN_DELETE: IN_DELETE | IN_MOVED_FROM,
    DN_RENAME: FAN_RENAME,
    DN_ATTRIB: IN_ATTRIB,
}


class Notices(dict[tuple["File", "FdTable"], "Notice"]):
    """The notices of a directory, bound to its node: one for an open file in a table."""

    def dropped(self, file: File, table: FdTable) -> None:
        """Note that a descriptor of ``file`` was closed."""
        notice = self.pop((file, table), None)
        if notice is not None:
            notice.end()


class Notice:
    """What one descriptor of a directory wants to know."""

    __slots__ = ("_ended", "_node", "_notices", "_owner", "_signal", "fs", "mask")

    def __init__(
        self,
        node: NodeOps,
        owner: tuple[File, FdTable],
        signal: Callable[[], object],
        ended: Callable[[], object],
    ) -> None:
        self.mask = 0  #: DN_*
        self.fs: FilesystemOps = node.fs
        self._node = node
        self._owner = owner
        self._signal = signal  #: tells the owner of the file
        self._ended = ended  #: is told of the end
        self._notices: Notices = node.bound(Notices) or node.bind(Notices, Notices())
        self._notices[owner] = self
        watches = node.bound(Watches) or node.bind(Watches, Watches())
        watches[self] = None
        self.fs.watched[self] = None

    def event(self, mask: int, name: bytes, cookie: int, *, unlinked: bool) -> None:
        """See ``vfs.notify.Watch``."""
        if not name and not mask & IN_ISDIR:
            return
        if not any(mask & events for bit, events in _EVENTS.items() if self.mask & bit):
            return
        self._signal()
        if not self.mask & DN_MULTISHOT:
            self.unmounted()

    def gone(self) -> None:
        """See ``vfs.notify.Watch``."""
        self.unmounted()

    def unmounted(self) -> None:
        """See ``vfs.notify.Ending``."""
        if self._notices.pop(self._owner, None) is not None:
            self.end()

    def end(self) -> None:
        """Stop to watch."""
        self.fs.watched.pop(self, None)
        watches: Watches | None = self._node.bound(Watches)
        if watches is not None:
            watches.pop(self, None)
            if not watches:
                self._node.bind(Watches, None)
        self._ended()
