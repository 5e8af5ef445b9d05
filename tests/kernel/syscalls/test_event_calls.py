"""eventfd2, timerfd_*, signalfd4 and pidfd_* on the scripted machine."""

from __future__ import annotations

import struct

from starrylab.abi.errno import EAGAIN, EBADF, EFAULT, EINVAL, ESRCH
from starrylab.abi.poll import EFD_NONBLOCK, EFD_SEMAPHORE, POLLIN
from starrylab.abi.signal import SIG_BLOCK, SIGKILL, SIGUSR1
from starrylab.abi.time import CLOCK_MONOTONIC, CLOCK_REALTIME, TFD_TIMER_ABSTIME
from starrylab.abi.wait import P_PIDFD, WEXITED
from starrylab.kernel.files.signalfd import SIGINFO_SIZE

BAD = 0x7000_0000_0000


def u64(m, addr):
    return struct.unpack("<Q", m.load(addr, 8))[0]


def test_eventfd_wakes_a_reader(lab) -> None:
    def program(m):
        fd = yield m.call("eventfd2", 0, EFD_SEMAPHORE)

        def child(c):
            c.store(c.scratch, struct.pack("<Q", 2))
            yield c.call("write", fd, c.scratch, 8)
            yield c.call("exit_group", 0)

        yield m.fork(child)
        assert (yield m.call("read", fd, m.scratch, 8)) == 8
        assert (yield m.call("read", fd, m.scratch, 8)) == 8
        assert u64(m, m.scratch) == 1
        assert (yield m.call("eventfd2", 0, 8)) == -EINVAL.errno
        fd = yield m.call("eventfd2", 7, EFD_NONBLOCK)
        assert (yield m.call("read", fd, m.scratch, 100)) == 8
        assert u64(m, m.scratch) == 7
        assert (yield m.call("read", fd, m.scratch, 8)) == -EAGAIN.errno
        assert (yield m.call("lseek", fd, 5, 0)) == 0
        yield m.call("exit_group", 0)

    lab.run(program)


def itimerspec(m, interval, value):
    m.store(m.scratch, struct.pack("<qqqq", *divmod(interval, 10**9), *divmod(value, 10**9)))
    return m.scratch


def test_timerfd(lab) -> None:
    def program(m):
        fd = yield m.call("timerfd_create", CLOCK_MONOTONIC, 0)
        old = m.scratch + 64
        spec = itimerspec(m, 1_000_000, 5_000_000)
        assert (yield m.call("timerfd_settime", fd, 0, spec, old)) == 0
        assert m.load(old, 32) == bytes(32)
        start = lab.door.now
        assert (yield m.call("read", fd, m.scratch, 8)) == 8
        assert u64(m, m.scratch) == 1
        assert 5_000_000 <= lab.door.now - start < 5_900_000
        assert (yield m.call("timerfd_gettime", fd, old)) == 0
        interval_s, interval, value_s, value = struct.unpack("<qqqq", m.load(old, 32))
        assert (interval_s, interval, value_s) == (0, 1_000_000, 0)
        assert 0 < value <= 1_000_000
        past = itimerspec(m, 0, 1)
        assert (yield m.call("timerfd_settime", fd, TFD_TIMER_ABSTIME, past, 0)) == 0
        assert (yield m.call("read", fd, m.scratch, 8)) == 8
        yield m.call("exit_group", 0)

    lab.run(program)


def test_timerfd_errors(lab) -> None:
    def program(m):
        fd = yield m.call("timerfd_create", CLOCK_REALTIME, 0o4000)
        other = yield m.call("eventfd2", 0, 0)
        good = itimerspec(m, 0, 1)
        for call, expected in (
            (("timerfd_create", 2, 0), EINVAL),
            (("timerfd_create", CLOCK_MONOTONIC, 1), EINVAL),
            (("timerfd_settime", other, 0, good, 0), EINVAL),
            (("timerfd_settime", 99, 0, good, 0), EBADF),
            (("timerfd_settime", fd, 8, good, 0), EINVAL),
            (("timerfd_settime", fd, 0, BAD, 0), EFAULT),
            (("timerfd_settime", fd, 0, good, BAD), EFAULT),
            (("timerfd_gettime", other, m.scratch), EINVAL),
            (("timerfd_gettime", fd, BAD), EFAULT),
        ):
            assert (yield m.call(*call)) == -expected.errno, call
        m.store(m.scratch, struct.pack("<qqqq", 0, 0, 0, 10**9))
        assert (yield m.call("timerfd_settime", fd, 0, m.scratch, 0)) == -EINVAL.errno
        yield m.call("exit_group", 0)

    lab.run(program)


