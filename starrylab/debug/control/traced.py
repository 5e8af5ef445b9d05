"""What the debugger knows of one thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...kernel.signal.info import SignalInfo
    from ...kernel.thread import Thread
    from .api import CallStop
    from .plans import Plan

NOWHERE = -1  #: no program counter


@dataclass(slots=True, eq=False)
class Traced:
    """The debugger's side of a thread."""

    thread: Thread
    stopped: bool = False  #: reported, and not told to go on
    pausing: bool = False  #: to be stopped as soon as it looks up
    held: bool = False  #: not to run user code while others do
    stepping: int | None = None  #: where the single step began that is under way
    stepped: bool = False  #: it is complete although the program counter may not have moved
    over: int = NOWHERE  #: a breakpoint here was met and is not to be met on going on
    plan: Plan | None = None
    kept: SignalInfo | None = None  #: the signal that it stopped for
    passing: SignalInfo | None = None  #: a signal to deliver without another stop
    wants_call: bool = False  #: stop at the entry of the next system call
    call_held: bool = False
    call: CallStop | None = None  #: the caught call that it is in
    was_exec: bool = False  #: it runs a new program and has not gone to user mode yet

    def begin(self) -> None:
        """Forget what the last command asked for."""
        self.stopped = self.held = self.stepped = self.call_held = self.wants_call = False
        self.stepping = self.plan = None
