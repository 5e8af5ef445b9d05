"""/proc/PID/map_files: a link to the file of each mapped area (proc_pid_map_files(5))."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ....abi.errno import ENOENT
from ._nodes import LINK, MagicLink, TaskDir, ino_of, owner_of

if TYPE_CHECKING:
    from ...mm.report import MapEntry
    from ...vfs.mount import Location
    from ...vfs.node import NodeOps


class MapFilesDir(TaskDir):
    """The directory; it is there for whoever may look into the process."""

    __slots__ = ()

    def _entries(self) -> dict[bytes, MapEntry]:
        subject = self.subject()
        self.check()
        found = [] if subject.mm is None else subject.mm.maps()
        return {b"%x-%x" % (m.start, m.end): m for m in found if m.place is not None}

    def lookup(self, name: bytes) -> NodeOps:
        """See ``DirNodeOps.lookup``."""
        entry = self._entries().get(name)
        if entry is None:
            raise ENOENT

        def place() -> Location | None:
            found = self._entries().get(name)
            return None if found is None else found.place

        def text() -> bytes:
            found = place()
            if found is None:
                raise ENOENT
            return found.path()

        mode = 0o500 * bool(entry.prot & 1) | 0o300 * bool(entry.prot & 2)
        ino = ino_of(self.pid, self.tid, "map_files", name)
        return MagicLink(self.fs, ino, owner_of(self.subject()), self.check, place, text, mode)

    def names(self) -> Iterator[tuple[bytes, int]]:
        """See ``LiveDir.names``."""
        for name in self._entries():
            yield name, LINK
