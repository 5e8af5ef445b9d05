"""F_SETLEASE, F_GETLEASE and F_NOTIFY of fcntl(2): signals for what others do with a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

from ...abi.capability import CAP_LEASE
from ...abi.errno import EACCES, EAGAIN, EINVAL, ENOTDIR
from ...abi.fcntl import DN_MULTISHOT, F_RDLCK, F_UNLCK, F_WRLCK
from ...abi.stat import S_IFMT, S_IFREG
from ..files.dnotify import Notice, Notices
from ..files.file import File
from ..vfs.leases import Lease, change, expire
from ..vfs.locks import LockTable
from ..vfs.node import DIRECTORY, FileNodeOps, NodeOps
from ._reporting import guard, listen
from ._sigio import tell_of_message

if TYPE_CHECKING:
    from ..kernel import Kernel
    from ..thread import Thread

_DN_EVENTS = 0x3F


def _signaller(kernel: Kernel, file: File, fd: int) -> Any:
    """Return what tells the owner of ``file``, which it does not keep open."""
    known = ref(file)

    def tell() -> None:
        opened = known()
        if opened is not None:
            tell_of_message(kernel, opened, fd)

    return tell


def _own(t: Thread, file: File) -> None:
    """Make the caller the owner of the file's signals, if it has none."""
    if not file.owner:
        file.owner, file.owner_is_thread, file.signal_cred = t.process.pid, False, t.cred


# -- leases ----------------------------------------------------------------------------------------


def set_lease(t: Thread, fd: int, file: File, arg: int) -> int:
    """Serve F_SETLEASE."""
    node = file.node
    if node is None or node.mode & S_IFMT != S_IFREG or not isinstance(node, FileNodeOps):
        raise EINVAL
    kind = arg & 0xFFFFFFFF
    if kind == F_UNLCK:
        change(LockTable.of(node), file, kind)
        return 0
    if t.cred.fsuid != node.uid and not t.cred.capable(CAP_LEASE):
        raise EACCES
    if kind not in (F_RDLCK, F_WRLCK) or not t.kernel.watching.leases_enabled:
        raise EINVAL
    _take(t, fd, file, node, kind)
    return 0


def _take(t: Thread, fd: int, file: File, node: FileNodeOps, kind: int) -> None:
    table = LockTable.of(node)
    expire(table, t.executor.now)
    if kind == F_RDLCK and node.writers > 0:
        raise EAGAIN
    if kind == F_WRLCK and (node.writers < 0 or _open_files(t.kernel, node) > 1):
        raise EAGAIN
    for holder, lease in table.leases.items():
        if holder is not file and (kind == F_WRLCK or lease.target == F_UNLCK):
            raise EAGAIN
    if file in table.leases:
        change(table, file, kind)
        return
    kernel = t.kernel
    tell = _signaller(kernel, file, fd)
    table.leases[file] = Lease(kind, t.process.pid, tell, lambda: guard(kernel, -1))
    guard(kernel, 1)
    _own(t, file)


def _open_files(kernel: Kernel, node: NodeOps) -> int:
    """Return how many open files there are of ``node``, O_PATH aside."""
    tables = {id(thread.fds): thread.fds for thread in kernel.threads.values()}
    files = {id(table[fd]): table[fd] for table in tables.values() for fd in table}
    return sum(file.node is node and file.kind != "path" for file in files.values())


def get_lease(t: Thread, fd: int, file: File, arg: int) -> int:
    """Serve F_GETLEASE: what the caller has, or has to be content with while it is broken."""
    table: LockTable | None = None if file.node is None else file.node.bound(LockTable)
    if table is None:
        return F_UNLCK
    expire(table, t.executor.now)
    lease = table.leases.get(file)
    if lease is None:
        return F_UNLCK
    return lease.kind if lease.target is None else lease.target


# -- directories -----------------------------------------------------------------------------------


def notify(t: Thread, fd: int, file: File, arg: int) -> int:
    """Serve F_NOTIFY."""
    node = file.node
    arg &= 0xFFFFFFFF
    if not t.kernel.watching.notices_enabled:
        raise EINVAL
    if not arg & ~DN_MULTISHOT:
        notices: Notices | None = None if node is None else node.bound(Notices)
        if notices is not None:
            notices.dropped(file, t.fds)
        return 0
    if node is None or node.kind != DIRECTORY:
        raise ENOTDIR
    if arg & ~(_DN_EVENTS | DN_MULTISHOT):
        raise EINVAL
    notices = node.bound(Notices)
    notice = None if notices is None else notices.get((file, t.fds))
    if notice is None:
        kernel = t.kernel
        tell = _signaller(kernel, file, fd)
        notice = Notice(node, (file, t.fds), tell, lambda: listen(kernel, -1))
        listen(kernel, 1)
    notice.mask |= arg
    _own(t, file)
    return 0
