"""The rest of /proc/PID: limits, mounts, scheduling, out-of-memory scores and more (proc(5))."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....abi.capability import CAP_SYS_NICE, CAP_SYS_RESOURCE
from ....abi.errno import EACCES, EINVAL
from ....abi.fcntl import (
    MS_NOATIME,
    MS_NODEV,
    MS_NODIRATIME,
    MS_NOEXEC,
    MS_NOSUID,
    MS_NOSYMFOLLOW,
    MS_RDONLY,
    MS_STRICTATIME,
)
from ...core.parking import suspended_frames
from ...core.sched import State
from ...task.oom import oom_score as _score
from ...vfs.mount.propagation import visible_master
from ..superblock import path_inside, shown_flags
from ._declare import Subject, task

if TYPE_CHECKING:
    from ...thread import Thread
    from ...vfs.mount import Location, MountNamespace, Mountpoint

_INFINITY = (1 << 64) - 1
_LIMITS = (
    ("Max cpu time", 0, "seconds"),
    ("Max file size", 1, "bytes"),
    ("Max data size", 2, "bytes"),
    ("Max stack size", 3, "bytes"),
    ("Max core file size", 4, "bytes"),
    ("Max resident set", 5, "bytes"),
    ("Max processes", 6, "processes"),
    ("Max open files", 7, "files"),
    ("Max locked memory", 8, "bytes"),
    ("Max address space", 9, "bytes"),
    ("Max file locks", 10, "locks"),
    ("Max pending signals", 11, "signals"),
    ("Max msgqueue size", 12, "bytes"),
    ("Max nice priority", 13, ""),
    ("Max realtime priority", 14, ""),
    ("Max realtime timeout", 15, "us"),
)
_MOUNT_FLAGS = (
    (MS_NOSUID, "nosuid"),
    (MS_NODEV, "nodev"),
    (MS_NOEXEC, "noexec"),
    (MS_NOATIME, "noatime"),
    (MS_NODIRATIME, "nodiratime"),
)


def _set_comm(task: Subject, thread: Thread | None, data: bytes) -> None:
    if thread is not None and thread.process is not task.process:
        raise EINVAL
    task.thread.comm = data.split(b"\0")[0].removesuffix(b"\n")[:15]
    if task.thread is task.process.leader:
        task.process.comm = task.thread.comm
    task.kernel.perf.renamed(task.thread)


@task("comm", mode=0o644, write=_set_comm)
def comm(task: Subject) -> bytes:
    """proc_pid_comm(5)."""
    return (task.thread.comm or task.process.comm)[:15] + b"\n"


@task("limits")
def limits(task: Subject) -> str:
    """proc_pid_limits(5)."""
    rows = [f"{'Limit':<26}{'Soft Limit':<21}{'Hard Limit':<21}{'Units':<10}\n"]
    for name, number, unit in _LIMITS:
        soft, hard = (
            "unlimited" if value == _INFINITY else str(value)
            for value in task.process.limits[number]
        )
        rows.append(f"{name:<26}{soft:<21}{hard:<21}{f'{unit:<10}' if unit else ''}\n")
    return "".join(rows)


# -- mounts ---------------------------------------------------------------------------------


def _mount_tree(task: Subject) -> MountNamespace:
    """Return what changes when poll(2) tells of a change."""
    return task.thread.namespaces.mnt.tree


def _own_words(mount: Mountpoint) -> list[str]:
    """Return the flags that a mount has of its own."""
    shown = [name for bit, name in _MOUNT_FLAGS if mount.flags & bit]
    if not mount.flags & (MS_NOATIME | MS_STRICTATIME):
        shown.append("relatime")
    return shown + ["nosymfollow"] * bool(mount.flags & MS_NOSYMFOLLOW)


def _whole_words(mount: Mountpoint) -> list[str]:
    """Return the options of a file system."""
    return [mount.fs.options.decode("utf-8", "surrogateescape")] if mount.fs.options else []


def _options(mount: Mountpoint) -> str:
    mode = "ro" if mount.flags & MS_RDONLY else "rw"
    return ",".join([mode, *_own_words(mount)])


def _extra(mount: Mountpoint) -> str:
    mode = "ro" if mount.fs.read_only else "rw"
    return ",".join([mode, *shown_flags(mount.fs), *_whole_words(mount)])


def _both(mount: Mountpoint) -> str:
    """Return what /proc/PID/mounts shows: one list of all."""
    mode = "ro" if mount.read_only else "rw"
    return ",".join([mode, *shown_flags(mount.fs), *_own_words(mount), *_whole_words(mount)])


def _propagation(mount: Mountpoint, root: Location) -> str:
    """Return the optional fields of mountinfo, each with a space behind it."""
    fields = ""
    if mount.group is not None:
        fields += f"shared:{mount.group.id} "
    if mount.master is not None:
        fields += f"master:{mount.master.id} "
        nearest = visible_master(mount, root)
        if nearest is not None and nearest is not mount.master:
            fields += f"propagate_from:{nearest.id} "
    return fields + ("unbindable " if mount.unbindable else "")


def _escape(text: bytes) -> str:
    escaped = b"".join(b"\\%03o" % c if c in b" \t\n\\" else bytes((c,)) for c in text)
    return escaped.decode("utf-8", "surrogateescape")


def _visible(task: Subject) -> list[tuple[Mountpoint, bytes]]:
    """Return the mounts below the process's root, and where it sees them."""
    if task.mm is None:
        return []
    root = task.thread.fs.root
    found = []
    for mount in _mount_tree(task):
        place = mount.root_location
        if place.is_below(root):
            found.append((mount, place.path(root)))
    return found


