"""Who may send signals to whom, and what the calls refuse, on the scripted machine."""

from __future__ import annotations

import struct

import pytest

from starrylab.abi import signal as sig
from starrylab.abi.errno import (
    EAGAIN,
    EBADF,
    EFAULT,
    EINTR,
    EINVAL,
    EPERM,
    ESRCH,
)
from starrylab.abi.fcntl import AT_FDCWD, O_PATH, O_RDONLY
from starrylab.abi.resource import RLIMIT_SIGPENDING
from starrylab.abi.wait import P_PIDFD, WEXITED, WNOHANG
from starrylab.kernel.signal.info import SignalInfo
from starrylab.kernel.task.cred import Credentials
from tests.kernel.syscalls.signal_support import (
    BAD,
    HANDLER,
    THREAD,
    action,
    install,
    mask_of,
    recorder,
    set_mask,
    status_of,
)

pytestmark = pytest.mark.timeout(20)

# -- threads -----------------------------------------------------------------------------------


def test_a_thread_that_does_not_block_the_signal_takes_it(lab) -> None:
    takers = []

    def handler(m):
        takers.append((yield m.call("gettid")))

    lab.hart.texts[HANDLER] = handler

    def second(m):
        m.store(m.scratch + 0x2000, bytes(8))
        assert (yield m.call("rt_sigsuspend", m.scratch + 0x2000, 8)) == -EINTR.errno
        yield m.call("exit", 0)

    def program(m):
        yield install(m, sig.SIGUSR1)
        yield set_mask(m, sig.SIGUSR1)
        tid = yield m.clone(second, THREAD, m.scratch + 0x8000, 0, 0, 0)
        yield m.call("sched_yield")
        yield m.call("kill", 1, sig.SIGUSR1)
        for _ in range(10):
            yield m.call("sched_yield")
        assert takers == [tid]
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_tgkill_reaches_one_thread(lab) -> None:
    takers = []

    def handler(m):
        takers.append((yield m.call("gettid")))

    lab.hart.texts[HANDLER] = handler

    def second(m):
        m.store(m.scratch + 0x2000, bytes(8))
        yield m.call("rt_sigsuspend", m.scratch + 0x2000, 8)
        yield m.call("exit", 0)

    def program(m):
        yield install(m, sig.SIGUSR1)
        tid = yield m.clone(second, THREAD, m.scratch + 0x8000, 0, 0, 0)
        yield m.call("sched_yield")
        assert (yield m.call("tgkill", tid, tid, sig.SIGUSR1)) == -ESRCH.errno
        assert (yield m.call("tgkill", 0, tid, sig.SIGUSR1)) == -EINVAL.errno
        assert (yield m.call("tkill", 0, sig.SIGUSR1)) == -EINVAL.errno
        assert (yield m.call("tkill", 99999, sig.SIGUSR1)) == -ESRCH.errno
        assert (yield m.call("tgkill", 1, tid, 0)) == 0
        assert (yield m.call("tgkill", 1, tid, 65)) == -EINVAL.errno
        assert takers == []
        assert (yield m.call("tgkill", 1, tid, sig.SIGUSR1)) == 0
        for _ in range(10):
            yield m.call("sched_yield")
        assert takers == [tid]
        yield m.call("tkill", 1, sig.SIGUSR1)
        assert takers == [tid, 1]
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


# -- who may send, and to whom --------------------------------------------------------------------


