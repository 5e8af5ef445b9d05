"""The file system types that need no device, and files that have no place in any tree."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

from ...abi.capability import CAP_SYS_ADMIN
from ...abi.errno import EINVAL, ENODEV, EPERM
from ..task.cred import ROOT, Credentials
from ..vfs.dentry import DirEntry
from ..vfs.mount import Location, MountNamespace
from ..vfs.node import FilesystemOps
from . import mqueuefs
from .options import parse_options
from .tmpfs import Tmpfs
from .tmpfs_file import TmpFile

if TYPE_CHECKING:
    from ..kernel import Kernel
    from ..namespaces.proxy import Namespaces
    from ..namespaces.user import UserNamespace


#: what may be mounted in any user namespace (FS_USERNS_MOUNT)
_FOR_EVERYBODY: Final = frozenset({b"tmpfs", b"proc", b"sysfs", b"devpts", b"mqueue", b"overlay"})


#: file systems that show a namespace belong to whom that belongs to
_SHOWN: Final[dict[bytes, Callable[[Namespaces], UserNamespace | None]]] = {
    b"proc": lambda namespaces: namespaces.pid_for_children.user_ns,
    b"sysfs": lambda namespaces: namespaces.net.user_ns,
    b"mqueue": lambda namespaces: namespaces.ipc.user_ns,
}


class Factory(Protocol):
    """Makes, or finds, the file system that mount(2) asks for."""

    def __call__(
        self, kernel: Kernel, source: bytes, flags: int, options: bytes, /
    ) -> FilesystemOps:
        """Return the file system; raise what mount(2) lists."""
        ...


def register(kernel: Kernel) -> None:
    """Let mount(2) know tmpfs, mqueue and bpf."""
    kernel.filesystems.setdefault("tmpfs", make_tmpfs)
    kernel.filesystems.setdefault("bpf", _make_bpf)
    kernel.filesystems.setdefault("mqueue", mqueuefs.make)


def _make_bpf(kernel: Kernel, source: bytes, flags: int, options: bytes) -> FilesystemOps:
    from ..bpf import pins  # most machines never need it

    return pins.make(kernel, source, flags, options)


def make_tmpfs(kernel: Kernel, _source: bytes, _flags: int, options: bytes) -> Tmpfs:
    """Make an empty tmpfs (a `Factory`); the source is only a name in /proc/mounts."""
    fs = Tmpfs(kernel.clock.realtime, kernel.pool, options)
    cred, given = asker(kernel), dict(parse_options(options))
    uid = cred.meant_uid(fs.root.uid) if b"uid" in given else cred.fsuid
    gid = cred.meant_gid(fs.root.gid) if b"gid" in given else cred.fsgid
    if uid is None or gid is None:
        raise EINVAL("no such id in this user namespace")
    fs.root.uid, fs.root.gid = uid, gid
    return fs


def asker(kernel: Kernel) -> Credentials:
    """Return the credentials of whoever mounts; root's for the kernel itself."""
    found: Credentials = getattr(kernel.executor.current, "cred", ROOT)
    return found


def make_filesystem(
    kernel: Kernel, kind: bytes, source: bytes, flags: int, options: bytes
) -> FilesystemOps:
    """Make a file system of a registered type; raise ``ENODEV`` for an unknown one."""
    factory = kernel.filesystems.get(kind.decode("ascii", "replace"))
    if factory is None:
        raise ENODEV
    cred = asker(kernel)
    user_ns = cred.user_ns
    if user_ns is not None and kind not in _FOR_EVERYBODY:
        raise EPERM("only root of the initial user namespace mounts this")
    if kind in _SHOWN:
        user_ns = _SHOWN[kind](getattr(kernel.executor.current, "namespaces", kernel.namespaces))
        cred.require_in(user_ns, CAP_SYS_ADMIN)
    made: FilesystemOps = factory(kernel, source, flags, options)
    if not made.mounts:
        made.user_ns = user_ns
    return made


def hidden_file(
    kernel: Kernel, name: bytes, mode: int, uid: int, gid: int
) -> tuple[Location, TmpFile]:
    """Make a file that has no place (memfd_create(2)); /proc shows ``/name (deleted)``."""
    namespace = kernel.mounts
    if namespace.hidden is None:
        fs = make_tmpfs(kernel, b"", 0, b"size=0,nr_inodes=0")
        fs.is_hidden = True
        namespace.hidden = MountNamespace().new_root(fs)
        fs.dev = namespace.new_device()
    mount = namespace.hidden
    assert isinstance(mount.fs, Tmpfs)
    node = TmpFile(mount.fs, mode, uid, gid)
    node.nlink = 0
    entry = DirEntry(name, mount.root, node)
    entry.unlinked = True
    return Location(mount, entry), node
