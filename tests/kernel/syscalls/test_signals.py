"""Signals through the whole kernel, on the scripted machine: handlers, masks, restarts."""

from __future__ import annotations

import struct

import pytest

from starrylab.abi import signal as sig
from starrylab.abi.errno import (
    EAGAIN,
    EBADF,
    ECHILD,
    EFAULT,
    EINTR,
    EINVAL,
    ENOMEM,
    EPERM,
    ESRCH,
)
from starrylab.abi.resource import RLIMIT_SIGPENDING
from starrylab.abi.sched import (
    CLONE_FILES,
    CLONE_FS,
    CLONE_SIGHAND,
    CLONE_THREAD,
    CLONE_VM,
)
from starrylab.abi.wait import WNOHANG
from starrylab.kernel.signal.info import SignalInfo
from starrylab.kernel.task.cred import Credentials
from starrylab.machine.api import Fault, Interrupt

pytestmark = pytest.mark.timeout(20)

HANDLER = 0x4_0000
OTHER = 0x4_1000
BAD = 0x7_0000_0000  # nothing is mapped there
THREAD = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD


def mask_of(*signals: int) -> int:
    return sum(1 << n - 1 for n in signals)


def action(m, addr, handler, flags=0, mask=0) -> int:
    m.store(addr, struct.pack("<QQQ", handler, flags, mask))
    return addr


def install(m, signo, handler=HANDLER, flags=0, mask=0):
    """rt_sigaction(2) as a trap to yield."""
    return m.call("rt_sigaction", signo, action(m, m.scratch + 0x800, handler, flags, mask), 0, 8)


def set_mask(m, *signals, how=sig.SIG_SETMASK):
    m.store(m.scratch + 0x900, struct.pack("<Q", mask_of(*signals)))
    return m.call("rt_sigprocmask", how, m.scratch + 0x900, 0, 8)


def recorder(lab, addr=HANDLER):
    """Register a handler at ``addr``; return the list of (signo, siginfo bytes) it makes."""
    seen: list[tuple[int, bytes]] = []

    def handler(m):
        seen.append((m.argument, m.load(m.x[11], 128)))
        return
        yield

    lab.hart.texts[addr] = handler
    return seen


def child_of(program):
    """Run ``program`` in a child, so that it is not the protected first process."""

    def parent(m):
        yield m.fork(program)
        yield m.call("wait4", -1, m.scratch, 0, 0)
        m._hart.child_status = struct.unpack("<i", m.load(m.scratch, 4))[0]
        yield m.call("exit_group", 0)

    return parent


def status_of(lab, program) -> int:
    lab.run(child_of(program))
    return lab.hart.child_status


# -- handlers ----------------------------------------------------------------------------


def test_handler_runs_and_the_program_goes_on(lab) -> None:
    seen = recorder(lab)

    def program(m):
        yield install(m, sig.SIGUSR1)
        before = m.registers()
        result = yield m.call("kill", 1, sig.SIGUSR1)
        after = m.registers()
        assert result == 0
        assert after[1:10] == before[1:10]
        assert after[18:] == before[18:]
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0
    ((signo, info),) = seen
    assert signo == sig.SIGUSR1
    assert struct.unpack_from("<iii4xii", info) == (sig.SIGUSR1, 0, sig.SI_USER, 1, 0)


def test_handler_has_its_signal_and_mask_blocked(lab) -> None:
    masks = []

    def handler(m):
        yield m.call("rt_sigprocmask", 0, 0, m.scratch, 8)
        masks.append(struct.unpack("<Q", m.load(m.scratch, 8))[0])

    lab.hart.texts[HANDLER] = handler

    def program(m):
        yield set_mask(m, sig.SIGHUP)
        yield install(m, sig.SIGUSR1, mask=mask_of(sig.SIGUSR2, sig.SIGKILL, sig.SIGSTOP))
        yield m.call("kill", 1, sig.SIGUSR1)
        yield install(m, sig.SIGUSR1, flags=sig.SA_NODEFER)
        yield m.call("kill", 1, sig.SIGUSR1)
        yield m.call("rt_sigprocmask", 0, 0, m.scratch, 8)
        masks.append(struct.unpack("<Q", m.load(m.scratch, 8))[0])
        yield m.call("exit_group", 0)

    lab.run(program)
    assert masks == [
        mask_of(sig.SIGHUP, sig.SIGUSR1, sig.SIGUSR2), mask_of(sig.SIGHUP), mask_of(sig.SIGHUP),
    ]  # fmt: skip