def test_signalfd_reads_and_polls(lab) -> None:
    def program(m):
        m.store(m.scratch, struct.pack("<Q", 1 << SIGUSR1 - 1 | 1 << SIGKILL - 1))
        yield m.call("rt_sigprocmask", SIG_BLOCK, m.scratch, 0, 8)
        fd = yield m.call("signalfd4", -1, m.scratch, 8, 0)
        assert fd >= 0
        pid = yield m.call("getpid")

        def child(c):
            yield c.call("kill", pid, SIGUSR1)
            yield c.call("exit_group", 0)

        yield m.fork(child)
        m.store(m.scratch + 64, struct.pack("<ihh", fd, POLLIN, 0))
        assert (yield m.call("ppoll", m.scratch + 64, 1, 0, 0, 8)) == 1
        assert (yield m.call("read", fd, m.scratch + 128, 1000)) == SIGINFO_SIZE
        signo, _, _, sender = struct.unpack("<IiiI", m.load(m.scratch + 128, 16))
        assert (signo, sender) == (SIGUSR1, 2)
        yield m.fork(child)
        assert (yield m.call("read", fd, m.scratch + 128, 128)) == SIGINFO_SIZE
        assert (yield m.call("signalfd4", fd, m.scratch, 8, 0)) == fd
        assert (yield m.call("signalfd4", 99, m.scratch, 8, 0)) == -EBADF.errno
        other = yield m.call("eventfd2", 0, 0)
        assert (yield m.call("signalfd4", other, m.scratch, 8, 0)) == -EINVAL.errno
        assert (yield m.call("signalfd4", -1, m.scratch, 4, 0)) == -EINVAL.errno
        assert (yield m.call("signalfd4", -1, BAD, 8, 0)) == -EFAULT.errno
        yield m.call("exit_group", 0)

    lab.run(program)


def test_pidfd(lab) -> None:
    def child(m):
        fd = yield m.call("eventfd2", 5, 0)
        while True:
            yield m.call("nanosleep", time(m, 10**9), 0)
            yield m.call("write", fd, m.scratch, 8)

    def time(m, ns):
        m.store(m.scratch, struct.pack("<qq", *divmod(ns, 10**9)))
        return m.scratch

    def program(m):
        pid = yield m.fork(child)
        fd = yield m.call("pidfd_open", pid, 0)
        assert fd >= 0
        m.store(m.scratch + 64, struct.pack("<ihh", fd, POLLIN, 0))
        zero = time(m, 0)
        assert (yield m.call("ppoll", m.scratch + 64, 1, zero, 0, 8)) == 0
        yield m.call("nanosleep", time(m, 1000), 0)
        stolen = yield m.call("pidfd_getfd", fd, 0, 0)
        assert (yield m.call("read", stolen, m.scratch + 128, 8)) == 8
        assert u64(m, m.scratch + 128) == 5
        assert (yield m.call("pidfd_getfd", fd, 7, 0)) == -EBADF.errno
        assert (yield m.call("pidfd_getfd", stolen, 0, 0)) == -EBADF.errno
        assert (yield m.call("pidfd_getfd", fd, 0, 1)) == -EINVAL.errno
        yield m.call("kill", pid, SIGKILL)
        assert (yield m.call("ppoll", m.scratch + 64, 1, 0, 0, 8)) == 1
        assert (yield m.call("waitid", P_PIDFD, fd, m.scratch, WEXITED, 0)) == 0
        assert (yield m.call("pidfd_getfd", fd, 0, 0)) == -ESRCH.errno
        assert (yield m.call("pidfd_open", pid, 0)) == -ESRCH.errno
        assert (yield m.call("pidfd_open", 0, 0)) == -EINVAL.errno
        assert (yield m.call("pidfd_open", 1, 1)) == -EINVAL.errno
        yield m.call("exit_group", 0)

    lab.run(program)
