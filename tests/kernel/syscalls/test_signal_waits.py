"""Waiting for signals and for children that stop, on the scripted machine."""

from __future__ import annotations

import struct

import pytest

from starrylab.abi import signal as sig
from starrylab.abi.errno import (
    EAGAIN,
    ECHILD,
    EFAULT,
    EINTR,
    EINVAL,
)
from starrylab.abi.wait import WNOHANG
from starrylab.machine.api import Interrupt
from tests.kernel.syscalls.signal_support import (
    BAD,
    install,
    mask_of,
    recorder,
    set_mask,
    status_of,
)

pytestmark = pytest.mark.timeout(20)

# -- waiting ---------------------------------------------------------------------------------


def test_sigsuspend_waits_under_another_mask(lab) -> None:
    seen = recorder(lab)

    def killer(m):
        yield m.call("kill", 1, sig.SIGUSR2)  # blocked during the wait
        yield m.call("kill", 1, sig.SIGUSR1)
        yield m.call("exit_group", 0)

    def program(m):
        yield install(m, sig.SIGUSR1)
        yield install(m, sig.SIGUSR2)
        yield set_mask(m, sig.SIGUSR1)
        yield m.fork(killer)
        m.store(m.scratch, struct.pack("<Q", mask_of(sig.SIGUSR2)))
        assert (yield m.call("rt_sigsuspend", m.scratch, 8)) == -EINTR.errno
        assert {signo for signo, _ in seen} >= {sig.SIGUSR1}
        yield m.call("rt_sigprocmask", 0, 0, m.scratch, 8)
        assert m.load(m.scratch, 8) == struct.pack("<Q", mask_of(sig.SIGUSR1))
        yield set_mask(m, sig.SIGHUP)  # the mask of the wait is over and forgotten
        yield m.call("kill", 1, sig.SIGUSR1)
        yield m.call("rt_sigprocmask", 0, 0, m.scratch, 8)
        assert m.load(m.scratch, 8) == struct.pack("<Q", mask_of(sig.SIGHUP))
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0
    assert sorted(signo for signo, _ in seen) == [sig.SIGUSR1, sig.SIGUSR1, sig.SIGUSR2]


def test_sigsuspend_sees_what_is_pending(lab) -> None:
    seen = recorder(lab)

    def program(m):
        yield install(m, sig.SIGUSR1)
        yield set_mask(m, sig.SIGUSR1)
        yield m.call("kill", 1, sig.SIGUSR1)
        m.store(m.scratch, bytes(8))
        assert (yield m.call("rt_sigsuspend", m.scratch, 8)) == -EINTR.errno
        assert len(seen) == 1
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_sigtimedwait(lab) -> None:
    seen = recorder(lab)

    def killer(m):
        yield m.call("kill", 1, sig.SIGUSR1)
        yield m.call("exit_group", 3)

    def program(m):
        wanted = mask_of(sig.SIGUSR1, 40)
        yield install(m, sig.SIGUSR1)
        yield install(m, sig.SIGUSR2)
        yield set_mask(m, sig.SIGUSR1, 40)
        m.store(m.scratch, struct.pack("<Qqq", wanted, 0, 0))
        assert (yield m.call("rt_sigtimedwait", m.scratch, 0, m.scratch + 8, 8)) == -EAGAIN.errno
        m.store(m.scratch + 8, struct.pack("<qq", 1, 500))
        start = lab.door.monotonic()
        assert (yield m.call("rt_sigtimedwait", m.scratch, 0, m.scratch + 8, 8)) == -EAGAIN.errno
        assert lab.door.monotonic() - start >= 1_000_000_500
        child = yield m.fork(killer)
        assert (yield m.call("rt_sigtimedwait", m.scratch, m.scratch + 64, 0, 8)) == sig.SIGUSR1
        assert struct.unpack("<iii4xi", m.load(m.scratch + 64, 20)) == (10, 0, 0, child)
        yield m.call("wait4", child, 0, 0, 0)
        m.store(m.scratch + 8, struct.pack("<qq", 1, 1_000_000_000))
        assert (yield m.call("rt_sigtimedwait", m.scratch, 0, m.scratch + 8, 8)) == -EINVAL.errno
        assert (yield m.call("rt_sigtimedwait", BAD, 0, 0, 8)) == -EFAULT.errno
        assert (yield m.call("rt_sigtimedwait", m.scratch, 0, BAD, 8)) == -EFAULT.errno
        assert (yield m.call("rt_sigtimedwait", m.scratch, 0, 0, 16)) == -EINVAL.errno
        assert seen == []
        yield set_mask(m)
        yield m.call("kill", 1, sig.SIGUSR1)  # nobody waits for it any more
        assert len(seen) == 1
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_sigtimedwait_does_not_see_what_is_ignored(lab) -> None:
    def killer(m):
        yield m.call("kill", 1, sig.SIGWINCH)
        yield m.call("exit_group", 0)

    def program(m):
        m.store(m.scratch, struct.pack("<Qqq", mask_of(sig.SIGWINCH), 1, 0))
        yield m.fork(killer)
        result = yield m.call("rt_sigtimedwait", m.scratch, 0, m.scratch + 8, 8)
        assert result == -EAGAIN.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_sigtimedwait_is_ended_by_another_handler(lab) -> None:
    seen = recorder(lab)

    def killer(m):
        yield m.call("kill", 1, sig.SIGUSR2)
        yield m.call("exit_group", 3)

    def program(m):
        yield install(m, sig.SIGUSR2, flags=sig.SA_RESTART)
        m.store(m.scratch, struct.pack("<Q", mask_of(sig.SIGUSR1)))
        yield m.fork(killer)
        assert (yield m.call("rt_sigtimedwait", m.scratch, 0, 0, 8)) == -EINTR.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0
    assert len(seen) == 1


