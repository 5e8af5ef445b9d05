"""Links: a program stays attached as long as somebody holds its link."""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import TYPE_CHECKING, ClassVar, Final

from ...abi import bpf as b
from ...abi.errno import EINVAL
from .objects import BpfObject

if TYPE_CHECKING:
    from ..perf.counter import Counter
    from .events import EventProgram
    from .program import Program

_KIND_TRACEPOINT: Final = 5  #: BPF_PERF_EVENT_TRACEPOINT
_KIND_EVENT: Final = 6  #: BPF_PERF_EVENT_EVENT
_NAME: Final = Struct("<QI")
_POINT: Final = Struct("<I4xQI4xQ")
_EVENT: Final = Struct("<I4xQI4xQ")


class Link(BpfObject):
    """One attachment; ``detach`` undoes it."""

    __slots__ = ("_detach", "cookie", "program")

    type: ClassVar[int] = 0
    type_name: ClassVar[str] = ""

    def __init__(self, program: Program, cookie: int, detach: Callable[[], object]) -> None:
        super().__init__()
        program.acquire()
        self.program = program
        self.cookie = cookie
        self._detach: Callable[[], object] | None = detach

    def freed(self) -> None:
        """See `BpfObject.freed`."""
        detach, self._detach = self._detach, None
        if detach is not None:
            detach()
        self.program.release()

    def info(self) -> str:
        """Return further rows of /proc/PID/fdinfo."""
        return ""

    def replace(self, program: Program) -> None:
        """Attach another program of the same type instead; ``EINVAL``."""
        if program.type != self.program.type:
            raise EINVAL
        program.acquire()
        before, self.program = self.program, program
        before.release()


class RawTracepointLink(Link):
    """A program at a raw tracepoint."""

    __slots__ = ("name",)

    type = b.BPF_LINK_TYPE_RAW_TRACEPOINT
    type_name = "raw_tracepoint"

    def __init__(
        self, program: Program, cookie: int, detach: Callable[[], object], name: bytes
    ) -> None:
        super().__init__(program, cookie, detach)
        self.name = name

    def info(self) -> str:
        """See `Link.info`."""
        return f"tp_name:\t{self.name.decode('ascii', 'replace')}\ncookie:\t{self.cookie}\n"


class PerfEventLink(Link):
    """A program at an event of perf_event_open(2)."""

    __slots__ = ("_counter", "_held", "name")

    type = b.BPF_LINK_TYPE_PERF_EVENT
    type_name = "perf"

    def __init__(
        self,
        program: Program,
        cookie: int,
        detach: Callable[[], object],
        name: bytes,
        counter: Counter,
        held: EventProgram,
    ) -> None:
        super().__init__(program, cookie, detach)
        self.name = name  #: of the tracepoint; b"" for other events
        self._counter = counter
        self._held = held

    def replace(self, program: Program) -> None:
        """See `Link.replace`."""
        super().replace(program)
        self._held.exchange(program)

    def describe(self, given: bytes, put_name: Callable[[int, int], int]) -> bytes:
        """Return struct bpf_link_info from ``perf_event`` on; ``put_name`` stores the name."""
        attr = self._counter.attr
        if not self.name:
            return _EVENT.pack(_KIND_EVENT, attr.config, attr.type, self.cookie)
        name_at, room = _NAME.unpack_from(given, 8)
        size = put_name(name_at, room)
        return _POINT.pack(_KIND_TRACEPOINT, name_at, size, self.cookie)
