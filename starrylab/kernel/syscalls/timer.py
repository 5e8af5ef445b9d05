"""getitimer(2), setitimer(2), timer_create(2) and the calls on its timers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...abi.capability import CAP_WAKE_ALARM
from ...abi.errno import EINVAL, EOPNOTSUPP
from ...abi.signal import (
    SIGALRM,
    SIGEV_NONE,
    SIGEV_SIGNAL,
    SIGEV_THREAD,
    SIGEV_THREAD_ID,
    SIGRTMAX,
)
from ...abi.time import (
    CLOCK_BOOTTIME_ALARM,
    CLOCK_MONOTONIC_COARSE,
    CLOCK_MONOTONIC_RAW,
    CLOCK_REALTIME_ALARM,
    CLOCK_REALTIME_COARSE,
    ITIMERSPEC,
    SIGEVENT,
    TIMER_ABSTIME,
)
from ..task.timers import IntervalTimer, PosixTimer
from ._declare import syscall
from ._shown import (
    ClockId,
    InSigevent,
    IntervalTimerKind,
    InTimerSpec,
    InTimerVal,
    OutTimerSpec,
    OutTimerVal,
    OutU32,
    TimerFlags,
)
from ._timespec import NS, read_itimerspec, to_kernel, to_ns, write_itimerspec
from ._types import Int

if TYPE_CHECKING:
    from ..thread import Thread

_NO_TIMERS: Final = (CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE)
_ALARM_CLOCKS: Final = (CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM)
_NOTIFY: Final = (SIGEV_SIGNAL, SIGEV_THREAD, SIGEV_THREAD_ID)


@syscall()
def getitimer(t: Thread, which: IntervalTimerKind, current: OutTimerVal) -> None:
    """getitimer(2)."""
    _write_itimerval(t, current, IntervalTimer.of(t.kernel, t.process, which).get())


@syscall()
def setitimer(t: Thread, which: IntervalTimerKind, new: InTimerVal, old: OutTimerVal) -> None:
    """setitimer(2); a null pointer for the new value disarms, as Linux still allows."""
    interval = value = 0
    if new:
        a, b, c, d = ITIMERSPEC.unpack(t.mm.read(new, 32))
        interval, value = to_ns(a, b * 1000), to_ns(c, d * 1000)
    timer = IntervalTimer.of(t.kernel, t.process, which)
    before = timer.get()
    timer.set(interval, value)
    if old:
        _write_itimerval(t, old, before)


def _write_itimerval(t: Thread, addr: int, times: tuple[int, int]) -> None:
    interval, value = times
    if value:
        value = max(value, 1000)  # an armed timer never reads as 0
    fields = (interval // NS, interval % NS // 1000, value // NS, value % NS // 1000)
    t.mm.write(addr, ITIMERSPEC.pack(*fields))


@syscall()
def timer_create(t: Thread, clock_id: ClockId, event: InSigevent, timer: OutU32) -> None:
    """timer_create(2)."""
    t.kernel.clock.reader(clock_id, t)
    if clock_id in _NO_TIMERS:
        raise EOPNOTSUPP
    if clock_id in _ALARM_CLOCKS:
        t.cred.require(CAP_WAKE_ALARM)
    process = t.process
    number = PosixTimer.free_number(process)
    value, signo, notify, tid = number, SIGALRM, SIGEV_SIGNAL, 0
    if event:
        value, signo, notify, tid = SIGEVENT.unpack(t.mm.read(event, SIGEVENT.size))
    target = None
    if notify == SIGEV_THREAD_ID:
        target = process.threads.get(tid)
        if target is None:
            raise EINVAL
    if notify != SIGEV_NONE and (notify not in _NOTIFY or not 0 < signo <= SIGRTMAX):
        raise EINVAL
    made = PosixTimer(t, clock_id, number, notify, signo, value, target)
    t.mm.write_u32(timer, number)
    process.timers[number] = made


@syscall()
def timer_settime(
    t: Thread, timer: Int, flags: TimerFlags, new: InTimerSpec, old: OutTimerSpec
) -> None:
    """timer_settime(2)."""
    if not new:
        raise EINVAL
    interval, value = read_itimerspec(t.mm, new)
    found = PosixTimer.find(t.process, timer)
    if flags & TIMER_ABSTIME and value:
        value = to_kernel(t, found.clock_id, value) or 1
    before = found.get()
    found.set(interval, value, absolute=bool(flags & TIMER_ABSTIME))
    if old:
        write_itimerspec(t.mm, old, *before)


@syscall()
def timer_gettime(t: Thread, timer: Int, current: OutTimerSpec) -> None:
    """timer_gettime(2)."""
    write_itimerspec(t.mm, current, *PosixTimer.find(t.process, timer).get())


@syscall()
def timer_getoverrun(t: Thread, timer: Int) -> int:
    """timer_getoverrun(2)."""
    return PosixTimer.find(t.process, timer).get_overrun()


@syscall()
def timer_delete(t: Thread, timer: Int) -> None:
    """timer_delete(2)."""
    PosixTimer.find(t.process, timer).delete()
    del t.process.timers[timer]
