"""/proc/PID/ns: which namespaces a process is in (namespaces(7), ioctl_nsfs(2)).

There is one of each kind, and none can be made.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Final

from ....abi.errno import EINVAL, ENOENT, ENOTTY, EPERM
from ....abi.ioctl import NS_GET_NSTYPE, NS_GET_OWNER_UID, NS_GET_PARENT, NS_GET_USERNS
from ....abi.sched import (
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    CLONE_NEWUTS,
)
from ....abi.stat import NSFS_MAGIC, S_IFREG
from ...files.node_file import NodeFile
from ...task.cred import ROOT
from ...vfs.dentry import DirEntry
from ...vfs.mount import Location, MountNamespace
from ...vfs.node import DirNodeOps, FilesystemOps, NodeOps
from ._nodes import LINK, MagicLink, TaskDir, ino_of, owner_of

if TYPE_CHECKING:
    from ...files.file import File
    from ...kernel import Kernel
    from ...thread import Thread
    from ...vfs.node import Credentials

#: the flag of clone(2) that names the kind, and the number of the first one (<linux/nsfs.h>)
_NAMESPACES: Final = {
    b"ipc": (CLONE_NEWIPC, 0xEFFFFFFF),
    b"mnt": (CLONE_NEWNS, 0xEFFFFFF8),
    b"net": (CLONE_NEWNET, 0xEFFFFFF9),
    b"pid": (CLONE_NEWPID, 0xEFFFFFFC),
    b"user": (CLONE_NEWUSER, 0xEFFFFFFD),
    b"uts": (CLONE_NEWUTS, 0xEFFFFFFE),
}
_LINKS: Final = {**{name: name for name in _NAMESPACES}, b"pid_for_children": b"pid"}
_HAVE_PARENTS: Final = (CLONE_NEWPID, CLONE_NEWUSER)
_NSFS_DEV: Final = 4


class NamespacesDir(TaskDir):
    """The directory: whoever is in the same namespace sees the same number."""

    __slots__ = ()

    def lookup(self, name: bytes) -> NodeOps:
        """See ``DirNodeOps.lookup``."""
        kind = _LINKS.get(name)
        if kind is None:
            raise ENOENT
        ino = ino_of(self.pid, self.tid, "ns", name)
        owner = owner_of(self.subject())
        return MagicLink(
            self.fs, ino, owner, self.check, lambda: _place(self.kernel, kind), lambda: _label(kind)
        )

    def names(self) -> Iterator[tuple[bytes, int]]:
        """See ``LiveDir.names``."""
        self.check()
        for name in _LINKS:
            yield name, LINK


class NsFs(FilesystemOps):
    """What the nodes of namespaces belong to; never mounted where anybody could see it."""

    name: ClassVar[str] = "nsfs"
    magic: ClassVar[int] = NSFS_MAGIC

    @property
    def root(self) -> DirNodeOps:
        """An empty directory."""
        return DirNodeOps(self, 1, 0o555)


class NamespaceNode(NodeOps):
    """One namespace."""

    __slots__ = ("name",)

    def __init__(self, fs: FilesystemOps, name: bytes) -> None:
        super().__init__(fs, _NAMESPACES[name][1], S_IFREG | 0o444)
        self.name = name

    def open(self, thread: Thread | None, location: Location, flags: int) -> File:
        """See ``NodeOps.open``."""
        cred = ROOT if thread is None else thread.cred
        return NamespaceFile(location, flags, cred, self.name)


class NamespaceFile(NodeFile):
    """An open namespace: it can be asked what it is."""

    __slots__ = ("_name",)

    def __init__(self, place: Location, flags: int, cred: Credentials, name: bytes) -> None:
        super().__init__(place, flags, cred)
        self._name = name

    def ioctl(self, thread: Thread, request: int, arg: int) -> int:
        """See ``File.ioctl``; ioctl_nsfs(2)."""
        kind = _NAMESPACES[self._name][0]
        if request == NS_GET_NSTYPE:
            return kind
        if request == NS_GET_USERNS and kind != CLONE_NEWUSER:
            owner = NamespaceFile(_place(thread.kernel, b"user"), 0, thread.cred, b"user")
            return thread.install(owner, cloexec=True)
        if request == NS_GET_OWNER_UID and kind == CLONE_NEWUSER:
            thread.mm.write_u32(arg, 0)
            return 0
        if request == NS_GET_PARENT and kind not in _HAVE_PARENTS:
            raise EINVAL
        if request in (NS_GET_PARENT, NS_GET_USERNS):
            raise EPERM  # nobody may see above the first one
        raise EINVAL if request == NS_GET_OWNER_UID else ENOTTY


def _label(name: bytes) -> bytes:
    return b"%s:[%d]" % (name, _NAMESPACES[name][1])


def _place(kernel: Kernel, name: bytes) -> Location:
    fs = NsFs(kernel.clock.realtime)
    fs.dev = _NSFS_DEV
    mount = MountNamespace().new_root(fs)
    return Location(mount, DirEntry(_label(name), None, NamespaceNode(fs, name)))
