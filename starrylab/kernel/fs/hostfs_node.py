"""Nodes of a host folder that is passed through: attributes, links, special files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ...abi.errno import EOPNOTSUPP, LinuxError, from_host
from ..vfs.node import NodeOps, SpecialNode, SymlinkNodeOps
from .hostfs_access import HostPlace

if TYPE_CHECKING:
    from .hostfs import HostFs


class HostNode(NodeOps):
    """What all nodes have: where the host has them, and its attributes."""

    __slots__ = ()
    fs: HostFs
    place: Any  # HostPlace; the slots are the subclasses', since only one base may have some
    name: Any  # bytes

    def setup(self, place: HostPlace, name: bytes, st: os.stat_result) -> None:
        """Take a host file's identity and attributes."""
        self.place = place
        self.name = name
        self.adopt(st)

    def moved(self, place: HostPlace, name: bytes) -> None:
        """Note where the node was found last."""
        self.place = place
        self.name = name

    def adopt(self, st: os.stat_result) -> None:
        """Take the host's attributes."""
        self.mode = st.st_mode
        self.uid, self.gid = self.fs.folder.owner(st)
        self.nlink = st.st_nlink
        self.rdev = st.st_rdev
        self.size = st.st_size
        self.atime, self.mtime, self.ctime = st.st_atime_ns, st.st_mtime_ns, st.st_ctime_ns

    def refresh(self) -> None:
        """See ``NodeOps.refresh``; a file that lost its name keeps what it had."""
        try:
            st = self.place.stat(self.name) if self.name else self.place.stat_self()
        except LinuxError:
            return
        if st.st_ino == self.ino:
            self.adopt(st)

    @property
    def blocks(self) -> int:
        """See ``NodeOps.blocks``."""
        return self.size + 511 >> 9

    def update(
        self,
        *,
        mode: int | None = None,
        uid: int | None = None,
        gid: int | None = None,
        atime: int | None = None,
        mtime: int | None = None,
    ) -> None:
        """See ``NodeOps.update``; the host may refuse."""
        name: bytes | str = self.name or "."
        fd = self.place.fd()
        try:
            if uid is not None or gid is not None:
                owner = self.fs.folder.host_owner(
                    -1 if uid is None else uid, -1 if gid is None else gid
                )
                os.chown(name, *owner, dir_fd=fd, follow_symlinks=False)
            if mode is not None:
                if self.kind == 2:
                    raise EOPNOTSUPP
                os.chmod(name, mode, dir_fd=fd)
            if atime is not None or mtime is not None:
                times = (
                    self.atime if atime is None else atime,
                    self.mtime if mtime is None else mtime,
                )
                os.utime(name, ns=times, dir_fd=fd, follow_symlinks=False)
        except OSError as error:
            raise from_host(error) from None
        self.refresh()


class HostSpecial(SpecialNode, HostNode):
    """A FIFO, socket or device of the host: the type is the host's, the meaning the guest's."""

    __slots__ = ("name", "place")

    def __init__(self, fs: HostFs, place: HostPlace, name: bytes, st: os.stat_result) -> None:
        super().__init__(fs, st.st_ino, st.st_mode)
        self.setup(place, name, st)


class HostSymlink(SymlinkNodeOps, HostNode):
    """A symbolic link."""

    __slots__ = ("name", "place")

    def __init__(self, fs: HostFs, place: HostPlace, name: bytes, st: os.stat_result) -> None:
        super().__init__(fs, st.st_ino, st.st_mode)
        self.setup(place, name, st)

    def readlink(self) -> bytes:
        """See ``SymlinkNodeOps.readlink``."""
        text: bytes = self.place.readlink(self.name)
        return text
