"""What a tracer tells its sinks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(slots=True)
class CallRecord:
    """A system call; what comes after `args` is known when it has ended."""

    pid: int
    tid: int
    time_ns: int  #: wall clock at the entry
    name: str
    args: list[tuple[str, str]]  #: name and text; "" for what the call fills in later
    ready: int  #: so many of `args` can be shown before it has ended
    raw: tuple[int, ...]  #: the registers of the arguments
    result: int | None = None  #: as the kernel returns it; None: it never returned
    result_text: str = ""
    errno: str = ""  #: "ENOENT"
    duration_ns: int = 0
    stack: tuple[str, ...] = ()  #: lines, innermost frame first
    endless: bool = False  #: exit(2) and its like: there is no result to wait for

    def arguments(self) -> str:
        """Return all arguments in one line."""
        return ", ".join(text for _, text in self.args)


@dataclass(slots=True)
class EventRecord:
    """A signal, or the end of a thread."""

    pid: int
    tid: int
    time_ns: int
    kind: str  #: "signal", "exit"
    text: str  #: "--- SIGCHLD {...} ---"
    details: dict[str, str | int] = field(default_factory=dict)


class Sink(Protocol):
    """Takes what a tracer finds."""

    def begun(self, call: CallRecord) -> None:
        """Note the entry of a call."""

    def ended(self, call: CallRecord) -> None:
        """Note the exit of a call, or the end of its thread."""

    def event(self, event: EventRecord) -> None:
        """Note a signal or an end."""
