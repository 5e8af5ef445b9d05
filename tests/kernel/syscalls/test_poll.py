"""ppoll, pselect6 and epoll_pwait on the scripted machine."""

from __future__ import annotations

import struct

import pytest

from starrylab.abi.errno import EBADF, EEXIST, EFAULT, EINTR, EINVAL, EPERM
from starrylab.abi.fcntl import O_PATH
from starrylab.abi.poll import (
    EPOLL_CTL_ADD,
    EPOLL_CTL_DEL,
    EPOLL_CTL_MOD,
    EPOLLEXCLUSIVE,
    EPOLLIN,
    POLLHUP,
    POLLIN,
    POLLNVAL,
    POLLOUT,
)
from starrylab.abi.resource import RLIMIT_NOFILE
from starrylab.abi.sched import (
    CLONE_FILES,
    CLONE_FS,
    CLONE_SIGHAND,
    CLONE_SYSVSEM,
    CLONE_THREAD,
    CLONE_VM,
)
from starrylab.abi.signal import SIG_BLOCK, SIGUSR1

THREAD = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM
BAD = 0x7000_0000_0000
HANDLER = 0x7700_0000
TIME, SET, FDS, DATA = 0x400, 0x440, 0x480, 0x800


def pipe(m):
    """A sub-program: ``r, w = yield from pipe(m)``."""
    result = yield m.call("pipe2", m.scratch + 0x600, 0)
    assert result == 0
    return struct.unpack("<ii", m.load(m.scratch + 0x600, 8))


def timespec(m, ns):
    m.store(m.scratch + TIME, struct.pack("<qq", *divmod(ns, 10**9)))
    return m.scratch + TIME


def left(m):
    seconds, ns = struct.unpack("<qq", m.load(m.scratch + TIME, 16))
    return seconds * 10**9 + ns


def pollfds(m, *entries):
    data = b"".join(struct.pack("<ihh", fd, events, -1) for fd, events in entries)
    m.store(m.scratch + FDS, data)
    return m.scratch + FDS


def revents(m, count):
    return [entry[2] for entry in struct.iter_unpack("<ihH", m.load(m.scratch + FDS, 8 * count))]


def test_ppoll_finds_what_is_ready(lab) -> None:
    def program(m):
        r, w = yield from pipe(m)
        fds = pollfds(m, (r, POLLIN), (w, POLLOUT), (-1, POLLIN), (99, POLLIN))
        assert (yield m.call("ppoll", fds, 4, 0, 0, 8)) == 2
        assert revents(m, 4) == [0, POLLOUT, 0, POLLNVAL]
        yield m.call("write", w, m.scratch, 1)
        yield m.call("close", w)
        fds = pollfds(m, (r, 0))
        assert (yield m.call("ppoll", fds, 1, timespec(m, 0), 0, 8)) == 1
        assert revents(m, 1) == [POLLHUP]
        yield m.call("exit_group", 0)

    lab.run(program)


def test_ppoll_waits_for_another_process(lab) -> None:
    def program(m):
        r, w = yield from pipe(m)

        def child(c):
            yield c.call("write", w, c.scratch, 1)
            yield c.call("exit_group", 0)

        yield m.fork(child)
        fds = pollfds(m, (r, POLLIN))
        assert (yield m.call("ppoll", fds, 1, timespec(m, 5 * 10**9), 0, 8)) == 1
        assert revents(m, 1) == [POLLIN]
        assert 0 < left(m) <= 5 * 10**9
        yield m.call("exit_group", 0)

    lab.run(program)


def test_ppoll_times_out(lab) -> None:
    def program(m):
        r, _ = yield from pipe(m)
        fds = pollfds(m, (r, POLLIN))
        start = lab.door.now
        assert (yield m.call("ppoll", fds, 1, timespec(m, 3_000_000), 0, 8)) == 0
        assert 3_000_000 <= lab.door.now - start < 4_000_000
        assert revents(m, 1) == [0]
        assert left(m) == 0
        fds = pollfds(m, (r, POLLIN))
        assert (yield m.call("ppoll", fds, 1, timespec(m, 0), 0, 8)) == 0
        assert revents(m, 1) == [0]
        assert (yield m.call("ppoll", 0, 0, timespec(m, 1000), 0, 8)) == 0
        yield m.call("exit_group", 0)

    lab.run(program)


