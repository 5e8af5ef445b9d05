"""How threads come into other namespaces: unshare(2), setns(2), clone(2)'s CLONE_NEW*."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...abi.errno import EINVAL, EPERM
from ...abi.sched import (
    CLONE_NEWIPC,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    CLONE_PARENT,
    CLONE_SYSVSEM,
    CLONE_THREAD,
    CLONE_VM,
)
from ..namespaces.pid import PidNamespace, check_wanted
from ..namespaces.proxy import OF_PROXY
from ..namespaces.user import made_for

if TYPE_CHECKING:
    from ..namespaces.proxy import Namespaces
    from ..thread import Thread
    from ..vfs.context import FsContext
    from .clone import CloneArgs
    from .cred import Credentials
    from .process import Process


def pid_namespace(thread: Thread, process: Process | None = None) -> PidNamespace:
    """Return the pid namespace of a process, by default of the thread's own."""
    found = (process or thread.process).pid_ns
    return thread.kernel.namespaces.pid_for_children if found is None else found


def is_chrooted(thread: Thread) -> bool:
    """Tell whether "/" is not what it is for the whole mount namespace (current_chrooted())."""
    return not thread.fs.root.same(thread.namespaces.mnt.top)


def new_credentials(thread: Thread, flags: int) -> Credentials:
    """Return the thread's credentials, in a new user namespace if ``flags`` ask for one.

    Raises ``EPERM``, ``ENOSPC``.
    """
    if not flags & CLONE_NEWUSER:
        return thread.cred
    if is_chrooted(thread):
        raise EPERM
    return thread.cred.entered(made_for(thread.kernel.registry, thread.cred))


def new_namespaces(thread: Thread, flags: int, cred: Credentials, fs: FsContext) -> Namespaces:
    """Return the thread's namespaces, with new ones as ``flags`` ask; see `Namespaces.changed`."""
    if not flags & OF_PROXY:
        return thread.namespaces
    return thread.namespaces.changed(flags, cred, pid_namespace(thread), fs)


def adopt(thread: Thread, cred: Credentials) -> None:
    """Give the thread credentials of another user namespace."""
    thread.process.nested = True
    thread.cred = cred


def enter_time(thread: Thread) -> None:
    """Let the thread's new program have the clocks of the time namespace for children."""
    thread.namespaces = thread.namespaces.for_child()
    if thread.namespaces.time.shifts:
        thread.process.nested = True
        thread.kernel.vdso.hide_clocks(thread.mm)


# -- clone(2)


def check_namespaces(parent: Thread, flags: int) -> None:
    """Raise ``EINVAL`` for children that cannot be where ``flags`` say (copy_process())."""
    own = pid_namespace(parent)
    if flags & CLONE_PARENT and own.reaper is parent.process:
        raise EINVAL
    if flags & CLONE_THREAD and (
        flags & (CLONE_NEWUSER | CLONE_NEWPID) or parent.namespaces.pid_for_children is not own
    ):
        raise EINVAL


def choose_number(parent: Thread, args: CloneArgs) -> int:
    """Return the child's number in the initial namespace, which set_tid may have chosen.

    Raises ``EINVAL``, ``EPERM``, ``EEXIST``.
    """
    kernel, wanted = parent.kernel, args.set_tid
    level = parent.namespaces.pid_for_children.level + bool(args.flags & CLONE_NEWPID)
    if len(wanted) > level + 1:
        raise EINVAL
    if len(wanted) <= level:
        return kernel.pids.take()
    check_wanted(wanted[-1], kernel.namespaces.pid_for_children, parent.cred, taken=False)
    return kernel.pids.claim(wanted[-1])


def place_child(parent: Thread, child: Thread, args: CloneArgs, cred: Credentials) -> None:
    """Put a new thread, whose resources are bound, into its namespaces, and number it there."""
    flags, process = args.flags, child.process
    namespaces = parent.namespaces
    if flags & OF_PROXY:
        namespaces = new_namespaces(parent, flags, cred, child.fs)
        if flags & CLONE_NEWIPC and flags & CLONE_SYSVSEM:
            raise EINVAL
    if not flags & CLONE_VM:
        namespaces = namespaces.for_child()
    child.namespaces, child.cred = namespaces, cred
    if not flags & CLONE_THREAD:
        below = namespaces.pid_for_children
        process.pid_ns = below if below.level else None
        process.nested = process.pid_ns is not None or cred.user_ns is not None
        enter_time(child)
    ns = process.pid_ns
    if ns is not None:
        ns.enter(child.tid, args.set_tid, parent.cred)
        if ns.reaper is None:
            ns.reaper = process
