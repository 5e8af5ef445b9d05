"""Things that happen, as files: eventfd2(2), timerfd_create(2), signalfd4(2), pidfd_open(2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from ...abi.capability import CAP_WAKE_ALARM
from ...abi.errno import EBADF, EINVAL, EPERM, ESRCH
from ...abi.fcntl import O_NONBLOCK
from ...abi.poll import EFD_CLOEXEC, EFD_NONBLOCK, EFD_SEMAPHORE
from ...abi.signal import SFD_CLOEXEC, SFD_NONBLOCK, SIGKILL, SIGSTOP
from ...abi.time import (
    CLOCK_BOOTTIME,
    CLOCK_BOOTTIME_ALARM,
    CLOCK_MONOTONIC,
    CLOCK_REALTIME,
    CLOCK_REALTIME_ALARM,
    TFD_CLOEXEC,
    TFD_NONBLOCK,
    TFD_TIMER_ABSTIME,
    TFD_TIMER_CANCEL_ON_SET,
)
from ..clock import WALL_CLOCKS
from ..files.eventfd import EventFd
from ..files.pidfd import PidFd
from ..files.signalfd import SignalFd
from ..files.timerfd import TimerFd
from ..task.ptrace import may_trace
from ._declare import syscall
from ._shown import (
    ClockId,
    EventFdFlags,
    InSignals,
    InTimerSpec,
    OutTimerSpec,
    PidFdFlags,
    SignalFdFlags,
    TimerFdFlags,
    TimerFlags,
)
from ._timespec import read_itimerspec, to_kernel, write_itimerspec
from ._types import Fd, FdNum, Int, Size, UInt

if TYPE_CHECKING:
    from ..files.file import File
    from ..thread import Thread

_EFD_KNOWN: Final = EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE
_ALARM_CLOCKS: Final = (CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM)
_TIMERFD_CLOCKS: Final = (CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, *_ALARM_CLOCKS)
_UNBLOCKABLE: Final = 1 << SIGKILL - 1 | 1 << SIGSTOP - 1
_SIGSET_SIZE: Final = 8


@syscall()
def eventfd2(t: Thread, initval: UInt, flags: EventFdFlags) -> FdNum:
    """eventfd2(2)."""
    if flags & ~_EFD_KNOWN:
        raise EINVAL
    file = EventFd(initval, flags & O_NONBLOCK, semaphore=bool(flags & EFD_SEMAPHORE))
    return t.install(file, cloexec=bool(flags & EFD_CLOEXEC))


@syscall()
def timerfd_create(t: Thread, clock_id: ClockId, flags: TimerFdFlags) -> FdNum:
    """timerfd_create(2)."""
    if flags & ~(TFD_CLOEXEC | TFD_NONBLOCK) or clock_id not in _TIMERFD_CLOCKS:
        raise EINVAL
    if clock_id in _ALARM_CLOCKS:
        t.cred.require(CAP_WAKE_ALARM)
    kernel = t.kernel
    wall = clock_id in WALL_CLOCKS
    file = TimerFd(kernel.executor, kernel.clock, clock_id, wall=wall, flags=flags & O_NONBLOCK)
    return t.install(file, cloexec=bool(flags & TFD_CLOEXEC))


def _timer(file: File) -> TimerFd:
    if not isinstance(file, TimerFd):
        raise EINVAL
    return file


@syscall()
def timerfd_settime(
    t: Thread, file: Fd, flags: TimerFlags, new: InTimerSpec, old: OutTimerSpec
) -> None:
    """timerfd_settime(2)."""
    interval, value = read_itimerspec(t.mm, new)
    if flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET):
        raise EINVAL
    timer = _timer(file)
    if flags & TFD_TIMER_ABSTIME and value:
        value = to_kernel(t, timer.clock_id, value) or 1
    before = timer.set_time(flags, interval, value)
    if old:
        write_itimerspec(t.mm, old, *before)


@syscall()
def timerfd_gettime(t: Thread, file: Fd, current: OutTimerSpec) -> None:
    """timerfd_gettime(2)."""
    write_itimerspec(t.mm, current, *_timer(file).get_time())


@syscall()
def signalfd4(t: Thread, fd: FdNum, mask: InSignals, size: Size, flags: SignalFdFlags) -> FdNum:
    """signalfd4(2): a new descriptor for ``fd`` -1, else another mask for that one."""
    if size != _SIGSET_SIZE or flags & ~(SFD_CLOEXEC | SFD_NONBLOCK):
        raise EINVAL
    signals = t.mm.read_u64(mask) & ~_UNBLOCKABLE
    if fd == -1:
        executor = t.kernel.executor
        file = SignalFd(lambda: cast("Thread", executor.current), signals, flags & O_NONBLOCK)
        return t.install(file, cloexec=bool(flags & SFD_CLOEXEC))
    existing = t.fds[fd]
    if not isinstance(existing, SignalFd):
        raise EINVAL
    existing.set_mask(signals)
    return fd


@syscall()
def pidfd_open(t: Thread, pid: Int, flags: PidFdFlags) -> FdNum:
    """pidfd_open(2)."""
    if flags & ~O_NONBLOCK or pid <= 0:
        raise EINVAL
    pid = t.process.meant(pid)
    process = t.kernel.processes.get(pid)
    if process is None:
        # A thread that leads no process has a number, but no process to name.
        if pid in t.kernel.threads:
            raise EINVAL
        raise ESRCH
    return t.install(PidFd(process, flags), cloexec=True)


@syscall()
def pidfd_getfd(t: Thread, pidfd: Fd, target_fd: FdNum, flags: UInt) -> FdNum:
    """pidfd_getfd(2)."""
    if flags:
        raise EINVAL
    if not isinstance(pidfd, PidFd):
        raise EBADF
    process = pidfd.process
    if not process.threads:
        raise ESRCH
    holder = next(iter(process.threads.values()))
    if not may_trace(t, holder):
        raise EPERM
    return t.install(holder.fds[target_fd], cloexec=True)