def test_kill_targets(lab) -> None:
    def sleeper(m):
        m.store(m.scratch, bytes(8))
        yield m.call("rt_sigsuspend", m.scratch, 8)

    def program(m):
        assert (yield m.call("kill", 99999, 0)) == -ESRCH.errno
        assert (yield m.call("kill", -99999, 0)) == -ESRCH.errno
        assert (yield m.call("kill", -(1 << 31), 0)) == -ESRCH.errno
        assert (yield m.call("kill", 1, 65)) == -EINVAL.errno
        assert (yield m.call("kill", 1, -1)) == -EINVAL.errno
        assert (yield m.call("kill", -1, 0)) == -ESRCH.errno  # nobody but us
        pids = []
        for _ in range(3):
            pids.append((yield m.fork(sleeper)))  # noqa: PERF401
        yield m.call("setpgid", pids[0], pids[0])
        yield m.call("setpgid", pids[1], pids[0])
        yield m.call("sched_yield")
        assert (yield m.call("kill", -pids[0], sig.SIGTERM)) == 0
        for pid in pids[:2]:
            assert (yield m.call("wait4", pid, 0, 0, 0)) == pid
        assert (yield m.call("kill", pids[2], 0)) == 0
        assert (yield m.call("wait4", -1, 0, WNOHANG, 0)) == 0
        assert (yield m.call("kill", -1, sig.SIGTERM)) == 0
        assert (yield m.call("wait4", -1, m.scratch, 0, 0)) == pids[2]
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_permission(lab) -> None:
    results = []

    def victim(m):
        m.store(m.scratch, bytes(8))
        yield m.call("rt_sigsuspend", m.scratch, 8)

    def user(m):
        yield m.call("setresuid", 1000, 1000, 1000)
        for signo in (0, sig.SIGTERM, sig.SIGCONT):
            results.append((yield m.call("kill", m.victim, signo)))  # noqa: PERF401
        results.append((yield m.call("kill", -1, sig.SIGTERM)))
        m.store(m.scratch, struct.pack("<iii4xiI104x", 0, 0, sig.SI_QUEUE, 0, 0))
        results.append((yield m.call("rt_sigqueueinfo", m.victim, sig.SIGTERM, m.scratch)))
        yield m.call("exit_group", 0)

    def program(m):
        type(m).victim = yield m.fork(victim)
        yield m.call("sched_yield")
        pid = yield m.fork(user)
        yield m.call("wait4", pid, 0, 0, 0)
        assert (yield m.call("wait4", m.victim, 0, WNOHANG, 0)) == 0
        yield m.call("exit_group", 0)

    lab.run(program)
    assert results == [-EPERM.errno, -EPERM.errno, 0, 0, -EPERM.errno]


def test_users_may_signal_their_own(lab) -> None:
    def program(m):
        yield m.call("setresuid", 1000, 1000, 1000)
        pid = yield m.call("getpid")
        other = yield m.fork(sleeper)
        yield m.call("sched_yield")
        assert (yield m.call("kill", other, sig.SIGTERM)) == 0
        assert (yield m.call("wait4", other, 0, 0, 0)) == other
        assert (yield m.call("kill", 1, sig.SIGTERM)) == -EPERM.errno
        yield m.call("kill", pid, sig.SIGTERM)

    def sleeper(m):
        m.store(m.scratch, bytes(8))
        yield m.call("rt_sigsuspend", m.scratch, 8)

    assert status_of(lab, program) == sig.SIGTERM


def test_nobody_may_pretend_to_be_the_kernel(lab) -> None:
    seen = recorder(lab)

    def child(m):
        for code in (sig.SI_USER, sig.SI_KERNEL, sig.SI_TKILL):
            m.store(m.scratch, struct.pack("<iii116x", 0, 0, code))
            assert (yield m.call("rt_sigqueueinfo", 1, 40, m.scratch)) == -EPERM.errno
            assert (yield m.call("rt_tgsigqueueinfo", 1, 1, 40, m.scratch)) == -EPERM.errno
        assert (yield m.call("rt_sigqueueinfo", 1, 65, m.scratch)) == -EINVAL.errno
        assert (yield m.call("rt_sigqueueinfo", 1, 40, BAD)) == -EFAULT.errno
        m.store(m.scratch, struct.pack("<iii4xiIQ96x", 99, 3, -9, 4, 5, 6))
        assert (yield m.call("rt_tgsigqueueinfo", 1, 0, 40, m.scratch)) == -EINVAL.errno
        assert (yield m.call("rt_tgsigqueueinfo", 1, 1, 40, m.scratch)) == 0
        yield m.call("exit_group", 0)

    def program(m):
        yield install(m, 40, flags=sig.SA_RESTART)
        yield m.fork(child)
        assert (yield m.call("wait4", -1, m.scratch, 0, 0)) > 0
        assert m.load(m.scratch, 4) == bytes(4)
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0
    assert [info for _, info in seen] == [struct.pack("<iii4xiIQ96x", 40, 3, -9, 4, 5, 6)]


