"""Reading and writing ``struct timespec`` and its relatives (timespec(3), timeval(3))."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi.errno import EFAULT, EINVAL
from ...abi.time import ITIMERSPEC, TIMESPEC

if TYPE_CHECKING:
    from ..mm.space import AddressSpace
    from ..thread import Thread

NS: Final = 1_000_000_000
MAX_NS: Final = (1 << 63) - 1  #: KTIME_MAX: Linux waits no longer than this


def to_ns(seconds: int, fraction: int) -> int:
    """Return nanoseconds; raise ``EINVAL`` for a timespec that is not valid."""
    if seconds < 0 or not 0 <= fraction < NS:
        raise EINVAL
    return min(seconds * NS + fraction, MAX_NS)


def read_timespec(mm: AddressSpace, addr: int) -> int:
    """Return the timespec at ``addr`` in nanoseconds; ``EFAULT``, ``EINVAL``."""
    return to_ns(*TIMESPEC.unpack(mm.read(addr, 16)))


def to_kernel(t: Thread, clock_id: int, ns: int) -> int:
    """Return an absolute time of the caller's as the initial time namespace has it."""
    return max(0, ns - t.namespaces.time.ahead(clock_id)) if t.process.nested else ns


def read_timeval(mm: AddressSpace, addr: int) -> int:
    """Return the timeval at ``addr`` in nanoseconds; ``EFAULT``, ``EINVAL``."""
    seconds, micro = TIMESPEC.unpack(mm.read(addr, 16))
    return to_ns(seconds, micro * 1000)


def write_timespec(mm: AddressSpace, addr: int, ns: int) -> None:
    """Store ``ns`` as a timespec; ``EFAULT``."""
    mm.write(addr, TIMESPEC.pack(*divmod(ns, NS)))


def write_remaining(mm: AddressSpace, addr: int, ns: int) -> None:
    """Store what is left of a timeout; an address that cannot be written is left alone.

    ppoll(2) and pselect6(2) do not fail for that: the answer itself is good.
    """
    try:
        write_timespec(mm, addr, max(0, ns))
    except EFAULT:
        return


def read_itimerspec(mm: AddressSpace, addr: int) -> tuple[int, int]:
    """Return interval and value in nanoseconds; ``EFAULT``, ``EINVAL``."""
    a, b, c, d = ITIMERSPEC.unpack(mm.read(addr, 32))
    return to_ns(a, b), to_ns(c, d)


def write_itimerspec(mm: AddressSpace, addr: int, interval: int, value: int) -> None:
    """Store interval and value, both in nanoseconds; ``EFAULT``."""
    mm.write(addr, ITIMERSPEC.pack(*divmod(interval, NS), *divmod(value, NS)))
