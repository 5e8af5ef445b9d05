"""The stacks of what has ended: a thread killed by a signal, a zombie, a kernel that panicked.

A stack has to be taken while registers and memory are still there, and is kept for whoever asks
later; only the latest ones are kept.  Deaths by signal are rare and are named at once; of every
other exit only addresses are kept, and their names are looked up when somebody wants to see them.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Final

from ..kernel.thread import Thread
from .stack import Frame, FrameKind, Stacks, named, traceback_frames
from .stack_text import format_stack

if TYPE_CHECKING:
    from ..kernel.kernel import Kernel
    from ..kernel.signal.deaths import DeathReport

_DEATHS: Final = 64  #: reports kept
_EXITS: Final = 256  #: stacks of ended threads kept
#: what data structures raise that a bug has spoilt
_BROKEN: Final = (
    *(ArithmeticError, AttributeError, LookupError, OSError),
    *(RuntimeError, TypeError, ValueError),
)
_DEPTH: Final = 128  #: frames of each


@dataclass(frozen=True, slots=True)
class Death:
    """A process that a signal ended, and where the thread was that took it."""

    report: DeathReport
    frames: Sequence[Frame]

    def text(self) -> str:
        """Return report and stack for a person."""
        return f"{self.report}\n{format_stack(self.frames)}"


class LastStacks:
    """Keeps what the threads of one kernel did last."""

    def __init__(self, stacks: Stacks) -> None:
        self.stacks = stacks
        self.deaths: OrderedDict[int, Death] = OrderedDict()  #: by thread id, oldest first
        self._exits: OrderedDict[int, Callable[[], list[Frame]]] = OrderedDict()
        self.on_death: Callable[[Death], object] = lambda _death: None
        events = stacks.kernel.events
        events.subscribe("death", self._death)
        events.subscribe("exit", self._exit)

    def close(self) -> None:
        """Stop listening; what was kept stays."""
        events = self.stacks.kernel.events
        events.unsubscribe("death", self._death)
        events.unsubscribe("exit", self._exit)

    def of(self, tid: int) -> Sequence[Frame]:
        """Return the last stack of a thread that ended; empty if it is not kept (any more)."""
        death = self.deaths.get(tid)
        if death is not None:
            return death.frames
        make = self._exits.get(tid)
        return make() if make is not None else []

    def _death(self, report: DeathReport) -> None:
        thread = self.stacks.kernel.threads.get(report.tid)
        frames = self.stacks.of(thread, _DEPTH) if thread is not None else []
        death = self.deaths[report.tid] = Death(report, frames)
        self.deaths.move_to_end(report.tid)
        if len(self.deaths) > _DEATHS:
            self.deaths.popitem(last=False)
        self.on_death(death)

    def _exit(self, thread: Thread, _status: int) -> None:
        death = self.deaths.get(thread.tid)
        if death is not None and death.report.pid != thread.process.pid:
            del self.deaths[thread.tid]  # an earlier thread of the same number
        stacks = self.stacks
        raw = stacks.raw(thread, _DEPTH)
        modules = stacks.modules(thread.mm).snapshot()
        above = stacks.kernel_side(thread, sys._getframe(1))  # noqa: SLF001
        self._exits[thread.tid] = lambda: above + named(raw, modules)
        self._exits.move_to_end(thread.tid)
        if len(self._exits) > _EXITS:
            self._exits.popitem(last=False)


class PanicReport:
    """The text of a kernel panic: what went wrong, and the one stack it went wrong on.

    `describe` is for `Kernel.describe_panic`.  Without ``programs`` the stack ends at the system
    call: where programs are Python generators, addresses say nothing.
    """

    def __init__(self, stacks: Stacks, *, programs: bool = True) -> None:
        self.stacks = stacks
        self.programs = programs
        self.frames: list[Frame] = []  #: empty until there is a panic

    def describe(self, bug: BaseException) -> str:
        """Return message and stack, each line with its newline."""
        kernel = self.stacks.kernel
        self.frames = traceback_frames(bug)
        thread = running_thread(kernel)
        who = "no thread"
        if thread is not None:
            self.frames += self._thread_side(thread, bug)
            who = f"thread {thread.tid} ({thread.comm.decode(errors='replace')})"
        head = f"Kernel panic in {who}: {type(bug).__name__}: {bug}"
        return f"{' '.join(head.split())}\n{format_stack(self.frames)}"

    def _thread_side(self, thread: Thread, bug: BaseException) -> list[Frame]:
        """Return system call and user frames; a broken kernel may not have them any more."""
        try:
            call = self.stacks.call_frame(thread, _innermost(bug))
            above = [call] if call is not None else []
            return above + (list(self.stacks.user(thread, _DEPTH)) if self.programs else [])
        except _BROKEN as error:  # the panic matters more than its stack
            kind = type(error).__name__
            return [Frame(FrameKind.USER, text=f"the user's stack cannot be read: {kind}: {error}")]


def running_thread(kernel: Kernel) -> Thread | None:
    """Return the thread that has the CPU; ``None`` while the kernel does something else."""
    current = kernel.executor.current
    return current if isinstance(current, Thread) else None


def _innermost(bug: BaseException) -> FrameType | None:
    at = bug.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    return at.tb_frame if at is not None else None
