"""Where /proc/PID/fd/N leads for an open file that has no place (proc(5), pipe(7)).

A pipe is a FIFO there: opening it again gives one more end of it, which is what /dev/stdin
and /dev/stdout need in a pipeline.  Sockets, eventfds and the like can be looked at; opening
them fails with ENXIO, for their nodes know nothing to open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from ...abi.stat import PIPEFS_MAGIC, S_IFIFO, S_IFSOCK
from ..files.fifo import Fifo
from ..files.pipe_buffer import PipeBuffer
from ..vfs.dentry import DirEntry
from ..vfs.mount import Location, MountNamespace
from ..vfs.node import DirNodeOps, FilesystemOps, NodeOps

if TYPE_CHECKING:
    from ..files.file import File
    from ..kernel import Kernel

#: st_dev of what no file system shows, as fstat(2) tells it
ANONYMOUS_DEV: Final = 15
_SOCKET: Final = S_IFSOCK | 0o777


class HiddenFs(FilesystemOps):
    """What nodes belong to that have no name; never mounted where anybody could see it."""

    is_hidden = True

    @property
    def root(self) -> DirNodeOps:
        """An empty directory."""
        return DirNodeOps(self, 1, 0o555)


class PipeFs(HiddenFs):
    """What pipes belong to."""

    name: ClassVar[str] = "pipefs"
    magic: ClassVar[int] = PIPEFS_MAGIC


class PipeNode(NodeOps):
    """The node of a pipe, there as long as somebody holds a place of it."""

    __slots__ = ("_fifo",)

    def __init__(self, fs: FilesystemOps, buffer: PipeBuffer, uid: int, gid: int) -> None:
        super().__init__(fs, buffer.ino, S_IFIFO | 0o600, uid, gid)
        self._fifo = Fifo(buffer.ino, buffer)

    def bound(self, kind: type[Any]) -> Any:
        """See ``NodeOps.bound``: the FIFO is the pipe itself."""
        return self._fifo if kind is Fifo else super().bound(kind)

    def bind(self, kind: type[Any], value: Any) -> Any:
        """See ``NodeOps.bind``: the pipe stays bound when the last reopened end is closed."""
        return value if kind is Fifo else super().bind(kind, value)


def place_of(kernel: Kernel, file: File, uid: int, gid: int) -> Location:
    """Return a place that leads to a file without one; ``uid`` and ``gid`` own its node."""
    namespace = kernel.mounts
    mount = namespace.nameless
    if mount is None:
        fs = PipeFs(kernel.clock.realtime)
        fs.dev = ANONYMOUS_DEV
        mount = namespace.nameless = MountNamespace().new_root(fs)
    name = file.path()
    buffer = getattr(file, "buffer", None)
    node: NodeOps
    if isinstance(buffer, PipeBuffer):
        node = PipeNode(mount.fs, buffer, uid, gid)
    else:
        mode = _SOCKET if name.startswith(b"socket:") else 0o600
        node = NodeOps(mount.fs, file.number, mode, uid, gid)
    return Location(mount, DirEntry(name, None, node))
