"""Which namespaces a thread is in: an object that threads share and that is copied on change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi.capability import CAP_SYS_ADMIN
from ...abi.errno import EINVAL, EPERM
from ...abi.sched import (
    CLONE_NEWCGROUP,
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWTIME,
    CLONE_NEWUTS,
)

if TYPE_CHECKING:
    from ..ipc.namespace import IpcNamespace
    from ..net.namespace import NetNamespace
    from ..task.cred import Credentials
    from ..vfs.context import FsContext
    from .clocks import TimeNamespace
    from .mnt import MntNamespace
    from .pid import PidNamespace
    from .uts import UtsNamespace

#: what `Namespaces.changed` takes; user namespaces belong to credentials
OF_PROXY: Final = (
    CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME
    | CLONE_NEWCGROUP
)  # fmt: skip
#: kinds whose copy asks nothing: flag -> attribute
_COPIED: Final = {
    CLONE_NEWUTS: "uts",
    CLONE_NEWIPC: "ipc",
    CLONE_NEWNET: "net",
}


class Namespaces:
    """One set of namespaces; never changed once a thread has it."""

    __slots__ = (
        "ipc",
        "mnt",
        "net",
        "pid_for_children",
        "plain",
        "time",
        "time_for_children",
        "uts",
    )

    def __init__(
        self,
        uts: UtsNamespace,
        ipc: IpcNamespace,
        mnt: MntNamespace,
        net: NetNamespace,
        pid_for_children: PidNamespace,
        time: TimeNamespace,
    ) -> None:
        self.uts = uts
        self.ipc = ipc
        self.mnt = mnt
        self.net = net
        self.pid_for_children = pid_for_children
        self.time = time
        self.time_for_children = time
        self.plain = True  #: a child has nothing that its parent has not

    def replaced(self, **changes: object) -> Namespaces:
        """Return a set in which the named ones are others."""
        new = Namespaces.__new__(Namespaces)
        for name in Namespaces.__slots__:
            setattr(new, name, changes.get(name, getattr(self, name)))
        new.plain = not new.pid_for_children.level and new.time_for_children is new.time
        return new

    def changed(
        self, flags: int, cred: Credentials, own_pid: PidNamespace, fs: FsContext
    ) -> Namespaces:
        """Return a set with new namespaces for the CLONE_NEW* of ``flags``.

        ``own_pid`` is the pid namespace of the process itself; ``fs`` moves into the copy of the
        mounts, and must not be shared.  Raises ``EPERM`` without
        CAP_SYS_ADMIN in the user namespace of ``cred``, which will own them, ``EINVAL`` for cgroup
        namespaces (there are no cgroups) and for a second pid namespace before a child,
        ``ENOSPC``.
        """
        if not cred.capable_here(CAP_SYS_ADMIN):
            raise EPERM
        if flags & CLONE_NEWCGROUP:
            raise EINVAL("this kernel has no cgroups")
        owner = cred.user_ns
        changes: dict[str, object] = {}
        if flags & CLONE_NEWPID:
            if self.pid_for_children is not own_pid:
                raise EINVAL
            changes["pid_for_children"] = own_pid.child(owner)
        if flags & CLONE_NEWTIME:
            changes["time_for_children"] = self.time_for_children.copy(owner)
        if flags & CLONE_NEWNS:
            changes["mnt"] = self.mnt.copy(owner, fs)
        for flag, name in _COPIED.items():
            if flags & flag:
                changes[name] = getattr(self, name).copy(owner)
        return self.replaced(**changes)

    def for_child(self) -> Namespaces:
        """Return what a new process has: it is in the time namespace made for it."""
        if self.time_for_children is self.time:
            return self
        self.time_for_children.fixed = True
        return self.replaced(time=self.time_for_children)
