"""From a node to an open file (open(2)): the table of node types and what opens them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from ...abi.errno import ENXIO
from ...abi.fcntl import O_CLOEXEC, O_CREAT, O_EXCL, O_NOCTTY, O_PATH, O_TRUNC
from ...abi.stat import S_IFBLK, S_IFCHR, S_IFDIR, S_IFMT, S_IFREG
from ..vfs.mount import Location
from ..vfs.node import Credentials, NodeOps
from .device import open_device
from .directory import DirectoryFile
from .file import File
from .node_file import NodeFile
from .path import PathFile
from .regular import RegularFile

if TYPE_CHECKING:
    from ..thread import Thread

_MAKERS: Final[dict[int, type[NodeFile]]] = {S_IFREG: RegularFile, S_IFDIR: DirectoryFile}
#: What F_GETFL does not show: they say how to open, not how the file is open.
_OPENING: Final = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC
_DROPPED: Final = ~_OPENING


def open_place(thread: Thread | None, place: Location, flags: int, cred: Credentials) -> File:
    """Return an open file of what is at ``place``; permissions have been checked.

    ``thread`` is who opens, for nodes that look different to everybody; the kernel itself
    may pass ``None``.  Raises ``ENXIO`` for a device that nothing drives.
    """
    noctty = flags & O_NOCTTY  # not a status flag, but a terminal must know it
    flags &= _DROPPED
    if flags & O_PATH:
        return PathFile(place, flags, cred)
    node = cast("NodeOps", place.entry.node)
    file = node.open(thread, place, flags | noctty)
    if file is not None:
        return file
    kind = node.mode & S_IFMT
    maker = _MAKERS.get(kind)
    if maker is None:
        if thread is not None and kind in (S_IFCHR, S_IFBLK):
            return open_device(thread.kernel.devices, node, thread, place, flags | noctty)
        raise ENXIO
    return maker(place, flags, cred)
