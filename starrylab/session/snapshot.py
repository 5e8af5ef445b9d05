"""A picture of the running system for front ends: frozen, typed, small and complete.

What `ps`, `top` and `free` would show (proc(5)), plus what only the kernel's owner sees:
memory by kind that adds up to the total, system calls by name, what a sleeper waits for.
A front end draws snapshots and never reaches into the kernel.
"""

from __future__ import annotations

from typing import Final

import msgspec


class ProcessView(msgspec.Struct, frozen=True, array_like=True):
    """One process."""

    pid: int
    ppid: int
    pgid: int
    sid: int
    tty: str  #: "console", "pts/0", or "" for none
    foreground: bool  #: its group is the foreground group of its terminal
    state: str  #: the letter of proc_pid_stat(5): R S D T Z X
    waiting: str  #: what the main thread waits for ("wait4", "read tty", ...), or ""
    comm: str
    cmdline: str
    threads: int
    utime_ns: int
    stime_ns: int
    rss: int  #: bytes
    vsize: int  #: bytes
    minflt: int
    majflt: int
    syscalls: int
    nice: int

    @property
    def cpu_ns(self) -> int:
        """User and system time together, nanoseconds."""
        return self.utime_ns + self.stime_ns


class MemoryKind(msgspec.Struct, frozen=True, array_like=True):
    """Bytes of RAM of one kind."""

    name: str
    size: int  #: bytes


class CallCount(msgspec.Struct, frozen=True, array_like=True):
    """How often a system call was made since boot."""

    name: str
    count: int


class Snapshot(msgspec.Struct, frozen=True, tag="snapshot"):
    """The whole picture at one moment."""

    sequence: int = 0
    uptime_ns: int = 0
    processes: tuple[ProcessView, ...] = ()
    memory: tuple[MemoryKind, ...] = ()  #: the sizes add up to `memory_total`
    memory_total: int = 0  #: bytes
    load: tuple[float, float, float] = (0.0, 0.0, 0.0)
    switches: int = 0  #: context switches since boot
    forks: int = 0  #: threads made since boot
    syscalls: int = 0  #: system calls since boot
    top_calls: tuple[CallCount, ...] = ()  #: most frequent first; empty unless counted
    idle_share: float = 1.0  #: of the time since the last snapshot, 0..1


EMPTY: Final = Snapshot()
