"""Who is asked before a file is opened or read: listeners of fanotify(7), holders of leases.

While somebody thinks, everything may change; so what a path leads to is looked up again after each
answer, until it leads to what the answer was about.  Then the call is made, without a wait between.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from struct import unpack
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast

from ...abi.errno import EAGAIN, LinuxError
from ...abi.fanotify import FAN_ACCESS_PERM, FAN_OPEN_EXEC_PERM, FAN_OPEN_PERM
from ...abi.fcntl import (
    AT_EMPTY_PATH,
    AT_SYMLINK_NOFOLLOW,
    O_ACCMODE,
    O_CREAT,
    O_EXCL,
    O_NOFOLLOW,
    O_NONBLOCK,
    O_PATH,
    O_TMPFILE,
    O_WRONLY,
)
from ..core.sched import park, park_killable
from ..files.fanotify import Fanotify
from ..task.exec_files import images
from ..vfs.context import NOFOLLOW
from ..vfs.leases import expire, has_leases, in_the_way, start_to_break
from ..vfs.locks import LockTable
from ..vfs.mount import Location
from ..vfs.node import NodeOps
from ..vfs.notify import Found, about_entry, concerned
from ..vfs.open_options import check_open
from ._at import place_at, start_of
from ._declare import Regs
from .handles import place_of

if TYPE_CHECKING:
    from ..files.file import File
    from ..thread import Thread

_Call = Callable[["Thread", Regs], Any]
#: an open to come: where, and with which flags
_Opening = tuple[Location, int]
_Finder = Callable[["Thread", Regs], list[_Opening]]
_OPEN_HOW: Final = 24  #: bytes of struct open_how
_SECOND: Final = 1_000_000_000  #: ns
_OPEN: Final = (FAN_OPEN_PERM,)
_EXEC: Final = (FAN_OPEN_EXEC_PERM, FAN_OPEN_PERM)
_UNASKED: Final = O_TMPFILE & ~0o200000  #: makes a file that nobody knows


def _int(register: int) -> int:
    return (register & 0xFFFFFFFF ^ 0x80000000) - 0x80000000


# -- what a call is about to open ------------------------------------------------------------------


def _at_path(t: Thread, dirfd: int, address: int, flags: int, resolve: int = 0) -> list[_Opening]:
    if flags & (O_PATH | _UNASKED) or (flags & O_CREAT and flags & O_EXCL):
        return []
    path = t.mm.read_cstr(address)
    walk = resolve | (NOFOLLOW if flags & O_NOFOLLOW else 0)
    place = t.fs.walk(path, t.cred, start_of(t, dirfd, path), walk)
    check_open(place, flags, t.cred)
    return [(place, flags)]


def _of_openat(t: Thread, r: Regs) -> list[_Opening]:
    return _at_path(t, _int(r[0]), r[1], r[2] & 0xFFFFFFFF)


def _of_openat2(t: Thread, r: Regs) -> list[_Opening]:
    flags, _, resolve = unpack("<QQQ", t.mm.read(r[2], _OPEN_HOW))
    return _at_path(t, _int(r[0]), r[1], flags, resolve & 0x1F)


def _of_handle(t: Thread, r: Regs) -> list[_Opening]:
    flags = r[2] & 0xFFFFFFFF
    if flags & O_PATH:
        return []
    place = place_of(t, _int(r[0]), r[1])
    check_open(place, flags, t.cred)
    return [(place, flags)]


def _of_truncate(t: Thread, r: Regs) -> list[_Opening]:
    return [(t.fs.walk(t.mm.read_cstr(r[0]), t.cred), O_WRONLY)]


def _of_execve(t: Thread, r: Regs) -> list[_Opening]:
    return [(place, 0) for place in images(t, t.fs.walk(t.mm.read_cstr(r[0]), t.cred))]


def _of_execveat(t: Thread, r: Regs) -> list[_Opening]:
    flags = _int(r[4]) & (AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)
    place = place_at(t, _int(r[0]), t.mm.read_cstr(r[1]), flags)
    return [(place, 0) for place in images(t, place)]


# -- asking ----------------------------------------------------------------------------------------


def _listeners(place: Location, mask: int) -> list[tuple[Fanotify, Found]]:
    """Return who is to be asked about what is at ``place``, most important first."""
    if place.quiet or place.mount.fs.marks is None:
        return []
    entry = place.entry
    parent = None if entry.parent is None else entry.parent.node
    found = concerned(about_entry(entry, mask, place), entry.node, parent)
    return [(cast("Fanotify", who), marks) for who, marks in found if who.priority]


async def _permitted(t: Thread, place: Location, mask: int) -> None:
    """Ask all who want to be asked; raise what one of them says."""
    event = about_entry(place.entry, mask, place)
    for listener, marks in _listeners(place, mask):
        question = listener.ask(event, marks)
        if question is not None:
            try:
                while not question.answered:
                    question.register(t.waker)
                    await park_killable()
            finally:
                if not question.answered:
                    listener.forget(question)
            question.check()


async def _break_leases(t: Thread, node: NodeOps, *, writes: bool, wait: bool) -> None:
    """Wait until no lease of ``node`` forbids to open it; ``EAGAIN`` instead of waiting.

    Raises ``EINTR``.
    """
    table: LockTable | None = node.bound(LockTable)
    if table is None:
        return
    executor = t.executor
    expire(table, executor.now)
    seconds = t.kernel.watching.lease_break_time
    deadline = executor.now + seconds * _SECOND if seconds else None
    start_to_break(table, writes=writes, deadline=deadline)
    while left := in_the_way(table, executor.now, writes=writes):
        if not wait:
            raise EAGAIN
        table.changed.register(t.waker)
        ends = min((one.deadline for one in left if one.deadline is not None), default=None)
        timer = None if ends is None else executor.call_at(ends, t.waker.wake)
        try:
            await park()
        finally:
            if timer is not None:
                timer.cancel()


def _created(t: Thread, fd: int) -> Any:
    """Ask about a file that an open has made; it stays there whatever the answer is."""
    file = t.fds.get(fd)
    place = None if file is None or file.kind == "path" else file.place
    if place is None or not _listeners(place, FAN_OPEN_PERM):
        return fd

    async def ask() -> int:
        try:
            await _permitted(t, place, FAN_OPEN_PERM)
        except BaseException:
            if t.fds.get(fd) is file:
                t.fds.close(fd)
            raise
        return fd

    return ask()


def _before(finder: _Finder, masks: tuple[int, ...]) -> Callable[[_Call], _Call]:
    """Make calls that ask before they open what ``finder`` finds."""

    def find(t: Thread, registers: Regs, asked: set[int]) -> _Opening | None:
        try:
            openings = finder(t, registers)
        except LinuxError:  # the call will say so itself
            return None
        for place, flags in openings:
            if id(place.entry) not in asked and (
                has_leases(place.node) or any(_listeners(place, mask) for mask in masks)
            ):
                return place, flags
        return None

    async def ask(t: Thread, registers: Regs, plain: _Call, opening: _Opening | None) -> Any:
        asked: set[int] = set()
        held = []  # so that no other entry gets the same id
        while opening is not None:
            place, flags = opening
            for mask in masks:
                await _permitted(t, place, mask)
            writes = bool(flags & O_ACCMODE)
            await _break_leases(t, place.node, writes=writes, wait=not flags & O_NONBLOCK)
            held.append(place.entry)
            asked.add(id(place.entry))
            opening = find(t, registers, asked)
        result = plain(t, registers)
        return await result if isinstance(result, Coroutine) else result

    def made(plain: _Call) -> _Call:
        def call(t: Thread, registers: Regs) -> Any:
            opening = find(t, registers, set())
            if opening is not None:
                return ask(t, registers, plain, opening)
            result = plain(t, registers)
            if masks == _OPEN and type(result) is int:
                return _created(t, result)
            return result

        return call

    return made


def asked_read(t: Thread, file: File) -> Coroutine[Any, Any, None] | None:
    """Return what asks before ``file`` is read; ``None``: nobody wants to be asked."""
    place = file.place if file.readable else None
    if place is None or not _listeners(place, FAN_ACCESS_PERM):
        return None
    return _permitted(t, place, FAN_ACCESS_PERM)


def _reading(position: int) -> Callable[[_Call], _Call]:
    """Make calls that ask before they read the file whose descriptor is argument ``position``."""

    async def ask(
        t: Thread, registers: Regs, plain: _Call, asking: Coroutine[Any, Any, None]
    ) -> Any:
        await asking
        result = plain(t, registers)
        return await result if isinstance(result, Coroutine) else result

    def made(plain: _Call) -> _Call:
        def call(t: Thread, registers: Regs) -> Any:
            file = t.fds.get(registers[position] & 0xFFFFFFFF)
            asking = None if file is None else asked_read(t, file)
            if asking is None:
                return plain(t, registers)
            return ask(t, registers, plain, asking)

        return call

    return made


#: call -> what makes it one that asks
CALLS: Final[Mapping[str, Callable[[_Call], _Call]]] = MappingProxyType(
    {
        "openat": _before(_of_openat, _OPEN),
        "openat2": _before(_of_openat2, _OPEN),
        "open_by_handle_at": _before(_of_handle, _OPEN),
        "truncate": _before(_of_truncate, ()),
        "execve": _before(_of_execve, _EXEC),
        "execveat": _before(_of_execveat, _EXEC),
        "read": _reading(0),
        "readv": _reading(0),
        "pread64": _reading(0),
        "preadv": _reading(0),
        "preadv2": _reading(0),
        "getdents64": _reading(0),
        "sendfile": _reading(1),
        "copy_file_range": _reading(0),
        "splice": _reading(0),
    }
)
