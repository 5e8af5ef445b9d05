"""/proc/PID/fdinfo/FD: what is special about an open file (proc_pid_fdinfo(5))."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from ....abi.errno import ENOENT
from ....abi.fcntl import O_CLOEXEC
from ....abi.poll import POLLERR, POLLHUP
from ....abi.time import TFD_TIMER_ABSTIME, TFD_TIMER_CANCEL_ON_SET
from ...bpf.files import BtfFile, LinkFile, MapFile, ProgramFile
from ...files.epoll import Epoll
from ...files.eventfd import EventFd
from ...files.fanotify import Fanotify
from ...files.inotify import Inotify
from ...files.pidfd import PidFd
from ...files.signalfd import SignalFd
from ...files.timerfd import TimerFd
from ...files.userfaultfd import UserfaultFile
from ...namespaces.mnt import MntNamespace
from ...uring.ring import Ring
from ...vfs.handles import identify
from ...vfs.locks import LockTable
from ...vfs.mount import Mountpoint
from ...vfs.node import FilesystemOps, NodeOps
from ._declare import Subject
from ._fdinfo_ring import ring_info
from ._lock_rows import lock_rows

if TYPE_CHECKING:
    from ...files.file import File

_SECOND: Final = 1_000_000_000  #: ns


def fdinfo(subject: Subject, fd: int) -> str:
    """Return the text for a descriptor; raise ``ENOENT`` when it is closed."""
    table = subject.thread.fds
    file = table.get(fd)
    if file is None:
        raise ENOENT
    flags = file.flags | (O_CLOEXEC if fd in table.cloexec else 0)
    place = file.place
    mount = place.mount.id if place is not None else 0
    position = getattr(file, "offset", 0)
    rows = [f"pos:\t{position}\nflags:\t0{flags:o}\nmnt_id:\t{mount}\nino:\t{file.number}\n"]
    if place is not None:
        rows += _locks(subject, file)
    special = _SPECIAL.get(type(file))
    if special is not None:
        rows += special(file, subject)
    return "".join(rows)


def _locks(subject: Subject, file: File) -> Iterator[str]:
    """Yield the locks that closing this descriptor may release."""
    node = file.node
    table: LockTable | None = None if node is None else node.bound(LockTable)
    if node is None or table is None:
        return
    own = (file, subject.thread.fds)
    for number, row in enumerate(lock_rows(table, node, file, subject.process.pid, own), 1):
        yield f"lock:\t{number}: {row}"


def _epoll(file: Epoll, _: Subject) -> Iterator[str]:
    for item in file.items():
        node = None if item.file is None else item.file.node
        position = getattr(item.file, "offset", 0)
        ino, device = (0, 0) if node is None else (node.ino, node.fs.dev)
        events = item.events | POLLERR | POLLHUP
        yield (
            f"tfd: {item.fd:8d} events: {events:8x} data: {item.data:16x}  "
            f"pos:{position} ino:{ino:x} sdev:{device:x}\n"
        )


def _eventfd(file: EventFd, _: Subject) -> Iterator[str]:
    yield f"eventfd-count: {file.count:16x}\neventfd-semaphore: {int(file.semaphore)}\n"


def _inotify(file: Inotify, _: Subject) -> Iterator[str]:
    for watch in reversed(file.watches.values()):
        node = watch.node()
        if node is not None:
            yield (
                f"inotify wd:{watch.wd:x} ino:{node.ino:x} sdev:{watch.fs.dev:x} "
                f"mask:{watch.mask:x} ignored_mask:0 {_handle(node)}\n"
            )


def _handle(node: NodeOps) -> str:
    kind, data = identify(node)
    return f"fhandle-bytes:{len(data):x} fhandle-type:{kind:x} f_handle:{data.hex()}"


def _fanotify(file: Fanotify, _: Subject) -> Iterator[str]:
    yield f"fanotify flags:{file.mode:x} event-flags:{file.event_flags:x}\n"
    for mark in reversed(file.marks):
        marked = mark.object()
        tail = f"mflags:{mark.flags:x} mask:{mark.mask:x} ignored_mask:{mark.ignored:x}"
        if isinstance(marked, MntNamespace):
            yield f"fanotify mnt_ns:{marked.ino} {tail}\n"
        elif isinstance(marked, Mountpoint):
            yield f"fanotify mnt_id:{marked.id:x} {tail}\n"
        elif isinstance(marked, FilesystemOps):
            yield f"fanotify sdev:{marked.dev:x} {tail}\n"
        elif marked is not None:
            yield f"fanotify ino:{marked.ino:x} sdev:{marked.fs.dev:x} {tail} {_handle(marked)}\n"


def _pidfd(file: PidFd, subject: Subject) -> Iterator[str]:
    process = file.process
    if subject.kernel.processes.get(process.pid) is not process:
        yield "Pid:\t-1\nNSpid:\t-1\n"  # reaped
        return
    seen = Subject(subject.kernel, process, process.leader, subject.ns, whole=True)
    pid = seen.shown(process.pid)
    yield f"Pid:\t{pid}\nNSpid:\t{seen.nested(process.pid) if pid else 0}\n"


def _signalfd(file: SignalFd, _: Subject) -> Iterator[str]:
    yield f"sigmask:\t{file.mask:016x}\n"


def _timerfd(file: TimerFd, _: Subject) -> Iterator[str]:
    interval, left = file.get_time()
    flags = TFD_TIMER_ABSTIME * file.absolute | TFD_TIMER_CANCEL_ON_SET * file.cancel_on_set
    yield f"clockid: {file.clock_id}\nticks: {file.ticks}\nsettime flags: 0{flags:o}\n"
    for name, ns in (("value", left), ("interval", interval)):
        yield f"it_{name}: ({ns // _SECOND}, {ns % _SECOND})\n"


def _userfaultfd(file: UserfaultFile, _: Subject) -> Iterator[str]:
    yield file.info()


def _bpf(file: Any, _: Subject) -> Iterator[str]:
    yield file.info()


_SPECIAL: Final[dict[type[File], Callable[[Any, Subject], Iterator[str]]]] = {
    Epoll: _epoll,
    EventFd: _eventfd,
    Fanotify: _fanotify,
    Inotify: _inotify,
    PidFd: _pidfd,
    Ring: ring_info,
    SignalFd: _signalfd,
    TimerFd: _timerfd,
    UserfaultFile: _userfaultfd,
    **dict.fromkeys((MapFile, ProgramFile, LinkFile, BtfFile), _bpf),
}
