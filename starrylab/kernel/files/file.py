"""``File``: an open file description.  A new kind overrides only what it supports.

No method of a file waits.  One that cannot proceed raises ``EAGAIN``; the system call
waits, once, for every kind of file, and ``O_NONBLOCK`` is settled there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...abi.errno import EINVAL, ENODEV, ENOTTY, ESPIPE
from ...abi.fcntl import (
    O_ACCMODE,
    O_APPEND,
    O_NONBLOCK,
    O_RDONLY,
    O_RDWR,
    O_WRONLY,
    SEEK_CUR,
    SEEK_SET,
)
from ...abi.poll import POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM
from ..core.sched import Waker
from ..mm.space import AddressSpace

if TYPE_CHECKING:
    from ..mm.source import PageSource
    from ..task.cred import Credentials
    from ..thread import Thread
    from ..vfs.mount import Location
    from ..vfs.node import NodeOps
    from .fdtable import FdTable

ALWAYS_READY = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM


def sought(now: int, offset: int, whence: int, last: int = (1 << 63) - 1) -> int:
    """Return where lseek(2) leads from ``now``, at most ``last``, in a file that has no end.

    Raises ``EINVAL``.
    """
    if whence == SEEK_CUR:
        offset += now
    elif whence != SEEK_SET:
        raise EINVAL
    if not 0 <= offset <= last:
        raise EINVAL
    return offset


class File:
    """One open file description; dup(2) and fork(2) make more descriptors of it.

    `refs` counts descriptors and the calls in flight that hold the file; `closed` runs
    when it drops to 0.
    """

    __slots__ = (
        "__weakref__", "flags", "owner", "owner_is_thread", "readable", "refs", "signal",
        "signal_cred", "writable",
    )  # fmt: skip

    kind = "file"  #: what /proc and the screens call it
    node: NodeOps | None = None  #: the inode, for files that have one
    place: Location | None = None  #: where a path led to it
    area_flags = 0  #: VM_* flags of what maps it
    sigpipe = False  #: a write that raises EPIPE also sends SIGPIPE

    def __init__(self, flags: int = O_RDWR) -> None:
        self.flags = flags  #: O_ACCMODE and the status flags that F_GETFL shows
        mode = flags & O_ACCMODE
        self.readable = mode in (O_RDONLY, O_RDWR)
        self.writable = mode in (O_WRONLY, O_RDWR)
        self.refs = 0
        self.owner = 0  #: F_SETOWN: a process, or a group if negative
        self.owner_is_thread = False  #: F_OWNER_TID
        self.signal_cred: Credentials | None = None  #: of who set the owner
        self.signal = 0  #: F_SETSIG

    @property
    def nonblocking(self) -> bool:
        """Whether O_NONBLOCK is set."""
        return bool(self.flags & O_NONBLOCK)

    @property
    def append(self) -> bool:
        """Whether O_APPEND is set."""
        return bool(self.flags & O_APPEND)

    def read(self, size: int) -> bytes:
        """Return at most ``size`` bytes; ``b""`` is end of file."""
        raise EINVAL

    def write(self, data: bytes) -> int:
        """Take what fits of ``data``; return how many bytes that was."""
        raise EINVAL

    def read_user(self, mm: AddressSpace, addr: int, size: int) -> int:
        """Read into user memory; a file whose data lies in RAM copies directly."""
        data = self.read(size)
        mm.write(addr, data)
        return len(data)

    def write_user(self, mm: AddressSpace, addr: int, size: int) -> int:
        """Write from user memory."""
        return self.write(mm.read(addr, size))

    def pread(self, size: int, offset: int) -> bytes:
        """Read at ``offset`` bytes; the file's own offset stays."""
        raise ESPIPE

    def pwrite(self, data: bytes, offset: int) -> int:
        """Write at ``offset`` bytes; the file's own offset stays."""
        raise ESPIPE

    def pread_user(self, mm: AddressSpace, addr: int, size: int, offset: int) -> int:
        """Read into user memory at ``offset`` bytes."""
        data = self.pread(size, offset)
        mm.write(addr, data)
        return len(data)

    def pwrite_user(self, mm: AddressSpace, addr: int, size: int, offset: int) -> int:
        """Write from user memory at ``offset`` bytes."""
        return self.pwrite(mm.read(addr, size), offset)

    def seek(self, offset: int, whence: int) -> int:
        """Move the offset; return the new one in bytes."""
        raise ESPIPE

    def poll(self) -> int:
        """See ``Pollable.poll``; a plain file is always ready."""
        return ALWAYS_READY

    def register(self, waker: Waker, events: int) -> None:
        """See ``Pollable.register``; a plain file never changes."""

    def announced(self) -> int:
        """Return what O_ASYNC tells of the file now: POLL* bits, of which one decides."""
        return self.poll()

    def timeout_ns(self, events: int) -> int | None:
        """Return how long a call may wait for ``events`` (SO_RCVTIMEO, SO_SNDTIMEO)."""
        return None

    def ioctl(self, thread: Thread, request: int, arg: int) -> int:
        """ioctl(2) requests of this kind of file; the generic ones are served before."""
        raise ENOTTY

    def mappable(self, prot: int, flags: int) -> PageSource:
        """Return what mmap(2) maps."""
        raise ENODEV

    def map_range(self, prot: int, flags: int, offset: int, size: int) -> tuple[PageSource, int]:
        """Return what mmap(2) maps from ``offset`` bytes on, and the VM_* flags of the area.

        For files in which parts differ; all others say the same of every part.
        """
        return self.mappable(prot, flags), self.area_flags

    def set_flags(self, flags: int) -> None:
        """F_SETFL: replace the status flags that may change."""
        self.flags = flags

    def closed(self) -> None:
        """Release what the description held; called once, after the last descriptor."""

    def drop_locks(self, table: FdTable) -> None:
        """``table`` closes a descriptor: its POSIX locks on the file go (fcntl_locking(2))."""

    def acquire(self) -> None:
        """Count one more holder."""
        self.refs += 1

    def release(self) -> None:
        """Count one holder less; the last one closes the file."""
        self.refs -= 1
        if not self.refs:
            self.closed()

    @property
    def number(self) -> int:
        """The inode number: the node's, or for a file without one what its name in /proc has."""
        if self.node is not None:
            return self.node.ino
        digits = self.path().partition(b":[")[2][:-1]
        return int(digits) if digits.isdigit() else 1

    def path(self) -> bytes:
        """Return what /proc/PID/fd/N points to."""
        return b"anon_inode:[" + self.kind.encode() + b"]"
