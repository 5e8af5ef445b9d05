"""Sizes and storage: ftruncate(2), fallocate(2), fsync(2), posix_fadvise(2), readahead(2)."""

from __future__ import annotations

from struct import pack, unpack
from typing import TYPE_CHECKING, Final

from ...abi.errno import (
    EACCES,
    EBADF,
    EFBIG,
    EINVAL,
    EISDIR,
    ENODEV,
    EOPNOTSUPP,
    EPERM,
    ESPIPE,
)
from ...abi.fcntl import (
    FALLOC_FL_COLLAPSE_RANGE,
    FALLOC_FL_INSERT_RANGE,
    FALLOC_FL_KEEP_SIZE,
    FALLOC_FL_PUNCH_HOLE,
    FALLOC_FL_UNSHARE_RANGE,
    FALLOC_FL_ZERO_RANGE,
)
from ...abi.file_flags import FS_IMMUTABLE_FL
from ...abi.stat import S_IFBLK, S_IFDIR, S_IFMT, S_IFREG
from ..files.directory import DirectoryFile
from ..files.file import File
from ..files.pipe import PipeReader, PipeWriter
from ..files.regular import RegularFile
from ..vfs import attributes
from ..vfs.file_flags import FIXED, refuse
from ..vfs.page_cache import MAX_SIZE
from ..vfs.permission import MAY_WRITE, check, drop_privileges, is_owner
from ._declare import syscall
from ._shown import FallocateMode, FileAdvice
from ._types import Fd, Long, Path, Ptr, Size, UInt
from .io import within_limit

if TYPE_CHECKING:
    from ..thread import Thread

_FALLOC_KNOWN: Final = (
    FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_ZERO_RANGE
    | FALLOC_FL_INSERT_RANGE | FALLOC_FL_UNSHARE_RANGE
)  # fmt: skip
_STORED: Final = frozenset(("regular", "directory"))  #: kinds of files that can be written back
_POSIX_FADV_DONTNEED: Final = 4
_POSIX_FADV_WILLNEED: Final = 3
_POSIX_FADV_NOREUSE: Final = 5


@syscall()
def truncate(t: Thread, path: Path, length: Long) -> None:
    """truncate(2)."""
    if length < 0:
        raise EINVAL
    place = t.fs.walk(path, t.cred)
    if length > place.node.size:
        _check_limit(t, length)
    attributes.truncate(place, length, t.cred)


@syscall()
def ftruncate(t: Thread, file: Fd, length: Long) -> None:
    """ftruncate(2)."""
    if length < 0 or not isinstance(file, RegularFile) or not file.writable:
        raise EBADF if file.kind == "path" else EINVAL
    if length > file.node.size:
        _check_limit(t, length)
    file.truncate(length)


def _check_limit(t: Thread, size: int) -> None:
    """Raise ``EFBIG``, with SIGXFSZ, for a size above RLIMIT_FSIZE."""
    if size:
        within_limit(t, size - 1, 1)


@syscall()
def fallocate(t: Thread, file: Fd, mode: FallocateMode, offset: Long, length: Long) -> None:
    """fallocate(2)."""
    if offset < 0 or length <= 0:
        raise EINVAL
    if mode & ~_FALLOC_KNOWN:
        raise EOPNOTSUPP
    if mode & FALLOC_FL_PUNCH_HOLE and not mode & FALLOC_FL_KEEP_SIZE:
        raise EOPNOTSUPP
    if not file.writable:
        raise EBADF
    if isinstance(file, PipeReader | PipeWriter):
        raise ESPIPE
    if isinstance(file, DirectoryFile):
        raise EISDIR
    if not isinstance(file, RegularFile):
        raise ENODEV
    if offset + length > MAX_SIZE:
        raise EFBIG
    if not mode & FALLOC_FL_KEEP_SIZE and offset + length > file.node.size:
        _check_limit(t, offset + length)
    refuse(file.node, FIXED if mode & ~FALLOC_FL_KEEP_SIZE else FS_IMMUTABLE_FL)
    drop_privileges(file.node, t.cred)
    file.node.allocate(mode, offset, length)


