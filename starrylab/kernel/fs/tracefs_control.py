"""The files of tracefs that are written to: what is traced, and where it is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from ...abi.errno import EINVAL
from ...abi.stat import S_IFREG
from ..vfs.node import FileNodeOps, FilesystemOps
from .proc._declare import Declared
from .proc._nodes import TextNode, ino_of

if TYPE_CHECKING:
    from ..bpf.printed import Printed
    from ..files.file import File
    from ..kernel import Kernel
    from ..perf.tracepoints import Tracepoint
    from ..perf.tracing import EventTracer
    from ..thread import Thread
    from ..vfs.mount import Location

_MODE: Final = 0o640
_HEAD: Final = """\
# tracer: nop
#
# entries-in-buffer/entries-written: {0}/{0}   #P:1
#
#                                _-----=> irqs-off/BH-disabled
#                               / _----=> need-resched
#                              | / _---=> hardirq/softirq
#                              || / _--=> preempt-depth
#                              ||| / _-=> migrate-disable
#                              |||| /     delay
#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION
#              | |         |   |||||     |         |
"""


class ControlNode(TextNode):
    """A file that does something when it is opened with O_TRUNC, as a shell's ``>`` does."""

    __slots__ = ("_emptied",)

    def __init__(
        self,
        fs: FilesystemOps,
        kernel: Kernel,
        path: str,
        render: Callable[[Any], str],
        write: Callable[[Kernel, Thread | None, bytes], object],
        emptied: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(fs, kernel, Declared(f"trace:{path}", False, render, _MODE, False, write,
                                              False))  # fmt: skip
        self._emptied = emptied

    def truncate(self, size: int) -> None:
        """See ``FileNodeOps.truncate``."""
        self._emptied()


class PipeNode(FileNodeOps):
    """trace_pipe: each line is read once."""

    __slots__ = ("_kernel",)

    def __init__(self, fs: FilesystemOps, kernel: Kernel) -> None:
        super().__init__(fs, ino_of("trace:trace_pipe"), S_IFREG | 0o440)
        self._kernel = kernel

    def open(self, thread: Thread | None, location: Location, flags: int) -> File:
        """See ``NodeOps.open``."""
        from ..bpf.printed import TracePipe  # most runs trace nothing

        return TracePipe(printed(self._kernel), flags)


def printed(kernel: Kernel) -> Printed:
    """Return the lines that nobody has taken: those of bpf_trace_printk() are among them."""
    from ..bpf.system import system_of  # as above

    return system_of(kernel).printed


def tracer_of(kernel: Kernel) -> EventTracer:
    """Return what writes tracepoints as text."""
    tracer = kernel.perf.system.tracer
    tracer.sink = printed(kernel).add
    return tracer


def control_files(fs: FilesystemOps, kernel: Kernel) -> dict[bytes, FileNodeOps]:
    """Return the files of the root that control tracing."""
    return {
        b"set_event": ControlNode(
            fs, kernel, "set_event", _traced,
            lambda kernel, _, data: tracer_of(kernel).choose(data),
            lambda: tracer_of(kernel).clear(),
        ),
        b"trace": ControlNode(
            fs, kernel, "trace", _trace, lambda kernel, _thread, _data: _forget(kernel),
            lambda: _forget(kernel),
        ),
        b"tracing_on": ControlNode(
            fs, kernel, "tracing_on", lambda kernel: f"{int(tracer_of(kernel).on)}\n", _switch
        ),
        b"trace_marker": ControlNode(fs, kernel, "trace_marker", lambda _: "", _mark),
        b"trace_pipe": PipeNode(fs, kernel),
    }  # fmt: skip


def enable_file(
    fs: FilesystemOps, kernel: Kernel, path: str, points: Callable[[], list[Tracepoint]]
) -> ControlNode:
    """Return a file "enable" that switches ``points``."""

    def show(kernel: Kernel) -> str:
        states = {tracer_of(kernel).is_traced(point) for point in points()}
        return "X\n" if len(states) > 1 else f"{int(True in states)}\n"

    def store(kernel: Kernel, _: Thread | None, data: bytes) -> None:
        tracer_of(kernel).set(points(), on=_flag(data))

    return ControlNode(fs, kernel, path, show, store)


def _flag(data: bytes) -> bool:
    if data.strip() not in (b"0", b"1"):
        raise EINVAL
    return data.strip() == b"1"


def _traced(kernel: Kernel) -> str:
    return "".join(f"{point.system}:{point.name}\n" for point in tracer_of(kernel).traced())


def _trace(kernel: Kernel) -> str:
    lines = list(printed(kernel).lines)
    return _HEAD.format(len(lines)) + b"".join(lines).decode("utf-8", "replace")


def _forget(kernel: Kernel) -> None:
    printed(kernel).lines.clear()


def _mark(kernel: Kernel, thread: Thread | None, data: bytes) -> None:
    if thread is not None:
        tracer_of(kernel).mark(thread, data)


def _switch(kernel: Kernel, _: Thread | None, data: bytes) -> None:
    tracer_of(kernel).on = _flag(data)
