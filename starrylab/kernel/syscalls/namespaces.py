"""Calls that change the caller's namespaces: unshare, setns (namespaces(7))."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from ...abi.capability import CAP_SYS_ADMIN, CAP_SYS_CHROOT
from ...abi.errno import EINVAL, EPERM, ESRCH, EUSERS
from ...abi.sched import (
    CLONE_FILES,
    CLONE_FS,
    CLONE_NEWCGROUP,
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWTIME,
    CLONE_NEWUSER,
    CLONE_NEWUTS,
    CLONE_SIGHAND,
    CLONE_SYSVSEM,
    CLONE_THREAD,
    CLONE_VM,
)
from ..files.pidfd import PidFd
from ..fs.proc._namespaces import NamespaceFile, user_namespace
from ..namespaces.base import Namespace
from ..namespaces.mnt import MntNamespace
from ..namespaces.pid import PidNamespace
from ..namespaces.proxy import OF_PROXY
from ..namespaces.user import UserNamespace
from ..task.namespaces import adopt, enter_time, new_credentials, new_namespaces, pid_namespace
from ..task.ptrace import may_trace
from ..task.resources import ACTIONS, FILES, FS, MEMORY
from ._declare import syscall
from ._shown import CloneFlags, SetnsFlags
from ._types import FdNum

if TYPE_CHECKING:
    from ..task.cred import Credentials
    from ..thread import Thread

_UNSHARABLE: Final = (
    CLONE_FILES | CLONE_FS | CLONE_SYSVSEM | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM
    | CLONE_NEWUSER | OF_PROXY
)  # fmt: skip
_ENTERABLE: Final = CLONE_NEWUSER | OF_PROXY


@syscall(partial="no cgroup namespaces")
def unshare(t: Thread, flags: CloneFlags) -> None:
    """unshare(2)."""
    flags = _implied(flags)
    _check_unshare(t, flags)
    alone = t.scope.holders(FS) == 1
    fs = t.fs if alone or not flags & CLONE_FS else t.fs.copy()
    try:
        cred = new_credentials(t, flags)
        namespaces = new_namespaces(t, flags, cred, fs)
    except BaseException:
        if fs is not t.fs:
            fs.close()
        raise
    if fs is not t.fs:
        t.scope.set(FS, fs)
    if flags & CLONE_FILES:
        t.scope.unshare(FILES)
    t.bind_resources()
    t.namespaces = namespaces
    if cred is not t.cred:
        adopt(t, cred)


def _implied(flags: int) -> int:
    """Return the flags with those that they bring along (ksys_unshare())."""
    if flags & CLONE_NEWUSER:
        flags |= CLONE_THREAD | CLONE_FS
    if flags & CLONE_VM:
        flags |= CLONE_SIGHAND
    if flags & CLONE_SIGHAND:
        flags |= CLONE_THREAD
    if flags & CLONE_NEWNS:
        flags |= CLONE_FS
    return flags


def _check_unshare(t: Thread, flags: int) -> None:
    """Raise ``EINVAL`` for unknown flags, and for what is shared and cannot be parted."""
    if flags & ~_UNSHARABLE:
        raise EINVAL
    if flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM) and len(t.process.threads) > 1:
        raise EINVAL
    if flags & CLONE_SIGHAND and t.scope.holders(ACTIONS) > 1:
        raise EINVAL
    if flags & CLONE_VM and t.scope.holders(MEMORY) > 1:
        raise EINVAL


@syscall(partial="no cgroup namespaces")
def setns(t: Thread, fd: FdNum, flags: SetnsFlags) -> None:
    """setns(2): into one namespace, or into several of a process named by a pidfd."""
    file = t.file(fd)
    if isinstance(file, NamespaceFile):
        namespace = file.namespace
        if flags and flags != namespace.flag:
            raise EINVAL
        wanted = [namespace]
    elif isinstance(file, PidFd):
        if not flags or flags & ~_ENTERABLE:
            raise EINVAL
        wanted = _of_process(t, file, flags)
    else:
        raise EINVAL
    _Entry(t).enter(wanted)


def _of_process(t: Thread, file: PidFd, flags: int) -> list[Namespace]:
    """Return the namespaces of a process, in the order in which they are entered."""
    process = file.process
    thread = next(iter(process.threads.values()), None)
    if thread is None:
        raise ESRCH
    if not may_trace(t, thread, by_fs_ids=False):
        raise EPERM
    if flags & CLONE_NEWCGROUP:
        raise EINVAL("this kernel has no cgroups")
    theirs = thread.namespaces
    found: list[tuple[int, Namespace]] = [
        (CLONE_NEWUSER, user_namespace(t.kernel, thread.cred)),
        (CLONE_NEWNS, theirs.mnt),
        (CLONE_NEWUTS, theirs.uts),
        (CLONE_NEWIPC, theirs.ipc),
        (CLONE_NEWPID, pid_namespace(thread)),
        (CLONE_NEWNET, theirs.net),
        (CLONE_NEWTIME, theirs.time),
    ]
    return [namespace for flag, namespace in found if flags & flag]


class _Entry:
    """What setns(2) prepares, and does when every check has passed."""

    def __init__(self, t: Thread) -> None:
        self.t = t
        self.cred: Credentials = t.cred
        self.changes: dict[str, Any] = {}

    def enter(self, wanted: list[Namespace]) -> None:
        """Enter all, or raise and enter none."""
        for namespace in wanted:
            _INSTALL.get(namespace.flag, _Entry.plain)(self, namespace)
        t = self.t
        if self.changes:
            t.namespaces = t.namespaces.replaced(**self.changes)
            enter_time(t)
        mnt = self.changes.get("mnt")
        if mnt is not None:
            t.fs.set_root(mnt.top)
            t.fs.set_cwd(mnt.top)
        if self.cred is not t.cred:
            adopt(t, self.cred)

    def _require(self, namespace: Namespace, *here: int) -> None:
        """Raise ``EPERM`` without CAP_SYS_ADMIN there, and these capabilities at home."""
        self.cred.require_in(namespace.user_ns, CAP_SYS_ADMIN)
        for cap in here:
            if not self.cred.capable_here(cap):
                raise EPERM

    def plain(self, namespace: Namespace) -> None:
        """Prepare for a namespace without rules of its own."""
        self._require(namespace, CAP_SYS_ADMIN)
        self.changes[namespace.name] = namespace

    def user(self, namespace: Namespace) -> None:
        """Prepare for a user namespace, whose capabilities count for what follows."""
        assert isinstance(namespace, UserNamespace)
        t = self.t
        if namespace is user_namespace(t.kernel, t.cred):
            raise EINVAL
        if len(t.process.threads) > 1 or t.scope.holders(FS) > 1:
            raise EINVAL
        target = None if namespace is t.kernel.user_namespace else namespace
        t.cred.require_in(target, CAP_SYS_ADMIN)
        assert target is not None  # nobody below has a capability in the initial one
        self.cred = t.cred.entered(target)

    def mount(self, namespace: Namespace) -> None:
        """Prepare for a mount namespace, and its root."""
        assert isinstance(namespace, MntNamespace)
        self._require(namespace, CAP_SYS_CHROOT, CAP_SYS_ADMIN)
        if self.t.scope.holders(FS) > 1:
            raise EINVAL
        self.changes["mnt"] = namespace

    def pid(self, namespace: Namespace) -> None:
        """Prepare for a pid namespace, for children only."""
        assert isinstance(namespace, PidNamespace)
        self._require(namespace, CAP_SYS_ADMIN)
        if not namespace.is_below(pid_namespace(self.t)):
            raise EINVAL
        self.changes["pid_for_children"] = namespace

    def time(self, namespace: Namespace) -> None:
        """Prepare for a time namespace."""
        if len(self.t.process.threads) > 1:
            raise EUSERS
        self._require(namespace, CAP_SYS_ADMIN)
        namespace.fixed = True  # type: ignore[attr-defined]
        self.changes["time"] = self.changes["time_for_children"] = namespace


_INSTALL: Final[dict[int, Callable[[_Entry, Namespace], None]]] = {
    CLONE_NEWUSER: _Entry.user,
    CLONE_NEWNS: _Entry.mount,
    CLONE_NEWPID: _Entry.pid,
    CLONE_NEWTIME: _Entry.time,
}
