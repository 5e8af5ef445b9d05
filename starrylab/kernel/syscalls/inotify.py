"""inotify_init1(2), inotify_add_watch(2), inotify_rm_watch(2), and who reports the events.

Names and attributes report their changes where they change (`vfs.operations`).  Reading, writing
and opening files must cost nothing while nobody watches: these calls are replaced by ones
that report, for as long as there is an instance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from ...abi import numbers
from ...abi.errno import EINVAL, EMFILE, ENOTDIR
from ...abi.inotify import (
    IN_ACCESS,
    IN_CLOEXEC,
    IN_DONT_FOLLOW,
    IN_KNOWN,
    IN_MASK_ADD,
    IN_MASK_CREATE,
    IN_MODIFY,
    IN_NONBLOCK,
    IN_ONLYDIR,
    IN_OPEN,
)
from ..files.inotify import Inotify
from ..vfs.context import NOFOLLOW
from ..vfs.node import DIRECTORY
from ..vfs.notify import tell_place
from ..vfs.permission import MAY_READ, check
from ._declare import Entry, Regs, syscall
from ._shown import InotifyFlags, InotifyMask
from ._types import Fd, FdNum, Int, Path

if TYPE_CHECKING:
    from ..kernel import Kernel
    from ..thread import Thread

_INSTANCES: Final = 128  #: /proc/sys/fs/inotify/max_user_instances


@syscall()
def inotify_init1(t: Thread, flags: InotifyFlags) -> FdNum:
    """inotify_init1(2)."""
    if flags & ~(IN_CLOEXEC | IN_NONBLOCK):
        raise EINVAL
    kernel = t.kernel
    if kernel.inotify_instances >= _INSTANCES:
        raise EMFILE
    file = Inotify(flags & IN_NONBLOCK, lambda: _count(kernel, -1))
    number = t.install(file, cloexec=bool(flags & IN_CLOEXEC))
    _count(kernel, 1)
    return number


@syscall(partial="execve(2) and the end of a mount are not reported")
def inotify_add_watch(t: Thread, file: Fd, path: Path, mask: InotifyMask) -> int:
    """inotify_add_watch(2)."""
    if not mask & IN_KNOWN or (mask & IN_MASK_ADD and mask & IN_MASK_CREATE):
        raise EINVAL
    if not isinstance(file, Inotify):
        raise EINVAL
    place = t.fs.walk(path, t.cred, None, NOFOLLOW if mask & IN_DONT_FOLLOW else 0)
    if mask & IN_ONLYDIR and place.node.kind != DIRECTORY:
        raise ENOTDIR
    check(place.node, t.cred, MAY_READ)
    return file.watch(place, mask)


@syscall()
def inotify_rm_watch(t: Thread, file: Fd, wd: Int) -> None:
    """inotify_rm_watch(2)."""
    if not isinstance(file, Inotify):
        raise EINVAL
    file.remove(file.find(wd))


# -- calls that report ---------------------------------------------------------------------------

_Call = Callable[["Thread", Regs], Any]

#: call -> which argument is the descriptor of what is read, and of what is written
_TRANSFERS: Final[Mapping[str, tuple[int | None, int | None]]] = MappingProxyType(
    {
        "read": (0, None),
        "readv": (0, None),
        "pread64": (0, None),
        "preadv": (0, None),
        "preadv2": (0, None),
        "getdents64": (0, None),
        "write": (None, 0),
        "writev": (None, 0),
        "pwrite64": (None, 0),
        "pwritev": (None, 0),
        "pwritev2": (None, 0),
        "sendfile": (1, 0),
        "copy_file_range": (0, 2),
        "splice": (0, 2),
    }
)
_CHANGES: Final = ("ftruncate", "fallocate")
_OPENS: Final = ("openat", "openat2")


def _count(kernel: Kernel, change: int) -> None:
    """Note that there is one instance more or less."""
    before = kernel.inotify_instances
    kernel.inotify_instances += change
    if bool(before) == bool(kernel.inotify_instances):
        return
    for number, name in numbers.names(kernel.arch).items():
        entry = kernel.calls.entry(number)
        made = None if entry is None else _reporting(name, entry)
        if made is not None and entry is not None:
            plain = replace(entry, call=getattr(entry.call, "plain", entry.call))
            kernel.calls.add(number, made if kernel.inotify_instances else plain)


def _reporting(name: str, entry: Entry) -> Entry | None:
    """Return an entry that reports, for calls that have something to report."""
    if name in _TRANSFERS:
        call = _transfer(entry.call, *_TRANSFERS[name])
    elif name in _CHANGES:
        call = _change(entry.call)
    elif name in _OPENS:
        call = _open(entry.call)
    else:
        return None
    call.plain = entry.call  # type: ignore[attr-defined]  # to be put back
    return replace(entry, call=call)


def _transfer(plain: _Call, source: int | None, target: int | None) -> _Call:
    def call(t: Thread, registers: Regs) -> Any:
        result = plain(t, registers)
        if type(result) is int and result > 0:
            if source is not None:
                _tell(t, registers[source], IN_ACCESS)
            if target is not None:
                _tell(t, registers[target], IN_MODIFY)
        return result

    return call


def _change(plain: _Call) -> _Call:
    def call(t: Thread, registers: Regs) -> Any:
        result = plain(t, registers)
        _tell(t, registers[0], IN_MODIFY)
        return result

    return call


def _open(plain: _Call) -> _Call:
    def call(t: Thread, registers: Regs) -> Any:
        result = plain(t, registers)
        if type(result) is int:
            _tell(t, result, IN_OPEN)
        return result

    return call


def _tell(t: Thread, fd: int, mask: int) -> None:
    file = t.fds.get(fd & 0xFFFFFFFF)
    if file is not None and file.place is not None:
        tell_place(file.place, mask)
