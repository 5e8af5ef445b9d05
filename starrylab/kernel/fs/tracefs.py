"""tracefs: tracepoints, their ids and formats (Documentation/trace/events.rst).

perf(1) and the libraries below it read what records mean from here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from ...abi.errno import ENOENT
from ...abi.stat import S_IFDIR, S_IFREG, TRACEFS_MAGIC
from ..vfs.node import FilesystemOps, NodeOps
from .proc._declare import Declared
from .proc._nodes import LiveDir, StaticDir, TextNode, ino_of
from .tracefs_control import control_files, enable_file

if TYPE_CHECKING:
    from ..kernel import Kernel
    from ..perf.tracepoints import Tracepoint

_SECRET: Final = 0o440  #: what records look like is for the administrator only

#: how a page of ftrace's own buffer begins: nothing is read that way here, but perf stores it
_HEADER_PAGE: Final = """\
\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;
\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;
\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;
\tfield: char data;\toffset:16;\tsize:4080;\tsigned:0;
"""
_HEADER_EVENT: Final = """\
# compressed entry header
\ttype_len    :    5 bits
\ttime_delta  :   27 bits
\tarray       :   32 bits

\tpadding     : type == 29
\ttime_extend : type == 30
\ttime_stamp : type == 31
\tdata max type_len  == 28
"""


class TraceFs(FilesystemOps):
    """One instance of tracefs."""

    name = "tracefs"
    magic = TRACEFS_MAGIC

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel.clock.realtime)
        self.kernel = kernel
        self._root = StaticDir(self, "trace")
        self._fill()

    @property
    def root(self) -> StaticDir:
        """See ``FilesystemOps.root``."""
        return self._root

    def _fill(self) -> None:
        children = self._root.children
        children[b"events"] = SystemsDir(self)
        children.update(control_files(self, self.kernel))
        for name, render in (
            ("available_events", _available),
            ("available_tracers", lambda _: "nop\n"),
            ("current_tracer", lambda _: "nop\n"),
            ("printk_formats", lambda _: ""),
            ("saved_cmdlines", _command_lines),
            ("trace_clock", lambda _: "[mono]\n"),
        ):
            children[name.encode()] = self.text(name, render)

    def text(
        self,
        path: str,
        render: Callable[[Any], str],
        mode: int = _SECRET,
        write: Callable[..., object] | None = None,
    ) -> TextNode:
        """Return a file that shows what ``render`` returns."""
        declared = Declared(f"trace:{path}", False, render, mode, False, write, False)
        return TextNode(self, self.kernel, declared)


def _available(kernel: Kernel) -> str:
    return "".join(f"{point.system}:{point.name}\n" for point in kernel.perf.system.points.values())


def _command_lines(kernel: Kernel) -> str:
    names = ((tid, thread.comm) for tid, thread in sorted(kernel.threads.items()))
    return "".join(f"{tid} {name.decode(errors='replace')}\n" for tid, name in names)


class _TraceDir(LiveDir):
    """A directory whose files and folders are known by what has tracepoints."""

    __slots__ = ()
    fs: TraceFs

    def points(self) -> list[Tracepoint]:
        """Return every tracepoint."""
        return list(self.fs.kernel.perf.system.points.values())


class SystemsDir(_TraceDir):
    """/sys/kernel/tracing/events."""

    __slots__ = ()

    def __init__(self, fs: TraceFs) -> None:
        super().__init__(fs, ino_of("trace:events"), 0o750)

    def lookup(self, name: bytes) -> NodeOps:
        """See ``DirNodeOps.lookup``."""
        if name in _HEADERS:
            text = _HEADERS[name]
            return self.fs.text(f"events/{name.decode()}", lambda _: text)
        if name == b"enable":
            return enable_file(self.fs, self.fs.kernel, "events/enable", self.points)
        if name in self._systems():
            return SystemDir(self.fs, name.decode())
        raise ENOENT

    def names(self) -> Iterator[tuple[bytes, int]]:
        """See ``LiveDir.names``."""
        for name in sorted(self._systems()):
            yield name, S_IFDIR
        for header in _HEADERS:
            yield header, S_IFREG
        yield b"enable", S_IFREG

    def _systems(self) -> set[bytes]:
        """Return the parts of the kernel that have some."""
        return {point.system.encode() for point in self.points()}


_HEADERS: Final = {b"header_page": _HEADER_PAGE, b"header_event": _HEADER_EVENT}


class SystemDir(_TraceDir):
    """The tracepoints of one part of the kernel."""

    __slots__ = ("_system",)

    def __init__(self, fs: TraceFs, system: str) -> None:
        super().__init__(fs, ino_of("trace:system", system), 0o750)
        self._system = system

    def lookup(self, name: bytes) -> NodeOps:
        """See ``DirNodeOps.lookup``."""
        if name == b"enable":
            path = f"events/{self._system}/enable"
            return enable_file(self.fs, self.fs.kernel, path, self._own)
        for point in self._own():
            if point.name.encode() == name:
                return self._folder(point)
        raise ENOENT

    def _own(self) -> list[Tracepoint]:
        return [point for point in self.points() if point.system == self._system]

    def names(self) -> Iterator[tuple[bytes, int]]:
        """See ``LiveDir.names``."""
        for point in self._own():
            yield point.name.encode(), S_IFDIR
        yield b"enable", S_IFREG

    def _folder(self, point: Tracepoint) -> StaticDir:
        path = f"events/{point.system}/{point.name}"
        folder = StaticDir(self.fs, f"trace:{path}")
        folder.children[b"enable"] = enable_file(
            self.fs, self.fs.kernel, f"{path}/enable", lambda: [point]
        )
        folder.children[b"id"] = self.fs.text(f"{path}/id", lambda _: f"{point.id}\n")
        folder.children[b"format"] = self.fs.text(f"{path}/format", lambda _: point.text())
        return folder
