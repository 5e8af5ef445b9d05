"""The nodes of /proc, and the file that shows generated text."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, ClassVar, Final

from ....abi.errno import EACCES, EIO, ENOENT, ESRCH
from ....abi.poll import POLLERR, POLLIN, POLLPRI, POLLRDNORM
from ....abi.stat import S_IFDIR, S_IFLNK, S_IFREG
from ...core.sched import Waker
from ...files.file import sought
from ...files.node_file import NodeFile
from ...task.cred import ROOT
from ...task.ptrace import may_trace
from ...vfs.node import DirNodeOps, Entry, FileNodeOps, FilesystemOps, NodeOps, SymlinkNodeOps
from ._declare import Changes, Declared, Subject, find

if TYPE_CHECKING:
    from ...files.file import File
    from ...kernel import Kernel
    from ...namespaces.pid import PidNamespace
    from ...task.process import Process
    from ...thread import Thread
    from ...vfs.mount import Location
    from ...vfs.node import Credentials

FIRST_COOKIE: Final = 3  #: below are "." and ".."


def ino_of(*parts: object) -> int:
    """Return an inode number that stays the same for the same object."""
    return zlib.crc32(repr(parts).encode()) | 1 << 32


def pid_ns_of(fs: FilesystemOps) -> PidNamespace | None:
    """Return the pid namespace whose numbers an instance shows; ``None``: the initial one."""
    found: PidNamespace | None = getattr(fs, "pid_ns", None)
    return found


def may_inspect(viewer: Thread | None, process: Process) -> bool:
    """Tell whether ``viewer`` may look into ``process`` (ptrace(2), PTRACE_MODE_READ)."""
    return viewer is None or may_trace(viewer, process.leader, by_fs_ids=True)


def current_thread(kernel: Kernel) -> Thread | None:
    """Return the thread whose system call is being served."""
    task = kernel.executor.current
    return kernel.threads.get(getattr(task, "tid", 0))


class TextFile(NodeFile):
    """An open file of generated text: made at the first read, made anew at offset 0."""

    __slots__ = ("_render", "_text", "_write", "offset")
    kind = "proc"

    def __init__(
        self,
        place: Location,
        flags: int,
        cred: Credentials,
        render: Callable[[], str | bytes],
        write: Callable[[bytes], object] | None,
    ) -> None:
        super().__init__(place, flags, cred)
        self._render = render
        self._write = write
        self._text: bytes | None = None
        self.offset = 0

    def read(self, size: int) -> bytes:
        """See ``File.read``."""
        data = self.pread(size, self.offset)
        self.offset += len(data)
        return data

    def pread(self, size: int, offset: int) -> bytes:
        """See ``File.pread``; ``ESRCH`` when the process has ended."""
        text = self._text
        if text is None or not offset:
            made = self._render()
            text = self._text = made.encode() if isinstance(made, str) else made
        return text[offset : offset + size]

    def write(self, data: bytes) -> int:
        """See ``File.write``: each write is a whole value."""
        if self._write is None:
            raise EIO
        self._write(data)
        self._text = None
        self.offset += len(data)
        return len(data)

    def pwrite(self, data: bytes, offset: int) -> int:
        """See ``File.pwrite``."""
        return self.write(data)

    def seek(self, offset: int, whence: int) -> int:
        """See ``File.seek``."""
        self.offset = sought(self.offset, offset, whence)
        return self.offset


class WatchedFile(TextFile):
    """A file of generated text that tells poll(2) once of each change: POLLERR and POLLPRI."""

    __slots__ = ("_changes", "_seen")

    def watch(self, changes: Changes) -> WatchedFile:
        """Begin: what changes from now on is told."""
        self._changes = changes
        self._seen = changes.generation
        return self

    def poll(self) -> int:
        """See ``File.poll``."""
        if self._seen == self._changes.generation:
            return POLLIN | POLLRDNORM
        self._seen = self._changes.generation
        return POLLIN | POLLRDNORM | POLLERR | POLLPRI

    def register(self, waker: Waker, events: int) -> None:
        """See ``File.register``."""
        self._changes.watchers.register(waker)


class TextNode(FileNodeOps):
    """A file of the whole system."""

    __slots__ = ("_declared", "_kernel")

    def __init__(self, fs: FilesystemOps, kernel: Kernel, declared: Declared) -> None:
        super().__init__(fs, ino_of(declared.path), S_IFREG | declared.mode)
        self._kernel = kernel
        self._declared = declared

    def truncate(self, size: int) -> None:
        """See ``FileNodeOps.truncate``: nothing is stored, so ``> file`` changes nothing."""

    def open(self, thread: Thread | None, location: Location, flags: int) -> File:
        """See ``NodeOps.open``."""
        kernel, declared = self._kernel, self._declared
        write = None
        if declared.write is not None:
            store = declared.write

            def write(data: bytes) -> object:
                return store(kernel, thread, data)

        cred = ROOT if thread is None else thread.cred
        return TextFile(location, flags, cred, lambda: declared.render(kernel), write)


class TaskNode(FileNodeOps):
    """A file of a process or thread."""

    __slots__ = ("_declared", "_kernel", "_pid", "_tid")

    def __init__(
        self, fs: FilesystemOps, declared: Declared, subject: Subject, tid: int | None
    ) -> None:
        pid = subject.process.pid
        uid, gid = owner_of(subject)
        super().__init__(fs, ino_of(pid, tid, declared.path), S_IFREG | declared.mode, uid, gid)
        self._kernel = subject.kernel
        self._declared = declared
        self._pid = pid
        self._tid = tid

    def truncate(self, size: int) -> None:
        """See ``FileNodeOps.truncate``."""

    def open(self, thread: Thread | None, location: Location, flags: int) -> File:
        """See ``NodeOps.open``; raises ``EACCES`` for what only a tracer may see."""
        kernel, declared, pid, tid = self._kernel, self._declared, self._pid, self._tid
        ns = pid_ns_of(self.fs)
        subject = find(kernel, pid, tid, ns)
        if declared.guarded and not may_inspect(thread, subject.process):
            raise EACCES
        write = None
        if declared.write is not None:
            store = declared.write

            def write(data: bytes) -> object:
                return store(find(kernel, pid, tid, ns), thread, data)

        cred = ROOT if thread is None else thread.cred

        def render() -> str | bytes:
            return declared.render(find(kernel, pid, tid, ns))

        if declared.changes is not None:
            file = WatchedFile(location, flags, cred, render, write)
            return file.watch(declared.changes(subject))
        return TextFile(location, flags, cred, render, write)


def owner_of(subject: Subject) -> tuple[int, int]:
    """Return uid and gid of a process's files: its effective ones, root if it is guarded."""
    if subject.process.dumpable != 1:
        return 0, 0
    cred = subject.thread.cred
    return cred.euid, cred.egid


