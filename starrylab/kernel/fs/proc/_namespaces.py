"""/proc/PID/ns: which namespaces a process is in (namespaces(7), ioctl_nsfs(2))."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, ClassVar, Final

from ....abi.errno import EINVAL, ENOENT, ENOTTY, EPERM, ESRCH
from ....abi.ioctl import (
    NS_GET_MNTNS_ID,
    NS_GET_NSTYPE,
    NS_GET_OWNER_UID,
    NS_GET_PARENT,
    NS_GET_PID_FROM_PIDNS,
    NS_GET_PID_IN_PIDNS,
    NS_GET_TGID_FROM_PIDNS,
    NS_GET_TGID_IN_PIDNS,
    NS_GET_USERNS,
)
from ....abi.stat import NSFS_MAGIC, S_IFREG
from ...files.node_file import NodeFile
from ...namespaces.base import Namespace
from ...namespaces.mnt import MntNamespace
from ...namespaces.pid import PidNamespace
from ...namespaces.user import UserNamespace
from ...task.cred import ROOT
from ...task.namespaces import pid_namespace
from ...vfs.dentry import DirEntry
from ...vfs.mount import Location, MountNamespace
from ...vfs.node import FilesystemOps, NodeOps
from ..nameless import HiddenFs
from ._declare import Subject
from ._nodes import LINK, MagicLink, TaskDir, ino_of, owner_of

if TYPE_CHECKING:
    from ...files.file import File
    from ...kernel import Kernel
    from ...task.cred import Credentials as TaskCredentials
    from ...thread import Thread
    from ...vfs.node import Credentials

_NSFS_DEV: Final = 4


def user_namespace(kernel: Kernel, cred: TaskCredentials) -> UserNamespace:
    """Return the user namespace of somebody's credentials."""
    return kernel.user_namespace if cred.user_ns is None else cred.user_ns


def _member(name: str) -> Callable[[Subject], Namespace]:
    def get(subject: Subject) -> Namespace:
        found: Namespace = getattr(subject.thread.namespaces, name)
        return found

    return get


def _pid(subject: Subject) -> Namespace:
    return pid_namespace(subject.thread)


def _user(subject: Subject) -> Namespace:
    return user_namespace(subject.kernel, subject.thread.cred)


#: names in the directory
LINKS: Final[dict[bytes, Callable[[Subject], Namespace]]] = {
    b"ipc": _member("ipc"),
    b"mnt": _member("mnt"),
    b"net": _member("net"),
    b"pid": _pid,
    b"pid_for_children": _member("pid_for_children"),
    b"time": _member("time"),
    b"time_for_children": _member("time_for_children"),
    b"user": _user,
    b"uts": _member("uts"),
}


class NamespacesDir(TaskDir):
    """The directory: whoever is in the same namespace sees the same number."""

    __slots__ = ()

    def lookup(self, name: bytes) -> NodeOps:
        """See ``DirNodeOps.lookup``."""
        get = LINKS.get(name)
        if get is None:
            raise ENOENT
        ino = ino_of(self.pid, self.tid, "ns", name)
        owner = owner_of(self.subject())

        def namespace() -> Namespace:
            subject = self.subject()
            if subject.mm is None or (name == b"pid_for_children" and _is_empty(get(subject))):
                raise ENOENT
            return get(subject)

        return MagicLink(
            self.fs, ino, owner, self.check, lambda: place_of(self.kernel, namespace()),
            lambda: namespace().label,
        )  # fmt: skip

    def names(self) -> Iterator[tuple[bytes, int]]:
        """See ``LiveDir.names``."""
        self.check()
        for name in LINKS:
            yield name, LINK


def _is_empty(namespace: Namespace) -> bool:
    """Tell whether a pid namespace waits for its first process (pidns_for_children_get())."""
    return isinstance(namespace, PidNamespace) and namespace.level > 0 and namespace.reaper is None


class NsFs(HiddenFs):
    """What the nodes of namespaces belong to."""

    name: ClassVar[str] = "nsfs"
    magic: ClassVar[int] = NSFS_MAGIC


class NamespaceNode(NodeOps):
    """One namespace; whoever holds the node keeps it."""

    __slots__ = ("namespace",)

    def __init__(self, fs: FilesystemOps, namespace: Namespace) -> None:
        super().__init__(fs, namespace.ino, S_IFREG | 0o444)
        self.namespace = namespace

    def open(self, thread: Thread | None, location: Location, flags: int) -> File:
        """See ``NodeOps.open``."""
        cred = ROOT if thread is None else thread.cred
        return NamespaceFile(location, flags, cred, self.namespace)


