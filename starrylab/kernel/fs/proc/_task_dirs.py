"""The directories below /proc/PID, and the links cwd, root and exe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, cast

from ....abi.errno import ENOENT
from ...files.fdtable import FdTable
from ...vfs.mount import Location
from ..nameless import place_of
from ._declare import Declared, Subject, declared
from ._fdinfo import fdinfo
from ._map_files import MapFilesDir
from ._mem import MemoryNode
from ._namespaces import NamespacesDir
from ._nodes import DIR, FILE, LINK, MagicLink, TaskDir, TaskNode, ino_of, owner_of
from ._pagemap import PagemapNode

if TYPE_CHECKING:
    from ...files.file import File
    from ...vfs.node import FilesystemOps, NodeOps
    from ._root import ProcRoot


def task_files() -> dict[bytes, Declared]:
    """Return the declared files of a task by name, in alphabetical order."""
    return {d.path.encode(): d for d in sorted(declared(), key=lambda d: d.path) if d.per_task}


#: files that are read at addresses
_MEMORY: Final[dict[bytes, type[MemoryNode]]] = {b"mem": MemoryNode, b"pagemap": PagemapNode}


class PidDir(TaskDir):
    """/proc/PID, or /proc/PID/task/TID when ``tid`` is given; /proc/TID ``as_process``."""

    __slots__ = ("_as_process", "_files")

    def __init__(
        self,
        fs: FilesystemOps,
        subject: Subject,
        tid: int | None,
        files: dict[bytes, Declared],
        *,
        as_process: bool = False,
    ) -> None:
        super().__init__(fs, subject, tid, "process" if as_process else "")
        self._files = files
        self._as_process = as_process or tid is None

    def lookup(self, name: bytes) -> NodeOps:
        """See ``DirNodeOps.lookup``."""
        subject = self.subject()
        file = self._files.get(name)
        if file is not None and (self._as_process or not file.process_only):
            return TaskNode(self.fs, file, subject, self.tid)
        if name in _LINKS:
            return self._link(subject, name)
        if name in _MEMORY:
            return _MEMORY[name](self.fs, subject, self.tid)
        if name in _DIRS and (self._as_process or name != b"map_files"):
            make, mode = _DIRS[name]
            return make(self.fs, subject, self.tid, name.decode(), mode)
        if name == b"task" and self._as_process:
            return ThreadsDir(self.fs, subject, self._files)
        if name == b"net":
            return cast("ProcRoot", self.fs.root).net
        raise ENOENT

    def names(self) -> Iterator[tuple[bytes, int]]:
        """See ``LiveDir.names``."""
        self.subject()
        for name, file in self._files.items():
            if self._as_process or not file.process_only:
                yield name, FILE
        for name in _LINKS:
            yield name, LINK
        for name in _DIRS:
            if self._as_process or name != b"map_files":
                yield name, DIR
        for name in _MEMORY:
            yield name, FILE
        yield b"net", DIR
        if self._as_process:
            yield b"task", DIR

    def _link(self, subject: Subject, name: bytes) -> MagicLink:
        get = _LINKS[name]

        def place() -> Location | None:
            return get(self.subject())

        def text() -> bytes:
            found = place()
            if found is None:
                raise ENOENT
            return found.path(_viewer_root(self.subject()))

        ino = ino_of(self.pid, self.tid, name)
        return MagicLink(self.fs, ino, owner_of(subject), self.check, place, text)


def _viewer_root(subject: Subject) -> Location | None:
    """Return the root directory of whoever looks."""
    current = subject.kernel.threads.get(getattr(subject.kernel.executor.current, "tid", 0))
    return None if current is None else current.fs.root


def _cwd(subject: Subject) -> Location | None:
    return None if subject.mm is None else subject.thread.fs.cwd


def _root(subject: Subject) -> Location | None:
    return None if subject.mm is None else subject.thread.fs.root


def _exe(subject: Subject) -> Location | None:
    place: Location | None = None if subject.mm is None else subject.process.exe
    return place


_LINKS: Final[dict[bytes, Callable[[Subject], Location | None]]] = {
    b"cwd": _cwd,
    b"exe": _exe,
    b"root": _root,
}


class ThreadsDir(TaskDir):
    """/proc/PID/task."""

    __slots__ = ("_files",)

    def __init__(self, fs: FilesystemOps, subject: Subject, files: dict[bytes, Declared]) -> None:
        super().__init__(fs, subject, None, "task")
        self._files = files
        self.nlink = 2 + len(subject.process.threads)

    def _tids(self) -> list[int]:
        process = self.subject().process
        return sorted(process.threads) or [process.pid]

    def lookup(self, name: bytes) -> NodeOps:
        """See ``DirNodeOps.lookup``."""
        subject = self.subject()
        tid = int(name) if name.isdigit() else 0
        if subject.ns is not None:
            tid = subject.ns.meant(tid)
        if tid not in self._tids():
            raise ENOENT
        return PidDir(self.fs, subject, tid, self._files)

    def names(self) -> Iterator[tuple[bytes, int]]:
        """See ``LiveDir.names``."""
        subject = self.subject()
        for tid in sorted(subject.shown(tid) for tid in self._tids()):
            yield b"%d" % tid, DIR


class FdDir(TaskDir):
    """/proc/PID/fd."""

    __slots__ = ()

    def _table(self) -> FdTable:
        subject = self.subject()
        self.check()
        return FdTable() if subject.mm is None else subject.thread.fds

    def _file(self, name: bytes) -> File:
        file = self._table().get(int(name)) if name.isdigit() else None
        if file is None:
            raise ENOENT
        return file

    def lookup(self, name: bytes) -> NodeOps:
        """See ``DirNodeOps.lookup``."""
        file = self._file(name)
        mode = 0o500 * file.readable | 0o300 * file.writable

        ino = ino_of(self.pid, self.tid, "fd", name)
        owner = owner_of(self.subject())

        def place() -> Location | None:
            file = self._file(name)
            where = file.place
            if where is None:
                return place_of(self.kernel, file, *owner)
            return Location(where.mount, where.entry) if where.quiet else where

        def text() -> bytes:
            return self._file(name).path()

        return MagicLink(self.fs, ino, owner, self.check, place, text, mode)

    def names(self) -> Iterator[tuple[bytes, int]]:
        """See ``LiveDir.names``."""
        for fd in sorted(self._table()):
            yield b"%d" % fd, LINK


class FdInfoDir(FdDir):
    """/proc/PID/fdinfo."""

    __slots__ = ()

    def lookup(self, name: bytes) -> NodeOps:
        """See ``DirNodeOps.lookup``."""
        self._file(name)
        number = int(name)
        shown = Declared(
            f"fdinfo/{number}", True, lambda subject: fdinfo(subject, number), 0o400, True,
            None, False,
        )  # fmt: skip
        return TaskNode(self.fs, shown, self.subject(), self.tid)

    def names(self) -> Iterator[tuple[bytes, int]]:
        """See ``LiveDir.names``."""
        for fd in sorted(self._table()):
            yield b"%d" % fd, FILE


_DIRS: Final[dict[bytes, tuple[type[TaskDir], int]]] = {
    b"fd": (FdDir, 0o500),
    b"fdinfo": (FdInfoDir, 0o555),
    b"map_files": (MapFilesDir, 0o500),  # of processes, not of threads
    b"ns": (NamespacesDir, 0o511),
}