@pytest.mark.parametrize("flags", [0, sig.SA_RESTART])
def test_wait4_is_interrupted_or_begins_again(lab, flags) -> None:
    seen = recorder(lab)
    results = []

    def child(m):
        yield m.call("kill", 1, sig.SIGUSR1)
        yield m.call("sched_yield")
        yield m.call("exit_group", 4)

    def program(m):
        yield install(m, sig.SIGUSR1, flags=flags)
        pid = yield m.fork(child)
        results.append((yield m.call("wait4", pid, 0, 0, 0)) == pid)
        yield m.call("exit_group", 0)

    lab.run(program)
    assert len(seen) == 1
    assert results == [bool(flags)]


# -- children ---------------------------------------------------------------------------------


def test_sigchld_tells_how_the_child_ended(lab) -> None:
    seen = recorder(lab)

    def child(m):
        yield m.call("exit_group", 7)

    def victim(m):
        pid = yield m.call("getpid")
        yield m.call("kill", pid, sig.SIGKILL)

    def program(m):
        yield install(m, sig.SIGCHLD, flags=sig.SA_RESTART)
        for function in (child, victim):
            pid = yield m.fork(function)
            assert (yield m.call("wait4", pid, 0, 0, 0)) == pid
        yield m.call("exit_group", 0)

    lab.run(program)
    ends = [struct.unpack_from("<iii4xiIi", info) for _, info in seen]
    assert [(code, status) for _, _, code, _, _, status in ends] == [
        (sig.CLD_EXITED, 7), (sig.CLD_KILLED, sig.SIGKILL),
    ]  # fmt: skip
    assert ends[0][3] != ends[1][3]


@pytest.mark.parametrize(("handler", "flags"), [(sig.SIG_IGN, 0), (0, sig.SA_NOCLDWAIT)])
def test_children_that_nobody_waits_for(lab, handler, flags) -> None:
    def child(m):
        yield m.call("exit_group", 7)

    def program(m):
        yield install(m, sig.SIGCHLD, handler=handler, flags=flags)
        yield m.fork(child)
        assert (yield m.call("wait4", -1, 0, 0, 0)) == -ECHILD.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0
    assert set(lab.kernel.processes) <= {1}


def test_stop_and_continue(lab) -> None:
    seen = recorder(lab)
    trail = []

    def child(m):
        while True:
            trail.append("child")
            yield m.call("sched_yield")

    def program(m):
        yield install(m, sig.SIGCHLD)
        pid = yield m.fork(child)
        yield m.call("kill", pid, sig.SIGSTOP)
        assert (yield m.call("wait4", pid, m.scratch, 2, 0)) in (pid, -EINTR.errno)
        yield m.call("wait4", pid, m.scratch, 2 | WNOHANG, 0)
        count = len(trail)
        for _ in range(5):
            yield m.call("sched_yield")
        assert len(trail) == count
        yield m.call("kill", pid, sig.SIGTERM)  # waits until the child goes on
        for _ in range(5):
            yield m.call("sched_yield")
        assert (yield m.call("wait4", pid, 0, WNOHANG, 0)) == 0
        yield m.call("kill", pid, sig.SIGCONT)
        result = -EINTR.errno
        while result == -EINTR.errno:
            result = yield m.call("wait4", pid, m.scratch, 0, 0)
        assert result == pid
        assert struct.unpack("<i", m.load(m.scratch, 4))[0] == sig.SIGTERM
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0
    codes = [struct.unpack_from("<iii", info)[2] for _, info in seen]
    assert codes[0] == sig.CLD_STOPPED
    assert sig.CLD_CONTINUED in codes