def test_the_queue_is_limited(lab) -> None:
    def program(m):
        yield set_mask(m, 40)
        thread = lab.kernel.threads[1]
        thread.process.limits.set(RLIMIT_SIGPENDING, 3, 3, Credentials())
        m.store(m.scratch, struct.pack("<iii116x", 0, 0, sig.SI_QUEUE))
        for _ in range(3):
            assert (yield m.call("rt_sigqueueinfo", 1, 40, m.scratch)) == 0
        assert (yield m.call("rt_sigqueueinfo", 1, 40, m.scratch)) == -EAGAIN.errno
        assert (yield m.call("tkill", 1, 40)) == -EAGAIN.errno
        assert (yield m.call("kill", 1, 40)) == 0  # merged
        assert (yield m.call("kill", 1, sig.SIGUSR1)) == 0
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_a_directory_of_proc_names_a_process(lab) -> None:
    def sleeper(m):
        m.store(m.scratch, bytes(8))
        yield m.call("rt_sigsuspend", m.scratch, 8)

    def program(m):
        pid = yield m.fork(sleeper)

        def opened(path, flags=O_RDONLY):
            m.store(m.scratch, path.encode() + b"\0")
            return m.call("openat", AT_FDCWD, m.scratch, flags, 0)

        fd = yield opened(f"/proc/{pid}")
        thread = yield opened(f"/proc/{pid}/task/{pid}")
        path = yield opened(f"/proc/{pid}", O_PATH)
        file = yield opened(f"/proc/{pid}/stat")
        for other in (thread, path, file):
            assert (yield m.call("pidfd_send_signal", other, 0, 0, 0)) == -EBADF.errno
        assert (yield m.call("waitid", P_PIDFD, fd, 0, WEXITED, 0)) == -EBADF.errno
        assert (yield m.call("pidfd_send_signal", fd, sig.SIGTERM, 0, 0)) == 0
        assert (yield m.call("wait4", pid, m.scratch, 0, 0)) == pid
        assert (yield m.call("pidfd_send_signal", fd, 0, 0, 0)) == -ESRCH.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_pidfd_names_a_process(lab) -> None:
    seen = recorder(lab)

    def sleeper(m):
        m.store(m.scratch, bytes(8))
        yield m.call("rt_sigsuspend", m.scratch, 8)

    def program(m):
        pid = yield m.fork(sleeper)
        yield install(m, sig.SIGUSR1)
        fd = yield m.call("pidfd_open", pid, 0)
        own = yield m.call("pidfd_open", 1, 0)
        info = m.scratch + 0x100
        m.store(info, struct.pack("<iii4xiIQ96x", 10, 0, sig.SI_USER, 77, 0, 5))
        assert (yield m.call("pidfd_send_signal", fd, 0, 0, 0)) == 0
        assert (yield m.call("pidfd_send_signal", fd, 65, 0, 0)) == -EINVAL.errno
        assert (yield m.call("pidfd_send_signal", fd, 11, info, 0)) == -EINVAL.errno
        assert (yield m.call("pidfd_send_signal", fd, 10, info, 0)) == -EPERM.errno
        assert (yield m.call("pidfd_send_signal", own, 10, info, 0)) == 0
        assert struct.unpack_from("<iii4xi", seen[0][1]) == (10, 0, sig.SI_USER, 77)
        assert (yield m.call("pidfd_send_signal", fd, sig.SIGTERM, 0, 0)) == 0
        assert (yield m.call("wait4", pid, m.scratch, 0, 0)) == pid
        assert struct.unpack("<i", m.load(m.scratch, 4))[0] == sig.SIGTERM
        assert (yield m.call("pidfd_send_signal", fd, 0, 0, 0)) == -ESRCH.errno
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_a_signal_outlives_the_thread_it_was_meant_for(lab) -> None:
    takers = []

    def handler(m):
        takers.append((yield m.call("gettid")))

    lab.hart.texts[HANDLER] = handler

    def second(m):
        lab.kernel.threads[1].signals.mask = 0  # only now may the other one take it
        yield m.call("exit", 0)

    def program(m):
        yield install(m, sig.SIGUSR1)
        yield set_mask(m, sig.SIGUSR1)
        yield m.clone(second, THREAD, m.scratch + 0x8000, 0, 0, 0)
        yield m.call("kill", 1, sig.SIGUSR1)
        m.store(m.scratch, struct.pack("<Qqq", mask_of(sig.SIGUSR2), 5, 0))
        result = yield m.call("rt_sigtimedwait", m.scratch, 0, m.scratch + 8, 8)
        assert result == -EINTR.errno
        assert takers == [1]
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


