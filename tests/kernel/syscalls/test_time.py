"""Clocks, sleeping and timers on the scripted machine."""

from __future__ import annotations

import struct

import pytest

from starrylab.abi.errno import EFAULT, EINTR, EINVAL, EOPNOTSUPP, EPERM
from starrylab.abi.signal import (
    SA_SIGINFO,
    SI_TIMER,
    SIG_BLOCK,
    SIG_UNBLOCK,
    SIGALRM,
    SIGEV_NONE,
    SIGEV_SIGNAL,
    SIGEV_THREAD_ID,
    SIGRTMIN,
    SIGUSR1,
)
from starrylab.abi.time import (
    CLOCK_BOOTTIME,
    CLOCK_MONOTONIC,
    CLOCK_MONOTONIC_COARSE,
    CLOCK_MONOTONIC_RAW,
    CLOCK_PROCESS_CPUTIME_ID,
    CLOCK_REALTIME,
    CLOCK_REALTIME_ALARM,
    CLOCK_TAI,
    CLOCK_THREAD_CPUTIME_ID,
    ITIMER_PROF,
    ITIMER_REAL,
    ITIMER_VIRTUAL,
    SIGEVENT,
    TIMER_ABSTIME,
    TIMEX,
)
from starrylab.kernel.task.cred import Credentials
from starrylab.machine.api import INTERRUPT

BAD = 0x7000_0000_0000
HANDLER = 0x7700_0000
SECOND = 10**9


def timespec(m, ns, at=0):
    m.store(m.scratch + at, struct.pack("<qq", *divmod(ns, SECOND)))
    return m.scratch + at


def read_timespec(m, at=0):
    seconds, ns = struct.unpack("<qq", m.load(m.scratch + at, 16))
    assert 0 <= ns < SECOND
    return seconds * SECOND + ns


def on_signal(lab, m, signo, caught):
    def handler(h):
        info = h.registers()[11]
        caught.append((h.argument, info and h.load(info, 32)))
        return
        yield

    lab.hart.texts[HANDLER] = handler
    m.store(m.scratch + 0x800, struct.pack("<QQQ", HANDLER, SA_SIGINFO, 0))
    yield m.call("rt_sigaction", signo, m.scratch + 0x800, 0, 8)


def test_clocks(lab) -> None:
    def program(m):
        started = lab.kernel.boot_monotonic_ns
        for clock in (CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW):
            assert (yield m.call("clock_gettime", clock, m.scratch)) == 0
            assert read_timespec(m) == lab.door.now
        assert (yield m.call("clock_gettime", CLOCK_BOOTTIME, m.scratch)) == 0
        assert read_timespec(m) == lab.door.now - started
        m.store(m.scratch, struct.pack("<qq", 5, 0))
        until = (CLOCK_BOOTTIME, TIMER_ABSTIME, m.scratch, 0)
        assert (yield m.call("clock_nanosleep", *until)) == 0
        assert lab.door.now - started == 5 * 10**9
        for clock in (CLOCK_REALTIME, CLOCK_TAI):
            yield m.call("clock_gettime", clock, m.scratch)
            assert read_timespec(m) == lab.door.realtime()
        yield m.call("gettimeofday", m.scratch, m.scratch + 64)
        seconds, micro = struct.unpack("<qq", m.load(m.scratch, 16))
        assert seconds * 10**6 + micro == lab.door.realtime() // 1000
        assert (yield m.call("clock_getres", CLOCK_MONOTONIC, m.scratch)) == 0
        assert read_timespec(m) == 1
        assert (yield m.call("clock_getres", CLOCK_MONOTONIC_COARSE, m.scratch)) == 0
        assert read_timespec(m) == 4_000_000
        assert (yield m.call("clock_gettime", 99, m.scratch)) == -EINVAL.errno
        assert (yield m.call("clock_gettime", CLOCK_REALTIME, BAD)) == -EFAULT.errno
        assert (yield m.call("clock_getres", 99, 0)) == -EINVAL.errno
        yield m.call("exit_group", 0)

    lab.run(program)


