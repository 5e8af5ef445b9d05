"""Everything that a process has, as proc(5) would tell it and a little more."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from ...abi import resource, signal
from ...abi.fcntl import O_APPEND, O_DIRECT, O_NONBLOCK, O_PATH, O_SYNC
from ...kernel.core.parking import suspended_frames
from ...kernel.core.sched import State
from ..present import present_bytes
from .model import (
    AreaView,
    CredentialsView,
    DescriptorView,
    LimitView,
    ProcessDetails,
    SignalView,
    ThreadView,
)

if TYPE_CHECKING:
    from ...kernel.files.fdtable import FdTable
    from ...kernel.files.file import File
    from ...kernel.kernel import Kernel
    from ...kernel.mm.report import MapEntry
    from ...kernel.mm.space import AddressSpace
    from ...kernel.task.cred import Credentials
    from ...kernel.task.limits import Limits
    from ...kernel.task.process import Process
    from ...kernel.thread import Thread

MOST_AREAS: Final = 2000  #: a program may map up to 65530
MOST_DESCRIPTORS: Final = 2000
_ARGUMENTS: Final = 4096  #: bytes of a command line that are read
_INFINITY: Final = (1 << 64) - 1
_FLAGS: Final = (
    (O_APPEND, "append"),
    (O_NONBLOCK, "nonblock"),
    (O_DIRECT, "direct"),
    (O_SYNC, "sync"),
    (O_PATH, "path"),
)
_LIMITS: Final = tuple(
    sorted(
        (value, name.removeprefix("RLIMIT_").lower())
        for name, value in vars(resource).items()
        if name.startswith("RLIMIT_") and type(value) is int
    )
)


def process_details(kernel: Kernel, pid: int) -> ProcessDetails:
    """Return what process ``pid`` has; of a zombie only what is left."""
    process = kernel.processes.get(pid)
    if process is None:
        return ProcessDetails(pid)
    main = process.threads.get(pid) or next(iter(process.threads.values()), None)
    left = ProcessDetails(
        pid,
        found=True,
        comm=_text(process.comm),
        children=tuple(sorted(process.children)),
        exit_status=process.exit_status if process.zombie else None,
        limits=_limits(process.limits),
    )
    return left if process.zombie or main is None else _living(kernel, process, main, left)


def _living(kernel: Kernel, process: Process, main: Thread, left: ProcessDetails) -> ProcessDetails:
    space = main.mm
    exe = process.exe
    return ProcessDetails(
        left.pid,
        found=True,
        comm=left.comm,
        exe=_text(exe.path()) if exe is not None else "",
        cwd=_text(main.fs.cwd.path()),
        root=_text(main.fs.root.path()),
        umask=main.fs.umask,
        arguments=_arguments(kernel, space),
        children=left.children,
        oom_score_adj=process.oom_score_adj,
        credentials=_credentials(main.cred),
        threads=tuple(_thread(thread) for _, thread in sorted(process.threads.items())),
        descriptors=descriptors(main.fds),
        areas=areas(space),
        signals=_signals(process, main),
        limits=left.limits,
    )


def _text(data: bytes) -> str:
    return data.decode(errors="replace")


def _arguments(kernel: Kernel, space: AddressSpace) -> tuple[str, ...]:
    start, end = space.arguments[:2]
    data = present_bytes(kernel.ram.view, space.table, start, min(end - start, _ARGUMENTS))
    return tuple(_text(part) for part in data.removesuffix(b"\0").split(b"\0")) if data else ()


def _credentials(cred: Credentials) -> CredentialsView:
    return CredentialsView(
        (cred.uid, cred.euid, cred.suid, cred.fsuid),
        (cred.gid, cred.egid, cred.sgid, cred.fsgid),
        cred.groups,
        cred.effective,
        cred.permitted,
        cred.bounding,
        cred.no_new_privs,
    )


# -- threads ------------------------------------------------------------------------------


def _thread(thread: Thread) -> ThreadView:
    waits = thread.state is not State.RUNNABLE and thread.entry is not None
    return ThreadView(
        thread.tid,
        _text(thread.comm or thread.process.comm),
        thread.state.value,
        thread.entry.name if waits and thread.entry is not None else "",
        _where(thread),
        thread.context.pc,
        thread.context.sp,
        thread.usage.utime_ns,
        thread.usage.stime_ns,
        thread.syscalls,
        thread.nice,
        thread.policy,
        thread.signals.mask,
        thread.signals.pending.set,
    )


def _where(thread: Thread) -> str:
    """Return the innermost kernel function of a call that waits."""
    frames = list(suspended_frames(thread.pending))
    if not frames:
        return ""
    frame = frames[-1]
    module = str(frame.f_globals.get("__name__", "")).rpartition(".")[2]
    return f"{module}.{frame.f_code.co_qualname}:{frame.f_lineno}"


# -- descriptors --------------------------------------------------------------------------


def descriptors(table: FdTable) -> tuple[DescriptorView, ...]:
    """Return the open descriptors in ascending order, at most `MOST_DESCRIPTORS`."""
    numbers = sorted(table)[:MOST_DESCRIPTORS]
    return tuple(descriptor(fd, table[fd], cloexec=fd in table.cloexec) for fd in numbers)


def descriptor(fd: int, file: File, *, cloexec: bool) -> DescriptorView:
    """Return one descriptor."""
    mode = ("r" if file.readable else "") + ("w" if file.writable else "")
    words = [mode or "-", *(word for flag, word in _FLAGS if file.flags & flag == flag)]
    offset = getattr(file, "offset", 0)
    return DescriptorView(
        fd, file.kind, _text(file.path()), " ".join(words), cloexec, offset, file.refs
    )


# -- memory ---------------------------------------------------------------------------------


def areas(space: AddressSpace) -> tuple[AreaView, ...]:
    """Return the mappings in ascending order, at most `MOST_AREAS`."""
    return tuple(area_view(space, entry) for entry in islice(space.maps(), MOST_AREAS))


def area_view(space: AddressSpace, entry: MapEntry) -> AreaView:
    """Return one mapping."""
    states = space.page_states(entry.start, entry.end)
    name = entry.name
    if not name and entry.place is not None:
        name = entry.place.path()
    return AreaView(
        entry.start,
        entry.end,
        permissions(entry.prot) + ("s" if entry.shared else "p"),
        entry.offset,
        _text(name),
        entry.backend,
        states.lazy,
        states.zero,
        states.copied,
        states.cow,
        states.cached,
    )


def permissions(prot: int) -> str:
    """Return PROT_* bits as "r-x"."""
    return "".join(letter if prot & 1 << bit else "-" for bit, letter in enumerate("rwx"))


# -- signals and limits ---------------------------------------------------------------------


def _signals(process: Process, main: Thread) -> tuple[SignalView, ...]:
    actions = process.signals.actions
    pending = process.signals.pending.set | main.signals.pending.set
    blocked = main.signals.mask
    found = []
    for signo in range(1, signal.SIGRTMAX + 1):
        action = actions[signo]
        bit = 1 << signo - 1
        if not (action.handler or (pending | blocked) & bit):
            continue
        word = {signal.SIG_DFL: "default", signal.SIG_IGN: "ignored"}.get(
            action.handler, f"{action.handler:#x}"
        )
        found.append(
            SignalView(
                signo,
                signal.name(signo),
                word,
                action.flags,
                bool(pending & bit),
                bool(blocked & bit),
            )
        )
    return tuple(found)


def _limits(limits: Limits) -> tuple[LimitView, ...]:
    return tuple(
        LimitView(name, *(-1 if value == _INFINITY else value for value in limits[number]))
        for number, name in _LIMITS
    )