def test_standard_signals_merge_and_realtime_ones_queue(lab) -> None:
    seen = recorder(lab)

    def program(m):
        for signo in (sig.SIGUSR1, 40, 41):
            yield install(m, signo)
        yield set_mask(m, sig.SIGUSR1, 40, 41)
        for number in range(3):
            yield m.call("kill", 1, sig.SIGUSR1)
            for signo in (41, 40):
                m.store(m.scratch, struct.pack("<iii4xiIQ96x", 0, 0, sig.SI_QUEUE, 1, 0, number))
                yield m.call("rt_sigqueueinfo", 1, signo, m.scratch)
        yield m.call("rt_sigpending", m.scratch, 8)
        assert m.load(m.scratch, 8) == struct.pack("<Q", mask_of(sig.SIGUSR1, 40, 41))
        yield set_mask(m)
        yield m.call("exit_group", 0)

    lab.run(program)
    # A frame is pushed for each number, so the last one runs first; what is left of a queue
    # comes when its handler returns.
    assert [(signo, struct.unpack_from("<Q", info, 24)[0]) for signo, info in seen] == [
        (41, 0), (41, 1), (41, 2), (40, 0), (40, 1), (40, 2), (sig.SIGUSR1, 0),
    ]  # fmt: skip


def test_reset_hand_runs_once(lab) -> None:
    seen = recorder(lab)

    def program(m):
        yield install(m, sig.SIGTERM, flags=sig.SA_RESETHAND)
        pid = yield m.call("getpid")
        yield m.call("kill", pid, sig.SIGTERM)
        yield m.call("kill", pid, sig.SIGTERM)

    assert status_of(lab, program) == sig.SIGTERM
    assert len(seen) == 1


def test_handler_on_the_alternate_stack(lab) -> None:
    stacks = []

    def handler(m):
        stacks.append(m.sp)
        yield m.call("sigaltstack", 0, m.scratch)
        stacks.append(struct.unpack("<Qi4xQ", m.load(m.scratch, 24)))
        m.store(m.scratch, struct.pack("<Qi4xQ", 0, sig.SS_DISABLE, 0))
        stacks.append((yield m.call("sigaltstack", m.scratch, 0)))

    lab.hart.texts[HANDLER] = handler

    def program(m):
        base = m.scratch + 0x4000
        m.store(m.scratch, struct.pack("<Qi4xQ", base, 0, 2047))
        assert (yield m.call("sigaltstack", m.scratch, 0)) == -ENOMEM.errno
        m.store(m.scratch, struct.pack("<Qi4xQ", base, 8, 0x2000))
        assert (yield m.call("sigaltstack", m.scratch, 0)) == -EINVAL.errno
        assert (yield m.call("sigaltstack", BAD, 0)) == -EFAULT.errno
        m.store(m.scratch, struct.pack("<Qi4xQ", base, 0, 0x2000))
        yield m.call("sigaltstack", m.scratch, 0)
        yield install(m, sig.SIGUSR1, flags=sig.SA_ONSTACK)
        yield m.call("kill", 1, sig.SIGUSR1)
        yield m.call("sigaltstack", 0, m.scratch)
        stacks.append(struct.unpack("<Qi4xQ", m.load(m.scratch, 24)))
        yield m.call("exit_group", 0)

    lab.run(program)
    base = 0x10_0000 + 0x4000
    assert base < stacks[0] <= base + 0x2000
    assert stacks[1] == (base, sig.SS_ONSTACK, 0x2000)
    assert stacks[2] == -EPERM.errno
    assert stacks[3] == (base, 0, 0x2000)


def test_no_stack_for_the_frame_kills(lab) -> None:
    recorder(lab)

    def program(m):
        yield install(m, sig.SIGUSR1)
        pid = yield m.call("getpid")
        m.sp = BAD
        yield m.call("kill", pid, sig.SIGUSR1)
        pytest.fail("unreachable")

    assert status_of(lab, program) == sig.SIGSEGV


def test_segv_handler_may_use_the_alternate_stack_when_the_stack_is_gone(lab) -> None:
    seen = recorder(lab)

    def program(m):
        m.store(m.scratch, struct.pack("<Qi4xQ", m.scratch + 0x4000, 0, 0x2000))
        yield m.call("sigaltstack", m.scratch, 0)
        yield install(m, sig.SIGUSR1)
        yield install(m, sig.SIGSEGV, flags=sig.SA_ONSTACK)
        good, m.sp = m.sp, BAD
        yield m.call("kill", 1, sig.SIGUSR1)
        m.sp = good
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0
    assert [signo for signo, _ in seen] == [sig.SIGSEGV]
    assert struct.unpack_from("<iii", seen[0][1]) == (sig.SIGSEGV, 0, sig.SI_KERNEL)


