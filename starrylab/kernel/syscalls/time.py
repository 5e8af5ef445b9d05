"""Clocks and sleeping: clock_gettime(2), clock_settime(2), nanosleep(2), times(2), adjtimex(2)."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Final

from ...abi.capability import CAP_SYS_TIME
from ...abi.errno import EINTR, EINVAL, EOPNOTSUPP, EPERM
from ...abi.time import (
    ADJ_OFFSET_SS_READ,
    CLOCK_MONOTONIC,
    CLOCK_REALTIME,
    CLOCK_THREAD_CPUTIME_ID,
    STA_UNSYNC,
    TIME_ERROR,
    TIMER_ABSTIME,
    TIMESPEC,
    TIMEX,
    TMS,
    USER_HZ,
)
from ..clock import COARSE_CLOCKS, WALL_CLOCKS
from ..core.sched import TICK_NS, park
from ._declare import syscall
from ._shown import ClockId, InTime, InTimeval, OutRest, OutTime, OutTimeval, TimerFlags
from ._timespec import MAX_NS, NS, read_timespec, read_timeval, to_kernel, write_timespec
from ._types import Int, Ptr

if TYPE_CHECKING:
    from ..core.alarm import TimeSource
    from ..thread import Thread

_pack: Final = TIMESPEC.pack
_TICK_NS: Final = NS // USER_HZ  #: nanoseconds in a clock tick of times(2)


@syscall()
def clock_gettime(t: Thread, clock_id: ClockId, tp: OutTime) -> int:
    """clock_gettime(2)."""
    clock = t.kernel.clock
    reader = clock.readers.get(clock_id)
    ns = reader() if reader is not None else clock.now(clock_id, t)
    if t.process.nested:
        ns += t.namespaces.time.ahead(clock_id)
    t.mm.write(tp, _pack(ns // 1_000_000_000, ns % 1_000_000_000))
    return 0


@syscall()
def clock_getres(t: Thread, clock_id: ClockId, res: OutTime) -> None:
    """clock_getres(2)."""
    t.kernel.clock.reader(clock_id, t)
    if res:
        write_timespec(t.mm, res, TICK_NS if clock_id in COARSE_CLOCKS else 1)


@syscall()
def clock_settime(t: Thread, clock_id: ClockId, tp: InTime) -> None:
    """clock_settime(2)."""
    clock = t.kernel.clock
    if clock_id != CLOCK_REALTIME:
        clock.reader(clock_id, t)  # an unknown one is EINVAL too, as is one that cannot be set
        raise EINVAL
    _set_wall_clock(t, read_timespec(t.mm, tp))


def _set_wall_clock(t: Thread, ns: int) -> None:
    t.cred.require(CAP_SYS_TIME)
    clock = t.kernel.clock
    if ns < clock.monotonic() - t.kernel.boot_monotonic_ns:
        raise EINVAL  # the machine would have started before 1970
    clock.set_realtime(ns)


@syscall()
def gettimeofday(t: Thread, tv: OutTimeval, tz: Ptr) -> None:
    """gettimeofday(2)."""
    if tv:
        ns = t.kernel.clock.realtime()
        t.mm.write(tv, _pack(ns // NS, ns % NS // 1000))
    if tz:
        t.mm.write(tz, bytes(8))


@syscall(partial="a time zone is checked and not kept")
def settimeofday(t: Thread, tv: InTimeval, tz: Ptr) -> None:
    """settimeofday(2)."""
    ns = read_timeval(t.mm, tv) if tv else None
    if tz:
        minutes = int.from_bytes(t.mm.read(tz, 4), "little", signed=True)
        t.cred.require(CAP_SYS_TIME)
        if not -15 * 60 <= minutes <= 15 * 60:
            raise EINVAL
    if ns is not None:
        _set_wall_clock(t, ns)


@syscall()
def nanosleep(t: Thread, duration: InTime, rest: OutRest) -> Coroutine[Any, Any, int]:
    """nanosleep(2)."""
    delay = read_timespec(t.mm, duration)
    source = t.kernel.clock.source(CLOCK_MONOTONIC)
    return _sleep(t, source, min(source.now() + delay, MAX_NS), rest)


@syscall()
def clock_nanosleep(
    t: Thread, clock_id: ClockId, flags: TimerFlags, duration: InTime, rest: OutRest
) -> Coroutine[Any, Any, int]:
    """clock_nanosleep(2)."""
    clock = t.kernel.clock
    clock.reader(clock_id, t)
    if clock_id in COARSE_CLOCKS or (clock_id < 0 and clock_id & 7 == 7):
        raise EOPNOTSUPP
    if clock_id == CLOCK_THREAD_CPUTIME_ID:
        raise EINVAL  # nobody can wait for his own standing still
    ns = read_timespec(t.mm, duration)
    if flags & TIMER_ABSTIME:
        ns = to_kernel(t, clock_id, ns)
        return _sleep(t, clock.source(clock_id, t), ns, 0, wall=clock_id in WALL_CLOCKS)
    # A relative sleep does not notice that the wall clock is set.
    source = clock.source(CLOCK_MONOTONIC if clock_id in WALL_CLOCKS else clock_id, t)
    return _sleep(t, source, min(source.now() + ns, MAX_NS), rest)


async def _sleep(
    t: Thread, source: TimeSource, target: int, rest: int, *, wall: bool = False
) -> int:
    """Sleep until ``target`` on ``source``; store what is missing at ``rest`` when interrupted."""
    executor, waker = t.executor, t.waker
    was_set = t.kernel.clock.was_set
    while source.now() < target:
        timer = executor.call_at(source.when(target), waker.wake)
        if wall:
            was_set.register(waker)
        try:
            await park()
        except EINTR:
            missing = target - source.now()
            if missing <= 0:
                return 0  # the time had passed before the signal was looked at
            if rest:
                write_timespec(t.mm, rest, missing)
            raise
        finally:
            timer.cancel()
            if wall:
                was_set.unregister(waker)
    return 0


@syscall()
def times(t: Thread, buf: Ptr) -> int:
    """times(2), in clock ticks."""
    process = t.process
    clock = t.kernel.clock
    if buf:
        usage, children = process.total_usage(), process.children_usage
        running = clock.process_cpu(process) - usage.utime_ns - usage.stime_ns
        figures = (
            usage.utime_ns + running,
            usage.stime_ns,
            children.utime_ns,
            children.stime_ns,
        )
        t.mm.write(buf, TMS.pack(*(ns // _TICK_NS for ns in figures)))
    return clock.monotonic() // _TICK_NS


@syscall(partial="reads only: the clock follows the host's and cannot be adjusted")
def adjtimex(t: Thread, buf: Ptr) -> int:
    """adjtimex(2)."""
    return _adjust(t, buf)


@syscall(partial="reads only: the clock follows the host's and cannot be adjusted")
def clock_adjtime(t: Thread, clock_id: Int, buf: Ptr) -> int:
    """clock_adjtime(2)."""
    if clock_id != CLOCK_REALTIME:
        t.kernel.clock.reader(clock_id, t)
        raise EOPNOTSUPP
    return _adjust(t, buf)


def _adjust(t: Thread, addr: int) -> int:
    modes = TIMEX.unpack(t.mm.read(addr, TIMEX.size))[0]
    if modes not in (0, ADJ_OFFSET_SS_READ):
        t.cred.require(CAP_SYS_TIME)
        raise EPERM("the clock is the host's")
    clock = t.kernel.clock
    seconds, ns = divmod(clock.realtime(), NS)
    maximum = 16_000_000  # NTP_PHASE_LIMIT, microseconds: what Linux says of a free clock
    t.mm.write(
        addr,
        TIMEX.pack(
            modes, 0, 0, maximum, maximum, STA_UNSYNC, 2, 1, 32_768_000, seconds, ns // 1000,
            10_000, 0, 0, 0, 0, 0, 0, 0, 0, clock.tai_offset_s,
        ),
    )  # fmt: skip
    return TIME_ERROR
