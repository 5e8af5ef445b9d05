"""Opening: openat(2), openat2(2), memfd_create(2)."""

from __future__ import annotations

from collections.abc import Coroutine
from struct import unpack
from typing import TYPE_CHECKING, Any, Final

from ...abi.errno import (
    E2BIG,
    EAGAIN,
    EINVAL,
    EMFILE,
)
from ...abi.fcntl import (
    AT_FDCWD,
    MFD_ALLOW_SEALING,
    MFD_CLOEXEC,
    MFD_HUGETLB,
    O_ACCMODE,
    O_APPEND,
    O_CLOEXEC,
    O_CREAT,
    O_DIRECT,
    O_DIRECTORY,
    O_DSYNC,
    O_EXCL,
    O_LARGEFILE,
    O_NOATIME,
    O_NOCTTY,
    O_NOFOLLOW,
    O_NONBLOCK,
    O_PATH,
    O_SYNC,
    O_TMPFILE,
    O_TRUNC,
    RESOLVE_BENEATH,
    RESOLVE_CACHED,
    RESOLVE_IN_ROOT,
    RESOLVE_NO_MAGICLINKS,
    RESOLVE_NO_SYMLINKS,
    RESOLVE_NO_XDEV,
)
from ...abi.stat import S_IFIFO, S_IFMT
from ..files.fifo import FifoOpening
from ..files.memfd import open_hidden, open_secret
from ..files.opening import open_place
from ..fs.system import hidden_file
from ..vfs.mount import Location
from ..vfs.open_options import OpenOptions, locate
from ._at import start_of
from ._declare import Restart, syscall
from ._shown import InOpenHow, MemFdFlags, OpenFlags, OpenMode
from ._types import FdNum, Path, Size, UInt

if TYPE_CHECKING:
    from ..thread import Thread

Result = int | Coroutine[Any, Any, int]
FdResult = FdNum | Coroutine[Any, Any, FdNum]

_KNOWN: Final = (
    O_ACCMODE | O_APPEND | O_CLOEXEC | O_CREAT | O_DIRECT | O_DIRECTORY | O_DSYNC | O_EXCL
    | O_LARGEFILE | O_NOATIME | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK | O_PATH | O_SYNC
    | O_TMPFILE | O_TRUNC | 0o20000  # FASYNC
)  # fmt: skip
_PATH_FLAGS: Final = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
_TMPFILE: Final = O_TMPFILE & ~O_DIRECTORY
_RESOLVE: Final = (
    RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH
    | RESOLVE_IN_ROOT | RESOLVE_CACHED
)  # fmt: skip
_OPEN_HOW: Final = 24  #: bytes of struct open_how


@syscall(restart=Restart.SA_RESTART)
def openat(t: Thread, dirfd: FdNum, path: Path, flags: OpenFlags, mode: OpenMode) -> FdResult:
    """openat(2)."""
    if flags & (O_PATH | _TMPFILE | O_CREAT):
        flags = _checked(flags)
    if not flags & O_PATH:
        flags |= O_LARGEFILE  # shown by F_GETFL: files are never small on a 64-bit Linux
    start = None if dirfd == AT_FDCWD or path[:1] == b"/" else start_of(t, dirfd, path)
    fds = t.fds
    limit = t.process.limits.nofile
    if len(fds) >= limit and fds.full(limit):
        raise EMFILE
    cred = t.cred
    place = locate(t.fs, path, flags, mode, cred, start)
    if place.entry.node.mode & S_IFMT == S_IFIFO:  # type: ignore[union-attr]
        return _open_fifo(t, place, flags)
    file = open_place(t, place, flags, cred)
    return fds.install(file, limit, cloexec=flags & O_CLOEXEC != 0)


def _checked(flags: int) -> int:
    """Drop what O_PATH ignores; raise ``EINVAL`` for combinations without a meaning."""
    if flags & O_PATH:
        return flags & _PATH_FLAGS
    if flags & _TMPFILE:
        if not flags & O_DIRECTORY or flags & O_CREAT or not flags & O_ACCMODE:
            raise EINVAL
    elif flags & O_CREAT and flags & O_DIRECTORY:
        raise EINVAL
    return flags


