"""eventfd, timerfd, signalfd and pidfd alone."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from starrylab.abi.errno import EAGAIN, ECANCELED, EINVAL
from starrylab.abi.poll import POLLIN, POLLOUT
from starrylab.abi.signal import SI_QUEUE, SI_TIMER, SIGCHLD, SIGRTMIN, SIGUSR1, SIGUSR2
from starrylab.abi.time import (
    CLOCK_MONOTONIC,
    CLOCK_REALTIME,
    TFD_TIMER_ABSTIME,
    TFD_TIMER_CANCEL_ON_SET,
)
from starrylab.kernel.clock import Clock
from starrylab.kernel.core.sched import Executor
from starrylab.kernel.files.eventfd import EventFd
from starrylab.kernel.files.pidfd import PidFd
from starrylab.kernel.files.signalfd import SignalFd
from starrylab.kernel.files.timerfd import TimerFd
from starrylab.kernel.signal.info import SignalInfo
from starrylab.kernel.signal.manager import ProcessSignals, ThreadSignals
from starrylab.kernel.task.limits import Limits
from starrylab.kernel.task.process import Process
from starrylab.machine.door import VirtualDoor
from tests.kernel.files.waiting_support import CountingWaker

SECOND = 1_000_000_000
MAX = (1 << 64) - 1


def number(value: int) -> bytes:
    return value.to_bytes(8, "little")


def test_eventfd_adds_and_takes_all() -> None:
    file = EventFd(2)
    waker = CountingWaker()
    file.register(waker, POLLIN)
    file.write(number(3))
    assert waker.count == 1
    assert file.read(8) == number(5)
    assert file.poll() & (POLLIN | POLLOUT) == POLLOUT
    with pytest.raises(EAGAIN):
        file.read(8)
    with pytest.raises(EINVAL):
        file.read(7)
    with pytest.raises(EINVAL):
        file.write(b"1234567")


def test_eventfd_as_a_semaphore() -> None:
    file = EventFd(2, semaphore=True)
    assert [file.read(8), file.read(100)] == [number(1)] * 2
    with pytest.raises(EAGAIN):
        file.read(8)


def test_eventfd_has_a_limit() -> None:
    file = EventFd(0)
    with pytest.raises(EINVAL):
        file.write(number(MAX))
    file.write(number(MAX - 1))
    assert file.poll() & (POLLIN | POLLOUT) == POLLIN
    with pytest.raises(EAGAIN):
        file.write(number(1))
    waker = CountingWaker()
    file.register(waker, POLLOUT)
    file.read(8)
    assert waker.count == 1


class Lab:
    """Executor and clock on virtual time."""

    def __init__(self) -> None:
        self.door = VirtualDoor()
        self.executor = Executor(self.door)
        kernel = SimpleNamespace(door=self.door, executor=self.executor, threads={}, processes={})
        self.clock = Clock(kernel)

    def timer(self, clock_id: int = CLOCK_MONOTONIC) -> TimerFd:
        return TimerFd(self.executor, self.clock, clock_id, wall=clock_id == CLOCK_REALTIME)

    def pass_time(self, ns: int) -> None:
        self.door.now += ns
        self.executor.check()


@pytest.fixture
def virtual() -> Lab:
    return Lab()


def test_timerfd_expires_once(virtual: Lab) -> None:
    file = virtual.timer()
    waker = CountingWaker()
    file.register(waker, POLLIN)
    assert file.set_time(0, 0, SECOND) == (0, 0)
    virtual.pass_time(SECOND // 4)
    assert file.get_time() == (0, SECOND * 3 // 4)
    assert not file.poll()
    virtual.pass_time(SECOND)
    assert waker.count == 1
    assert file.poll() & POLLIN
    assert file.read(8) == number(1)
    with pytest.raises(EAGAIN):
        file.read(8)
    with pytest.raises(EINVAL):
        file.read(7)
    assert file.get_time() == (0, 0)


def test_timerfd_counts_intervals_without_ticking(virtual: Lab) -> None:
    file = virtual.timer()
    waker = CountingWaker()
    file.set_time(0, 100, 1000)
    file.register(waker, POLLIN)
    virtual.pass_time(1000)
    file.register(waker, POLLIN)
    virtual.pass_time(450)
    assert waker.count == 1  # nobody read, so nobody is told again
    assert file.read(8) == number(5)
    assert file.get_time() == (100, 50)
    virtual.pass_time(50)
    assert waker.count == 2
    assert file.read(8) == number(1)
    file.closed()
    virtual.pass_time(SECOND)
    assert file.ticks == 0


def test_timerfd_set_again_forgets(virtual: Lab) -> None:
    file = virtual.timer()
    file.set_time(0, 0, 10)
    virtual.pass_time(10)
    assert file.set_time(0, 5, 100) == (0, 0)
    with pytest.raises(EAGAIN):
        file.read(8)
    assert file.set_time(0, 0, 0) == (5, 100)
    virtual.pass_time(SECOND)
    assert not file.poll()


def test_absolute_wall_time_follows_the_clock(virtual: Lab) -> None:
    file = virtual.timer(CLOCK_REALTIME)
    relative = virtual.timer(CLOCK_REALTIME)
    now = virtual.clock.realtime()
    file.set_time(TFD_TIMER_ABSTIME, 0, now + 10 * SECOND)
    relative.set_time(0, 0, 10 * SECOND)
    virtual.clock.set_realtime(now + 9 * SECOND)
    virtual.pass_time(SECOND)
    assert file.read(8) == number(1)
    assert not relative.poll()
    virtual.pass_time(9 * SECOND)
    assert relative.read(8) == number(1)


def test_cancel_on_set(virtual: Lab) -> None:
    file = virtual.timer(CLOCK_REALTIME)
    flags = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET
    file.set_time(flags, 0, virtual.clock.realtime() + SECOND)
    waker = CountingWaker()
    file.register(waker, POLLIN)
    virtual.clock.set_realtime(virtual.clock.realtime() + 5)
    assert waker.count == 1
    assert file.poll() & POLLIN
    with pytest.raises(ECANCELED):
        file.read(8)
    with pytest.raises(EAGAIN):
        file.read(8)


def reader() -> SimpleNamespace:
    signals = ProcessSignals()
    return SimpleNamespace(process=SimpleNamespace(signals=signals), signals=ThreadSignals(signals))


def bits(*signals: int) -> int:
    return sum(1 << signo - 1 for signo in signals)


def test_signalfd_reads_what_is_pending() -> None:
    thread = reader()
    file = SignalFd(lambda: thread, bits(SIGUSR1, SIGRTMIN))
    with pytest.raises(EAGAIN):
        file.read(128)
    with pytest.raises(EINVAL):
        file.read(127)
    thread.signals.process.pending.add(SignalInfo(SIGUSR1, pid=7, uid=8))
    thread.signals.pending.add(SignalInfo(SIGRTMIN, SI_QUEUE, pid=9, value=(1 << 64) - 2))
    thread.signals.pending.add(SignalInfo(SIGUSR2))
    assert file.poll() & POLLIN
    data = file.read(1000)
    assert len(data) == 256
    first, second = data[:128], data[128:]
    numbers = {int.from_bytes(part[:4], "little"): part for part in (first, second)}
    assert set(numbers) == {SIGUSR1, SIGRTMIN}
    assert numbers[SIGUSR1][12:20] == bytes([7, 0, 0, 0, 8, 0, 0, 0])
    queued = numbers[SIGRTMIN]
    assert int.from_bytes(queued[8:12], "little", signed=True) == SI_QUEUE
    assert int.from_bytes(queued[44:48], "little", signed=True) == -2
    assert int.from_bytes(queued[48:56], "little") == (1 << 64) - 2
    assert thread.signals.pending_set() == bits(SIGUSR2)


def test_signalfd_shows_children_and_timers() -> None:
    thread = reader()
    file = SignalFd(lambda: thread, bits(SIGCHLD, SIGRTMIN))
    thread.signals.pending.add(SignalInfo(SIGCHLD, 1, pid=5, status=3, utime=11, stime=12))
    child = file.read(128)
    assert int.from_bytes(child[40:44], "little") == 3
    assert (child[56], child[64]) == (11, 12)
    thread.signals.pending.add(SignalInfo(SIGRTMIN, SI_TIMER, timer=4, overrun=6, value=9))
    timer = file.read(128)
    assert (timer[24], timer[32], timer[48]) == (4, 6, 9)


def test_signalfd_wakes_and_changes_its_mask() -> None:
    thread = reader()
    file = SignalFd(lambda: thread, 0)
    waker = CountingWaker()
    file.register(waker, POLLIN)
    file.set_mask(bits(SIGUSR1))
    assert waker.count == 1
    file.register(waker, POLLIN)
    thread.process.signals.arrived.wake()
    assert waker.count == 2


def test_pidfd_is_readable_at_the_end() -> None:
    process = Process(9, None, Limits())
    file = PidFd(process)
    waker = CountingWaker()
    file.register(waker, POLLIN)
    assert not file.poll()
    process.zombie = True
    process.exited.wake()
    assert waker.count == 1
    assert file.poll() & POLLIN
    assert file.path() == b"anon_inode:[pidfd]"