class Link(SymlinkNodeOps):
    """A symbolic link whose text is made when it is read."""

    __slots__ = ("_text",)

    def __init__(self, fs: FilesystemOps, ino: int, text: Callable[[], bytes]) -> None:
        super().__init__(fs, ino, S_IFLNK | 0o777)
        self._text = text

    def readlink(self) -> bytes:
        """See ``SymlinkNodeOps.readlink``."""
        return self._text()


class MagicLink(SymlinkNodeOps):
    """A link that leads to a place, whether or not its text is a path to it."""

    __slots__ = ("_check", "_place", "_text")

    def __init__(
        self,
        fs: FilesystemOps,
        ino: int,
        owner: tuple[int, int],
        check: Callable[[], None],
        place: Callable[[], Location | None],
        text: Callable[[], bytes],
        mode: int = 0o777,
    ) -> None:
        super().__init__(fs, ino, S_IFLNK | mode, *owner)
        self._check = check
        self._place = place
        self._text = text

    def readlink(self) -> bytes:
        """See ``SymlinkNodeOps.readlink``; ``EACCES`` for who may not look into the process."""
        self._check()
        return self._text()

    def follow(self, cred: Credentials) -> Location | None:
        """See ``SymlinkNodeOps.follow``; ``ENOENT`` when there is nothing there."""
        self._check()
        place = self._place()
        if place is None:
            raise ENOENT
        return place


class LiveDir(DirNodeOps):
    """A directory whose entries are made at every look."""

    __slots__ = ()
    is_cacheable: ClassVar[bool] = False

    def names(self) -> Iterator[tuple[bytes, int]]:
        """Yield (name, S_IF* type) in an order that does not change."""
        raise NotImplementedError

    def entries(self, cookie: int) -> Iterator[Entry]:
        """See ``DirNodeOps.entries``."""
        for at, (name, kind) in enumerate(self.names(), FIRST_COOKIE):
            if at > cookie or cookie < FIRST_COOKIE:
                yield Entry(at, name, ino_of(self.ino, name), kind)


class StaticDir(LiveDir):
    """A directory of files that are always there."""

    __slots__ = ("children",)
    revalidates: ClassVar[bool] = True  #: so that something can be mounted there

    def __init__(self, fs: FilesystemOps, path: str) -> None:
        super().__init__(fs, ino_of(path, "/"), 0o555)
        self.children: dict[bytes, NodeOps] = {}

    def revalidate(self, name: bytes, node: NodeOps) -> bool:
        """See ``DirNodeOps.revalidate``."""
        return self.children.get(name) is node

    def lookup(self, name: bytes) -> NodeOps:
        """See ``DirNodeOps.lookup``."""
        node = self.children.get(name)
        if node is None:
            raise ENOENT
        return node

    def names(self) -> Iterator[tuple[bytes, int]]:
        """See ``LiveDir.names``."""
        for name, node in self.children.items():
            yield name, node.mode & 0o170000


class TaskDir(LiveDir):
    """A directory about one process or thread; it is empty once that has ended."""

    __slots__ = ("kernel", "pid", "tid")

    def __init__(
        self, fs: FilesystemOps, subject: Subject, tid: int | None, part: str, mode: int = 0o555
    ) -> None:
        uid, gid = owner_of(subject)
        super().__init__(fs, ino_of(subject.process.pid, tid, part), mode, uid, gid)
        self.kernel = subject.kernel
        self.pid = subject.process.pid
        self.tid = tid

    def subject(self) -> Subject:
        """Return whom the directory is about; raise ``ENOENT`` if it has ended."""
        try:
            return find(self.kernel, self.pid, self.tid, pid_ns_of(self.fs))
        except ESRCH:
            raise ENOENT from None

    def check(self) -> None:
        """Raise ``EACCES`` unless the caller may look into the process."""
        if not may_inspect(current_thread(self.kernel), self.subject().process):
            raise EACCES


DIR: Final = S_IFDIR
LINK: Final = S_IFLNK
FILE: Final = S_IFREG
