"""/proc/PID/mem: the memory of a process as a file (proc_pid_mem(5))."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....abi.errno import EACCES, EFAULT, EINVAL, EIO, ESRCH
from ....abi.fcntl import SEEK_CUR, SEEK_SET
from ....abi.stat import S_IFREG
from ...files.node_file import NodeFile
from ...mm.poke import peek, poke
from ...task.cred import ROOT
from ...vfs.node import FileNodeOps, FilesystemOps
from ._declare import Subject, find
from ._nodes import ino_of, may_inspect, owner_of

if TYPE_CHECKING:
    from ...files.file import File
    from ...kernel import Kernel
    from ...mm.space import AddressSpace
    from ...thread import Thread
    from ...vfs.mount import Location
    from ...vfs.node import Credentials

_MOST = 1 << 64


class MemoryFile(NodeFile):
    """The open file; an offset is an address."""

    __slots__ = ("_kernel", "_pid", "_tid", "offset")
    kind = "proc"

    def __init__(
        self,
        place: Location,
        flags: int,
        cred: Credentials,
        kernel: Kernel,
        pid: int,
        tid: int | None,
    ) -> None:
        super().__init__(place, flags, cred)
        self._kernel, self._pid, self._tid = kernel, pid, tid
        self.offset = 0

    def _space(self) -> AddressSpace | None:
        try:
            return find(self._kernel, self._pid, self._tid).mm
        except ESRCH:
            return None

    def pread(self, size: int, offset: int) -> bytes:
        """See ``File.pread``: nothing after the end of the process, ``EIO`` where nothing is."""
        mm = self._space()
        if mm is None or not size:
            return b""
        try:
            peek(mm, offset, 1)
            data = mm.read_partial(offset, size)
        except EFAULT:
            data = b""
        if not data:
            raise EIO
        return data

    def pwrite(self, data: bytes, offset: int) -> int:
        """See ``File.pwrite``: as PTRACE_POKEDATA, also where the process may not write."""
        mm = self._space()
        if mm is None or not data:
            return 0
        try:
            poke(mm, offset, bytes(data))
        except EFAULT:
            raise EIO from None
        return len(data)

    def read(self, size: int) -> bytes:
        """See ``File.read``."""
        data = self.pread(size, self.offset)
        self.offset += len(data)
        return data

    def write(self, data: bytes) -> int:
        """See ``File.write``."""
        done = self.pwrite(data, self.offset)
        self.offset += done
        return done

    def seek(self, offset: int, whence: int) -> int:
        """See ``File.seek``; an address may have its highest bit set."""
        if whence == SEEK_CUR:
            offset += self.offset
        elif whence != SEEK_SET:
            raise EINVAL
        self.offset = offset % _MOST
        return self.offset


class MemoryNode(FileNodeOps):
    """The file's name in /proc/PID."""

    __slots__ = ("_kernel", "_pid", "_tid")
    file = "mem"
    permissions = 0o600
    opened: type[MemoryFile] = MemoryFile

    def __init__(self, fs: FilesystemOps, subject: Subject, tid: int | None) -> None:
        pid = subject.process.pid
        mode = S_IFREG | self.permissions
        super().__init__(fs, ino_of(pid, tid, self.file), mode, *owner_of(subject))
        self._kernel, self._pid, self._tid = subject.kernel, pid, tid

    def truncate(self, size: int) -> None:
        """See ``FileNodeOps.truncate``: nothing is stored here."""

    def open(self, thread: Thread | None, location: Location, flags: int) -> File:
        """See ``NodeOps.open``; raises ``EACCES`` unless the caller may trace the process."""
        if not may_inspect(thread, find(self._kernel, self._pid, self._tid).process):
            raise EACCES
        cred = ROOT if thread is None else thread.cred
        return self.opened(location, flags, cred, self._kernel, self._pid, self._tid)