class NamespaceFile(NodeFile):
    """An open namespace: it can be asked what it is, and entered (setns(2))."""

    __slots__ = ("namespace",)

    def __init__(
        self, place: Location, flags: int, cred: Credentials, namespace: Namespace
    ) -> None:
        super().__init__(place, flags, cred)
        self.namespace = namespace

    def ioctl(self, thread: Thread, request: int, arg: int) -> int:
        """See ``File.ioctl``; ioctl_nsfs(2)."""
        answer = _IOCTLS.get(request)
        if answer is None:
            raise ENOTTY
        return answer(self.namespace, thread, arg)


def open_namespace(thread: Thread, namespace: Namespace) -> int:
    """Open a namespace for ``thread``; return the descriptor."""
    place = place_of(thread.kernel, namespace)
    return thread.install(NamespaceFile(place, 0, thread.cred, namespace), cloexec=True)


def _user_visible(thread: Thread, namespace: UserNamespace | None) -> int:
    """Open a user namespace that the caller's contains (ns_get_owner()); ``EPERM`` for others."""
    mine = thread.cred.user_ns
    if namespace is None:
        if mine is not None:
            raise EPERM
        return open_namespace(thread, thread.kernel.user_namespace)
    if not namespace.is_below(mine):
        raise EPERM
    return open_namespace(thread, namespace)


def _owner(namespace: Namespace, thread: Thread, _arg: int) -> int:
    if isinstance(namespace, UserNamespace) and not namespace.level:
        raise EPERM
    return _user_visible(thread, namespace.user_ns)


def _parent(namespace: Namespace, thread: Thread, arg: int) -> int:
    if isinstance(namespace, UserNamespace):
        return _owner(namespace, thread, arg)
    if not isinstance(namespace, PidNamespace):
        raise EINVAL
    parent = namespace.parent
    if parent is None or not parent.is_below(pid_namespace(thread)):
        raise EPERM
    return open_namespace(thread, parent)


def _owner_uid(namespace: Namespace, thread: Thread, arg: int) -> int:
    if not isinstance(namespace, UserNamespace):
        raise EINVAL
    thread.mm.write_u32(arg, thread.cred.shown_uid(namespace.owner))
    return 0


def _mount_id(namespace: Namespace, thread: Thread, arg: int) -> int:
    """Store the number by which statmount(2) and listmount(2) know a mount namespace."""
    if not isinstance(namespace, MntNamespace):
        raise EINVAL
    thread.mm.write_u64(arg, namespace.tree.id)
    return 0


def _translate(*, into: bool, group: bool) -> Callable[[Namespace, Thread, int], int]:
    """Return what translates the number ``arg`` between the caller's namespace and this one."""

    def answer(namespace: Namespace, thread: Thread, arg: int) -> int:
        if not isinstance(namespace, PidNamespace):
            raise EINVAL
        mine = pid_namespace(thread)
        source, sink = (mine, namespace) if into else (namespace, mine)
        found = thread.kernel.threads.get(source.meant(arg))
        if found is None:
            raise ESRCH
        number = sink.shown(found.process.pid if group else found.tid)
        if not number:
            raise ESRCH
        return number

    return answer


_IOCTLS: Final[dict[int, Callable[[Namespace, Thread, int], int]]] = {
    NS_GET_NSTYPE: lambda namespace, _thread, _arg: namespace.flag,
    NS_GET_USERNS: _owner,
    NS_GET_PARENT: _parent,
    NS_GET_OWNER_UID: _owner_uid,
    NS_GET_MNTNS_ID: _mount_id,
    NS_GET_PID_FROM_PIDNS: _translate(into=False, group=False),
    NS_GET_TGID_FROM_PIDNS: _translate(into=False, group=True),
    NS_GET_PID_IN_PIDNS: _translate(into=True, group=False),
    NS_GET_TGID_IN_PIDNS: _translate(into=True, group=True),
}


def place_of(kernel: Kernel, namespace: Namespace) -> Location:
    """Return the place of a namespace in the file system that nobody mounts."""
    mount = kernel.registry.mount
    if mount is None:
        fs = NsFs(kernel.clock.realtime)
        fs.dev = _NSFS_DEV
        mount = kernel.registry.mount = MountNamespace().new_root(fs)
    return Location(mount, DirEntry(namespace.label, None, NamespaceNode(mount.fs, namespace)))
