"""Reaching into a host folder without ever leaving it (openat(2), symlink(7)).

A directory is opened relative to its parent's descriptor with O_NOFOLLOW, so a symbolic
link on the host is never followed on the kernel's behalf: the guest's path resolution does
that, inside the guest's root.  Every host error becomes the guest's errno.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final, NamedTuple

from ...abi.errno import from_host

_MAX_DIRECTORIES: Final = 64  #: descriptors of directories kept open
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Listed(NamedTuple):
    """A name in a host directory."""

    name: bytes
    ino: int
    type: int  #: S_IF* bits


class HostFolder:
    """One host folder, and the identity of its files as the guest sees it."""

    def __init__(self, path: str | bytes | os.PathLike[str]) -> None:
        """Open the folder; raise ``LinuxError``."""
        self._open: OrderedDict[HostPlace, None] = OrderedDict()
        self._uid = os.geteuid()
        self._gid = os.getegid()
        self.path = os.fsencode(path)
        try:
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise from_host(error) from None
        self.root = HostPlace(self, None, b"")
        self.root.descriptor = fd

    def owner(self, st: os.stat_result) -> tuple[int, int]:
        """Return the guest's uid and gid: what the host's user owns is root's."""
        if not self._uid:
            return st.st_uid, st.st_gid
        return (
            0 if st.st_uid == self._uid else st.st_uid,
            0 if st.st_gid == self._gid else st.st_gid,
        )

    def host_owner(self, uid: int, gid: int) -> tuple[int, int]:
        """Undo `owner`; -1 stays -1."""
        if not self._uid:
            return uid, gid
        return uid or self._uid, gid or self._gid

    def opened(self, place: HostPlace) -> None:
        """Note that ``place`` holds a descriptor; the one unused longest loses its own."""
        self._open[place] = None
        if len(self._open) > _MAX_DIRECTORIES:
            self._open.popitem(last=False)[0].close()

    def used(self, place: HostPlace) -> None:
        """Note that a descriptor was used."""
        if place in self._open:
            self._open.move_to_end(place)

    def close(self) -> None:
        """Close every descriptor."""
        while self._open:
            self._open.popitem()[0].close()
        self.root.close()


class HostPlace:
    """A directory in a host folder: its parent and its name there."""

    __slots__ = ("__weakref__", "descriptor", "folder", "name", "parent")

    def __init__(self, folder: HostFolder, parent: HostPlace | None, name: bytes) -> None:
        self.folder = folder
        self.parent = parent
        self.name = name
        self.descriptor = -1

    def below(self, name: bytes) -> HostPlace:
        """Return the directory ``name`` in this one; it is not opened yet."""
        return HostPlace(self.folder, self, name)

    def path(self) -> bytes:
        """Return the directory's path on the host, by the names under which it was found."""
        if self.parent is None:
            return self.folder.path
        return os.path.join(self.parent.path(), self.name)

    def fd(self) -> int:
        """Return a descriptor of the directory, for ``dir_fd=``."""
        if self.descriptor >= 0:
            self.folder.used(self)
            return self.descriptor
        assert self.parent is not None
        try:
            self.descriptor = os.open(self.name, _DIRECTORY, dir_fd=self.parent.fd())
        except OSError as error:
            raise from_host(error) from None
        self.folder.opened(self)
        return self.descriptor

    def close(self) -> None:
        """Close the descriptor; `fd` opens another when it is needed."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def stat(self, name: bytes) -> os.stat_result:
        """Return the attributes of ``name``, which may be a link."""
        try:
            return os.stat(name, dir_fd=self.fd(), follow_symlinks=False)
        except OSError as error:
            raise from_host(error) from None

    def stat_self(self) -> os.stat_result:
        """Return the attributes of the directory."""
        try:
            return os.fstat(self.fd())
        except OSError as error:
            raise from_host(error) from None

    def listing(self) -> Iterator[Listed]:
        """Yield the names in the directory."""
        try:
            with os.scandir(self.fd()) as found:
                entries = sorted(found, key=lambda entry: entry.name)
                for entry in entries:
                    yield Listed(os.fsencode(entry.name), entry.inode(), _type(entry))
        except OSError as error:
            raise from_host(error) from None

    def readlink(self, name: bytes) -> bytes:
        """Return the text of the link ``name``."""
        try:
            return os.readlink(name, dir_fd=self.fd())
        except OSError as error:
            raise from_host(error) from None

    def open(self, name: bytes, flags: int, mode: int = 0o600) -> int:
        """Open the file ``name``, which must not be a link; the caller closes it."""
        flags |= os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        try:
            return os.open(name, flags, mode, dir_fd=self.fd())
        except OSError as error:
            raise from_host(error) from None


def _type(entry: os.DirEntry[str]) -> int:
    if entry.is_dir(follow_symlinks=False):
        return 0o040000
    if entry.is_symlink():
        return 0o120000
    if entry.is_file(follow_symlinks=False):
        return 0o100000
    return entry.stat(follow_symlinks=False).st_mode & 0o170000
