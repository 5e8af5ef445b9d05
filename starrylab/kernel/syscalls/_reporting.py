"""Calls that tell what they do to files, and calls that ask first.

Names and attributes report their changes where they change (`vfs.operations`).  Reading, writing
and opening files must cost nothing while nobody watches: these calls are replaced by ones that
tell for as long as somebody listens (inotify(7), fanotify(7), F_NOTIFY), and by ones that ask for
as long as somebody is to be asked (permission events of fanotify(7), leases of fcntl(2)).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from ...abi import numbers
from ...abi.inotify import IN_ACCESS, IN_MODIFY, IN_OPEN
from ..vfs.notify import tell_file, tell_place
from . import _asking
from ._declare import Entry, Regs

if TYPE_CHECKING:
    from ..kernel import Kernel
    from ..thread import Thread

_Call = Callable[["Thread", Regs], Any]
_Told = Callable[["Thread", Regs, int], None]

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


#: calls that put something into a mount namespace, or take it away
_MOUNTING: Final = ("mount", "umount2", "move_mount", "pivot_root", "unlinkat", "renameat2")


def listen(kernel: Kernel, change: int) -> None:
    """Note that there is one listener more or less."""
    kernel.watching.listeners += change
    _refresh(kernel)


def guard(kernel: Kernel, change: int) -> None:
    """Note that there is one more or less to be asked."""
    kernel.watching.guards += change
    _refresh(kernel)


def reported(t: Thread, name: str, registers: Regs) -> Any:
    """Make a call for a thread as if it had made it itself: it tells and asks as that would."""
    entry = t.kernel.calls.entry(numbers.number(t.kernel.arch, name))
    assert entry is not None
    return entry.call(t, registers)


def _refresh(kernel: Kernel) -> None:
    state = bool(kernel.watching.listeners), bool(kernel.watching.guards)
    if state == kernel.watching.reporting:
        return
    kernel.watching.reporting = listening, asking = state
    for number, name in numbers.names(kernel.arch).items():
        entry = kernel.calls.entry(number)
        if entry is None or not (name in _TOLD or name in _asking.CALLS):
            continue
        call = plain = getattr(entry.call, "plain", entry.call)
        if asking and name in _asking.CALLS:
            call = _asking.CALLS[name](call)
        if listening and name in _TOLD:
            call = _telling(call, _TOLD[name])
        if call is not plain:
            call.plain = plain  # type: ignore[union-attr]  # to be put back
        kernel.calls.add(number, _with(entry, call))


def _with(entry: Entry, call: _Call) -> Entry:
    return replace(entry, call=call)


def _telling(plain: _Call, told: _Told) -> _Call:
    """Return a call that tells what it did, with its registers and its result."""

    async def later(t: Thread, registers: Regs, waiting: Coroutine[Any, Any, Any]) -> Any:
        result = await waiting
        told(t, registers, result or 0)
        return result

    def call(t: Thread, registers: Regs) -> Any:
        result = plain(t, registers)
        if result is None or type(result) is int:
            told(t, registers, result or 0)
            return result
        return later(t, registers, result)

    return call


def _transfer(source: int | None, target: int | None) -> _Told:
    def told(t: Thread, registers: Regs, count: int) -> None:
        if count > 0:
            if source is not None:
                _tell(t, registers[source], IN_ACCESS)
            if target is not None:
                _tell(t, registers[target], IN_MODIFY)

    return told


def _opened(t: Thread, registers: Regs, fd: int) -> None:
    _tell(t, fd, IN_OPEN)


def _allocated(t: Thread, registers: Regs, _: int) -> None:
    _tell(t, registers[0], IN_MODIFY)


def _truncated(t: Thread, registers: Regs, _: int) -> None:
    """Tell of a change of the size, as of one of an attribute: nobody learns the open file."""
    file = t.fds.get(registers[0] & 0xFFFFFFFF)
    if file is not None and file.place is not None:
        tell_place(file.place, IN_MODIFY)


def _mounted(t: Thread, registers: Regs, _: int) -> None:
    for mark in list(t.kernel.watching.mount_marks):
        mark.look()


def _tell(t: Thread, fd: int, mask: int) -> None:
    file = t.fds.get(fd & 0xFFFFFFFF)
    if file is not None and file.place is not None and file.kind != "path":
        tell_file(file.place, mask)


_TOLD: Final[Mapping[str, _Told]] = MappingProxyType(
    {
        **{name: _transfer(*fds) for name, fds in _TRANSFERS.items()},
        "openat": _opened,
        "openat2": _opened,
        "open_by_handle_at": _opened,
        "fallocate": _allocated,
        "ftruncate": _truncated,
        **dict.fromkeys(_MOUNTING, _mounted),
    }
)
