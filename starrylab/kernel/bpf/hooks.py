"""Raw tracepoints: the kernel's trace events, with programs as listeners (`core.events`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from struct import Struct
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ...abi.errno import EINVAL, ENOENT

if TYPE_CHECKING:
    from ..core.events import Events
    from .links import Link
    from .program import Program
    from .system import Bpf

_M64: Final = (1 << 64) - 1
_NO_ADDRESS: Final = 0  #: where Linux passes a structure of the kernel
_ARGUMENTS: Final = 12


class Point(NamedTuple):
    """One raw tracepoint."""

    event: str  #: of `core.events`
    size: int  #: arguments
    arguments: Callable[..., tuple[int, ...]]  #: of what a listener of the event receives


POINTS: Final[Mapping[bytes, Point]] = MappingProxyType(
    {
        b"sys_enter": Point(
            "syscall_enter",
            2,
            lambda _t, _e, registers: (_NO_ADDRESS, registers[7]),
        ),
        b"sys_exit": Point(
            "syscall_exit",
            2,
            lambda _t, _e, _r, result: (_NO_ADDRESS, result & _M64),
        ),
        b"sched_process_fork": Point(
            "fork",
            2,
            lambda *_: (_NO_ADDRESS, _NO_ADDRESS),
        ),
        b"sched_process_exec": Point(
            "exec",
            3,
            lambda thread, *_: (_NO_ADDRESS, thread.tid, _NO_ADDRESS),
        ),
        b"sched_process_exit": Point("exit", 2, lambda *_: (_NO_ADDRESS, 0)),
        b"signal_deliver": Point(
            "signal",
            3,
            lambda _, info: (info.signo, _NO_ADDRESS, _NO_ADDRESS),
        ),
        b"page_fault_user": Point(
            "page_fault",
            3,
            lambda _, addr, access, *_rest: (addr, _NO_ADDRESS, access),
        ),
    }
)


class RawHook:
    """A program that listens to one raw tracepoint."""

    def __init__(self, bpf: Bpf, events: Events, name: bytes, program: Program) -> None:
        point = POINTS.get(name)
        if point is None:
            raise ENOENT
        if program.context_used > 8 * point.size:
            raise EINVAL
        self._point = point
        self._bpf = bpf
        self._events = events
        self._layout = Struct(f"<{_ARGUMENTS}Q")
        self.link: Link | None = None
        events.subscribe(point.event, self._happened)

    def stop(self) -> None:
        """Listen no more."""
        self.link = None
        self._events.unsubscribe(self._point.event, self._happened)

    def _happened(self, *args: Any) -> None:
        link = self.link
        if link is None:
            return
        values = self._point.arguments(*args)
        rest = (0,) * (_ARGUMENTS - len(values))
        context = bytearray(self._layout.pack(*values, *rest))
        self._bpf.run(link.program, context, cookie=link.cookie, thread=args[0])