def _open_fifo(t: Thread, place: Location, flags: int) -> Result:
    cloexec = bool(flags & O_CLOEXEC)
    if flags & O_PATH:
        return t.install(open_place(t, place, flags, t.cred), cloexec=cloexec)
    opening = FifoOpening(place, flags, t.cred)
    try:
        opening.attempt()
    except EAGAIN:
        return _wait_for_peer(t, opening, cloexec)
    return t.install(opening.file, cloexec=cloexec)


async def _wait_for_peer(t: Thread, opening: FifoOpening, cloexec: bool) -> int:
    """Wait until somebody opens the FIFO's other end (fifo(7))."""
    try:
        await t.wait_io(opening, 0, opening.attempt)
        return t.install(opening.file, cloexec=cloexec)
    except BaseException:
        opening.file.closed()
        raise


@syscall(restart=Restart.SA_RESTART)
def openat2(t: Thread, dirfd: FdNum, path: Path, how: InOpenHow, size: Size) -> FdResult:
    """openat2(2)."""
    return open_as(t, dirfd, path, *read_how(t, how, size))


def read_how(t: Thread, how: int, size: int) -> tuple[int, int, int]:
    """Return flags, mode and resolve of the open_how at ``how``."""
    if size < _OPEN_HOW:
        raise EINVAL
    if size > 4096:
        raise E2BIG
    data = t.mm.read(how, size)
    if any(data[_OPEN_HOW:]):
        raise E2BIG
    flags, mode, resolve = unpack("<QQQ", data[:_OPEN_HOW])
    return flags, mode, resolve


def open_as(
    t: Thread, dirfd: int, path: bytes, flags: int, mode: int, resolve: int
) -> FdResult:  # fmt: skip
    """Open as an open_how says."""
    if flags & ~_KNOWN or resolve & ~_RESOLVE or mode & ~0o7777:
        raise EINVAL
    if mode and not flags & (O_CREAT | _TMPFILE):
        raise EINVAL
    if resolve & RESOLVE_BENEATH and resolve & RESOLVE_IN_ROOT:
        raise EINVAL
    if flags & O_PATH and flags & ~_PATH_FLAGS:
        raise EINVAL
    if resolve & RESOLVE_CACHED:
        if flags & (O_TRUNC | O_CREAT | _TMPFILE):
            raise EAGAIN
        resolve &= ~RESOLVE_CACHED  # a lookup here never waits
    flags = _checked(flags)
    start = start_of(t, dirfd, path if not resolve & RESOLVE_IN_ROOT else b"")
    if t.fds.full(t.process.limits.nofile):
        raise EMFILE
    place = OpenOptions(flags, mode, resolve).locate(t.fs, path, t.cred, start)
    if place.node.mode & S_IFMT == S_IFIFO:
        return _open_fifo(t, place, flags)
    return t.install(open_place(t, place, flags, t.cred), cloexec=bool(flags & O_CLOEXEC))


@syscall(partial="no huge pages")
def memfd_create(t: Thread, name: Path, flags: MemFdFlags) -> FdNum:
    """memfd_create(2)."""
    if flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB) or len(name) > 249:
        raise EINVAL
    if flags & MFD_HUGETLB:
        raise EINVAL
    cred = t.cred
    place, node = hidden_file(t.kernel, b"memfd:" + name, 0o777, cred.fsuid, cred.fsgid)
    if flags & MFD_ALLOW_SEALING:
        node.seals = 0
    return t.install(open_hidden(place, cred), cloexec=bool(flags & MFD_CLOEXEC))


@syscall()
def memfd_secret(t: Thread, flags: UInt) -> FdNum:
    """memfd_secret(2)."""
    if flags & ~O_CLOEXEC:
        raise EINVAL
    place, _ = hidden_file(t.kernel, b"secretmem", 0o600, t.cred.fsuid, t.cred.fsgid)
    return t.install(open_secret(place, t.cred), cloexec=bool(flags & O_CLOEXEC))
