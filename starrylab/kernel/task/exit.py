"""How threads and processes end (exit(2), exit_group(2), wait(2)).

Order matters: the robust list and the thread-id futex need the address space, so they go
first; a process becomes a zombie only when its last thread has let go of everything.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from ...abi import signal as sig
from ...abi.errno import EFAULT, LinuxError
from ..core.sched import State
from ..signal.actions import SignalAction
from ..signal.info import SignalInfo
from ..thread_signals import (
    groups_losing_link,
    hang_up_orphans,
    notify_parent,
    retarget,
    send_process_signal,
)
from .accounting import record
from .futexes import exit_robust_list, futex_wake
from .ptrace import tracee_ended, tracer_ended
from .resources import MEMORY

if TYPE_CHECKING:
    from ..ipc.namespace import IpcNamespace
    from ..kernel import Kernel
    from ..namespaces.pid import PidNamespace
    from ..thread import Thread
    from .process import Process


def exit_thread(thread: Thread) -> None:
    """Give back what ``thread`` held; the last thread ends its process."""
    kernel, process = thread.kernel, thread.process
    if kernel.events.exit is not None:
        kernel.events.exit(thread, thread.exit_status)
    exit_robust_list(thread)
    _forget_extras(kernel, thread)
    shared = thread.scope.holders(MEMORY) > 1
    if thread.clear_child_tid and shared:
        _clear_tid(thread)
    vfork_done, process.vfork_done = process.vfork_done, None
    if vfork_done is not None:
        vfork_done.wake()
    if len(process.threads) == 1:
        thread.usage.add_faults(thread.mm)
    if not shared:
        kernel.forget_space(thread.mm)
    thread.scope.close()
    thread.state = State.DONE
    if process.tracees:
        tracer_ended(thread)
    if thread.tracee is not None:
        tracee_ended(thread)
    process.uid_at_exit = thread.cred.uid
    del process.threads[thread.tid]
    kernel.threads.pop(thread.tid, None)
    process.add_usage(thread.usage)
    left, thread.namespaces = thread.namespaces, kernel.namespaces
    if kernel.keyrings is not None:
        kernel.keyrings.ended(thread)
    if not process.threads:
        if process.exit_status is None:
            process.exit_status = thread.exit_status
        _exit_process(kernel, process, left.ipc)
    else:
        if process.signals.pending.set:
            retarget(thread, process.signals.pending.set)  # it may have been about to take one
        process.children_changed.wake()
    if process.leader is not thread:  # the leader's number is the process's, and goes with it
        release_number(kernel, process, thread.tid)


def _forget_extras(kernel: Kernel, thread: Thread) -> None:
    """Give back what few threads have (see `Kernel`)."""
    if kernel.urings:
        kernel.leave_rings(thread, ends=True)
    kernel.rseqs.pop(thread, None)
    if kernel.io_priorities or kernel.mempolicies or kernel.fork_resets:
        kernel.io_priorities.pop(thread, None)
        kernel.mempolicies.pop(thread, None)
        kernel.fork_resets.discard(thread)


def _clear_tid(thread: Thread) -> None:
    """set_tid_address(2): tell pthread_join, if the address is still good."""
    try:
        thread.mm.write_u32(thread.clear_child_tid, 0)
    except EFAULT:
        return
    futex_wake(thread.kernel, thread.mm, thread.clear_child_tid, 1)


def _exit_process(kernel: Kernel, process: Process, ipc: IpcNamespace) -> None:
    if ipc.semaphores:
        ipc.semaphores.process_ended(process.pid, kernel.clock.realtime() // 1_000_000_000)
    if kernel.accounting is not None:
        with suppress(LinuxError):  # a full file system loses records, as on Linux
            kernel.accounting.write(record(kernel, process))
    if process.timers:
        for timer in list(process.timers.values()):
            timer.delete()
        process.timers.clear()
    ns = process.pid_ns
    if ns is not None and ns.reaper is process:
        if not _ends_alone(kernel, ns):
            return
        ns.reaper = None
    _become_zombie(kernel, process)


def _become_zombie(kernel: Kernel, process: Process) -> None:
    process.zombie = True
    session = process.session
    if session.sid == process.pid and session.terminal is not None:
        session.terminal.session_leader_exited(session)
    affected = groups_losing_link(process)
    if process.children:
        _adopt_children(kernel, process)
    if affected:
        hang_up_orphans(affected)
    process.exited.wake()
    if kernel.events.process_exit is not None:
        kernel.events.process_exit(process)
    if process is kernel.init:
        kernel.init_exited(process)
        return
    notify_parent(process, sig.CLD_EXITED)


def _adopt_children(kernel: Kernel, process: Process) -> None:
    """Give the children to the nearest sub-reaper, else to init (PR_SET_CHILD_SUBREAPER)."""
    ns = process.pid_ns
    reaper = process.parent
    while reaper is not None and not (reaper.subreaper and not reaper.zombie):
        reaper = reaper.parent
    if ns is not None and (reaper is None or reaper.pid_ns is not ns):
        reaper = ns.reaper
    reaper = reaper or kernel.init
    for child in list(process.children.values()):
        if child.death_signal and not child.zombie:
            send_process_signal(child, SignalInfo(child.death_signal, code=sig.SI_USER,
                                                  pid=process.pid))  # fmt: skip
        del process.children[child.pid]
        child.parent = reaper if reaper is not process else None
        if reaper is not process:
            reaper.children[child.pid] = child
            if child.zombie:
                notify_parent(child, sig.CLD_EXITED)


def reap(kernel: Kernel, process: Process) -> None:
    """Forget a zombie that was waited for (``Process::free`` of the design document)."""
    parent = process.parent
    if parent is not None:
        parent.children.pop(process.pid, None)
        parent.add_child_usage(process)
    process.group.remove(process)
    kernel.processes.pop(process.pid, None)
    release_number(kernel, process, process.pid)
    if process.pid_ns is not None:
        _end_namespaces(kernel, process.pid_ns)


def release_number(kernel: Kernel, process: Process, number: int) -> None:
    """Give back the number of a process or a thread of it."""
    kernel.pids.release(number)
    if process.pid_ns is not None:
        kernel.numbers.forget(number)


# -- the end of a pid namespace (zap_pid_ns_processes() of kernel/pid_namespace.c)


def _members(kernel: Kernel, ns: PidNamespace) -> list[Process]:
    """Return who is in a pid namespace or below it, but for its init."""
    return [
        p
        for p in kernel.processes.values()
        if p.pid_ns is not None and p is not ns.reaper and p.pid_ns.is_below(ns)
    ]


def _ends_alone(kernel: Kernel, ns: PidNamespace) -> bool:
    """Kill everybody in a namespace whose init has ended; tell whether nobody is left."""
    ns.dead = True
    reaper = ns.reaper
    assert reaper is not None
    reaper.signals.actions[sig.SIGCHLD] = SignalAction(sig.SIG_IGN, 0, 0)
    for process in _members(kernel, ns):
        if not process.zombie:
            send_process_signal(process, SignalInfo.kernel(sig.SIGKILL), forced=True)
        elif process.parent is reaper:
            reap(kernel, process)
    return not _members(kernel, ns)


def _end_namespaces(kernel: Kernel, ns: PidNamespace | None) -> None:
    """Let the inits go that waited for the last of their namespaces, innermost first."""
    while ns is not None and ns.level:
        reaper = ns.reaper
        if ns.dead and reaper is not None and not reaper.zombie and not _members(kernel, ns):
            ns.reaper = None
            _become_zombie(kernel, reaper)
        ns = ns.parent
