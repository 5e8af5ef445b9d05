"""``TreeFile``: a tree of mounts that hangs nowhere, held by a descriptor (fsmount(2))."""

from __future__ import annotations

from ...abi.fcntl import O_PATH
from ..vfs.mount import Mountpoint
from ..vfs.node import Credentials
from .path import PathFile


class TreeFile(PathFile):
    """An O_PATH descriptor; the tree goes with it, unless it was moved to a place by then."""

    __slots__ = ("_top",)

    def __init__(self, top: Mountpoint, cred: Credentials) -> None:
        super().__init__(top.root_location, O_PATH, cred)
        self._top = top

    def closed(self) -> None:
        """See ``File.closed``."""
        super().closed()
        namespace = self._top.namespace
        if namespace.is_anonymous and namespace.root is self._top:
            namespace.dissolve()
