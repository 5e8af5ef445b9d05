"""The file system itself: its root with the numbers of processes (proc(5))."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar, Final

from ....abi.errno import EINVAL, ENOENT
from ....abi.stat import PROC_SUPER_MAGIC
from ...vfs.node import FilesystemOps, NodeOps
from ..options import parse_options
from ._declare import Declared, declared, find, seen_from
from ._kmsg import KmsgNode
from ._nodes import DIR, Link, StaticDir, TextNode, current_thread, ino_of, pid_ns_of
from ._task_dirs import PidDir, task_files

if TYPE_CHECKING:
    from ...kernel import Kernel

_LINKS: Final = {b"mounts": b"self/mounts", b"net": b"self/net"}


class ProcFs(FilesystemOps):
    """One instance of procfs."""

    name = "proc"
    magic = PROC_SUPER_MAGIC

    def __init__(self, kernel: Kernel, options: bytes = b"") -> None:
        super().__init__(kernel.clock.realtime)
        self.remount(options)
        below = seen_from(kernel).pid_for_children
        self.pid_ns = below if below.level else None  #: None: the initial one
        self._root = ProcRoot(self, kernel)

    @property
    def root(self) -> ProcRoot:
        """See ``FilesystemOps.root``."""
        return self._root

    def remount(self, options: bytes) -> None:
        """See ``FilesystemOps.remount``: everybody sees every process (hidepid=0)."""
        for key, value in parse_options(options):
            if (key, value) not in ((b"hidepid", b"0"), (b"hidepid", b"off"), (b"gid", value)):
                raise EINVAL(f"proc: option {key!r} is not supported")


class ProcRoot(StaticDir):
    """/proc."""

    __slots__ = ("_files", "_kernel", "net")
    revalidates: ClassVar[bool] = False  #: processes come and go

    def __init__(self, fs: FilesystemOps, kernel: Kernel) -> None:
        super().__init__(fs, "")
        self._kernel = kernel
        self._files = task_files()
        self.net = StaticDir(fs, "net")
        for file in sorted(declared(), key=lambda d: d.path):
            if not file.per_task:
                self.add(file)
        for name, target in _LINKS.items():
            self.children[name] = Link(fs, ino_of(name), target.__bytes__)
        self.children[b"kmsg"] = KmsgNode(fs, kernel.klog)
        self.children[b"self"] = Link(fs, ino_of("self"), self._self)
        self.children[b"thread-self"] = Link(fs, ino_of("thread-self"), self._thread_self)

    def add(self, file: Declared) -> None:
        """Add a file of the whole system, or replace it."""
        folder, name = self._folder(file.path)
        folder.children[name] = TextNode(self.fs, self._kernel, file)

    def _folder(self, path: str) -> tuple[StaticDir, bytes]:
        *folders, name = path.split("/")
        folder: StaticDir = self
        for depth, part in enumerate(folders):
            if depth == 0 and part == "net":
                folder = self.net
                continue
            child = folder.children.get(part.encode())
            if not isinstance(child, StaticDir):
                child = StaticDir(self.fs, "/".join(folders[: depth + 1]))
                folder.children[part.encode()] = child
            folder = child
        return folder, name.encode()

    def _self(self) -> bytes:
        thread = current_thread(self._kernel)
        if thread is None:
            raise ENOENT
        return b"%d" % self._own(thread.process.pid)

    def _thread_self(self) -> bytes:
        thread = current_thread(self._kernel)
        if thread is None:
            raise ENOENT
        return b"%d/task/%d" % (self._own(thread.process.pid), self._own(thread.tid))

    def _own(self, number: int) -> int:
        """Return what a number is here; ``ENOENT`` if it is in another pid namespace."""
        ns = pid_ns_of(self.fs)
        shown = number if ns is None else ns.shown(number)
        if not shown:
            raise ENOENT
        return shown

    def lookup(self, name: bytes) -> NodeOps:
        """See ``DirNodeOps.lookup``."""
        if not name.isdigit():
            return super().lookup(name)
        number = int(name)
        if name != b"%d" % number:
            raise ENOENT
        kernel, ns = self._kernel, pid_ns_of(self.fs)
        if ns is not None:
            number = ns.meant(number)
        if number not in kernel.processes:
            thread = kernel.threads.get(number)  # a thread's number works, and is not listed
            if thread is None:
                raise ENOENT
            subject = find(kernel, thread.process.pid, number, ns)
            return PidDir(self.fs, subject, number, self._files, as_process=True)
        return PidDir(self.fs, find(kernel, number, None, ns), None, self._files)

    def names(self) -> Iterator[tuple[bytes, int]]:
        """See ``LiveDir.names``."""
        yield from super().names()
        ns = pid_ns_of(self.fs)
        pids: Iterable[int] = self._kernel.processes
        if ns is not None:
            pids = [shown for pid in pids if (shown := ns.shown(pid))]
        for pid in sorted(pids):
            yield b"%d" % pid, DIR