@syscall()
def sync(t: Thread) -> None:
    """sync(2)."""
    for fs in list(t.kernel.mounts.table.shown):
        fs.sync()


def _node_file(file: File) -> File:
    if file.kind == "path":
        raise EBADF
    if file.node is None:
        raise EINVAL
    return file


@syscall()
def syncfs(t: Thread, file: Fd) -> None:
    """syncfs(2)."""
    if file.kind == "path":
        raise EBADF
    if file.place is not None:
        file.place.mount.fs.sync()


@syscall()
def fsync(t: Thread, file: Fd) -> None:
    """fsync(2)."""
    _sync(file, False)


@syscall()
def fdatasync(t: Thread, file: Fd) -> None:
    """fdatasync(2)."""
    _sync(file, True)


def _sync(file: File, data_only: bool) -> None:
    """Write a file or directory back; what is no storage, a terminal say, is ``EINVAL``."""
    node = _node_file(file).node
    if node is None or file.kind not in _STORED:
        raise EINVAL
    node.sync(data_only)


@syscall()
def sync_file_range(t: Thread, file: Fd, offset: Long, nbytes: Long, flags: UInt) -> None:
    """sync_file_range(2)."""
    if file.kind == "path":
        raise EBADF
    if flags & ~7 or offset < 0 or nbytes < 0:
        raise EINVAL
    if file.node is None or file.node.mode & S_IFMT not in (S_IFREG, S_IFDIR, S_IFBLK):
        raise ESPIPE
    if isinstance(file, RegularFile) and file.pages is not None:
        last = (offset + nbytes + 4095 >> 12) if nbytes else 1 << 52
        file.pages.write_back(offset >> 12, last)


@syscall()
def fadvise64(t: Thread, file: Fd, offset: Long, length: Long, advice: FileAdvice) -> None:
    """posix_fadvise(2): WILLNEED reads in, DONTNEED gives clean pages back."""
    if isinstance(file, PipeReader | PipeWriter):
        raise ESPIPE
    if not 0 <= advice <= _POSIX_FADV_NOREUSE or length < 0:
        raise EINVAL
    if not isinstance(file, RegularFile) or file.pages is None:
        return
    end = offset + length if length else file.node.size
    if advice == _POSIX_FADV_WILLNEED:
        file.pages.read_ahead(offset >> 12, end + 4095 >> 12)
    elif advice == _POSIX_FADV_DONTNEED:
        file.pages.give_back(offset + 4095 >> 12, end >> 12)


@syscall()
def cachestat(t: Thread, file: Fd, part: Ptr, figures: Ptr, flags: UInt) -> None:
    """cachestat(2): pages in memory, and those not yet written back; none is ever aged here."""
    if file.kind == "path":
        raise EBADF
    offset, length = unpack("<QQ", t.mm.read(part, 16))
    node = file.node
    if node is not None and not (file.writable or is_owner(node, t.cred)):
        try:
            check(node, t.cred, MAY_WRITE)
        except EACCES:
            raise EPERM from None
    if flags:
        raise EINVAL
    cached = dirty = 0
    if isinstance(file, RegularFile) and file.pages is not None:
        pages = file.pages
        last = min(offset + length if length else 1 << 64, pages.size) + 4095 >> 12
        cached = sum(pages.cached(index) for index in range(offset >> 12, last))
        if pages.backing is not None:
            dirty = sum(offset >> 12 <= index < last for index in pages.dirty)
    t.mm.write(figures, pack("<5Q", cached, dirty, 0, 0, 0))


@syscall()
def readahead(t: Thread, file: Fd, offset: Long, count: Size) -> None:
    """readahead(2)."""
    if not file.readable:
        raise EBADF
    if not isinstance(file, RegularFile) or file.pages is None:
        raise EINVAL
    file.pages.read_ahead(offset >> 12, offset + count + 4095 >> 12)