def test_setting_the_clock(lab) -> None:
    def program(m):
        start = lab.door.realtime()
        assert (yield m.call("clock_settime", CLOCK_REALTIME, timespec(m, start + SECOND))) == 0
        assert (yield m.call("clock_gettime", CLOCK_REALTIME, m.scratch)) == 0
        assert read_timespec(m) == start + SECOND
        m.store(m.scratch, struct.pack("<qq", 1000, 5))
        assert (yield m.call("settimeofday", m.scratch, 0)) == 0
        yield m.call("clock_gettime", CLOCK_REALTIME, m.scratch)
        assert read_timespec(m) == 1000 * SECOND + 5000
        for clock in (CLOCK_MONOTONIC, 99):
            assert (yield m.call("clock_settime", clock, m.scratch)) == -EINVAL.errno
        assert (yield m.call("clock_settime", CLOCK_REALTIME, BAD)) == -EFAULT.errno
        assert (yield m.call("clock_settime", CLOCK_REALTIME, timespec(m, -1))) == -EINVAL.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.kernel.clock.offset_ns != 0


def test_setting_the_clock_needs_privilege(lab) -> None:
    def program(m):
        yield m.call("clock_settime", CLOCK_REALTIME, timespec(m, 10**18))
        yield m.call("timerfd_create", CLOCK_REALTIME_ALARM, 0)
        m.store(m.scratch, TIMEX.pack(1, *(0,) * 20))
        yield m.call("adjtimex", m.scratch)
        yield m.call("exit_group", 0)

    assert lab.run(program, cred=Credentials.user(1000, 1000)) == [-EPERM.errno] * 3


def test_cpu_clocks(lab) -> None:
    def program(m):
        thread = lab.kernel.init.leader
        thread.usage.utime_ns += 5 * SECOND
        lab.door.now += 1000
        for clock in (CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, ~1 << 3 | 2, ~1 << 3 | 6):
            assert (yield m.call("clock_gettime", clock, m.scratch)) == 0
            assert 5 * SECOND <= read_timespec(m) < 6 * SECOND
        assert (yield m.call("clock_gettime", ~77 << 3 | 2, m.scratch)) == -EINVAL.errno
        ticks = yield m.call("times", m.scratch)
        assert ticks == lab.door.now // 10_000_000
        assert struct.unpack("<qqqq", m.load(m.scratch, 32))[0] == 500
        assert (yield m.call("times", BAD)) == -EFAULT.errno
        yield m.call("exit_group", 0)

    lab.run(program)


def test_the_cpu_clock_runs_while_the_thread_does(lab) -> None:
    def program(m):
        yield m.call("clock_gettime", CLOCK_PROCESS_CPUTIME_ID, m.scratch)
        before = read_timespec(m)
        lab.door.now += 12345  # the program computes, and does not leave user mode
        yield m.call("clock_gettime", CLOCK_PROCESS_CPUTIME_ID, m.scratch)
        assert read_timespec(m) - before == 12345
        yield m.call("exit_group", 0)

    lab.run(program)


def test_nanosleep(lab) -> None:
    def program(m):
        start = lab.door.now
        assert (yield m.call("nanosleep", timespec(m, 1_500_000_000), 0)) == 0
        assert 1_500_000_000 <= lab.door.now - start < 1_510_000_000
        assert (yield m.call("nanosleep", timespec(m, 0), 0)) == 0
        m.store(m.scratch, struct.pack("<qq", 0, SECOND))
        assert (yield m.call("nanosleep", m.scratch, 0)) == -EINVAL.errno
        assert (yield m.call("nanosleep", timespec(m, -1), 0)) == -EINVAL.errno
        assert (yield m.call("nanosleep", BAD, 0)) == -EFAULT.errno
        target = timespec(m, lab.door.now + 1000)
        sleep = m.call("clock_nanosleep", CLOCK_MONOTONIC, TIMER_ABSTIME, target, 0)
        assert (yield sleep) == 0
        target = timespec(m, 5)
        sleep = m.call("clock_nanosleep", CLOCK_MONOTONIC, TIMER_ABSTIME, target, 0)
        assert (yield sleep) == 0
        for clock, error in (
            (99, EINVAL),
            (CLOCK_THREAD_CPUTIME_ID, EINVAL),
            (CLOCK_MONOTONIC_COARSE, EOPNOTSUPP),
        ):
            assert (yield m.call("clock_nanosleep", clock, 0, target, 0)) == -error.errno
        yield m.call("exit_group", 0)

    lab.run(program)


