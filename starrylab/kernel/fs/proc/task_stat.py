"""/proc/PID/stat, status and statm: what ps and top read (proc_pid_stat(5))."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ....abi.stat import makedev
from ...core.sched import State
from ...load import USER_HZ
from ...mm.areas import VM_LOCKED
from ...task.process import Usage
from ._declare import Subject, seen_from, task

if TYPE_CHECKING:
    from ...mm.space import AddressSpace
    from ...thread import Thread

_TICK_NS = 1_000_000_000 // USER_HZ

_RLIMIT_RSS = 5
_NAMES: Final = {
    "R": "running", "S": "sleeping", "D": "disk sleep", "T": "stopped", "Z": "zombie", "X": "dead",
    "t": "tracing stop",
}  # fmt: skip


def state_letter(task: Subject) -> str:
    """Return the state as one letter; a process is running if one of its threads is."""
    process, thread = task.process, task.thread
    if process.zombie:
        return "Z"
    if process.stopped:
        return "T"
    if task.whole and any(t.state is State.RUNNABLE for t in process.threads.values()):
        return "R"
    return thread.state.value


def comm_of(task: Subject) -> bytes:
    """Return the command name of the thread, at most 15 bytes."""
    return (task.thread.comm or task.process.comm)[:15]


def usage_of(task: Subject) -> Usage:
    """Return the usage of the process, or of the thread alone; faults are the space's."""
    if task.whole:
        return task.process.total_usage()
    usage = Usage()
    usage.add(task.thread.usage)
    if task.mm is not None:
        usage.add_faults(task.mm)
    return usage


def _terminal(task: Subject) -> tuple[int, int]:
    """Return the number of the controlling terminal and its foreground group."""
    tty = task.process.session.terminal
    return (0, -1) if tty is None else (makedev(tty.major, tty.minor), task.shown(tty.pgid))


def _priority(thread: Thread) -> int:
    if thread.priority:
        return -1 - thread.priority
    return 20 + thread.kernel.futexes.shown_nice(thread)


def _memory(mm: AddressSpace | None) -> list[int]:
    """Return vsize in bytes and rss in pages."""
    return [0, 0] if mm is None else [mm.total_vm, mm.rss().total]


def _addresses(mm: AddressSpace | None) -> dict[str, int]:
    names = ("brk", "stack", "arg0", "arg1", "env0", "env1")
    if mm is None:
        return dict.fromkeys(names, 0)
    return dict(zip(names, (mm.brk_start, mm.stack_start, *mm.arguments), strict=True))


def _masks(task: Subject) -> tuple[int, int, int, int]:
    """Return pending, blocked, ignored and caught signals."""
    signals = task.thread.signals
    actions = task.process.signals.actions
    return signals.pending.set, signals.mask, actions.ignored_by_choice, actions.caught


@task("stat")
def stat(task: Subject) -> bytes:
    """proc_pid_stat(5): 52 fields."""
    process, thread, mm = task.process, task.thread, task.mm
    own, children = usage_of(task), process.children_usage
    tty, foreground = _terminal(task)
    at = _addresses(mm)
    pending, blocked, ignored, caught = (mask & 0x7FFFFFFF for mask in _masks(task))
    parent = 0 if process.parent is None else task.shown(process.parent.pid)
    pgrp, session = task.shown(process.group.pgid), task.shown(process.session.sid)
    shift = seen_from(task.kernel).time.boottime_ns
    started = (process.start_time_ns - task.kernel.boot_monotonic_ns + shift) // _TICK_NS
    fields = [
        state_letter(task), parent, pgrp, session, tty, foreground, 0,
        own.minflt, children.minflt, own.majflt, children.majflt,
        own.utime_ns // _TICK_NS, own.stime_ns // _TICK_NS,
        children.utime_ns // _TICK_NS, children.stime_ns // _TICK_NS,
        _priority(thread), thread.nice, max(1, len(process.threads)), 0, max(0, started),
        *_memory(mm), process.limits.soft(_RLIMIT_RSS),
        0, 0, at["stack"], 0, 0, pending, blocked, ignored, caught,
        int(state_letter(task) in "SD"), 0, 0, process.exit_signal, 0,
        task.kernel.futexes.own_priority(thread),
        thread.policy, 0, 0, 0, 0, 0, at["brk"], at["arg0"], at["arg1"], at["env0"], at["env1"],
        process.exit_status or 0,
    ]  # fmt: skip
    number = task.shown(process.pid if task.whole else thread.tid)
    return b"%d (%s) %s\n" % (number, comm_of(task), " ".join(map(str, fields)).encode())


@task("statm")
def statm(task: Subject) -> str:
    """proc_pid_statm(5), in pages."""
    mm = task.mm
    if mm is None:
        return "0 0 0 0 0 0 0\n"
    rss = mm.rss()
    text = mm.exec_vm() >> 12
    data = _data_bytes(mm) >> 12
    return f"{mm.total_vm >> 12} {rss.total} {rss.file + rss.shmem} {text} 0 {data} 0\n"