def test_ppoll_errors(lab) -> None:
    def program(m):
        assert (yield m.call("ppoll", BAD, 1, 0, 0, 8)) == -EFAULT.errno
        assert (yield m.call("ppoll", m.scratch, 1, BAD, 0, 8)) == -EFAULT.errno
        assert (yield m.call("ppoll", m.scratch, 1, timespec(m, -1), 0, 8)) == -EINVAL.errno
        assert (yield m.call("ppoll", m.scratch, 1, 0, m.scratch, 4)) == -EINVAL.errno
        m.store(m.scratch + DATA, struct.pack("<QQ", 20, 20))
        yield m.call("prlimit64", 0, RLIMIT_NOFILE, m.scratch + DATA, 0)
        assert (yield m.call("ppoll", m.scratch, 21, 0, 0, 8)) == -EINVAL.errno
        yield m.call("exit_group", 0)

    lab.run(program)


def install_handler(lab, m, caught):
    def handler(h):
        caught.append(h.argument)
        return
        yield

    lab.hart.texts[HANDLER] = handler
    m.store(m.scratch + DATA, struct.pack("<QQQ", HANDLER, 0, 0))
    yield m.call("rt_sigaction", SIGUSR1, m.scratch + DATA, 0, 8)
    m.store(m.scratch + SET, struct.pack("<Q", 1 << SIGUSR1 - 1))
    yield m.call("rt_sigprocmask", SIG_BLOCK, m.scratch + SET, 0, 8)
    m.store(m.scratch + SET, bytes(8))


def blocked(m):
    yield m.call("rt_sigprocmask", SIG_BLOCK, 0, m.scratch + DATA, 8)
    return struct.unpack("<Q", m.load(m.scratch + DATA, 8))[0]


@pytest.mark.parametrize("call", ["ppoll", "pselect6", "epoll_pwait", "ppoll now"])
def test_a_temporary_mask_lets_a_signal_in(lab, call) -> None:
    caught = []

    def program(m):
        yield from install_handler(lab, m, caught)
        r, _ = yield from pipe(m)
        yield m.call("kill", 1, SIGUSR1)
        assert caught == []
        if call.startswith("ppoll"):
            time = timespec(m, 0) if "now" in call else 0
            fds = pollfds(m, (r, POLLIN))
            result = yield m.call("ppoll", fds, 1, time, m.scratch + SET, 8)
        elif call == "pselect6":
            m.store(m.scratch + FDS, struct.pack("<QQQ", 1 << r, m.scratch + SET, 8))
            result = yield m.call("pselect6", r + 1, m.scratch + FDS, 0, 0, 0, m.scratch + FDS + 8)
        else:
            epfd = yield m.call("epoll_create1", 0)
            result = yield m.call("epoll_pwait", epfd, m.scratch, 1, -1, m.scratch + SET, 8)
        assert result == -EINTR.errno
        assert caught == [SIGUSR1]
        assert (yield from blocked(m)) == 1 << SIGUSR1 - 1
        yield m.call("exit_group", 0)

    lab.run(program)


def test_the_mask_comes_back_after_a_plain_timeout(lab) -> None:
    def program(m):
        yield from install_handler(lab, m, [])
        fds = pollfds(m)
        assert (yield m.call("ppoll", fds, 0, timespec(m, 1000), m.scratch + SET, 8)) == 0
        assert (yield from blocked(m)) == 1 << SIGUSR1 - 1
        yield m.call("exit_group", 0)

    lab.run(program)


