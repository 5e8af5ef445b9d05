"""The wait graph as plain data: complete, so that it can be kept and sent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that would end a wait; a thread goes on when any of its needs is met."""

    what: str  #: "to read pipe:[12] (fd 3)"
    wakers: tuple[int, ...] = ()  #: threads that could bring it about
    because: str = ""  #: why these: "hold its write end"
    outside: str = ""  #: what else could: "console input", "a timer"; "" when nothing
    unknown: str = ""  #: why the wakers are not all that there may be; "" when they are


@dataclass(frozen=True, slots=True)
class Wait:
    """A thread, and what it waits for."""

    tid: int
    pid: int
    comm: str
    state: str  #: a letter of proc_pid_stat(5)
    call: str  #: the system call's name; "" for none
    needs: tuple[Need, ...] = ()  #: empty: it runs, or wants to
    left_ns: int | None = None  #: until its time is over; None: it would wait for ever
    alarm: str = ""  #: an armed timer of the process that may send it a signal

    @property
    def waiting(self) -> bool:
        """Whether the thread waits at all."""
        return self.state not in ("R", "X")

    @property
    def wakers(self) -> frozenset[int]:
        """Every thread that could end the wait."""
        return frozenset(tid for need in self.needs for tid in need.wakers)

    @property
    def hopeful(self) -> bool:
        """Whether something that is no thread may end the wait, or nobody knows what may."""
        return (
            self.left_ns is not None
            or bool(self.alarm)
            or not self.needs
            or any(need.outside or need.unknown for need in self.needs)
        )


@dataclass(frozen=True, slots=True)
class Deadlock:
    """Threads of which none can go on unless another of them does."""

    tids: tuple[int, ...]
    victims: tuple[int, ...] = ()  #: threads that wait for these, and so for ever


@dataclass(frozen=True, slots=True)
class Waits:
    """What every thread of a kernel waits for, at one moment."""

    threads: tuple[Wait, ...]  #: by number
    deadlocks: tuple[Deadlock, ...] = ()

    def of(self, tid: int) -> Wait | None:
        """Return the entry of one thread."""
        return next((wait for wait in self.threads if wait.tid == tid), None)
