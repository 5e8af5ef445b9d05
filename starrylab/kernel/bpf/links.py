"""Links: a program stays attached as long as somebody holds its link."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from ...abi import bpf as b
from ...abi.errno import EINVAL
from .objects import BpfObject

if TYPE_CHECKING:
    from .program import Program


class Link(BpfObject):
    """One attachment; ``detach`` undoes it."""

    __slots__ = ("_detach", "cookie", "program")

    type: ClassVar[int] = 0

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

    def __init__(
        self, program: Program, cookie: int, detach: Callable[[], object], name: bytes
    ) -> None:
        super().__init__(program, cookie, detach)
        self.name = name


class PerfEventLink(Link):
    """A program at an event of perf_event_open(2)."""

    __slots__ = ("name",)

    type = b.BPF_LINK_TYPE_PERF_EVENT

    def __init__(
        self, program: Program, cookie: int, detach: Callable[[], object], name: bytes
    ) -> None:
        super().__init__(program, cookie, detach)
        self.name = name  #: of the tracepoint; b"" for other events
