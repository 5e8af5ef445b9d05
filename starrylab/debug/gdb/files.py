"""vFile: the guest's files for gdb, so that ``set sysroot target:`` finds programs and libraries.

GDB manual, "Host I/O Packets" and "File-I/O Remote Protocol Extension".  Files are seen as the
guest sees them, mounts and /proc included; they are open for reading only.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import TYPE_CHECKING, Final

from ...abi import errno
from ...abi.fcntl import O_NOATIME, O_NONBLOCK, O_RDONLY
from ...abi.stat import S_IFDIR, S_IFMT, S_IFREG
from ...kernel.files.file import File
from ...kernel.files.opening import open_place
from ...kernel.task.cred import ROOT
from ...kernel.vfs.context import NOFOLLOW, FsContext
from ...kernel.vfs.node import NodeOps, SymlinkNodeOps
from ...kernel.vfs.page_store import PageStore
from ...machine.api import PAGE_MASK
from ..peek import stored_page
from .packets import PACKET_SIZE, escape
from .values import GdbError, from_hex, number, numbers

if TYPE_CHECKING:
    from ...kernel.vfs.mount import Location
    from .stub import Handler, Stub

_MOST: Final = PACKET_SIZE // 2 - 32  #: bytes of a piece; escapes may double them
_MOST_FILES: Final = 64  #: open at a time
_WRITE_FLAGS: Final = 0x3 | 0x8 | 0x200 | 0x400  #: FILEIO_O_WRONLY ... FILEIO_O_TRUNC
_U32: Final = 0xFFFFFFFF
_SECOND: Final = 10**9
#: struct fio_stat, big endian: dev, ino, mode, nlink, uid, gid, rdev, size, blksize, blocks,
#: atime, mtime, ctime
_STAT: Final = Struct(">7I3Q3I")

#: Linux's numbers that the protocol numbers in the same way; ENAMETOOLONG is 91 there.
_SAME: Final = frozenset((1, 2, 4, 9, 13, 14, 16, 17, 19, 20, 21, 22, 23, 24, 27, 28, 29, 30))
_NAME_TOO_LONG: Final = 91
_UNKNOWN: Final = 9999


class GuestFiles:
    """The files that one gdb has open."""

    def __init__(self) -> None:
        self._files: dict[int, tuple[File, NodeOps]] = {}

    def open(self, file: File, node: NodeOps) -> int:
        """Return a number for an open file; raises ``EMFILE``."""
        number = next((n for n in range(_MOST_FILES) if n not in self._files), None)
        if number is None:
            file.closed()
            raise errno.EMFILE
        self._files[number] = (file, node)
        return number

    def __getitem__(self, number: int) -> tuple[File, NodeOps]:
        """Return the file behind a number; raises ``EBADF``."""
        if number not in self._files:
            raise errno.EBADF
        return self._files[number]

    def close(self, number: int) -> None:
        """Close a file; raises ``EBADF``."""
        file, _ = self[number]
        del self._files[number]
        file.closed()

    def close_all(self) -> None:
        """Close what gdb left open."""
        for handle in list(self._files):
            self.close(handle)


def _context(stub: Stub) -> FsContext:
    """Return the file tree of the process that vFile:setfs named."""
    pid = stub.client.file_system or stub.kernel.init.pid
    process = stub.kernel.processes.get(pid)
    if process is None or not process.threads:
        raise errno.ESRCH
    return next(iter(process.threads.values())).fs


def _place(stub: Stub, path: bytes, flags: int = 0) -> Location:
    if not path.startswith(b"/"):
        path = b"/" + path
    return _context(stub).walk(path, ROOT, None, flags)


def _open(stub: Stub, text: bytes) -> bytes:
    path, flags, _ = (*text.split(b","), b"", b"", b"")[:3]
    if number(flags) & _WRITE_FLAGS:
        raise errno.EROFS
    place = _place(stub, from_hex(path))
    node = place.node
    if node.mode & S_IFMT != S_IFREG:  # opening a device or FIFO would do something
        raise errno.EISDIR if node.mode & S_IFMT == S_IFDIR else errno.EACCES
    file = open_place(None, place, O_RDONLY | O_NONBLOCK | O_NOATIME, ROOT)
    return b"F%x" % stub.files.open(file, node)


def _read(stub: Stub, text: bytes) -> bytes:
    handle, size, offset = numbers(text, count=3)
    file, node = stub.files[handle]
    pages = getattr(node, "pages", None)
    size = min(size, _MOST)
    if isinstance(pages, PageStore):
        data = stored_bytes(pages, size, offset)
    else:
        data = file.pread(size, offset)
    return b"F%x;" % len(data) + escape(data)


def stored_bytes(store: PageStore, size: int, offset: int) -> bytes:
    """Return a piece of a file without bringing pages into the page cache."""
    end = min(offset + size, store.size)
    pieces = []
    while offset < end:
        page = stored_page(store, offset >> 12)
        if page is None:
            break
        start = offset & PAGE_MASK
        piece = bytes(page[start : start + end - offset])
        pieces.append(piece)
        offset += len(piece)
    return b"".join(pieces)


def _close(stub: Stub, text: bytes) -> bytes:
    stub.files.close(number(text))
    return b"F0"


def _fstat(stub: Stub, text: bytes) -> bytes:
    _, node = stub.files[number(text)]
    return _stat_reply(node)


def _stat(stub: Stub, text: bytes) -> bytes:
    return _stat_reply(_place(stub, from_hex(text)).node)


def _lstat(stub: Stub, text: bytes) -> bytes:
    return _stat_reply(_place(stub, from_hex(text), NOFOLLOW).node)


def _stat_reply(node: NodeOps) -> bytes:
    data = _STAT.pack(
        node.fs.dev & _U32, node.ino & _U32, node.mode, node.nlink, node.uid, node.gid, 0,
        node.size, 4096, node.blocks, node.atime // _SECOND & _U32, node.mtime // _SECOND & _U32,
        node.ctime // _SECOND & _U32,
    )  # fmt: skip
    return b"F%x;" % len(data) + escape(data)


def _readlink(stub: Stub, text: bytes) -> bytes:
    place = _place(stub, from_hex(text), NOFOLLOW)
    node = place.node
    if not isinstance(node, SymlinkNodeOps):
        raise errno.EINVAL
    target = node.readlink()
    return b"F%x;" % len(target) + escape(target)


def _set_file_system(stub: Stub, text: bytes) -> bytes:
    before = stub.client.file_system
    stub.client.file_system = number(text)
    try:
        _context(stub)
    except errno.ESRCH:
        stub.client.file_system = before
        raise
    return b"F0"


_OPERATIONS: Final[dict[bytes, Callable[[Stub, bytes], bytes]]] = {
    b"open": _open,
    b"pread": _read,
    b"close": _close,
    b"fstat": _fstat,
    b"stat": _stat,
    b"lstat": _lstat,
    b"readlink": _readlink,
    b"setfs": _set_file_system,
}


def _file(stub: Stub, text: bytes) -> bytes:
    """Serve ``vFile:OPERATION:ARGUMENTS``; unknown operations get the empty reply."""
    name, _, arguments = text.removeprefix(b":").partition(b":")
    operation = _OPERATIONS.get(name)
    if operation is None:
        return b""
    try:
        return operation(stub, arguments)
    except errno.LinuxError as error:
        return b"F-1,%x" % _protocol_number(error.errno)
    except GdbError:
        return b"F-1,%x" % errno.EINVAL.errno


def _protocol_number(number: int) -> int:
    if number == errno.ENAMETOOLONG.errno:
        return _NAME_TOO_LONG
    return number if number in _SAME else _UNKNOWN


PACKETS: Final[dict[str, Handler]] = {"vFile": _file}
