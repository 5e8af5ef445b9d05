"""How threads and processes begin (clone(2), fork(2), vfork(2), clone3(2))."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ...abi.capability import CAP_SYS_ADMIN, CAP_SYS_RESOURCE
from ...abi.errno import EAGAIN, EINVAL
from ...abi.resource import RLIMIT_NPROC
from ...abi.sched import (
    CLONE_CHILD_CLEARTID,
    CLONE_CHILD_SETTID,
    CLONE_CLEAR_SIGHAND,
    CLONE_DETACHED,
    CLONE_FILES,
    CLONE_FS,
    CLONE_INTO_CGROUP,
    CLONE_IO,
    CLONE_NEWNS,
    CLONE_NEWUSER,
    CLONE_PARENT,
    CLONE_PARENT_SETTID,
    CLONE_PIDFD,
    CLONE_PTRACE,
    CLONE_SETTLS,
    CLONE_SIGHAND,
    CLONE_SYSVSEM,
    CLONE_THREAD,
    CLONE_UNTRACED,
    CLONE_VFORK,
    CLONE_VM,
)
from ...abi.signal import SIGCHLD
from ..core.poll import PollSet
from ..namespaces.proxy import OF_PROXY
from ..signal.manager import ProcessSignals, ThreadSignals
from .namespaces import check_namespaces, choose_number, new_credentials, place_child
from .process import Process
from .ptrace import cloned
from .resources import ACTIONS, FILES, FS, MEMORY
from .timers import CpuLimit

if TYPE_CHECKING:
    from ...machine.api import UserContext
    from ..kernel import Kernel
    from ..thread import Thread

_NAMESPACES: Final = CLONE_NEWUSER | OF_PROXY
#: What a thread shares: everything.
_WHOLE_SCOPE: Final = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND

KNOWN: Final = (
    CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | CLONE_CLEAR_SIGHAND | CLONE_FILES | CLONE_FS
    | CLONE_INTO_CGROUP | CLONE_IO | CLONE_PARENT | CLONE_PARENT_SETTID | CLONE_PIDFD
    | CLONE_PTRACE | CLONE_SETTLS | CLONE_SIGHAND | CLONE_SYSVSEM | CLONE_THREAD
    | CLONE_UNTRACED | CLONE_VFORK | CLONE_VM | CLONE_DETACHED | _NAMESPACES
)  # fmt: skip


class CloneArgs(NamedTuple):
    """``struct clone_args`` without its sizes; addresses are user addresses, 0 for none."""

    flags: int
    exit_signal: int = SIGCHLD
    stack: int = 0  #: the child's stack pointer
    parent_tid: int = 0
    child_tid: int = 0
    tls: int = 0
    pidfd: int = 0
    set_tid: tuple[int, ...] = ()  #: numbers, of the innermost pid namespace first


def check(args: CloneArgs) -> None:
    """Raise ``EINVAL`` for flags that contradict each other, as copy_process() does."""
    flags = args.flags
    if flags & CLONE_SIGHAND and not flags & CLONE_VM:
        raise EINVAL
    if flags & CLONE_THREAD and not flags & CLONE_SIGHAND:
        raise EINVAL
    if flags & CLONE_CLEAR_SIGHAND and flags & CLONE_SIGHAND:
        raise EINVAL
    if flags & (CLONE_NEWNS | CLONE_NEWUSER) and flags & CLONE_FS:
        raise EINVAL
    if args.exit_signal & ~0xFF or args.exit_signal > 64:
        raise EINVAL


def clone(parent: Thread, args: CloneArgs) -> Thread:
    """Make a thread or a process as ``args`` says, and queue it.

    Raises ``EAGAIN`` at RLIMIT_NPROC or without a free number, ``EINVAL`` for contradicting
    flags, ``EPERM`` without the right to make namespaces, and what `choose_number` raises.
    """
    check(args)
    flags, kernel = args.flags, parent.kernel
    apart = flags & _NAMESPACES or parent.process.nested or not parent.namespaces.plain
    if apart:
        check_namespaces(parent, flags)
    cred = new_credentials(parent, flags) if flags & CLONE_NEWUSER else parent.cred
    _check_process_limit(parent)
    tid = choose_number(parent, args) if args.set_tid else kernel.pids.take()
    context = kernel.hart.new_context(parent.context)
    context.set_result(0)
    if args.stack:
        context.sp = args.stack
    if flags & CLONE_SETTLS:
        context.set_tls(args.tls)
    if flags & CLONE_THREAD:
        child = _new_thread(parent, tid, context)
    else:
        child = _new_process(parent, tid, context, args)
    _inherit(parent, child, flags)
    try:
        _bind(parent, child, flags)
        if apart:
            place_child(parent, child, args, cred)
    except BaseException:
        child.scope.close()
        kernel.pids.release(tid)
        raise
    if flags & CLONE_CHILD_CLEARTID:
        child.clear_child_tid = args.child_tid
    if flags & CLONE_CHILD_SETTID:
        own = child.process.shown(tid)
        child.mm.write_partial(args.child_tid, own.to_bytes(4, "little"))
    _enrol(parent, child)
    if parent.tracee is not None:
        cloned(parent, child, flags)
    if kernel.events.fork is not None:
        kernel.events.fork(parent, child)
    kernel.executor.start(child, parent)
    return child


def _check_process_limit(parent: Thread) -> None:
    kernel, cred = parent.kernel, parent.cred
    if len(kernel.threads) >= kernel.threads_max:
        raise EAGAIN
    limit = parent.process.limits.soft(RLIMIT_NPROC)
    if cred.uid == 0 or limit > len(kernel.threads):
        return
    mine = sum(1 for thread in kernel.threads.values() if thread.cred.uid == cred.uid)
    if mine >= limit and not (cred.capable(CAP_SYS_RESOURCE) or cred.capable(CAP_SYS_ADMIN)):
        raise EAGAIN


def _new_thread(parent: Thread, tid: int, context: UserContext) -> Thread:
    process = parent.process
    signals = ThreadSignals(process.signals)
    return type(parent)(parent.kernel, tid, process, context, parent.cred, signals)


def _new_process(parent: Thread, tid: int, context: UserContext, args: CloneArgs) -> Thread:
    kernel, origin = parent.kernel, parent.process
    to_parent = args.flags & CLONE_PARENT
    owner = origin.parent if to_parent and origin.parent is not None else origin
    process = Process(tid, owner, origin.limits.copy())
    process.exit_signal = origin.exit_signal if to_parent else args.exit_signal
    process.comm = origin.comm
    process.exe = origin.exe
    process.start_time_ns = kernel.executor.now
    process.oom_score_adj = origin.oom_score_adj
    process.dumpable = origin.dumpable
    process.persona = origin.persona
    actions = parent.scope.get(ACTIONS)
    if not args.flags & CLONE_SIGHAND:
        actions = actions.copy()
    if args.flags & CLONE_CLEAR_SIGHAND:
        actions.reset_for_exec()
    process.signals = ProcessSignals(actions)
    if args.flags & CLONE_VFORK:
        process.vfork_done = PollSet()
    thread = type(parent)(
        kernel, tid, process, context, parent.cred, ThreadSignals(process.signals)
    )
    process.leader = thread
    CpuLimit.follow(kernel, process)
    return thread


def _inherit(parent: Thread, child: Thread, flags: int) -> None:
    """Copy what every kind of child inherits."""
    kernel = parent.kernel
    child.comm = parent.comm
    child.namespaces = parent.namespaces
    child.nice = parent.nice
    child.policy = parent.policy
    child.priority = kernel.futexes.own_priority(parent) if kernel.futexes.lent else parent.priority
    if kernel.io_priorities or kernel.mempolicies or kernel.fork_resets:
        _inherit_rare(kernel, parent, child)
    if kernel.keyrings is not None:
        kernel.keyrings.inherit(parent, child)
    child.timer_slack_ns = parent.timer_slack_ns
    child.signals.mask = parent.signals.mask
    child.seccomp = parent.seccomp
    if not flags & CLONE_VM or flags & CLONE_VFORK:
        child.signals.altstack = parent.signals.altstack


def _inherit_rare(kernel: Kernel, parent: Thread, child: Thread) -> None:
    """Copy what few threads have, and the kernel keeps of these alone."""
    priority = kernel.io_priorities.get(parent)
    if priority is not None:
        kernel.io_priorities[child] = priority
    memory_policy = kernel.mempolicies.get(parent)
    if memory_policy is not None:
        kernel.mempolicies[child] = memory_policy
    if parent in kernel.fork_resets:
        child.nice = 0 if child.priority else max(child.nice, 0)
        child.policy, child.priority = (0, 0) if child.priority else (child.policy, 0)


def _bind(parent: Thread, child: Thread, flags: int) -> None:
    """Share or copy each resource; the address space last, for its copy may fail."""
    scope, other = child.scope, parent.scope
    if flags & _WHOLE_SCOPE == _WHOLE_SCOPE:
        scope.share_all_from(other)
        child.mm, child.fds, child.fs = parent.mm, parent.fds, parent.fs
        return
    try:
        child.fs = (scope.share_from if flags & CLONE_FS else scope.copy_from)(FS, other)
        child.fds = (scope.share_from if flags & CLONE_FILES else scope.copy_from)(FILES, other)
        child.mm = (scope.share_from if flags & CLONE_VM else scope.copy_from)(MEMORY, other)
    except BaseException:
        scope.close()
        raise
    if flags & (CLONE_SIGHAND | CLONE_THREAD):
        scope.share_from(ACTIONS, other)
    else:
        scope.set(ACTIONS, child.process.signals.actions)
    if not flags & CLONE_VM:
        child.mm.limits = child.process.limits
        if parent in parent.kernel.rseqs:  # rseq(2): the new memory has it as well
            child.kernel.rseqs[child] = parent.kernel.rseqs[parent]


def _enrol(parent: Thread, child: Thread) -> None:
    """Make the child findable."""
    kernel, process = child.kernel, child.process
    process.threads[child.tid] = child
    kernel.threads[child.tid] = child
    kernel.forks += 1
    if process.leader is child:
        kernel.processes[process.pid] = process
        parent.process.group.add(process)
        if process.parent is not None:
            process.parent.children[process.pid] = process


__all__ = ["KNOWN", "CloneArgs", "check", "clone"]