# -- arguments -------------------------------------------------------------------------------------


def test_bad_arguments(lab) -> None:
    def program(m):
        act = action(m, m.scratch, HANDLER)
        calls = [
            (m.call("rt_sigaction", 10, act, 0, 4), EINVAL),
            (m.call("rt_sigaction", 0, act, 0, 8), EINVAL),
            (m.call("rt_sigaction", 65, 0, 0, 8), EINVAL),
            (m.call("rt_sigaction", sig.SIGKILL, act, 0, 8), EINVAL),
            (m.call("rt_sigaction", sig.SIGSTOP, act, 0, 8), EINVAL),
            (m.call("rt_sigaction", 10, BAD, 0, 8), EFAULT),
            (m.call("rt_sigaction", 10, 0, BAD, 8), EFAULT),
            (m.call("rt_sigprocmask", 3, m.scratch, 0, 8), EINVAL),
            (m.call("rt_sigprocmask", 0, m.scratch, 0, 16), EINVAL),
            (m.call("rt_sigprocmask", 0, BAD, 0, 8), EFAULT),
            (m.call("rt_sigprocmask", 0, 0, BAD, 8), EFAULT),
            (m.call("rt_sigpending", BAD, 8), EFAULT),
            (m.call("rt_sigpending", m.scratch, 9), EINVAL),
            (m.call("rt_sigsuspend", BAD, 8), EFAULT),
            (m.call("rt_sigsuspend", m.scratch, 9), EINVAL),
            (m.call("sigaltstack", 0, BAD), EFAULT),
            (m.call("pidfd_send_signal", 99, 10, 0, 0), EBADF),
            (m.call("pidfd_send_signal", 99, 10, 0, 8), EINVAL),
            (m.call("pidfd_send_signal", 99, 10, 0, 3), EINVAL),
        ]
        for call, error in calls:
            assert (yield call) == -error.errno, (call, error)
        assert (yield m.call("rt_sigaction", sig.SIGKILL, 0, m.scratch, 8)) == 0
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_actions_read_back(lab) -> None:
    def program(m):
        flags = sig.SA_RESTART | sig.SA_UNSUPPORTED | sig.SA_SIGINFO
        act = action(m, m.scratch, HANDLER, flags, mask_of(9, 10, 19))
        yield m.call("rt_sigaction", 12, act, 0, 8)
        yield m.call("rt_sigaction", 12, 0, m.scratch + 64, 8)
        assert struct.unpack("<QQQ", m.load(m.scratch + 64, 24)) == (
            HANDLER, sig.SA_RESTART | sig.SA_SIGINFO, mask_of(10),
        )  # fmt: skip
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_masks(lab) -> None:
    def program(m):
        def read():
            return m.call("rt_sigprocmask", 0, 0, m.scratch, 8)

        yield set_mask(m, 1, 9, 19, 64)
        yield read()
        assert m.load(m.scratch, 8) == struct.pack("<Q", mask_of(1, 64))
        yield set_mask(m, 2, how=sig.SIG_BLOCK)
        yield set_mask(m, 64, how=sig.SIG_UNBLOCK)
        yield read()
        assert m.load(m.scratch, 8) == struct.pack("<Q", mask_of(1, 2))
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


def test_listeners_hear_of_every_delivery(lab) -> None:
    heard: list[SignalInfo] = []
    lab.kernel.events.subscribe("signal", lambda thread, info: heard.append(info))

    def program(m):
        pid = yield m.call("getpid")
        yield m.call("kill", pid, sig.SIGTERM)

    assert status_of(lab, program) == sig.SIGTERM
    assert [info.signo for info in heard] == [sig.SIGTERM]