def test_a_signal_behind_a_stop_comes_after_it(lab) -> None:
    seen = recorder(lab)

    def child(m):
        yield install(m, 40)
        for _ in range(20):
            yield Interrupt()  # the others run when the time slice is over
            if seen:
                yield m.call("exit_group", 0)
            yield m.call("getpid")
        yield m.call("exit_group", 1)

    def program(m):
        pid = yield m.fork(child)
        yield m.call("sched_yield")
        yield m.call("kill", pid, sig.SIGSTOP)
        yield m.call("kill", pid, 40)
        assert (yield m.call("wait4", pid, 0, 2, 0)) == pid
        assert seen == []
        yield m.call("kill", pid, sig.SIGCONT)
        assert (yield m.call("wait4", pid, m.scratch, 0, 0)) == pid
        assert m.load(m.scratch, 4) == bytes(4)
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_stop_and_continue_cancel_each_other(lab) -> None:
    def program(m):
        def pending():
            return m.call("rt_sigpending", m.scratch, 8)

        yield set_mask(m, sig.SIGTSTP, sig.SIGTTIN, sig.SIGCONT)
        yield m.call("kill", 1, sig.SIGTSTP)
        yield m.call("tkill", 1, sig.SIGTTIN)
        yield pending()
        assert m.load(m.scratch, 8) == struct.pack("<Q", mask_of(sig.SIGTSTP, sig.SIGTTIN))
        yield m.call("kill", 1, sig.SIGCONT)
        yield pending()
        assert m.load(m.scratch, 8) == struct.pack("<Q", mask_of(sig.SIGCONT))
        yield m.call("tkill", 1, sig.SIGTTIN)
        yield pending()
        assert m.load(m.scratch, 8) == struct.pack("<Q", mask_of(sig.SIGTTIN))
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_a_stop_keeps_a_sleep_asleep(lab) -> None:
    """The sleep ends at its own time; a stop in between is no EINTR (signal(7))."""

    def child(m):
        m.store(m.scratch, struct.pack("<Qqq", mask_of(sig.SIGUSR1), 5, 0))
        result = yield m.call("rt_sigtimedwait", m.scratch, 0, m.scratch + 8, 8)
        yield m.call("exit_group", 1 if result == -EAGAIN.errno else 2)

    def program(m):
        pid = yield m.fork(child)
        yield m.call("sched_yield")
        yield m.call("kill", pid, sig.SIGSTOP)
        assert (yield m.call("wait4", pid, m.scratch, 2, 0)) == pid
        assert struct.unpack("<i", m.load(m.scratch, 4))[0] == sig.SIGSTOP << 8 | 0x7F
        yield m.call("kill", pid, sig.SIGCONT)
        assert (yield m.call("wait4", pid, m.scratch, 8, 0)) == pid
        assert struct.unpack("<i", m.load(m.scratch, 4))[0] == 0xFFFF
        assert (yield m.call("wait4", pid, m.scratch, 0, 0)) == pid
        assert struct.unpack("<i", m.load(m.scratch, 4))[0] == 1 << 8
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_nocldstop(lab) -> None:
    seen = recorder(lab)

    def child(m):
        yield m.call("rt_sigsuspend", m.scratch, 8)

    def program(m):
        m.store(m.scratch, bytes(8))
        yield install(m, sig.SIGCHLD, flags=sig.SA_NOCLDSTOP | sig.SA_RESTART)
        pid = yield m.fork(child)
        yield m.call("sched_yield")
        yield m.call("kill", pid, sig.SIGSTOP)
        assert (yield m.call("wait4", pid, 0, 2, 0)) == pid
        assert seen == []
        yield m.call("kill", pid, sig.SIGKILL)  # ends a stopped process too
        assert (yield m.call("wait4", pid, m.scratch + 64, 0, 0)) == pid
        assert struct.unpack("<i", m.load(m.scratch + 64, 4))[0] == sig.SIGKILL
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0
    assert len(seen) == 1


def test_terminal_stop_is_discarded_in_an_orphaned_group(lab) -> None:
    def program(m):
        yield m.call("setsid")  # a new session: nobody outside the group belongs to it
        pid = yield m.call("getpid")
        yield m.call("kill", pid, sig.SIGTSTP)
        yield m.call("exit_group", 6)

    assert status_of(lab, program) == 6 << 8


def test_an_orphaned_group_with_stopped_members_is_hung_up(lab) -> None:
    def grandchild(m):
        yield m.call("setpgid", 0, 0)
        pid = yield m.call("getpid")
        yield m.call("kill", pid, sig.SIGTSTP)
        yield m.call("exit_group", 6)  # not reached: SIGHUP comes with SIGCONT

    def child(m):
        yield m.call("setsid")  # so that init, who adopts, is of another session
        yield m.fork(grandchild)
        assert (yield m.call("wait4", -1, 0, 2, 0)) > 0
        yield m.call("exit_group", 0)

    def program(m):
        shell = yield m.fork(child)
        assert (yield m.call("wait4", shell, 0, 0, 0)) == shell
        assert (yield m.call("wait4", -1, m.scratch, 0, 0)) > 0
        assert struct.unpack("<i", m.load(m.scratch, 4))[0] == sig.SIGHUP
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0