def test_an_interrupted_sleep_tells_the_rest(lab) -> None:
    caught = []

    def program(m):
        yield from on_signal(lab, m, SIGALRM, caught)
        m.store(m.scratch + 64, struct.pack("<qqqq", 0, 0, 1, 0))
        assert (yield m.call("setitimer", ITIMER_REAL, m.scratch + 64, 0)) == 0
        sleep = m.call("nanosleep", timespec(m, 3 * SECOND), m.scratch + 32)
        assert (yield sleep) == -EINTR.errno
        assert 19 * SECOND // 10 < read_timespec(m, 32) <= 2 * SECOND
        assert [signo for signo, _ in caught] == [SIGALRM]
        yield m.call("exit_group", 0)

    lab.run(program)


def test_a_sleep_whose_time_has_come_is_not_interrupted(lab) -> None:
    caught = []

    def program(m):
        yield from on_signal(lab, m, SIGALRM, caught)
        m.store(m.scratch + 64, struct.pack("<qqqq", 0, 0, 1, 0))
        target = timespec(m, lab.door.monotonic() + SECOND)
        assert (yield m.call("setitimer", ITIMER_REAL, m.scratch + 64, 0)) == 0
        sleep = m.call("clock_nanosleep", CLOCK_MONOTONIC, TIMER_ABSTIME, target, 0)
        assert (yield sleep) == 0
        assert [signo for signo, _ in caught] == [SIGALRM]
        yield m.call("exit_group", 0)

    lab.run(program)


def test_an_absolute_sleep_follows_the_wall_clock(lab) -> None:
    def program(m):
        now = lab.kernel.clock.realtime()

        def child(c):
            yield c.call("nanosleep", timespec(c, SECOND), 0)
            yield c.call("clock_settime", CLOCK_REALTIME, timespec(c, now + 3600 * SECOND))
            yield c.call("exit_group", 0)

        yield m.fork(child)
        start = lab.door.now
        target = timespec(m, now + 1800 * SECOND)
        sleep = m.call("clock_nanosleep", CLOCK_REALTIME, TIMER_ABSTIME, target, 0)
        assert (yield sleep) == 0
        assert SECOND <= lab.door.now - start < 2 * SECOND
        yield m.call("exit_group", 0)

    lab.run(program)


def test_interval_timer(lab) -> None:
    caught = []

    def program(m):
        yield from on_signal(lab, m, SIGALRM, caught)
        m.store(m.scratch, struct.pack("<qqqq", 0, 500_000, 0, 100_000))
        assert (yield m.call("setitimer", ITIMER_REAL, m.scratch, 0)) == 0
        for _ in range(3):
            sleep = m.call("nanosleep", timespec(m, SECOND, 64), 0)
            assert (yield sleep) == -EINTR.errno
        zero = m.scratch + 128
        m.store(zero, bytes(32))
        assert (yield m.call("setitimer", ITIMER_REAL, zero, m.scratch)) == 0
        interval_s, interval, value_s, value = struct.unpack("<qqqq", m.load(m.scratch, 32))
        assert (interval_s, interval, value_s) == (0, 500_000, 0)
        assert 0 < value <= 500_000
        assert (yield m.call("getitimer", ITIMER_REAL, m.scratch)) == 0
        assert m.load(m.scratch, 32) == bytes(32)
        assert (yield m.call("getitimer", 3, m.scratch)) == -EINVAL.errno
        assert (yield m.call("getitimer", ITIMER_REAL, BAD)) == -EFAULT.errno
        m.store(m.scratch, struct.pack("<qqqq", 0, 0, 0, 10**6))
        assert (yield m.call("setitimer", ITIMER_REAL, m.scratch, 0)) == -EINVAL.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert len(caught) == 3


@pytest.mark.parametrize("which", [ITIMER_VIRTUAL, ITIMER_PROF])
def test_cpu_timers_count_cpu_time_only(lab, which) -> None:
    caught = []

    def program(m):
        yield from on_signal(lab, m, 26 if which == ITIMER_VIRTUAL else 27, caught)
        m.store(m.scratch, struct.pack("<qqqq", 0, 0, 0, 20_000))
        yield m.call("setitimer", which, m.scratch, 0)
        yield m.call("nanosleep", timespec(m, SECOND, 64), 0)
        assert caught == []
        for _ in range(10):
            lab.door.now += 5_000_000
            yield INTERRUPT
        assert len(caught) == 1
        yield m.call("exit_group", 0)

    lab.run(program)


def sigevent(m, signo, notify, value=0, tid=0):
    m.store(m.scratch + 0x100, SIGEVENT.pack(value, signo, notify, tid))
    return m.scratch + 0x100


