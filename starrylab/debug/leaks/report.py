"""What an analysis found: plain values for screens, commands and JSON."""

from __future__ import annotations

from dataclasses import dataclass

from .cycles import Cycle
from .stacks import Call

HELD, LOST, OUTSIDE = "held", "lost", "outside"


@dataclass(frozen=True, slots=True)
class Leak:
    """Allocations of one kind, made at one place, that are held in the same way."""

    kind: str  #: "dentry", "USER" for frames
    category: str  #: as Starry Mix's report calls it, "" where it prints the backtrace
    count: int
    bytes: int  #: of these
    retained: int  #: further new objects that only these lead to
    retained_bytes: int
    first_size: int  #: bytes of the first one
    pids: tuple[int, ...]  #: who ran when they were allocated; 0: the kernel itself
    owner: int  #: the process that holds the first one; 0: the kernel, or nobody
    how: str  #: "held", "lost" (by nobody) or "outside" (not by the kernel)
    name: str  #: of the first one
    holder: tuple[str, ...]  #: the way to the first one from the kernel's roots
    syscall: str  #: in which they were allocated, ""
    pc: int  #: where the program was, 0
    stack: tuple[Call, ...]  #: the kernel's, innermost first; () where nothing was recorded
    program: tuple[Call, ...]  #: of the first one: where the program was that made the call
    member: bool = False  #: only reached through another new object


@dataclass(frozen=True, slots=True)
class WrongFrames:
    """Frames whose references do not add up in the same way."""

    kind: str
    count: int
    references: int  #: of the first one
    holders: tuple[str, ...]  #: of the first one
    first: int  #: byte offset in RAM
    pids: tuple[int, ...]  #: who allocated them, as far as it was recorded
    syscall: str
    stack: tuple[Call, ...]

    @property
    def text(self) -> str:
        """What is wrong."""
        if not self.holders:
            return "held by nobody"
        excess = self.references - len(self.holders)
        if excess > 0:
            return f"{excess} reference{'s' * (excess > 1)} more than holders"
        return f"{-excess} holder{'s' * (excess < -1)} more than references: used after free"


@dataclass(frozen=True, slots=True)
class LeakReport:
    """What was allocated after ``since`` and is still there."""

    since: int  #: generations: numbers of allocations
    until: int
    leaks: tuple[Leak, ...]  #: most bytes first
    frames: tuple[WrongFrames, ...]
    heap_unaccounted: int  #: bytes of the kernel's heap that no buffer accounts for
    cycles: tuple[Cycle, ...]
    left_out: tuple[tuple[str, int], ...]  #: what is no leak: what, how many
    alive: tuple[str, ...]  #: processes

    @property
    def roots(self) -> tuple[Leak, ...]:
        """The leaks that are not just held by others."""
        return tuple(leak for leak in self.leaks if not leak.member)

    @property
    def clean(self) -> bool:
        """Whether nothing is left and everything adds up."""
        return not self.leaks and not self.frames and not self.heap_unaccounted
