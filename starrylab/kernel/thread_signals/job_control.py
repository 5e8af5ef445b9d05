"""Stopping processes, and groups that nobody can continue (POSIX.1-2017, 2.4.3 and 3.264)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...abi.signal import CLD_STOPPED, SI_KERNEL, SIGCONT, SIGHUP, SIGSTOP
from ..core.attention import ATTENTION_STOP
from ..signal.info import SignalInfo
from .sending import notify_parent, send_group_signal

if TYPE_CHECKING:
    from ..task.process import Process, ProcessGroup


def stop(process: Process, signo: int) -> bool:
    """Stop every thread for the default action of ``signo``; False if that is discarded."""
    if process.exit_status is not None:
        return False
    if signo != SIGSTOP and process.group.orphaned:
        return False  # nobody of the session could continue it
    process.stopped = True
    process.stop_signal = signo
    process.stop_report = signo << 8 | 0x7F
    process.continue_report = False
    for thread in list(process.threads.values()):
        thread.attend(ATTENTION_STOP)
    notify_parent(process, CLD_STOPPED)
    return True


def groups_losing_link(process: Process) -> list[ProcessGroup]:
    """Return the groups that the end of ``process`` may orphan; see `hang_up_orphans`."""
    group = process.group
    session = group.session
    affected: list[ProcessGroup] = []
    parent = process.parent
    if parent is not None and parent.group is not group and parent.group.session is session:
        affected.append(group)
    for child in process.children.values():
        other = child.group
        if other is not group and other.session is session and other not in affected:
            affected.append(other)
    return affected


def hang_up_orphans(affected: list[ProcessGroup]) -> None:
    """Wake the stopped processes of groups that are orphaned now.

    A group that lost its last link to its session and has stopped members gets SIGHUP, then
    SIGCONT (POSIX.1-2017, _Exit(), "Consequences of Process Termination").
    """
    for group in affected:
        if group.orphaned and any(member.stopped for member in group.processes()):
            send_group_signal(group, SignalInfo(SIGHUP, SI_KERNEL))
            send_group_signal(group, SignalInfo(SIGCONT, SI_KERNEL))