def arm(m, value, interval=0):
    spec = struct.pack("<qqqq", *divmod(interval, SECOND), *divmod(value, SECOND))
    m.store(m.scratch + 0x200, spec)
    return m.scratch + 0x200


def timer_id(m):
    return struct.unpack("<i", m.load(m.scratch, 4))[0]


def test_posix_timer_sends_its_signal(lab) -> None:
    caught = []

    def program(m):
        yield from on_signal(lab, m, SIGRTMIN, caught)
        event = sigevent(m, SIGRTMIN, SIGEV_SIGNAL, value=0x1122334455667788)
        assert (yield m.call("timer_create", CLOCK_MONOTONIC, event, m.scratch)) == 0
        timer = timer_id(m)
        assert (yield m.call("timer_settime", timer, 0, arm(m, 1_000_000), 0)) == 0
        sleep = m.call("nanosleep", timespec(m, SECOND, 64), 0)
        assert (yield sleep) == -EINTR.errno
        signo, info = caught[0]
        assert signo == SIGRTMIN
        code, number, overrun, value = struct.unpack("<8xi4xiiQ", info)
        assert (code, number, overrun, value) == (SI_TIMER, timer, 0, 0x1122334455667788)
        assert (yield m.call("timer_delete", timer)) == 0
        assert (yield m.call("timer_delete", timer)) == -EINVAL.errno
        yield m.call("exit_group", 0)

    lab.run(program)


def test_overruns_are_counted_while_the_signal_is_pending(lab) -> None:
    caught = []

    def program(m):
        yield from on_signal(lab, m, SIGUSR1, caught)
        m.store(m.scratch + 0x300, struct.pack("<Q", 1 << SIGUSR1 - 1))
        yield m.call("rt_sigprocmask", SIG_BLOCK, m.scratch + 0x300, 0, 8)
        event = sigevent(m, SIGUSR1, SIGEV_SIGNAL)
        yield m.call("timer_create", CLOCK_MONOTONIC, event, m.scratch)
        timer = timer_id(m)
        yield m.call("timer_settime", timer, 0, arm(m, 1_000_000, 1_000_000), 0)
        yield m.call("nanosleep", timespec(m, 10_500_000, 64), 0)
        assert (yield m.call("timer_gettime", timer, m.scratch + 0x400)) == 0
        interval_s, interval, value_s, value = struct.unpack("<qqqq", m.load(m.scratch + 0x400, 32))
        assert (interval_s, interval, value_s) == (0, 1_000_000, 0)
        assert 0 < value <= 1_000_000
        assert (yield m.call("timer_settime", timer, 0, arm(m, 0), 0)) == 0
        yield m.call("rt_sigprocmask", SIG_UNBLOCK, m.scratch + 0x300, 0, 8)
        assert struct.unpack("<20xi", caught[0][1][:24])[0] == 9
        assert len(caught) == 1
        yield m.call("exit_group", 0)

    lab.run(program)


def test_getoverrun_after_delivery(lab) -> None:
    def program(m):
        caught = []
        yield from on_signal(lab, m, SIGUSR1, caught)
        yield m.call("timer_create", CLOCK_MONOTONIC, sigevent(m, SIGUSR1, 0), m.scratch)
        timer = timer_id(m)
        yield m.call("timer_settime", timer, 0, arm(m, 1_000_000, 1_000_000), 0)
        lab.door.now += 5_500_000
        yield INTERRUPT
        assert len(caught) == 1
        assert (yield m.call("timer_getoverrun", timer)) == 4
        yield m.call("exit_group", 0)

    lab.run(program)


def test_timers_without_and_with_a_thread(lab) -> None:
    caught = []

    def program(m):
        yield from on_signal(lab, m, SIGUSR1, caught)
        yield m.call("timer_create", CLOCK_MONOTONIC, sigevent(m, 0, SIGEV_NONE), m.scratch)
        silent = timer_id(m)
        yield m.call("timer_settime", silent, 0, arm(m, 1000), 0)
        event = sigevent(m, SIGUSR1, SIGEV_THREAD_ID, tid=1)
        yield m.call("timer_create", CLOCK_REALTIME, event, m.scratch)
        mine = timer_id(m)
        assert mine != silent
        target = arm(m, lab.kernel.clock.realtime() + 5000)
        yield m.call("timer_settime", mine, TIMER_ABSTIME, target, 0)
        yield m.call("nanosleep", timespec(m, SECOND, 64), 0)
        assert [signo for signo, _ in caught] == [SIGUSR1]
        assert (yield m.call("timer_gettime", silent, m.scratch)) == 0
        assert m.load(m.scratch, 32) == bytes(32)
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.kernel.executor._timers == [] or all(
        timer.action is None for _, _, timer in lab.kernel.executor._timers
    )


