"""What to call an object of the kernel: its kind, and what tells it from others of its kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from .kinds import kind_of

if TYPE_CHECKING:
    from ...kernel.kernel import Kernel

_SHOWN: Final = 60  #: characters of a name


class Naming:
    """Names of one kernel's objects; knows which process has which descriptor table and so on."""

    def __init__(self, kernel: Kernel) -> None:
        self._owners: dict[int, int] = {}  #: `id` of what a process has -> its pid
        for thread in kernel.threads.values():
            pid = thread.process.pid
            for thing in (thread.fds, thread.mm, thread.fs, thread.scope, thread.signals):
                self._owners.setdefault(id(thing), pid)
            self._owners.setdefault(id(thread.process.signals), pid)

    def owner(self, thing: object) -> int:
        """Return the pid of the process that an object belongs to by itself; 0 for none."""
        pid = self._owners.get(id(thing))
        if pid is not None:
            return pid
        kind = kind_of(type(thing))
        if kind == "process":
            return int(getattr(thing, "pid", 0))
        if kind == "thread":
            return int(getattr(getattr(thing, "process", None), "pid", 0))
        return 0

    def name(self, thing: object) -> str:
        """Return "dentry x", "fd table of pid 7", "zombie 9 (sh) ..."."""
        kind = kind_of(type(thing))
        describe = _DESCRIBE.get(kind)
        text = kind
        if describe is not None:
            try:
                text = describe(thing)
            except (AttributeError, LookupError, TypeError):
                text = f"{kind} (half made)"
        pid = self._owners.get(id(thing))
        if pid is not None and kind != "thread":
            text += f" of pid {pid}"
        return text


def text_of(name: object) -> str:
    """Return bytes or text as something to print, cut to a bearable length."""
    text = name.decode(errors="replace") if isinstance(name, bytes) else str(name)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def _comm(thing: Any) -> str:
    return text_of(thing.comm) or "?"


def _process(process: Any) -> str:
    if not process.zombie:
        return f"process {process.pid} ({_comm(process)})"
    parent = process.parent
    if parent is not None and parent.children.get(process.pid) is not process:
        return f"ended process {process.pid} ({_comm(process)}), waited for"
    who = "no parent" if parent is None else f"parent {parent.pid} ({_comm(parent)})"
    return f"zombie {process.pid} ({_comm(process)}), not waited for by its {who}"


def _thread(thread: Any) -> str:
    ended = "ended " if not thread.alive else ""
    return f"{ended}thread {thread.tid} ({_comm(thread)}) of pid {thread.process.pid}"


def _group(group: Any) -> str:
    members = len(group.processes())
    return f"process group {group.pgid} of {members} process{'es' * (members != 1)}"


def _file(file: Any) -> str:
    unused = "" if file.refs else ", closed"
    return f"{kind_of(type(file))} {text_of(file.path())}{unused}"


def _dentry(entry: Any) -> str:
    names: list[bytes] = []
    at = entry
    while at is not None and at.parent is not None:
        names.append(at.name)
        at = at.parent
    state = ", absent" if entry.node is None else ", unlinked" if entry.unlinked else ""
    return f"dentry {text_of(b'/' + b'/'.join(reversed(names)))}{state}"


def _inode(node: Any) -> str:
    links = "" if node.nlink else ", no links"
    return f"inode {node.ino} of {text_of(node.fs.name)}{links}"


def _mount(mount: Any) -> str:
    at = "root" if mount.at is None else text_of(mount.at.name)
    busy = f", {mount.users} users" if mount.users else ""
    return f"mount {mount.id} ({mount.fs.name} on {at}{busy})"


def _pipe(pipe: Any) -> str:
    return f"pipe buffer {pipe.ino} ({pipe.readers} readers, {pipe.writers} writers)"


def _timer(timer: Any) -> str:
    return "timer, cancelled" if timer.action is None else "timer"


def _segment(segment: Any) -> str:
    state = ", removed" if segment.removed else ""
    return f"shm segment {segment.shmid} ({segment.nattch} attached{state})"


def _space(space: Any) -> str:
    return f"address space ({space.users} users, {len(space.table)} pages)"


def _item(item: Any) -> str:
    gone = ", no longer watched" if item.file is None else ""
    return f"epoll item for descriptor {item.fd}{gone}"


def _table(table: Any) -> str:
    return f"fd table ({len(table)} open)"


def _message(message: Any) -> str:
    return f"socket buffer ({len(message.data)} bytes from pid {message.sender.pid})"


def _waiter(waiter: Any) -> str:
    return f"futex entry of thread {waiter.thread.tid}"


_DESCRIBE: Final[Mapping[str, Callable[[Any], str]]] = MappingProxyType(
    {
        "address space": _space,
        "dentry": _dentry,
        "device": lambda d: f"device {text_of(d.name)} ({d.major}:{d.minor})",
        "epoll": _file,
        "epoll item": _item,
        "eventfd": _file,
        "fd table": _table,
        "file": _file,
        "file system": lambda fs: f"file system {fs.name}",
        "futex entry": _waiter,
        "inode": _inode,
        "Landlock ruleset": _file,
        "mount": _mount,
        "namespace": lambda n: f"namespace {text_of(n.label)}",
        "page cache": lambda c: f"page cache of inode {c.ino} ({c.nr_pages} pages)",
        "pid": lambda p: f"pid {p.number}",
        "pidfd": _file,
        "pipe buffer": _pipe,
        "pipe end": _file,
        "poll set": lambda s: f"poll set ({len(s)} registered)",
        "process": _process,
        "process group": _group,
        "session": lambda s: f"session {s.sid}",
        "shm segment": _segment,
        "signalfd": _file,
        "socket": _file,
        "socket buffer": _message,
        "thread": _thread,
        "timer": _timer,
        "timerfd": _file,
        "tty": lambda t: f"tty {text_of(t.name)}",
    }
)