def test_pselect_sets(lab) -> None:
    def program(m):
        r, w = yield from pipe(m)
        sets = m.scratch + FDS
        m.store(sets, struct.pack("<QQQ", 1 << r, 1 << w, 1 << r))
        assert (yield m.call("pselect6", w + 1, sets, sets + 8, sets + 16, 0, 0)) == 1
        assert struct.unpack("<QQQ", m.load(sets, 24)) == (0, 1 << w, 0)
        yield m.call("write", w, m.scratch, 1)
        m.store(sets, struct.pack("<QQ", 1 << r, 1 << w))
        assert (yield m.call("pselect6", w + 1, sets, sets + 8, 0, 0, 0)) == 2
        yield m.call("read", r, m.scratch, 1)
        m.store(sets, struct.pack("<Q", 1 << r))
        assert (yield m.call("pselect6", w + 1, sets, 0, 0, timespec(m, 5000), 0)) == 0
        assert m.load(sets, 8) == bytes(8)
        assert left(m) == 0
        m.store(sets, struct.pack("<Q", 1 << 20))
        assert (yield m.call("pselect6", 21, sets, 0, 0, 0, 0)) == -EBADF.errno
        assert (yield m.call("pselect6", -1, sets, 0, 0, 0, 0)) == -EINVAL.errno
        assert (yield m.call("pselect6", 21, BAD, 0, 0, 0, 0)) == -EFAULT.errno
        yield m.call("exit_group", 0)

    lab.run(program)


def test_pselect_waits(lab) -> None:
    def program(m):
        r, w = yield from pipe(m)

        def child(c):
            yield c.call("close", w)
            yield c.call("exit_group", 0)

        yield m.fork(child)
        yield m.call("close", w)
        m.store(m.scratch + FDS, struct.pack("<Q", 1 << r))
        assert (yield m.call("pselect6", r + 1, m.scratch + FDS, 0, 0, 0, 0)) == 1
        assert struct.unpack("<Q", m.load(m.scratch + FDS, 8)) == (1 << r,)
        yield m.call("exit_group", 0)

    lab.run(program)


def watch(m, events, data):
    m.store(m.scratch + DATA, struct.pack("<I4xQ", events, data))
    return m.scratch + DATA


def test_epoll_calls(lab) -> None:
    def program(m):
        epfd = yield m.call("epoll_create1", 0)
        assert (yield m.call("epoll_create1", 1)) == -EINVAL.errno
        r, w = yield from pipe(m)
        add = yield m.call("epoll_ctl", epfd, EPOLL_CTL_ADD, r, watch(m, EPOLLIN, 0xABCD))
        assert add == 0
        events = m.scratch + FDS
        assert (yield m.call("epoll_pwait", epfd, events, 4, 0, 0, 8)) == 0
        start = lab.door.now
        assert (yield m.call("epoll_pwait", epfd, events, 4, 7, 0, 8)) == 0
        assert 7_000_000 <= lab.door.now - start < 8_000_000
        assert (yield m.call("epoll_pwait2", epfd, events, 4, timespec(m, 1000), 0, 8)) == 0

        def child(c):
            yield c.call("write", w, c.scratch, 1)
            yield c.call("exit_group", 0)

        yield m.fork(child)
        assert (yield m.call("epoll_pwait", epfd, events, 4, -1, 0, 8)) == 1
        assert struct.unpack("<I4xQ", m.load(events, 16)) == (EPOLLIN, 0xABCD)
        mod = yield m.call("epoll_ctl", epfd, EPOLL_CTL_MOD, r, watch(m, 0, 1))
        assert mod == 0
        assert (yield m.call("epoll_pwait", epfd, events, 4, 0, 0, 8)) == 0
        assert (yield m.call("epoll_ctl", epfd, EPOLL_CTL_DEL, r, 0)) == 0
        yield m.call("exit_group", 0)

    lab.run(program)


