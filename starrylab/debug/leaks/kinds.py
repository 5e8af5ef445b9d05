"""What kinds of things a kernel allocates, and how large each one is.

This kernel's objects are Python objects, so a kind is a class with its subclasses; the most
special class that is listed counts.  A class of the kernel that is not listed is a kind of its
own, called after it, so nothing is left out.

Sizes are bytes.  A frame has 4096.  An object's is the host's, by one rule: the object itself,
its attribute table, and the built-in containers (list, dict, set, deque, bytes ...) that are its
attributes, each as `sys.getsizeof` tells, without what they hold.  What a real kernel would
allocate for it is of the same order.
"""

from __future__ import annotations

import enum
import sys
from collections import deque
from collections.abc import Hashable, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final, cast

KERNEL: Final = "starrylab.kernel."
_WATCHERS: Final = "starrylab.debug."  #: who looks is no part of what is looked at
CONTAINERS: Final = (list, dict, set, deque, bytearray)
_OWNED: Final = (*CONTAINERS, bytes)

#: class below `starrylab.kernel` -> kind
KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "bpf.btf.Btf": "btf",
        "bpf.files.BtfFile": "btf descriptor",
        "bpf.files.LinkFile": "bpf link descriptor",
        "bpf.files.MapFile": "bpf map descriptor",
        "bpf.files.ProgramFile": "bpf program descriptor",
        "bpf.links.Link": "bpf link",
        "bpf.maps.base.Map": "bpf map",
        "bpf.pins.PinNode": "bpf pin",
        "bpf.program.Program": "bpf program",
        "core.alarm.Alarm": "alarm",
        "core.parking.Waker": "waker",
        "core.poll.PollSet": "poll set",
        "core.sched.CoroutineTask": "kernel task",
        "core.scope.ItemBox": "scope",
        "core.scope.Scope": "scope",
        "core.timer.Timer": "timer",
        "dev.device.Device": "device",
        "dev.kmsg.Record": "log record",
        "dev.pty.PtyDriver": "pty",
        "dev.tty.Tty": "tty",
        "files.epoll.Epoll": "epoll",
        "files.epoll.EpollItem": "epoll item",
        "files.eventfd.EventFd": "eventfd",
        "files.dnotify.Notice": "directory notice",
        "files.fanotify.Fanotify": "fanotify",
        "files.fanotify_mark.Mark": "fanotify mark",
        "files.fanotify_mounts.NamespaceMark": "fanotify mark",
        "files.fdtable.FdTable": "fd table",
        "files.fifo.Fifo": "fifo",
        "files.file.File": "file",
        "files.inotify.Inotify": "inotify",
        "files.inotify.InotifyWatch": "inotify watch",
        "files.landlock.RulesetFile": "Landlock ruleset",
        "files.pidfd.PidFd": "pidfd",
        "files.pipe.PipeEnd": "pipe end",
        "files.pipe_buffer.PipeBuffer": "pipe buffer",
        "files.signalfd.SignalFd": "signalfd",
        "files.timerfd.TimerFd": "timerfd",
        "files.tree.TreeFile": "mount tree",
        "files.userfaultfd.UserfaultFile": "userfaultfd",
        "namespaces.base.Namespace": "namespace",
        "namespaces.pid.Pid": "pid",
        "namespaces.proxy.Namespaces": "namespace set",
        "perf.counter.Counter": "perf counter",
        "perf.file.PerfFile": "perf event",
        "perf.ring.Ring": "perf buffer",
        "fs.context_file.FilesystemContext": "fscontext",
        "net.unix.message.Message": "socket buffer",
        "net.unix.connected.UnixPackets": "socket",
        "net.unix.connected.UnixStream": "socket",
        "net.unix.datagram.UnixDatagrams": "socket",
        "ipc.messages.MessageQueue": "message queue",
        "ipc.mqueue.NamedQueue": "message queue",
        "ipc.mqueue.QueueFile": "mqueue",
        "ipc.semaphores.SemaphoreSet": "semaphore set",
        "mm.areas.Area": "area",
        "mm.pages.PageMap": "address space",
        "mm.shared.SharedPages": "shared memory",
        "mm.userfault.Userfaults": "userfaultfd",
        "mm.userfault.Waiting": "userfaultfd",
        "mm.sysv.Segment": "shm segment",
        "signal.actions.SignalActions": "signal actions",
        "signal.info.SignalInfo": "queued signal",
        "signal.manager.ProcessSignals": "process signals",
        "signal.manager.ThreadSignals": "thread signals",
        "signal.pending.PendingSignals": "signal queue",
        "task.cred.Credentials": "credentials",
        "task.futexes.FutexWaiter": "futex entry",
        "task.pi_futexes.PiLock": "futex entry",
        "task.pi_futexes.PiWaiter": "futex entry",
        "task.pi_futexes.RequeueWaiter": "futex entry",
        "task.keys.Key": "key",
        "task.limits.Limits": "limits",
        "task.process.Process": "process",
        "task.process.ProcessGroup": "process group",
        "task.process.Session": "session",
        "task.process.Usage": "usage",
        "task.timers.IntervalTimer": "interval timer",
        "task.timers.PosixTimer": "posix timer",
        "thread.Thread": "thread",
        "uring.memory.OwnMemory": "io_uring memory",
        "uring.request.Request": "io_uring request",
        "uring.ring.Ring": "io_uring",
        "vfs.context.FsContext": "fs context",
        "vfs.dentry.DirEntry": "dentry",
        "vfs.landlock.Domain": "Landlock domain",
        "vfs.landlock.Ruleset": "Landlock rules",
        "vfs.leases.Lease": "lease",
        "vfs.locks.Lock": "file lock",
        "vfs.locks.LockTable": "lock table",
        "vfs.mount.namespace.MountNamespace": "mount namespace",
        "vfs.mount.point.Location": "location",
        "vfs.mount.point.Mountpoint": "mount",
        "vfs.node.FilesystemOps": "file system",
        "vfs.node.NodeOps": "inode",
        "vfs.page_content.Dense": "page index",
        "vfs.page_content.Sparse": "page index",
        "vfs.page_store.PageStore": "page cache",
    }
)

