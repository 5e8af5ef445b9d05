"""wait4 and waitid: whom they select, what they refuse, what they report (wait(2))."""

from __future__ import annotations

import struct

import pytest

from starrylab.abi import signal as sig
from starrylab.abi.errno import EBADF, ECHILD, EFAULT, EINVAL, ESRCH
from starrylab.abi.wait import (
    P_ALL,
    P_PGID,
    P_PID,
    P_PIDFD,
    WALL,
    WCLONE,
    WCONTINUED,
    WEXITED,
    WNOHANG,
    WSTOPPED,
)


def exits(status: int):
    def child(m):
        yield m.call("exit_group", status)

    return child


def forever(m):
    while True:
        yield m.call("sched_yield")


def info(m) -> tuple[int, ...]:
    """Return code, pid and status of the siginfo at scratch."""
    _signo, _errno, code, _pad, pid, _uid, status = struct.unpack("<iiiiiIi", m.load(m.scratch, 28))
    return code, pid, status


def test_whom_wait4_selects(lab) -> None:
    def program(m):
        a = yield m.fork(exits(1))
        b = yield m.fork(exits(2))
        yield m.call("setpgid", b, 0)
        assert (yield m.call("wait4", 99, 0, 0, 0)) == -ECHILD.errno
        assert (yield m.call("wait4", -99, 0, 0, 0)) == -ECHILD.errno
        assert (yield m.call("wait4", -b, 0, 0, 0)) == b
        assert (yield m.call("wait4", 0, m.scratch, 0, 0)) == a
        assert m.load(m.scratch, 4) == struct.pack("<i", 1 << 8)
        assert (yield m.call("wait4", -1, 0, WNOHANG, 0)) == -ECHILD.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_whom_waitid_selects(lab) -> None:
    def program(m):
        a = yield m.fork(exits(1))
        b = yield m.fork(exits(2))
        c = yield m.fork(exits(3))
        yield m.call("setpgid", b, 0)
        pidfd = yield m.call("pidfd_open", c, 0)
        for kind, ident, found in ((P_PGID, b, b), (P_PIDFD, pidfd, c), (P_ALL, 0, a)):
            assert (yield m.call("waitid", kind, ident, m.scratch, WEXITED, 0)) == 0
            assert info(m)[1] == found
        result = yield m.call("waitid", P_ALL, 0, m.scratch, WEXITED, 0)
        assert result == -ECHILD.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (("wait4", -1, 0, 0x100, 0), EINVAL),
        (("wait4", -(1 << 31), 0, 0, 0), ESRCH),
        (("waitid", P_ALL, 0, 0, 0, 0), EINVAL),
        (("waitid", P_ALL, 0, 0, WEXITED | 0x100, 0), EINVAL),
        (("waitid", P_PID, 0, 0, WEXITED, 0), EINVAL),
        (("waitid", P_PGID, -1, 0, WEXITED, 0), EINVAL),
        (("waitid", P_PIDFD, 77, 0, WEXITED, 0), EBADF),
        (("waitid", 9, 1, 0, WEXITED, 0), EINVAL),
    ],
)
def test_what_is_refused(lab, call, error) -> None:
    def program(m):
        yield m.fork(forever)
        assert (yield m.call(*call)) == -error.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_waitid_tells_how_each_change_came(lab) -> None:
    def program(m):
        pid = yield m.fork(forever)
        assert (yield m.call("waitid", P_ALL, 0, m.scratch, WEXITED | WNOHANG, 0)) == 0
        assert info(m) == (0, 0, 0)  # nothing yet
        for signo, option, code, status in (
            (sig.SIGSTOP, WSTOPPED, sig.CLD_STOPPED, sig.SIGSTOP),
            (sig.SIGCONT, WCONTINUED, sig.CLD_CONTINUED, sig.SIGCONT),
            (sig.SIGTERM, WEXITED, sig.CLD_KILLED, sig.SIGTERM),
        ):
            yield m.call("kill", pid, signo)
            assert (yield m.call("waitid", P_PID, pid, m.scratch, option, 0)) == 0
            assert info(m) == (code, pid, status)
        pid = yield m.fork(forever)
        yield m.call("kill", pid, sig.SIGABRT)
        yield m.call("waitid", P_PID, pid, m.scratch, WEXITED, 0)
        assert info(m) == (sig.CLD_KILLED, pid, sig.SIGABRT)  # no core file was written
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_clone_children_are_another_kind(lab) -> None:
    """A child that does not send SIGCHLD is waited for with __WCLONE or __WALL only."""

    def program(m):
        for option in (WCLONE, WALL):
            pid = yield m.clone(exits(5), 0)
            assert (yield m.call("wait4", pid, 0, 0, 0)) == -ECHILD.errno
            assert (yield m.call("wait4", pid, 0, option, 0)) == pid
        pid = yield m.fork(exits(5))
        assert (yield m.call("wait4", pid, 0, WCLONE, 0)) == -ECHILD.errno
        assert (yield m.call("wait4", pid, 0, WALL, 0)) == pid
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_the_usage_of_the_child_comes_along(lab) -> None:
    def child(m):
        m.store(m.scratch + 8192, bytes(5 * 4096))
        yield m.call("exit_group", 0)

    def program(m):
        yield m.fork(child)
        yield m.call("wait4", -1, 0, 0, m.scratch)
        assert struct.unpack("<18q", m.load(m.scratch, 144))[8] >= 5
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_a_bad_pointer_is_efault_and_the_child_is_gone(lab) -> None:
    def program(m):
        pid = yield m.fork(exits(0))
        assert (yield m.call("wait4", pid, 8, 0, 0)) == -EFAULT.errno
        assert (yield m.call("wait4", pid, 0, 0, 0)) == -ECHILD.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_several_threads_wait_and_each_gets_one(lab) -> None:
    from starrylab.abi.sched import CLONE_FILES, CLONE_FS, CLONE_SIGHAND, CLONE_THREAD, CLONE_VM

    found = []
    flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD

    def waiter(m):
        found.append((yield m.call("wait4", -1, 0, 0, 0)))
        yield m.call("exit", 0)

    def slow(m):
        for _ in range(5):
            yield m.call("sched_yield")
        yield m.call("exit_group", 0)

    def program(m):
        pids = [(yield m.fork(slow)), (yield m.fork(slow))]
        for index in range(2):
            yield m.clone(waiter, flags, m.scratch + 8192 * (index + 1))
        while len(found) < 2:
            yield m.call("sched_yield")
        assert sorted(found) == pids
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0
