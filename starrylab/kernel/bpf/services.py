"""What helpers need of the rest of the kernel."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Task(NamedTuple):
    """The thread that runs."""

    tid: int
    pid: int
    uid: int
    gid: int
    comm: bytes


class Services(Protocol):
    """A kernel, as helpers see it."""

    def monotonic_ns(self) -> int:
        """Return CLOCK_MONOTONIC in ns."""
        ...

    def boottime_ns(self) -> int:
        """Return CLOCK_BOOTTIME in ns."""
        ...

    def tai_ns(self) -> int:
        """Return CLOCK_TAI in ns."""
        ...

    def random(self) -> int:
        """Return 32 random bits."""
        ...

    def task(self) -> Task:
        """Return the thread that runs; the idle one has number 0."""
        ...

    def read_user(self, addr: int, size: int) -> bytes:
        """Return bytes of the memory of the thread that runs; raise ``EFAULT``."""
        ...

    def write_user(self, addr: int, data: bytes) -> None:
        """Store bytes into that memory; raise ``EFAULT``."""
        ...

    def read_user_text(self, addr: int, limit: int) -> bytes:
        """Return the string at ``addr``, or its first ``limit`` bytes; raise ``EFAULT``."""
        ...

    def user_chain(self, limit: int) -> list[int]:
        """Return the addresses of the thread's frames, innermost first."""
        ...

    def signal(self, number: int, *, thread: bool) -> int:
        """Send a signal to the process, or the thread, that runs; return 0 or a negative error."""
        ...

    def trace(self, text: bytes) -> None:
        """Write a line for who reads trace_pipe."""
        ...