def test_a_spoilt_frame_kills(lab) -> None:
    def handler(m):
        m.store(m.sp + 128 + 960 - 4, b"\1")
        return
        yield

    lab.hart.texts[HANDLER] = handler

    def program(m):
        yield install(m, sig.SIGUSR1)
        pid = yield m.call("getpid")
        yield m.call("kill", pid, sig.SIGUSR1)
        pytest.fail("unreachable")

    assert status_of(lab, program) == sig.SIGSEGV


def test_sigreturn_without_a_frame_kills(lab) -> None:
    def program(m):
        m.sp = BAD
        yield m.call("rt_sigreturn")
        pytest.fail("unreachable")

    assert status_of(lab, program) == sig.SIGSEGV


# -- default actions and faults --------------------------------------------------------------


@pytest.mark.parametrize("signo", [sig.SIGTERM, sig.SIGKILL, sig.SIGUSR1, sig.SIGQUIT, 33, 64])
def test_default_action_ends(lab, signo) -> None:
    def program(m):
        pid = yield m.call("getpid")
        yield m.call("kill", pid, signo)
        pytest.fail("unreachable")

    assert status_of(lab, program) == signo


@pytest.mark.parametrize("signo", [sig.SIGCHLD, sig.SIGURG, sig.SIGWINCH, sig.SIGCONT])
def test_default_action_ignores(lab, signo) -> None:
    def program(m):
        pid = yield m.call("getpid")
        yield m.call("kill", pid, signo)
        yield m.call("exit_group", 5)

    assert status_of(lab, program) == 5 << 8


def test_init_is_protected_but_not_from_its_own_faults(lab) -> None:
    def program(m):
        for signo in (sig.SIGTERM, sig.SIGKILL, sig.SIGSTOP, sig.SIGSEGV):
            assert (yield m.call("kill", 1, signo)) == 0
        yield Fault("illegal instruction")
        pytest.fail("unreachable")

    lab.run(program)
    assert lab.exit_status == sig.SIGILL


def test_fault_with_a_handler_tells_where(lab) -> None:
    seen = recorder(lab)

    def program(m):
        yield install(m, sig.SIGSEGV)
        m.load(BAD + 5, 1)
        yield m.call("exit_group", 0)

    def handler(m):
        seen.append((m.argument, m.load(m.x[11], 128)))
        yield m.call("exit_group", 9)

    lab.hart.texts[HANDLER] = handler
    lab.run(program)
    assert lab.exit_status == 9 << 8
    assert struct.unpack_from("<iii4xQ", seen[0][1]) == (
        sig.SIGSEGV, 0, sig.SEGV_MAPERR, BAD + 5,
    )  # fmt: skip


@pytest.mark.parametrize("how", ["blocked", "ignored"])
def test_a_fault_cannot_be_refused(lab, how) -> None:
    reports = []
    lab.kernel.events.subscribe("death", reports.append)
    lines = []
    lab.kernel.log = lambda text, level=6: lines.append(text)

    def program(m):
        if how == "blocked":
            yield install(m, sig.SIGILL)
            yield set_mask(m, sig.SIGILL)
        else:
            yield install(m, sig.SIGILL, handler=sig.SIG_IGN)
        yield Fault("illegal instruction")
        pytest.fail("unreachable")

    assert status_of(lab, program) == sig.SIGILL
    (report,) = reports
    assert (report.signo, report.code, report.addr) == (sig.SIGILL, sig.ILL_ILLOPC, report.pc)
    assert dict(report.registers)["pc"] == report.pc
    assert any("SIGILL" in line for line in lines)


def test_the_fault_that_happens_is_the_one_reported(lab) -> None:
    reports = []
    lab.kernel.events.subscribe("death", reports.append)

    def program(m):
        pid = yield m.call("getpid")
        yield set_mask(m, sig.SIGSEGV)
        yield m.call("tkill", pid, sig.SIGSEGV)
        m.load(BAD + 5, 1)

    assert status_of(lab, program) == sig.SIGSEGV
    (report,) = reports
    assert (report.code, report.addr, report.sender) == (sig.SEGV_MAPERR, BAD + 5, 0)


def test_ignored_signals_vanish_even_if_pending(lab) -> None:
    def program(m):
        yield set_mask(m, sig.SIGUSR1)
        yield install(m, sig.SIGUSR1, handler=sig.SIG_IGN)
        yield m.call("kill", 1, sig.SIGUSR1)  # blocked, so it stays
        yield m.call("rt_sigpending", m.scratch, 8)
        assert m.load(m.scratch, 8) == struct.pack("<Q", mask_of(sig.SIGUSR1))
        yield install(m, sig.SIGUSR1, handler=sig.SIG_IGN)
        yield m.call("rt_sigpending", m.scratch, 8)
        assert m.load(m.scratch, 8) == bytes(8)
        yield m.call("exit_group", 0)

    lab.run(program)
    assert lab.exit_status == 0


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