def test_epoll_errors(lab) -> None:
    def program(m):
        epfd = yield m.call("epoll_create1", 0)
        r, _ = yield from pipe(m)
        events = m.scratch + FDS
        event = watch(m, EPOLLIN, 1)
        for call, expected in (
            (("epoll_ctl", epfd, EPOLL_CTL_ADD, r, BAD), EFAULT),
            (("epoll_ctl", epfd, EPOLL_CTL_ADD, 99, event), EBADF),
            (("epoll_ctl", 99, EPOLL_CTL_ADD, r, event), EBADF),
            (("epoll_ctl", r, EPOLL_CTL_ADD, r, event), EINVAL),
            (("epoll_ctl", epfd, EPOLL_CTL_ADD, epfd, event), EINVAL),
            (("epoll_ctl", epfd, 9, r, event), EINVAL),
            (("epoll_pwait", epfd, events, 0, 0, 0, 8), EINVAL),
            (("epoll_pwait", r, events, 1, 0, 0, 8), EINVAL),
            (("epoll_pwait", 99, events, 1, 0, 0, 8), EBADF),
        ):
            assert (yield m.call(*call)) == -expected.errno, call
        m.string(m.scratch, b"/file")
        fd = yield m.call("openat", -100, m.scratch, 0o102, 0o644)
        assert fd > 0
        assert (yield m.call("epoll_ctl", epfd, EPOLL_CTL_ADD, fd, event)) == -EPERM.errno
        yield m.call("epoll_ctl", epfd, EPOLL_CTL_ADD, r, event)
        assert (yield m.call("epoll_ctl", epfd, EPOLL_CTL_ADD, r, event)) == -EEXIST.errno
        yield m.call("exit_group", 0)

    lab.run(program)


def test_a_file_that_is_closed_while_one_waits_for_it(lab) -> None:
    def program(m):
        r, w = yield from pipe(m)

        def closer(c):
            yield c.call("close", r)
            yield c.call("write", w, c.scratch, 1)
            yield c.call("exit", 0)

        yield m.clone(closer, THREAD, 0, 0, 0, 0)
        fds = pollfds(m, (r, POLLIN))
        assert (yield m.call("ppoll", fds, 1, 0, 0, 8)) == 1
        assert revents(m, 1) == [POLLNVAL]
        yield m.call("exit_group", 0)

    lab.run(program)


def test_a_path_descriptor_cannot_be_waited_for(lab) -> None:
    def program(m):
        fd = yield m.call("openat", -100, m.string(m.scratch, b"/"), O_PATH, 0)
        assert fd == 0
        fds = pollfds(m, (fd, POLLIN))
        assert (yield m.call("ppoll", fds, 1, 0, 0, 8)) == 1
        assert revents(m, 1) == [POLLNVAL]
        m.store(m.scratch + FDS, struct.pack("<Q", 1))
        assert (yield m.call("pselect6", 1, m.scratch + FDS, 0, 0, 0, 0)) == -EBADF.errno
        epfd = yield m.call("epoll_create1", 0)
        event = watch(m, EPOLLIN, 1)
        assert (yield m.call("epoll_ctl", epfd, EPOLL_CTL_ADD, fd, event)) == -EBADF.errno
        yield m.call("exit_group", 0)

    lab.run(program)


def test_exclusive_waiters_of_one_pipe(lab) -> None:
    """Of several processes that watch one pipe, at least one must wake."""
    woken = []

    def program(m):
        r, w = yield from pipe(m)

        def child(c):
            epfd = yield c.call("epoll_create1", 0)
            yield c.call("epoll_ctl", epfd, EPOLL_CTL_ADD, r, watch(c, EPOLLIN | EPOLLEXCLUSIVE, 9))
            woken.append((yield c.call("epoll_pwait", epfd, c.scratch + FDS, 4, 1000, 0, 8)))
            yield c.call("exit_group", 0)

        for _ in range(3):
            yield m.fork(child)
        yield m.call("nanosleep", timespec(m, 1_000_000), 0)
        yield m.call("write", w, m.scratch, 1)
        for _ in range(3):
            yield m.call("wait4", -1, 0, 0, 0)
        yield m.call("exit_group", 0)

    lab.run(program)
    assert 1 in woken