#: kind -> the name that Starry Mix's report has for it
CATEGORIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "alarm": "timer",
        "dentry": "dentry",
        "fd table": "process data",
        "fs context": "process data",
        "inode": "inode",
        "page cache": "cached file",
        "page index": "cached file",
        "PAGE_CACHE": "cached file",
        "posix timer": "timer",
        "process": "process",
        "process group": "process group",
        "process signals": "process data",
        "scope": "process data",
        "session": "session",
        "signal actions": "process data",
        "thread": "process data",
        "thread signals": "process data",
        "timer": "timer",
    }
)

#: attribute of a class below `starrylab.kernel` -> what one of its entries is called
TABLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "core.poll.PollSet._wakers": "waker registration",
        "files.fdtable.FdTable": "descriptor",
        "task.futexes.FutexTable.queues": "futex queue",
        "task.ids.PidAllocator._used": "process number",
        "vfs.dentry.DirEntry.children": "name in a directory",
    }
)

#: what fills up to a bound and is no leak: attribute -> why
BOUNDED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "core.sched.Executor._timers": "cancelled timers are swept out; live ones count as timers",
        "dev.kmsg.KernelLog.records": "a ring of 128 KiB",
        "mm.frames.FrameAllocator._free": "hints, no more than there are frames",
        "mm.heap.KernelHeap._held": "counted as frames",
        "vfs.dentry.DirEntry.children": "names known to be absent: at most 512 a directory",
        "vfs.dentry.DirEntry.fast": "the same as its children",
        "vfs.page_content.Dense.frames": "counted as frames",
        "vfs.page_content.Sparse.frames": "counted as frames",
        "vfs.page_pool.PagePool._clock": "swept as it grows",
        "vfs.page_store.PageStore.recent": "pages of a cached file",
        "mm.pages.PageMap.table": "counted as frames",
        "mm.pages.PageMap.regions": "counted as frames",
    }
)


def is_kernel_class(cls: type[Any]) -> bool:
    """Tell whether instances of ``cls`` are allocations of the kernel, or of parts bound to it.

    Enumerations and exceptions are none.
    """
    return _is_kernel_class(cast("Hashable", cls))


@cache
def _is_kernel_class(cls: type[Any]) -> bool:
    if module_of(cls).startswith(_WATCHERS):
        return False
    ours = any(module_of(base).startswith(KERNEL) for base in cls.__mro__)
    return ours and not issubclass(cls, (enum.Enum, BaseException))


def module_of(cls: type[Any]) -> str:
    """Return where a class is from; "" for extension types that do not say so in words."""
    name: object = cls.__module__
    return name if isinstance(name, str) else ""


def qualified(cls: type[Any]) -> str:
    """Return a class's name below `starrylab.kernel`."""
    return f"{cls.__module__.removeprefix(KERNEL)}.{cls.__qualname__}"


def kind_of(cls: type[Any]) -> str:
    """Return the kind of a class of the kernel: its own, or that of the nearest listed base."""
    return _kind_of(cast("Hashable", cls))


@cache
def _kind_of(cls: type[Any]) -> str:
    for base in cls.__mro__:
        kind = KINDS.get(qualified(base))
        if kind is not None:
            return kind
    return cls.__qualname__


def attributes(thing: object) -> Iterator[tuple[str, Any]]:
    """Yield name and value of each attribute that ``thing`` itself has."""
    yield from list(getattr(thing, "__dict__", {}).items())
    for cls in type(thing).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for name in [slots] if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__"):
                try:
                    yield name, getattr(thing, name)
                except AttributeError:
                    continue


def size_of(thing: object) -> int:
    """Return the size of an object in bytes, by the rule above."""
    size = sys.getsizeof(thing)
    own = getattr(thing, "__dict__", None)
    if own is not None:
        size += sys.getsizeof(own)
    for _, value in attributes(thing):
        if isinstance(value, _OWNED):
            size += sys.getsizeof(value)
    return size