def _data_bytes(mm: AddressSpace) -> int:
    """Return the bytes of private writable areas, the stack included."""
    return sum(m.end - m.start for m in mm.maps() if m.prot & 2 and not m.shared)


@task("status")
def status(task: Subject) -> bytes:
    """proc_pid_status(5)."""
    process, thread = task.process, task.thread
    cred, letter, guard = thread.cred, state_letter(task), thread.seccomp
    fds = 0 if task.mm is None else len(thread.fds)
    number, tracer, seer = process.pid if task.whole else thread.tid, thread.tracee, task.cred
    uids = (cred.uid, cred.euid, cred.suid, cred.fsuid)
    gids = (cred.gid, cred.egid, cred.sgid, cred.fsgid)
    rows: dict[str, object] = {
        "Name": comm_of(task).decode("utf-8", "surrogateescape").replace("\n", "\\n"),
        "Umask": f"{thread.fs.umask:04o}" if task.mm is not None else "0000",
        "State": f"{letter} ({_NAMES[letter]})",
        "Tgid": task.shown(process.pid),
        "Ngid": 0,
        "Pid": task.shown(number),
        "PPid": 0 if process.parent is None else task.shown(process.parent.pid),
        "TracerPid": 0 if tracer is None else task.shown(tracer.tracer.process.pid),
        "Uid": "\t".join(str(seer.shown_uid(uid)) for uid in uids),
        "Gid": "\t".join(str(seer.shown_gid(gid)) for gid in gids),
        "FDSize": max(64, 1 << max(0, fds - 1).bit_length()),
        "Groups": "".join(f"{seer.shown_gid(gid)} " for gid in cred.groups),
        "NStgid": task.nested(process.pid),
        "NSpid": task.nested(number),
        "NSpgid": task.nested(process.group.pgid),
        "NSsid": task.nested(process.session.sid),
        "Kthread": 0,
        **_memory_rows(task),
        "Threads": max(1, len(process.threads)),
        **_signal_rows(task),
        "CapInh": f"{cred.inheritable:016x}",
        "CapPrm": f"{cred.permitted:016x}",
        "CapEff": f"{cred.effective:016x}",
        "CapBnd": f"{cred.bounding:016x}",
        "CapAmb": f"{cred.ambient:016x}",
        "NoNewPrivs": int(cred.no_new_privs),
        "Seccomp": 0 if guard is None else guard.mode,
        "Seccomp_filters": 0 if guard is None else len(guard.filters),
        "Cpus_allowed": "1",
        "Cpus_allowed_list": "0",
        "Mems_allowed": "1",
        "Mems_allowed_list": "0",
        "voluntary_ctxt_switches": usage_of(task).voluntary,
        "nonvoluntary_ctxt_switches": usage_of(task).involuntary,
    }
    text = "".join(f"{name}:\t{value}\n" for name, value in rows.items())
    return text.encode("utf-8", "surrogateescape")


def _memory_rows(task: Subject) -> dict[str, str]:
    mm = task.mm
    if mm is None:
        return {}
    rss = mm.rss()
    mm.note_peak()
    kib = {
        "VmPeak": mm.peak_vm >> 10,
        "VmSize": mm.total_vm >> 10,
        "VmLck": sum(m.end - m.start for m in mm.maps() if m.flags & VM_LOCKED) >> 10,
        "VmPin": 0,
        "VmHWM": mm.peak_rss_kib(),
        "VmRSS": rss.total << 2,
        "RssAnon": rss.anon << 2,
        "RssFile": rss.file << 2,
        "RssShmem": rss.shmem << 2,
        "VmData": max(0, _data_bytes(mm) - mm.stack_vm()) >> 10,
        "VmStk": mm.stack_vm() >> 10,
        "VmExe": mm.exec_vm() >> 10,
        "VmLib": 0,
        "VmPTE": mm.page_table_bytes() >> 10,
        "VmSwap": 0,
    }
    return {name: f"{value:8d} kB" for name, value in kib.items()}


def _signal_rows(task: Subject) -> dict[str, str]:
    pending, blocked, ignored, caught = _masks(task)
    shared = task.process.signals.pending
    limit = task.process.limits.soft(11)
    queued = getattr(shared, "queued", 0)
    return {
        "SigQ": f"{queued}/{limit}",
        "SigPnd": f"{pending:016x}",
        "ShdPnd": f"{shared.set:016x}",
        "SigBlk": f"{blocked:016x}",
        "SigIgn": f"{ignored:016x}",
        "SigCgt": f"{caught:016x}",
    }


@task("io", mode=0o400, guarded=True)
def io(task: Subject) -> str:
    """proc_pid_io(5). No file system is on a disk, so nothing is read from or written to one."""
    usage = usage_of(task)
    if task.whole:
        usage.add(task.process.children_usage)
    return (
        f"rchar: {usage.rchar}\nwchar: {usage.wchar}\nsyscr: {usage.syscr}\nsyscw: {usage.syscw}\n"
        "read_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n"
    )
