"""/proc/sys/kernel/sched_*: what real-time tasks leave to normal ones (sched(7))."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....abi.errno import EINVAL
from ._declare import proc
from ._numbers import setting

if TYPE_CHECKING:
    from ...kernel import Kernel
    from ...thread import Thread

_US = 1000


def _read(thread: Thread | None, data: bytes, low: int) -> int:
    """Return a number of microseconds in nanoseconds; -1 stays; ``EPERM``, ``EINVAL``."""
    return max(-1, setting(thread, data, low) * _US)


def _set_period(kernel: Kernel, thread: Thread | None, data: bytes) -> None:
    share = kernel.executor.share
    period = _read(thread, data, 1)
    if share.runtime_ns > period:
        raise EINVAL
    share.period_ns = period


def _set_runtime(kernel: Kernel, thread: Thread | None, data: bytes) -> None:
    share = kernel.executor.share
    runtime = _read(thread, data, -1)
    if runtime > share.period_ns:
        raise EINVAL
    share.runtime_ns = runtime


@proc("sys/kernel/sched_rt_period_us", mode=0o644, write=_set_period)
def sched_rt_period_us(kernel: Kernel) -> str:
    """Show the time that real-time and normal tasks share."""
    return f"{kernel.executor.share.period_ns // _US}\n"


@proc("sys/kernel/sched_rt_runtime_us", mode=0o644, write=_set_runtime)
def sched_rt_runtime_us(kernel: Kernel) -> str:
    """Show how much of the period real-time tasks may have; -1: all of it."""
    runtime = kernel.executor.share.runtime_ns
    return f"{runtime if runtime < 0 else runtime // _US}\n"
