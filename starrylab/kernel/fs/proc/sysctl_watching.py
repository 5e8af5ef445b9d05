"""/proc/sys/fs: limits of inotify(7) and fanotify(7), and leases (proc_sys_fs(5))."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...files.watching import Kind
from ._declare import proc
from ._numbers import setting

if TYPE_CHECKING:
    from ...kernel import Kernel
    from ...thread import Thread

_Writer = Callable[["Kernel", "Thread | None", bytes], None]


def _limit(kind: Kind) -> _Writer:
    def write(kernel: Kernel, thread: Thread | None, data: bytes) -> None:
        kernel.watching.limits[kind] = setting(thread, data)

    return write


def _queue(which: str) -> _Writer:
    def write(kernel: Kernel, thread: Thread | None, data: bytes) -> None:
        kernel.watching.queued_events[which] = setting(thread, data)

    return write


def _set_break_time(kernel: Kernel, thread: Thread | None, data: bytes) -> None:
    kernel.watching.lease_break_time = setting(thread, data)


def _set_leases(kernel: Kernel, thread: Thread | None, data: bytes) -> None:
    kernel.watching.leases_enabled = bool(setting(thread, data))


def _set_notices(kernel: Kernel, thread: Thread | None, data: bytes) -> None:
    kernel.watching.notices_enabled = bool(setting(thread, data))


@proc("sys/fs/inotify/max_queued_events", mode=0o644, write=_queue("inotify"))
def inotify_events(kernel: Kernel) -> str:
    """Show how many events an inotify instance keeps."""
    return f"{kernel.watching.queued_events['inotify']}\n"


@proc("sys/fs/inotify/max_user_instances", mode=0o644, write=_limit(Kind.INOTIFY_INSTANCES))
def inotify_instances(kernel: Kernel) -> str:
    """Show how many inotify instances a user may have."""
    return f"{kernel.watching.limits[Kind.INOTIFY_INSTANCES]}\n"


@proc("sys/fs/inotify/max_user_watches", mode=0o644, write=_limit(Kind.INOTIFY_WATCHES))
def inotify_watches(kernel: Kernel) -> str:
    """Show how many inotify watches a user may have."""
    return f"{kernel.watching.limits[Kind.INOTIFY_WATCHES]}\n"


@proc("sys/fs/fanotify/max_queued_events", mode=0o644, write=_queue("fanotify"))
def fanotify_events(kernel: Kernel) -> str:
    """Show how many events a fanotify group keeps."""
    return f"{kernel.watching.queued_events['fanotify']}\n"


@proc("sys/fs/fanotify/max_user_groups", mode=0o644, write=_limit(Kind.FANOTIFY_GROUPS))
def fanotify_groups(kernel: Kernel) -> str:
    """Show how many fanotify groups a user may have."""
    return f"{kernel.watching.limits[Kind.FANOTIFY_GROUPS]}\n"


@proc("sys/fs/fanotify/max_user_marks", mode=0o644, write=_limit(Kind.FANOTIFY_MARKS))
def fanotify_marks(kernel: Kernel) -> str:
    """Show how many fanotify marks a user may have."""
    return f"{kernel.watching.limits[Kind.FANOTIFY_MARKS]}\n"


@proc("sys/fs/lease-break-time", mode=0o644, write=_set_break_time)
def lease_break_time(kernel: Kernel) -> str:
    """Show how many seconds the holder of a lease has to give it up; 0: any time."""
    return f"{kernel.watching.lease_break_time}\n"


@proc("sys/fs/leases-enable", mode=0o644, write=_set_leases)
def leases_enable(kernel: Kernel) -> str:
    """Show whether leases may be taken."""
    return f"{int(kernel.watching.leases_enabled)}\n"


@proc("sys/fs/dir-notify-enable", mode=0o644, write=_set_notices)
def dir_notify_enable(kernel: Kernel) -> str:
    """Show whether F_NOTIFY of fcntl(2) is served."""
    return f"{int(kernel.watching.notices_enabled)}\n"