@task("mounts", changes=_mount_tree)
def mounts(task: Subject) -> bytes:
    """proc_pid_mounts(5)."""
    rows = [
        f"{_escape(m.source)} {_escape(path)} {m.fs.name} {_both(m)} 0 0\n"
        for m, path in _visible(task)
    ]
    return "".join(rows).encode("utf-8", "surrogateescape")


@task("mountinfo", changes=_mount_tree)
def mountinfo(task: Subject) -> bytes:
    """proc_pid_mountinfo(5)."""
    rows = []
    root = task.thread.fs.root
    for m, path in _visible(task):
        parent = m.id if m.parent is None else m.parent.id
        device = f"{m.fs.dev >> 8 & 0xFFF}:{m.fs.dev & 0xFF}"
        inner = _escape(path_inside(m.root))
        rows.append(
            f"{m.id} {parent} {device} {inner} {_escape(path)} {_options(m)} "
            f"{_propagation(m, root)}- {m.fs.name} {_escape(m.source)} {_extra(m)}\n"
        )
    return "".join(rows).encode("utf-8", "surrogateescape")


@task("mountstats", process_only=True, changes=_mount_tree)
def mountstats(task: Subject) -> bytes:
    """proc_pid_mountstats(5)."""
    rows = [
        f"device {_escape(m.source)} mounted on {_escape(path)} with fstype {m.fs.name}\n"
        for m, path in _visible(task)
    ]
    return "".join(rows).encode("utf-8", "surrogateescape")


# -- what it does now -------------------------------------------------------------------------


@task("stack", mode=0o400, guarded=True)
def stack(task: Subject) -> str:
    """proc_pid_stack(5): the kernel functions that a waiting thread is in."""
    rows = []
    for frame in reversed(list(suspended_frames(task.thread.pending))):
        code = frame.f_code
        module = frame.f_globals.get("__name__", "?")
        rows.append(f"[<0>] {module}.{code.co_qualname}+{frame.f_lineno}\n")
    return "".join(rows)


@task("wchan")
def wchan(task: Subject) -> str:
    """proc_pid_wchan(5): the system call that waits, or 0."""
    thread = task.thread
    if thread.state not in (State.PARKED, State.DISK) or thread.entry is None:
        return "0"
    return thread.entry.name


@task("syscall", mode=0o400, guarded=True)
def syscall(task: Subject) -> str:
    """proc_pid_syscall(5): number and arguments of the call that waits, sp and pc."""
    thread = task.thread
    if task.process.zombie or thread.exited:
        return "0\n"
    if thread is task.kernel.executor.current or thread.state is State.RUNNABLE:
        return "running\n"
    context = thread.context
    where = f"{context.sp:#x} {context.pc:#x}\n"
    if thread.pending is None or not thread.call:  # or it waits for a page (userfaultfd(2))
        return f"-1 {where}"
    arguments = " ".join(f"{value:#x}" for value in thread.call[:6])
    return f"{thread.call[7]} {arguments} {where}"


@task("schedstat")
def schedstat(task: Subject) -> str:
    """Show time on the CPU in ns, time waiting for it (not counted), and slices."""
    usage = task.thread.usage
    slices = usage.voluntary + usage.involuntary
    return f"{usage.utime_ns + usage.stime_ns} 0 {slices}\n"


@task("children")
def children(task: Subject) -> str:
    """proc_tid_children(5); a process's children all count as its first thread's."""
    is_leader = task.whole or task.thread is task.process.leader
    return "".join(f"{task.shown(pid)} " for pid in task.process.children) if is_leader else ""


def _set_slack(task: Subject, thread: Thread | None, data: bytes) -> None:
    text = data.strip()
    if not text.isdigit():
        raise EINVAL
    if thread is not None and thread.process is not task.process:
        thread.cred.require_in(task.thread.cred.user_ns, CAP_SYS_NICE)
    task.thread.timer_slack_ns = int(text) or 50_000


@task("timerslack_ns", mode=0o644, write=_set_slack)
def timerslack_ns(task: Subject) -> str:
    """proc_pid_timerslack_ns(5)."""
    return f"{task.thread.timer_slack_ns}\n"


# -- out of memory ------------------------------------------------------------------------------


def _set_score(task: Subject, thread: Thread | None, data: bytes) -> None:
    text = data.strip()
    if not text.removeprefix(b"-").isdigit() or not -1000 <= int(text) <= 1000:
        raise EINVAL
    if (
        thread is not None
        and int(text) < task.process.oom_score_adj
        and not thread.cred.capable(CAP_SYS_RESOURCE)
    ):
        raise EACCES
    task.process.oom_score_adj = int(text)


@task("oom_score_adj", mode=0o644, write=_set_score)
def oom_score_adj(task: Subject) -> str:
    """proc_pid_oom_score_adj(5)."""
    return f"{task.process.oom_score_adj}\n"


def _set_old_score(task: Subject, thread: Thread | None, data: bytes) -> None:
    text = data.strip()
    if not text.removeprefix(b"-").isdigit() or not -17 <= int(text) <= 15:
        raise EINVAL
    scaled = 1000 if int(text) == 15 else int(text) * 1000 // 17
    _set_score(task, thread, b"%d" % scaled)


@task("oom_adj", mode=0o644, write=_set_old_score)
def oom_adj(task: Subject) -> str:
    """proc_pid_oom_adj(5): the old scale, -17 to 15."""
    score = task.process.oom_score_adj
    return f"{15 if score == 1000 else score * 17 // 1000}\n"


@task("oom_score")
def oom_score(task: Subject) -> str:
    """proc_pid_oom_score(5)."""
    return f"{0 if task.mm is None else _score(task.kernel, task.process)}\n"