def test_timer_errors(lab) -> None:
    def program(m):
        ok = sigevent(m, SIGUSR1, SIGEV_SIGNAL)
        yield m.call("timer_create", CLOCK_MONOTONIC, ok, m.scratch)
        timer = timer_id(m)
        for call, expected in (
            (("timer_create", 99, ok, m.scratch), EINVAL),
            (("timer_create", CLOCK_MONOTONIC_RAW, ok, m.scratch), EOPNOTSUPP),
            (("timer_create", CLOCK_MONOTONIC, BAD, m.scratch), EFAULT),
            (("timer_create", CLOCK_MONOTONIC, ok, BAD), EFAULT),
            (("timer_settime", 77, 0, arm(m, 1), 0), EINVAL),
            (("timer_settime", timer, 0, 0, 0), EINVAL),
            (("timer_settime", timer, 0, BAD, 0), EFAULT),
            (("timer_gettime", 77, m.scratch), EINVAL),
            (("timer_gettime", timer, BAD), EFAULT),
            (("timer_getoverrun", 77), EINVAL),
        ):
            assert (yield m.call(*call)) == -expected.errno, call
        for event in (
            (65, SIGEV_SIGNAL, 0, 0), (0, SIGEV_SIGNAL, 0, 0), (SIGUSR1, 77, 0, 0),
            (SIGUSR1, SIGEV_THREAD_ID, 0, 99),
        ):  # fmt: skip
            bad = sigevent(m, *event)
            assert (yield m.call("timer_create", CLOCK_MONOTONIC, bad, m.scratch)) == -EINVAL.errno
        yield m.call("exit_group", 0)

    lab.run(program)


def test_adjtimex_reads(lab) -> None:
    def program(m):
        m.store(m.scratch, bytes(TIMEX.size))
        assert (yield m.call("adjtimex", m.scratch)) == 5
        fields = TIMEX.unpack(m.load(m.scratch, TIMEX.size))
        assert fields[9] == lab.kernel.clock.realtime() // SECOND
        assert (yield m.call("clock_adjtime", CLOCK_REALTIME, m.scratch)) == 5
        assert (yield m.call("clock_adjtime", CLOCK_MONOTONIC, m.scratch)) == -EOPNOTSUPP.errno
        assert (yield m.call("adjtimex", BAD)) == -EFAULT.errno
        yield m.call("exit_group", 0)

    lab.run(program)


def test_fork_inherits_no_timers(lab) -> None:
    def child(m):
        assert (yield m.call("getitimer", ITIMER_REAL, m.scratch)) == 0
        assert m.load(m.scratch, 32) == bytes(32)
        assert (yield m.call("timer_gettime", 0, m.scratch)) == -EINVAL.errno
        yield m.call("exit_group", 0)

    def program(m):
        yield m.call("timer_create", CLOCK_MONOTONIC, 0, m.scratch)
        m.store(m.scratch, struct.pack("<qqqq", 0, 0, 100, 0))
        yield m.call("setitimer", ITIMER_REAL, m.scratch, 0)
        yield m.fork(child)
        yield m.call("wait4", -1, 0, 0, 0)
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_timers_end_with_their_process(lab) -> None:
    def child(m):
        m.store(m.scratch, struct.pack("<qqqq", 0, 1000, 0, 1000))
        yield m.call("rt_sigprocmask", SIG_BLOCK, m.scratch + 64, 0, 8)
        yield m.call("setitimer", ITIMER_REAL, m.scratch, 0)
        yield m.call("timer_create", CLOCK_MONOTONIC, 0, m.scratch + 32)
        yield m.call("timer_settime", 0, 0, m.scratch, 0)
        yield m.call("exit_group", 0)

    def program(m):
        m.store(m.scratch + 64, struct.pack("<Q", 1 << SIGALRM - 1))
        yield m.fork(child)
        yield m.call("wait4", -1, 0, 0, 0)
        timers = [timer for *_, timer in lab.kernel.executor._timers if timer.action is not None]
        assert timers == []
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0
